import hashlib
import json
import pickle
import shutil
import struct
import tarfile

import numpy as np
import pytest

from hpstudy.data import library, load_images, sets
from hpstudy.data.cifar import Cifar10, Cifar100
from hpstudy.data.pickled import read_pickled
from hpstudy.errors import DataError
from tests.support.originals import write_cifar

SETS = {"cifar10": Cifar10, "cifar100": Cifar100}


@pytest.fixture
def batches(tmp_path):
    """A folder with the batches of a small CIFAR-10: ten images in each."""
    return write_cifar(tmp_path / "originals", Cifar10())


def change(path, **values):
    """Write a batch again with other values; None takes a value away."""
    batch = pickle.loads(path.read_bytes()) | {key.encode(): value for key, value in values.items()}
    path.write_bytes(pickle.dumps({key: value for key, value in batch.items() if value is not None}, protocol=4))


def refused(source, name="cifar10") -> str:
    """The message of an import that fails, after which nothing must be there."""
    with pytest.raises(DataError) as caught:
        library.import_set(name, source)
    assert not sets.folder_of(sets.dataset(name)).exists(), "something was imported"
    return str(caught.value)


def python_2_batch(pixels, labels) -> bytes:
    """A batch as cPickle of Python 2 with its numpy wrote them in protocol 2: byte strings throughout."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    number = [b"K" + bytes([value]) for value in range(256)]
    shape = number[len(pixels)] + b"M" + struct.pack("<H", 3072) + b"\x86"
    empty = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text(b"b") + b"tR"
    kind = b"cnumpy\ndtype\n(" + text(b"u1") + b"K\x00K\x01tR(K\x03" + text(b"|") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\x00tb"
    raw = b"T" + struct.pack("<i", pixels.size) + pixels.tobytes()
    array = empty + b"(K\x01" + shape + kind + b"I00\n" + raw + b"tb"
    items = text(b"data") + array + text(b"labels") + b"](" + b"".join(number[label] for label in labels) + b"e"
    return b"\x80\x02}(" + items + b"u."


@pytest.mark.parametrize("name", SETS)
def test_the_folder_of_the_batches_the_one_above_and_the_archive_give_the_same_set(name, tmp_path):
    inner = write_cifar(tmp_path / "originals", SETS[name]())
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as packed:
        packed.add(inner, inner.name)
    checksums = set()
    for source in (inner, inner.parent, tmp_path, tmp_path / "a.tar.gz"):
        library.import_set(name, source)
        checksums.add(load_images(name).checksum)
    assert len(checksums) == 1


def test_images_are_those_of_the_batches_in_their_order(batches):
    library.import_set("cifar10", batches)
    images = load_images("cifar10")
    originals = [pickle.loads((batches / f"data_batch_{number}").read_bytes()) for number in range(1, 6)]
    assert np.array_equal(images.train_x.reshape(50, 3072), np.concatenate([batch[b"data"] for batch in originals]))
    assert images.train_y.tolist() == [label for batch in originals for label in batch[b"labels"]]
    test = pickle.loads((batches / "test_batch").read_bytes())
    assert np.array_equal(images.test_x.reshape(10, 3072), test[b"data"])
    assert images.test_y.tolist() == test[b"labels"]


def test_pixels_stand_channel_by_channel_and_row_by_row(batches):
    row = np.zeros((1, 3072), dtype=np.uint8)
    row[0, 1024 + 32 * 5 + 7] = 99
    change(batches / "test_batch", data=row, labels=[3])
    library.import_set("cifar10", batches)
    assert np.argwhere(load_images("cifar10").test_x).tolist() == [[0, 1, 5, 7]]


def test_the_names_of_the_classes_come_from_the_meta_file(batches):
    change(batches / "batches.meta", label_names=[letter.encode() for letter in "abcdefghij"])
    library.import_set("cifar10", batches)
    assert load_images("cifar10").classes == tuple("abcdefghij")


def test_cifar100_uses_the_fine_labels(tmp_path):
    inner = write_cifar(tmp_path, Cifar100())
    change(inner / "test", coarse_labels=[0] * 100)
    library.import_set("cifar100", inner)
    assert sorted(load_images("cifar100").test_y.tolist()) == list(range(100))


def test_batches_may_have_different_numbers_of_images(batches):
    change(batches / "data_batch_3", data=np.ones((2, 3072), dtype=np.uint8), labels=[0, 1])
    assert library.import_set("cifar10", batches).holds == "52 images of 10 classes"


def test_batches_of_python_2_are_read(batches):
    pixels = np.random.default_rng(1).integers(0, 256, (12, 3072), dtype=np.uint8)
    labels = [*range(10), 0, 1]
    (batches / "test_batch").write_bytes(python_2_batch(pixels, labels))
    library.import_set("cifar10", batches)
    images = load_images("cifar10")
    assert np.array_equal(images.test_x.reshape(12, 3072), pixels)
    assert images.test_y.tolist() == labels


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_every_protocol_are_read(tmp_path, protocol, order):
    written = {
        "bytes": np.asarray(np.arange(12, dtype=np.uint8).reshape(3, 4), order=order),
        "big": np.array([1, -2], dtype=">i4"),
        "none": b"",
        "text": "x",
        "numbers": [1, 2],
    }
    (tmp_path / "batch").write_bytes(pickle.dumps(written, protocol=protocol))
    read = read_pickled(tmp_path / "batch")
    assert read["bytes"].dtype == np.uint8
    assert read["bytes"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert read["big"].tolist() == [1, -2]
    assert (read["none"], read["text"], read["numbers"]) == (b"", "x", [1, 2])


def test_labels_may_be_an_array(batches):
    change(batches / "test_batch", labels=np.arange(10))
    library.import_set("cifar10", batches)
    assert load_images("cifar10").test_y.tolist() == list(range(10))


class Call:
    """Pickled, it is a call of a function with arguments."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_a_pickle_that_would_run_code_runs_none(batches, tmp_path):
    change(batches / "data_batch_2", labels=Call(open, str(tmp_path / "written"), "w"))
    message = refused(batches)
    assert "data_batch_2 (refers to " in message
    assert "open, which arrays do not need" in message
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize(
    "function", [eval, getattr, np.load, np.fromfile, np.save, json.loads, pickle.loads, shutil.rmtree, type, np.memmap]
)
def test_no_name_but_those_of_arrays_is_in_reach(tmp_path, function):
    (tmp_path / "batch").write_bytes(pickle.dumps({"x": Call(function)}))
    with pytest.raises(ValueError, match="arrays do not need"):
        read_pickled(tmp_path / "batch")


