"""Free Spoken Digit Dataset (Jackson et al.): real speakers, 8 kHz."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from hpstudy.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ, Labels, Recording, place
from hpstudy.data.dataset import Progress
from hpstudy.data.folds import rotate
from hpstudy.data.originals import check_names, find_folder, read_all
from hpstudy.data.spoken_digits import Source, Split, SpokenDigits
from hpstudy.seeds import derive_seed

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
DIGITS = 10
TEST_REPETITIONS = 5
"""Repetitions 0 to 4 of every speaker and digit are the test part, as defined by the publisher."""
VALIDATION_REPETITIONS = 15
"""Validation repetitions among the other 45: 15 x 60 = 900 clips. With half as many, the standard error of an accuracy of 0.9 would be
0.014."""


class Fsdd(SpokenDigits):
    """6 speakers x 10 digits x 50 repetitions. Clips longer than a second are cut at the end; shorter ones are centered in the window.

    Args:
        speakers: names, in the order of the folds.
        repetitions: recordings of every digit by every speaker.
    """

    name = "fsdd"
    version = 1
    licence = "CC BY-SA 4.0, https://github.com/Jakobovski/free-spoken-digit-dataset"
    url = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/heads/master.zip"
    folds: ClassVar[Mapping[str, int]] = {"speaker": len(SPEAKERS), "repetition": 1}

    def __init__(self, speakers: Sequence[str] = SPEAKERS, repetitions: int = 50) -> None:
        self.speakers = tuple(speakers)
        self.repetitions = repetitions

    def read(self, source: Path | None, scratch: Path, progress: Progress) -> Source:
        """Read recordings/{digit}_{speaker}_{repetition}.wav."""
        assert source is not None, "a set with a url is read from its originals"
        labels = {
            f"{digit}_{speaker}_{repetition}.wav": (digit, speaker, repetition)
            for speaker in self.speakers
            for digit in range(DIGITS)
            for repetition in range(self.repetitions)
        }
        folder = find_folder(source, scratch, "recordings", "*.wav")
        check_names(folder, "*.wav", labels, "Free Spoken Digit Dataset")
        return Source(self._clips(folder, labels, progress))

    def _clips(self, folder: Path, labels: dict[str, tuple[int, str, int]], progress: Progress) -> Iterator[Recording]:
        for name, samples in read_all(folder, list(labels), SAMPLE_RATE_HZ, progress):
            word = samples[:CLIP_SAMPLES]
            clip = place(word, (CLIP_SAMPLES - len(word)) // 2)
            yield Recording(clip, *labels[name], cut=len(samples) > CLIP_SAMPLES)

    def split(self, labels: Labels, by: str, fold: int, seed: int) -> Split:
        """Split by speaker or by repetition.

        By speaker: four speakers for training, one for validation, one for test; six folds. By repetition: of every speaker and digit,
        repetitions 0 to 4 are the test part (the official split) for all seeds. 15 of the others, drawn with `seed`, are the validation
        part.
        """
        if by == "speaker":
            return rotate(labels.speaker, fold, len(labels.speakers))
        rng = np.random.default_rng(derive_seed(seed, self.name, "validation"))
        # The clips are sorted by speaker, digit and repetition: row i of `groups` has the repetitions of one digit by one speaker.
        groups = np.arange(len(labels.repetition)).reshape(-1, labels.repetition.max() + 1)
        others = rng.permuted(groups[:, TEST_REPETITIONS:], axis=1)
        validation = np.sort(others[:, :VALIDATION_REPETITIONS].ravel())
        train = np.sort(others[:, VALIDATION_REPETITIONS:].ravel())
        return Split(train, validation, np.flatnonzero(labels.repetition < TEST_REPETITIONS))
