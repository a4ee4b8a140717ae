"""The contracts of data sets, as suites that any data set can run.

class TestMyDigits(SpokenDigitsContract):  # or ImageSetContract, ImageFolderContract
    @classmethod
    def data(cls):
        return MyDigits()

    @classmethod
    def source(cls, folder):
        return None  # or: write a few originals into `folder`, and return it
"""

from __future__ import annotations

import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import pytest

from hpstudy.data import manifest, sets
from hpstudy.data.cache import VARIABLE
from hpstudy.data.clips import CLIP_SAMPLES, Clips, open_clips
from hpstudy.data.dataset import DataSet
from hpstudy.data.image_folder import PARTS, ImageFolder
from hpstudy.data.image_set import IMAGE_SHAPE, ImageSet
from hpstudy.data.images import Images, open_images
from hpstudy.data.listing import Listed, open_listing
from hpstudy.data.manifest import Manifest
from hpstudy.data.spoken_digits import Split, SpokenDigits

HEAVY = ("torch", "torchaudio", "scipy", "soundfile", "pandas", "PIL")


class DataSetContract(ABC):
    """Rules of every data set, which the commands rely on."""

    @classmethod
    @abstractmethod
    def data(cls) -> DataSet:
        """The set, as small as it can be made."""

    @classmethod
    @abstractmethod
    def source(cls, folder: Path) -> Path | None:
        """Its originals, written into an empty `folder`; None for a set that is made here."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Where the set lies, made once for all tests."""
        return cls.made(tmp_path_factory.mktemp("data"))

    @classmethod
    def made(cls, folder: Path) -> Path:
        """Make the set in a cache under `folder`; returns where it lies."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(VARIABLE, str(folder / "cache"))
            (originals := folder / "originals").mkdir(parents=True)
            sets.make(cls.data(), cls.source(originals), sets.log_progress)
            return sets.folder_of(cls.data())

    @classmethod
    def record(cls, folder: Path) -> Manifest:
        """The manifest of the set in `folder`."""
        record = manifest.opened(folder)
        assert record is not None
        return record

    def test_made_again_it_has_the_same_checksum(self, folder: Path, tmp_path: Path) -> None:
        assert self.record(self.made(tmp_path)).checksum == self.record(folder).checksum

    def test_its_manifest_has_a_name_a_version_and_a_licence(self, folder: Path) -> None:
        facts, data = self.record(folder).facts, self.data()
        assert (facts["name"], facts["version"], facts["licence"]) == (data.name, data.version, data.licence)

    def test_its_manifest_says_how_much_it_holds(self, folder: Path) -> None:
        assert any(letter.isdigit() for letter in self.data().contents(self.record(folder).facts).summary)

    def test_naming_it_imports_no_heavy_library(self) -> None:
        kind = type(self.data())
        script = f"import sys, {kind.__module__}; print([m for m in {HEAVY!r} if m in sys.modules])"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


class SpokenDigitsContract(DataSetContract):
    """Rules of every set of spoken digits, which features and tasks rely on."""

    @classmethod
    @abstractmethod
    def data(cls) -> SpokenDigits:
        """The set, as small as it can be made while every fold still has clips."""

    @pytest.fixture(scope="class")
    @classmethod
    def clips(cls, folder: Path) -> Clips:
        """The set, opened."""
        return open_clips(folder, cls.record(folder))

    def split(self, clips: Clips, by: str, fold: int, seed: int = 0) -> Split:
        """One division of the clips."""
        return self.data().split(clips, by, fold, seed)

    def divisions(self) -> list[tuple[str, int]]:
        """Every way to split, with every fold."""
        return [(by, fold) for by, count in self.data().folds.items() for fold in range(count)]

    def test_clips_are_int16_windows_of_one_second(self, clips: Clips) -> None:
        assert clips.audio.dtype == np.int16
        assert clips.audio.shape == (len(clips.digit), CLIP_SAMPLES)

    def test_no_clip_is_silent(self, clips: Clips) -> None:
        assert np.abs(clips.audio.astype(np.int32)).max(axis=1).min() > 0

    def test_every_clip_has_one_of_each_label(self, clips: Clips) -> None:
        assert len(clips.digit) == len(clips.speaker) == len(clips.repetition)

    def test_labels_are_unique_together(self, clips: Clips) -> None:
        assert len(np.unique(np.stack([clips.digit, clips.speaker, clips.repetition]), axis=1).T) == len(clips.digit)

    def test_every_speaker_says_every_digit(self, clips: Clips) -> None:
        assert len(set(zip(clips.speaker.tolist(), clips.digit.tolist(), strict=True))) == 10 * len(clips.speakers)

    def test_no_clip_stands_in_two_parts(self, clips: Clips) -> None:
        for by, fold in self.divisions():
            s = self.split(clips, by, fold)
            rows = np.concatenate([s.train, s.validation, s.test])
            assert len(np.unique(rows)) == len(rows), (by, fold)

    def test_every_clip_stands_in_some_part(self, clips: Clips) -> None:
        for by, fold in self.divisions():
            s = self.split(clips, by, fold)
            assert len(s.train) + len(s.validation) + len(s.test) == len(clips.digit), (by, fold)

    def test_every_part_has_every_digit(self, clips: Clips) -> None:
        for by, fold in self.divisions():
            s = self.split(clips, by, fold)
            for rows in (s.train, s.validation, s.test):
                assert len(np.unique(clips.digit[rows])) == 10, (by, fold)

    def test_split_by_speaker_no_speaker_stands_in_two_parts(self, clips: Clips) -> None:
        for fold in range(self.data().folds["speaker"]):
            s = self.split(clips, "speaker", fold)
            train, validation, test = (set(clips.speaker[rows]) for rows in (s.train, s.validation, s.test))
            assert not train & validation, fold
            assert not (train | validation) & test, fold

    def test_over_all_folds_by_speaker_every_clip_is_tested_once(self, clips: Clips) -> None:
        tested = [self.split(clips, "speaker", fold).test for fold in range(self.data().folds["speaker"])]
        assert np.sort(np.concatenate(tested)).tolist() == list(range(len(clips.digit)))

    def test_the_same_seed_gives_the_same_split(self, clips: Clips) -> None:
        for by, fold in self.divisions():
            first, second = self.split(clips, by, fold, seed=3), self.split(clips, by, fold, seed=3)
            for part in ("train", "validation", "test"):
                assert np.array_equal(getattr(first, part), getattr(second, part)), (by, fold)

    def test_the_test_part_is_the_same_for_every_seed(self, clips: Clips) -> None:
        for by, fold in self.divisions():
            assert np.array_equal(self.split(clips, by, fold, seed=0).test, self.split(clips, by, fold, seed=1).test), (by, fold)


class ImageSetContract(DataSetContract):
    """Rules of every set of images, which tasks rely on."""

    @classmethod
    @abstractmethod
    def data(cls) -> ImageSet:
        """The set, as small as it can be made while every part still has every class."""

    @pytest.fixture(scope="class")
    @classmethod
    def images(cls, folder: Path) -> Images:
        """The set, opened."""
        return open_images(folder, cls.record(folder))

    def test_images_are_uint8_with_three_channels(self, images: Images) -> None:
        for x in (images.train_x, images.test_x):
            assert x.dtype == np.uint8
            assert x.shape[1:] == IMAGE_SHAPE

    def test_every_image_has_a_label(self, images: Images) -> None:
        assert images.train_y.shape == images.train_x.shape[:1]
        assert images.test_y.shape == images.test_x.shape[:1]

    def test_every_part_has_every_class_and_no_other(self, images: Images) -> None:
        for y in (images.train_y, images.test_y):
            assert np.unique(y).tolist() == list(range(len(images.classes)))

    def test_classes_have_different_names(self, images: Images) -> None:
        assert len(set(images.classes)) == len(images.classes)


class ImageFolderContract(DataSetContract):
    """Rules of every folder of images, which tasks rely on."""

    @classmethod
    @abstractmethod
    def data(cls) -> ImageFolder:
        """The set."""

    @classmethod
    @abstractmethod
    def source(cls, folder: Path) -> Path:
        """Images of every class, written into an empty `folder`; different ones in train/ and in val/."""

    @pytest.fixture(scope="class")
    @classmethod
    def listed(cls, folder: Path) -> dict[str, Listed]:
        """Its parts, opened."""
        root = Path(cls.record(folder).facts["root"])
        return {part: open_listing(folder, part, root / inner) for part, inner in PARTS.items()}

    def test_every_part_has_every_class_and_no_other(self, folder: Path, listed: dict[str, Listed]) -> None:
        classes = self.record(folder).facts["classes"]
        for part in listed.values():
            assert np.unique(part.labels).tolist() == list(range(len(classes)))
            assert [path.split("/")[0] for path in part.paths] == [classes[label] for label in part.labels]

    def test_classes_ascend(self, folder: Path) -> None:
        classes = self.record(folder).facts["classes"]
        assert classes == sorted(set(classes))

    def test_every_file_is_read_as_it_was_listed(self, listed: dict[str, Listed]) -> None:
        for part in listed.values():
            assert part.problems(sets.log_progress) == []
            assert len(part.read(0)) == part.bytes[0]

    def test_every_image_has_a_height_and_a_width(self, listed: dict[str, Listed]) -> None:
        for part in listed.values():
            assert part.shape.shape == (len(part.paths), 2)
            assert part.shape.min() > 0
