"""Recordings as arrays on disk, the common format of all data sets of spoken digits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.manifest import Manifest, load_array, reading
from hpstudy.errors import DataError

SAMPLE_RATE_HZ = 8000
CLIP_SAMPLES = 8000
"""Length of every clip: a window of one second."""
AUDIO = "audio.int16"
LABELS = ("digit", "speaker", "repetition")


@dataclass(frozen=True)
class Recording:
    """One spoken digit, placed in its window.

    Attributes:
        samples: (CLIP_SAMPLES,) int16 at SAMPLE_RATE_HZ.
        digit: 0 to 9.
        speaker: name of the speaker.
        repetition: index of the recording among the speaker's recordings of the digit, from 0.
        cut: whether samples at the end of the original were cut off.
    """

    samples: NDArray[np.int16]
    digit: int
    speaker: str
    repetition: int
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels of all clips of a data set.

    Attributes:
        digit, speaker, repetition: (n,) int64; `speaker` is an index into `speakers`.
        speakers: names of the speakers.
    """

    digit: NDArray[np.int64]
    speaker: NDArray[np.int64]
    repetition: NDArray[np.int64]
    speakers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Clips(Labels):
    """A data set on this machine.

    Attributes:
        audio: (n, CLIP_SAMPLES) int16 at SAMPLE_RATE_HZ, memory-mapped, read-only.
        manifest: its origin and checksums.
    """

    audio: NDArray[np.int16]
    manifest: Manifest


def write_clips(folder: Path, recordings: Iterable[Recording]) -> dict[str, Any]:
    """Write recordings one by one, in the given order. Returns their facts for the manifest.

    Speakers are numbered in the order of their first recording.

    Raises:
        DataError: a recording has samples of another type or length, or another digit than 0 to 9.
    """
    speakers: dict[str, int] = {}
    labels: list[tuple[int, int, int]] = []
    cut = 0
    with (folder / AUDIO).open("wb") as file:
        for recording in recordings:
            if complaint := _complaint(recording):
                raise DataError(f"recording {len(labels)} of the data set: {complaint}", "correct `read` of the data set")
            file.write(np.ascontiguousarray(recording.samples, dtype="<i2").tobytes())
            number = speakers.setdefault(recording.speaker, len(speakers))
            labels.append((recording.digit, number, recording.repetition))
            cut += recording.cut
    for name, values in zip(LABELS, np.array(labels, dtype=np.int64).T, strict=True):
        np.save(folder / f"{name}.npy", values)
    size = {"sample_rate_hz": SAMPLE_RATE_HZ, "clip_samples": CLIP_SAMPLES, "clips": len(labels), "clips_cut": cut}
    return {**size, "speakers": list(speakers)}


def open_clips(folder: Path, manifest: Manifest) -> Clips:
    """Open the clips in `folder` memory-mapped. `manifest` is the manifest of the folder."""
    labels = {name: load_array(folder / f"{name}.npy") for name in LABELS}
    with reading(folder / AUDIO):
        audio = np.memmap(folder / AUDIO, dtype="<i2", mode="r", shape=(len(labels["digit"]), CLIP_SAMPLES))
    return Clips(**labels, speakers=tuple(manifest.facts["speakers"]), audio=audio, manifest=manifest)


def _complaint(recording: Recording) -> str:
    """Return the problem of a recording; "" if there is none."""
    samples = recording.samples
    if samples.dtype != np.int16 or samples.shape != (CLIP_SAMPLES,):
        return f"its samples are {samples.dtype} {samples.shape} instead of int16 ({CLIP_SAMPLES},)"
    return "" if recording.digit in range(10) else f"its digit is {recording.digit} instead of 0 to 9"


def place(samples: NDArray[np.int16], offset: int) -> NDArray[np.int16]:
    """Return at most CLIP_SAMPLES samples in a window of CLIP_SAMPLES zeros, starting at index `offset`.

    Raises:
        DataError: the samples are not int16. Fractions between -1 and 1 would become silence.
    """
    if samples.dtype != np.int16:
        raise DataError(
            f"the samples of a recording are {samples.dtype} instead of int16", "scale and round them, then convert them"
        )
    window = np.zeros(CLIP_SAMPLES, dtype=np.int16)
    window[offset : offset + len(samples)] = samples
    return window