@pytest.mark.parametrize(
    "packed",
    [
        b"cnumpy\ndtype\n(U\x01OK\x00K\x01tR.",
        b"}(U\x01xcnumpy\nndarray\n}(U\x01aK\x01ubu.",
        b"}(U\x01xcnumpy\ndtype\n}(U\x08__call__K\x01ubu.",
        b"(cnumpy\nndarray\nK\x01tR.",
        b"\x80\x02}r\xff\xff\xff\x7f.",
        b"p99999999999\n.",
        b"Pname\n.",
        b"\x82\x01.",
        b"]].",
    ],
    ids=["no-dictionary", "set-attribute", "set-call", "tuple", "memo", "text-memo", "persistent", "extension", "left-over"],
)
def test_pickles_made_to_harm_are_errors(tmp_path, packed):
    (tmp_path / "batch").write_bytes(packed)
    with pytest.raises(ValueError, match=r"unreadable|is not a dictionary|arrays do not need"):
        read_pickled(tmp_path / "batch")


@pytest.mark.parametrize("array", [np.array([None]), np.array(["a"]), np.zeros(2), np.zeros(2, dtype="i4,i4"), np.array([True])])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_arrays_of_other_things_than_integers_are_not_read(tmp_path, array, protocol):
    (tmp_path / "batch").write_bytes(pickle.dumps({"x": array}, protocol=protocol))
    with pytest.raises(ValueError, match=r"unreadable: arrays of type|arrays do not need|unreadable"):
        read_pickled(tmp_path / "batch")


def test_a_damaged_pickle_is_an_error_or_a_dictionary_wherever_the_damage(tmp_path):
    whole = pickle.dumps({"data": np.arange(64, dtype=np.uint8).reshape(2, 32), "labels": [1, 2]}, protocol=4)
    path = tmp_path / "batch"
    answers = set()
    for position in range(len(whole)):
        for flipped in (1, 128):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ flipped]) + whole[position + 1 :])
            try:
                answers.add(type(read_pickled(path)))
            except ValueError:
                answers.add(ValueError)
    assert answers == {dict, ValueError}


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"data": None}, "has no data"),
        ({"labels": None}, "has no labels"),
        ({"data": [1, 2]}, "data is not an array of uint8 (n, 3072)"),
        ({"data": np.zeros((10, 3072), dtype=np.int64)}, "data is not an array of uint8 (n, 3072)"),
        ({"data": np.zeros((10, 3071), dtype=np.uint8)}, "data is not an array of uint8 (n, 3072)"),
        ({"data": np.zeros(30720, dtype=np.uint8)}, "data is not an array of uint8 (n, 3072)"),
        ({"data": np.zeros((0, 3072), dtype=np.uint8), "labels": []}, "empty"),
        ({"data": np.zeros((9, 3072), dtype=np.uint8)}, "10 labels for 9 images"),
        ({"labels": [0] * 9 + [10]}, "label 10 is not one of 0 to 9"),
        ({"labels": [0] * 9 + [-1]}, "label -1 is not one of 0 to 9"),
        ({"labels": [0.0] * 10}, "labels is not a list of integers"),
        ({"labels": [True] * 10}, "labels is not a list of integers"),
        ({"labels": b"0123456789"}, "labels is not a list of integers"),
        ({"labels": np.zeros((10, 1), dtype=np.int64)}, "labels is not a list of integers"),
    ],
)
def test_a_batch_of_another_form_is_refused(batches, values, complaint):
    change(batches / "data_batch_4", **values)
    assert f"data_batch_4 ({complaint})" in refused(batches)


