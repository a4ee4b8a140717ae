"""Contract suites of data sets.

Subclass one in your tests:

class TestMyDigits(SpokenDigitsContract):  # or ImageSetContract, ImageFolderContract
    @classmethod
    def data(cls):
        return MyDigits()

    @classmethod
    def source(cls, folder):
        return None  # or: write a few original files into `folder`, and return it
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
    """Requirements of every data set, on which the commands rely."""

    @classmethod
    @abstractmethod
    def data(cls) -> DataSet:
        """Return the data set, as small as possible."""

    @classmethod
    @abstractmethod
    def source(cls, folder: Path) -> Path | None:
        """Write its original files into an empty `folder` and return it; None for a data set that is generated."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The folder of the data set, built once for all tests."""
        return cls.made(tmp_path_factory.mktemp("data"))

    @classmethod
    def made(cls, folder: Path) -> Path:
        """Build the data set in a cache under `folder`, and return its folder."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(VARIABLE, str(folder / "cache"))
            (originals := folder / "originals").mkdir(parents=True)
            sets.make(cls.data(), cls.source(originals), sets.log_progress)
            return sets.folder_of(cls.data())

    @classmethod
    def record(cls, folder: Path) -> Manifest:
        """Return the manifest of the data set in `folder`."""
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
    """Requirements of every data set of spoken digits, on which features and tasks rely."""

    @classmethod
    @abstractmethod
    def data(cls) -> SpokenDigits:
        """Return the data set, as small as possible with clips in every fold."""

    @pytest.fixture(scope="class")
    @classmethod
    def clips(cls, folder: Path) -> Clips:
        """The opened data set."""
        return open_clips(folder, cls.record(folder))

    def split(self, clips: Clips, by: str, fold: int, seed: int = 0) -> Split:
        """Return one split of the clips."""
        return self.data().split(clips, by, fold, seed)

    def folds(self) -> list[tuple[str, int]]:
        """Return all splits with all folds."""
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

    def test_no_clip_is_in_two_parts(self, clips: Clips) -> None:
        for by, fold in self.folds():
            s = self.split(clips, by, fold)
            rows = np.concatenate([s.train, s.validation, s.test])
            assert len(np.unique(rows)) == len(rows), (by, fold)

    def test_every_clip_is_in_a_part(self, clips: Clips) -> None:
        for by, fold in self.folds():
            s = self.split(clips, by, fold)
            assert len(s.train) + len(s.validation) + len(s.test) == len(clips.digit), (by, fold)

    def test_every_part_has_every_digit(self, clips: Clips) -> None:
        for by, fold in self.folds():
            s = self.split(clips, by, fold)
            for rows in (s.train, s.validation, s.test):
                assert len(np.unique(clips.digit[rows])) == 10, (by, fold)

    def test_split_by_speaker_no_speaker_is_in_two_parts(self, clips: Clips) -> None:
        for fold in range(self.data().folds["speaker"]):
            s = self.split(clips, "speaker", fold)
            train, validation, test = (set(clips.speaker[rows]) for rows in (s.train, s.validation, s.test))
            assert not train & validation, fold
            assert not (train | validation) & test, fold

    def test_over_all_folds_by_speaker_every_clip_is_tested_once(self, clips: Clips) -> None:
        tested = [self.split(clips, "speaker", fold).test for fold in range(self.data().folds["speaker"])]
        assert np.sort(np.concatenate(tested)).tolist() == list(range(len(clips.digit)))

    def test_the_same_seed_gives_the_same_split(self, clips: Clips) -> None:
        for by, fold in self.folds():
            first, second = self.split(clips, by, fold, seed=3), self.split(clips, by, fold, seed=3)
            for part in ("train", "validation", "test"):
                assert np.array_equal(getattr(first, part), getattr(second, part)), (by, fold)

    def test_the_test_part_is_the_same_for_every_seed(self, clips: Clips) -> None:
        for by, fold in self.folds():
            assert np.array_equal(self.split(clips, by, fold, seed=0).test, self.split(clips, by, fold, seed=1).test), (by, fold)


class ImageSetContract(DataSetContract):
    """Requirements of every image set, on which tasks rely."""

    @classmethod
    @abstractmethod
    def data(cls) -> ImageSet:
        """Return the data set, as small as possible with every class in every part."""

    @pytest.fixture(scope="class")
    @classmethod
    def images(cls, folder: Path) -> Images:
        """The opened data set."""
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
    """Requirements of every image folder, on which tasks rely."""

    @classmethod
    @abstractmethod
    def data(cls) -> ImageFolder:
        """Return the data set."""

    @classmethod
    @abstractmethod
    def source(cls, folder: Path) -> Path:
        """Write images of every class into an empty `folder` and return it. The images in train/ and val/ must differ."""

    @pytest.fixture(scope="class")
    @classmethod
    def listed(cls, folder: Path) -> dict[str, Listed]:
        """The opened parts."""
        root = Path(cls.record(folder).facts["root"])
        return {part: open_listing(folder, part, root / inner) for part, inner in PARTS.items()}

    def test_every_part_has_every_class_and_no_other(self, folder: Path, listed: dict[str, Listed]) -> None:
        classes = self.record(folder).facts["classes"]
        for part in listed.values():
            assert np.unique(part.labels).tolist() == list(range(len(classes)))
            assert [path.split("/")[0] for path in part.paths] == [classes[label] for label in part.labels]

    def test_classes_are_sorted(self, folder: Path) -> None:
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
