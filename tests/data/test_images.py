import numpy as np
import pytest

from hpstudy.data import (
    DATASETS,
    ImageFolder,
    SpokenDigits,
    check_kind,
    dataset_names,
    library,
    load_images,
    sets,
    split_rows,
    subset_rows,
)
from hpstudy.data.cifar import Cifar10
from hpstudy.data.image_set import ImageSet, LabelledImages
from hpstudy.errors import DataError, PluginError, UsageError
from hpstudy.seeds import derive_seed
from tests.support.originals import write_cifar

TEN_OF_EACH = np.tile(np.arange(4), 10)


class Squares(ImageSet):
    """A made-up set, made here: an image's pixels all have the number of its class."""

    name, version, licence = "squares", 1, "CC0"

    def read(self, source, scratch, progress):
        x = np.ones((4, 3, 32, 32), dtype=np.uint8) * np.arange(4, dtype=np.uint8)[:, None, None, None]
        return LabelledImages(x, np.arange(4), x[:2], np.arange(2), ("a", "b", "c", "d"))


class Stripes(Squares):
    """The same, with arrays that a test replaces."""

    name = "stripes"
    changes: dict = {}  # noqa: RUF012

    def read(self, source, scratch, progress):
        images = super().read(source, scratch, progress)
        for attribute, value in self.changes.items():
            setattr(images, attribute, value)
        return images


@pytest.fixture
def here(monkeypatch):
    """This module is one that a user has on the path."""
    import sys

    monkeypatch.setitem(sys.modules, "my_images", sys.modules[__name__])


def counts(labels, rows):
    return np.bincount(labels[rows], minlength=4).tolist()


def test_the_parts_of_a_split_are_all_rows():
    train, validation = split_rows(TEN_OF_EACH, 12, seed=0)
    assert sorted([*train, *validation]) == list(range(40))


def test_both_parts_of_a_split_ascend():
    for part in split_rows(TEN_OF_EACH, 12, seed=0):
        assert (np.diff(part) > 0).all()


def test_a_validation_part_has_as_many_of_each_class():
    _, validation = split_rows(TEN_OF_EACH, 12, seed=0)
    assert counts(TEN_OF_EACH, validation) == [3, 3, 3, 3]


def test_rows_that_cannot_be_shared_equally_differ_by_one():
    _, validation = split_rows(TEN_OF_EACH, 14, seed=0)
    assert sorted(counts(TEN_OF_EACH, validation)) == [3, 3, 4, 4]


def test_a_class_that_is_used_up_leaves_its_share_to_the_others():
    labels = np.array([0] * 10 + [1] * 10 + [2])
    assert counts(labels, subset_rows(labels, np.arange(21), 11, seed=0)) == [5, 5, 1, 0]


def test_the_same_seed_draws_the_same_rows():
    assert np.array_equal(split_rows(TEN_OF_EACH, 12, seed=5)[1], split_rows(TEN_OF_EACH, 12, seed=5)[1])


def test_another_seed_draws_other_rows():
    assert not np.array_equal(split_rows(TEN_OF_EACH, 12, seed=5)[1], split_rows(TEN_OF_EACH, 12, seed=6)[1])


def in_rounds(labels, rows, count, seed):
    """The rule, in plain loops: rounds over the shuffled rows, each of which passes every class at most once."""
    left = list(np.random.default_rng(seed).permutation(rows))
    chosen = []
    while len(chosen) < count:
        seen = set()
        for row in list(left):
            if labels[row] not in seen and len(chosen) < count:
                seen.add(labels[row])
                chosen.append(row)
                left.remove(row)
    return sorted(chosen)


@pytest.mark.parametrize("count", [1, 4, 6, 39])
def test_rows_are_drawn_in_rounds_by_the_named_streams_of_the_seed(count):
    labels = np.array([0, 0, 0, 1, 2, 2, 3, 3, 3, 3] * 4)
    assert split_rows(labels, count, seed=3)[1].tolist() == in_rounds(labels, range(40), count, derive_seed(3, "validation"))
    assert subset_rows(labels, np.arange(40), count, seed=3).tolist() == in_rounds(
        labels, range(40), count, derive_seed(3, "subset")
    )


def test_validation_and_subset_are_different_streams():
    assert not np.array_equal(split_rows(TEN_OF_EACH, 12, seed=0)[1], subset_rows(TEN_OF_EACH, np.arange(40), 12, seed=0))


def test_every_row_of_a_class_is_drawn_as_often_as_any_other():
    drawn = np.concatenate([split_rows(TEN_OF_EACH, 4, seed)[1] for seed in range(2000)])
    times = np.bincount(drawn, minlength=40)
    assert times.min() > 200 - 5 * np.sqrt(180)  # 2,000 draws with probability 1/10: 200, deviation sqrt(180)
    assert times.max() < 200 + 5 * np.sqrt(180)


def test_a_subset_is_drawn_from_the_given_rows_only():
    train, validation = split_rows(TEN_OF_EACH, 8, seed=0)
    subset = subset_rows(TEN_OF_EACH, train, 16, seed=0)
    assert len(subset) == 16
    assert not set(subset) & set(validation)
    assert counts(TEN_OF_EACH, subset) == [4, 4, 4, 4]


