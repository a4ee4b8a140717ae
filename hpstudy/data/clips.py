"""Recordings as arrays on disk: what every data set is turned into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.manifest import Manifest

SAMPLE_RATE_HZ = 8000
CLIP_SAMPLES = 8000
"""Every clip is a window of one second."""
AUDIO = "audio.int16"
LABELS = ("digit", "speaker", "repetition")


@dataclass(frozen=True)
class Recording:
    """One spoken digit, placed in its window.

    Attributes:
        samples: (CLIP_SAMPLES,) int16 at SAMPLE_RATE_HZ.
        digit: 0 to 9.
        speaker: who speaks.
        repetition: counts a speaker's recordings of a digit from 0.
        cut: whether the window lost samples at the end of the original.
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
        digit, speaker, repetition: (n,) int64; `speaker` counts into `speakers`.
        speakers: names.
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
        manifest: where it comes from, and its checksums.
    """

    audio: NDArray[np.int16]
    manifest: Manifest


def write_clips(folder: Path, recordings: Iterable[Recording]) -> dict[str, Any]:
    """Write recordings as they come; returns what the manifest says of them.

    The order of the recordings is the order of the clips; speakers are numbered in the order of their first recording.
    """
    speakers: dict[str, int] = {}
    labels: list[tuple[int, int, int]] = []
    cut = 0
    with (folder / AUDIO).open("wb") as file:
        for recording in recordings:
            file.write(np.ascontiguousarray(recording.samples, dtype="<i2").tobytes())
            number = speakers.setdefault(recording.speaker, len(speakers))
            labels.append((recording.digit, number, recording.repetition))
            cut += recording.cut
    for name, values in zip(LABELS, np.array(labels, dtype=np.int64).T, strict=True):
        np.save(folder / f"{name}.npy", values)
    size = {"sample_rate_hz": SAMPLE_RATE_HZ, "clip_samples": CLIP_SAMPLES, "clips": len(labels), "clips_cut": cut}
    return {**size, "speakers": list(speakers)}


def open_clips(folder: Path, manifest: Manifest) -> Clips:
    """The clips in `folder`, memory-mapped, of which `manifest` is the manifest."""
    labels = {name: np.load(folder / f"{name}.npy") for name in LABELS}
    audio = np.memmap(folder / AUDIO, dtype="<i2", mode="r", shape=(len(labels["digit"]), CLIP_SAMPLES))
    return Clips(**labels, speakers=tuple(manifest.facts["speakers"]), audio=audio, manifest=manifest)


def place(samples: NDArray[np.int16], offset: int) -> NDArray[np.int16]:
    """A recording of at most CLIP_SAMPLES samples in a window of zeros, `offset` samples from its start."""
    window = np.zeros(CLIP_SAMPLES, dtype=np.int16)
    window[offset : offset + len(samples)] = samples
    return window
