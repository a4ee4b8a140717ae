"""AudioMNIST (Becker et al.): 60 real speakers, recorded at 48 kHz."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from hpstudy.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ, Labels, Recording, place
from hpstudy.data.dataset import Progress
from hpstudy.data.folds import parts_of_speakers, rotate
from hpstudy.data.originals import check_names, find_folder, read_all
from hpstudy.data.sound import to_int16
from hpstudy.data.spoken_digits import Source, Split, SpokenDigits
from hpstudy.errors import DataError
from hpstudy.seeds import derive_seed

DIGITS = 10
ORIGINAL_RATE_HZ = 48_000
PARTS = (
    (28, 56, 7, 19, 35, 1, 6, 16, 23, 34, 46, 53),
    (36, 57, 9, 24, 37, 2, 8, 17, 29, 39, 48, 54),
    (43, 58, 14, 25, 38, 3, 10, 20, 30, 40, 49, 55),
    (12, 47, 59, 15, 27, 41, 4, 11, 21, 31, 44, 50),
    (26, 52, 60, 18, 32, 42, 5, 13, 22, 33, 45, 51),
)
"""Speakers of the five parts of the digit task (preprocess_data.py of AudioMNIST)."""


class AudioMnist(SpokenDigits):
    """60 speakers x 10 digits x 50 repetitions.

    As in the original preprocessing, each recording is resampled by Fourier transform and placed at a uniformly random offset in a window
    of one second. This implementation differs in two points: the offset is a function of the file name instead of an unseeded draw, and
    samples are rounded to int16.

    Args:
        speakers: number of speakers; the first ones are used.
        repetitions: recordings of every digit by every speaker.
    """

    name = "audiomnist"
    version = 1
    licence = "MIT, https://github.com/soerenab/AudioMNIST"
    url = "https://github.com/soerenab/AudioMNIST/archive/refs/heads/master.zip"
    folds: ClassVar[Mapping[str, int]] = {"speaker": len(PARTS), "repetition": len(PARTS)}

    def __init__(self, speakers: int = 60, repetitions: int = 50) -> None:
        self.speakers = speakers
        self.repetitions = repetitions

    def read(self, source: Path | None, scratch: Path, progress: Progress) -> Source:
        """Read data/{speaker}/{digit}_{speaker}_{repetition}.wav, with two-digit speaker numbers from 01."""
        assert source is not None, "a set with a url is read from its originals"
        labels = {
            f"{speaker:02}/{digit}_{speaker:02}_{repetition}.wav": (digit, f"{speaker:02}", repetition)
            for speaker in range(1, self.speakers + 1)
            for digit in range(DIGITS)
            for repetition in range(self.repetitions)
        }
        folder = find_folder(source, scratch, "data", "*/*.wav")
        check_names(folder, "*/*.wav", labels, "AudioMNIST")
        return Source(self._clips(folder, labels, progress))

    def _clips(self, folder: Path, labels: dict[str, tuple[int, str, int]], progress: Progress) -> Iterator[Recording]:
        from scipy.signal import resample

        for name, original in read_all(folder, list(labels), ORIGINAL_RATE_HZ, progress):
            samples = round(len(original) * SAMPLE_RATE_HZ / ORIGINAL_RATE_HZ)
            if samples > CLIP_SAMPLES:
                raise DataError(f"{folder / name} is longer than a second; no recording of AudioMNIST is", "get it again")
            word = to_int16(resample(original.astype(np.float64), samples))
            rng = np.random.default_rng(derive_seed(self.version, self.name, name))
            yield Recording(place(word, int(rng.integers(CLIP_SAMPLES - samples + 1))), *labels[name])

    def split(self, labels: Labels, by: str, fold: int, seed: int) -> Split:
        """Split by speaker: the five folds of the original digit task. By repetition: repetitions are assigned to five parts in turn."""
        if by == "repetition":
            return rotate(labels.repetition % len(PARTS), fold, len(PARTS))
        names = [[f"{number:02}" for number in part] for part in PARTS]
        return rotate(parts_of_speakers(labels.speaker, labels.speakers, names), fold, len(PARTS))