@pytest.mark.parametrize("names", [None, [b"a"] * 9, [b"a"] * 11, b"airplane", [1] * 10])
def test_a_meta_file_without_ten_names_is_refused(batches, names):
    change(batches / "batches.meta", label_names=names)
    assert "batches.meta (" in refused(batches)


def test_all_that_is_wrong_is_one_error(batches):
    (batches / "batches.meta").unlink()
    (batches / "data_batch_2").unlink()
    (batches / "data_batch_3").write_bytes((batches / "data_batch_3").read_bytes()[:-100])
    (batches / "data_batch_5").write_bytes(b"")
    change(batches / "test_batch", labels=[11] * 10)
    message = refused(batches)
    for complaint in ("batches.meta (missing)", "data_batch_2 (missing)", "data_batch_3 (unreadable", "data_batch_5 (unreadable"):
        assert complaint in message
    assert "test_batch (label 11" in message
    assert "data_batch_1" not in message


def test_the_originals_of_the_other_set_are_refused(batches):
    assert "contains no cifar-100-python/train" in refused(batches, "cifar100")


def test_a_truncated_archive_is_one_error(batches, tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as packed:
        packed.add(batches, batches.name)
    (tmp_path / "part.tar.gz").write_bytes((tmp_path / "a.tar.gz").read_bytes()[:50_000])
    assert "truncated" in refused(tmp_path / "part.tar.gz")


def test_a_failed_import_keeps_the_set_that_was_there(batches):
    library.import_set("cifar10", batches)
    before = load_images("cifar10").checksum
    (batches / "test_batch").unlink()
    with pytest.raises(DataError):
        library.import_set("cifar10", batches)
    assert load_images("cifar10").checksum == before


def test_other_files_than_the_publishers_are_named_as_such(batches):
    status = library.import_set("cifar10", batches)
    assert status.notes == ("its files differ from the publisher's: re-encoded, or only a part of them",)
    assert sets.available("cifar10").facts["official"] is False


def test_the_publishers_files_are_known_by_their_md5(batches, monkeypatch):
    files = [batches / name for name in Cifar10.official]
    monkeypatch.setattr(Cifar10, "official", {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in files})
    assert library.import_set("cifar10", batches).notes == ()
    assert sets.available("cifar10").facts["official"] is True


@pytest.mark.parametrize("name", SETS)
def test_every_batch_has_an_official_md5(name):
    kind = SETS[name]
    assert set(kind.official) == {*kind.train_files, kind.test_file}
    assert all(len(md5) == 32 for md5 in [kind.md5, *kind.official.values()])


def test_the_set_is_listed_with_images_and_classes(batches):
    library.import_set("cifar10", batches)
    row = library.status("cifar10").as_dict()
    assert (row["here"], row["holds"]) == ("yes", "60 images of 10 classes")


@pytest.mark.parametrize("name", ["train_x.npy", "train_y.npy", "test_x.npy", "test_y.npy"])
def test_one_changed_bit_is_found(batches, name):
    library.import_set("cifar10", batches)
    path = library.path("cifar10") / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert f"{path} was altered" in library.verify("cifar10")[0]


@pytest.fixture
def published(batches, tmp_path, monkeypatch):
    """The address of CIFAR-10 is a file on this machine; returns its path."""
    archive = tmp_path / "public" / "cifar-10-python.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(batches, batches.name)
    monkeypatch.setattr(Cifar10, "url", archive.as_uri())
    return archive


def test_fetching_compares_the_md5_and_imports(published, monkeypatch, cache_root):
    monkeypatch.setattr(Cifar10, "md5", hashlib.md5(published.read_bytes()).hexdigest())
    assert library.fetch("cifar10").holds == "60 images of 10 classes"
    assert list((cache_root / "downloads").iterdir()) == []


def test_fetching_an_archive_with_another_md5_is_refused(published, cache_root):
    with pytest.raises(DataError, match=r"(?s)its checksum or size differs.*hpstudy data import cifar10 --from PATH"):
        library.fetch("cifar10")
    assert not library.status("cifar10").present
    assert not [path for path in (cache_root / "downloads").iterdir() if path.suffix in (".gz", ".part")]