def test_a_smaller_subset_is_part_of_a_larger_one():
    small, large = (set(subset_rows(TEN_OF_EACH, np.arange(40), count, seed=0)) for count in (7, 20))
    assert small < large


def test_all_rows_are_a_subset():
    rows = np.array([3, 5, 8])
    assert subset_rows(TEN_OF_EACH, rows, 3, seed=0).tolist() == [3, 5, 8]


@pytest.mark.parametrize("validation", [0, 40, 50])
def test_a_validation_part_that_leaves_nothing_or_is_nothing_is_refused(validation):
    with pytest.raises(DataError, match="valid: 1 to 39"):
        split_rows(TEN_OF_EACH, validation, seed=0)


@pytest.mark.parametrize("count", [0, 4])
def test_a_subset_larger_than_its_rows_is_refused(count):
    with pytest.raises(DataError, match="valid: 1 to 3"):
        subset_rows(TEN_OF_EACH, np.array([3, 5, 8]), count, seed=0)


def test_images_that_are_not_here_are_an_error_with_the_command():
    with pytest.raises(
        DataError, match=r"(?s)cifar10 is not on this machine.*hpstudy data fetch cifar10, or: hpstudy data import cifar10"
    ):
        load_images("cifar10")


def test_images_are_memory_mapped_and_read_only(tmp_path):
    library.import_set("cifar10", write_cifar(tmp_path, Cifar10()))
    images = load_images("cifar10")
    assert isinstance(images.train_x, np.memmap)
    assert not images.train_x.flags.writeable


def test_the_checksum_of_images_is_that_of_the_manifest(tmp_path):
    library.import_set("cifar10", write_cifar(tmp_path, Cifar10()))
    assert load_images("cifar10").checksum == sets.available("cifar10").checksum


def test_a_missing_array_is_found_on_opening(tmp_path):
    library.import_set("cifar10", write_cifar(tmp_path, Cifar10()))
    (library.path("cifar10") / "test_y.npy").unlink()
    with pytest.raises(DataError, match=r"(?s)test_y.npy is missing.*hpstudy data fetch cifar10"):
        load_images("cifar10")


def test_a_set_of_ones_own_is_made_on_first_use(here):
    images = load_images("my_images:Squares")
    assert images.train_x[:, 2, 31, 31].tolist() == [0, 1, 2, 3]
    assert images.test_y.tolist() == [0, 1]
    assert images.classes == ("a", "b", "c", "d")


def test_a_set_of_ones_own_says_what_it_holds(here):
    load_images("my_images:Squares")
    assert library.status("my_images:Squares").holds == "6 images of 4 classes"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"train_x": np.zeros((4, 3, 32, 32))}, r"train_x is float64 \(4, 3, 32, 32\) instead of uint8 \(n, 3, 32, 32\)"),
        ({"train_x": np.zeros((4, 1, 28, 28), dtype=np.uint8)}, r"train_x is uint8 \(4, 1, 28, 28\) instead of"),
        ({"test_x": np.zeros((0, 3, 32, 32), dtype=np.uint8)}, r"test_x is uint8 \(0, 3, 32, 32\) instead of"),
        ({"train_y": np.zeros(3, dtype=np.int64)}, r"train_y is int64 \(3,\) instead of integers \(4,\)"),
        ({"train_y": np.zeros(4)}, r"train_y is float64 \(4,\) instead of integers"),
        ({"train_y": np.array([0, 1, 2, 4])}, "labels from 0 to 4, but there are 4 classes"),
        ({"test_y": np.array([-1, 0])}, "labels from -1 to 0, but there are 4 classes"),
    ],
)
def test_a_set_of_ones_own_with_other_arrays_is_refused(here, monkeypatch, changes, complaint):
    monkeypatch.setattr(Stripes, "changes", changes)
    with pytest.raises(DataError, match=complaint):
        load_images("my_images:Stripes")


def test_all_wrong_parts_are_one_error(here, monkeypatch):
    monkeypatch.setattr(Stripes, "changes", {"train_y": np.zeros(4), "test_y": np.zeros(2)})
    with pytest.raises(DataError, match=r"train_y is float64.*; test_y is float64"):
        load_images("my_images:Stripes")


def test_spoken_digits_cannot_be_opened_as_images():
    with pytest.raises(UsageError, match="'fsdd' contains spoken digits, but images are needed: valid: cifar10, cifar100"):
        load_images("fsdd")


def test_images_cannot_be_opened_as_clips():
    with pytest.raises(
        UsageError, match="'cifar10' contains images, but spoken digits are needed: valid: speech_digits, fsdd, audiomnist"
    ):
        sets.clips("cifar10")


def test_the_names_of_all_kinds_are_all_names():
    assert dataset_names(SpokenDigits) + dataset_names(ImageSet) + dataset_names(ImageFolder) == list(DATASETS)


def test_a_misspelled_image_set_is_answered_with_the_image_sets_only():
    with pytest.raises(UsageError, match=r"did you mean 'cifar10'\? valid: cifar10, cifar100\n"):
        check_kind("cifar1", ImageSet)


def test_something_else_than_a_data_set_is_refused():
    with pytest.raises(PluginError, match="'json:loads' is not a data set"):
        load_images("json:loads")


def test_a_data_set_with_methods_missing_is_refused(here, monkeypatch):
    with pytest.raises(PluginError, match="does not define read"):
        load_images("hpstudy.data.image_set:ImageSet")
