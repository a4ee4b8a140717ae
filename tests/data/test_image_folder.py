"""Folders of images: what is listed, what is refused, and what happens when the folder changes afterwards."""

import io
import os
import shutil
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from hpstudy.cli import app
from hpstudy.data import ImageFolder, library, open_listed, sets
from hpstudy.data.imagenet import ImageNet
from hpstudy.errors import DataError, PluginError, UsageError
from tests.support.originals import write_image_folder

CLASSES = ("ape", "bee", "cat")
NAME = "my_pictures:MyPictures"


class MyPictures(ImageFolder):
    """A user's own."""

    name = "my_pictures"


class Nameless(ImageFolder):
    """A user's own that lacks something."""


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """This module is one that a user has on the path."""
    MyPictures.__module__ = "my_pictures"
    monkeypatch.setitem(sys.modules, "my_pictures", sys.modules[__name__])


@pytest.fixture
def pictures(tmp_path):
    """Two images of each of three classes in both parts."""
    return write_image_folder(tmp_path / "pictures", CLASSES, images_of_a_class=2)


@pytest.fixture
def imported(pictures):
    library.import_set(NAME, pictures)
    return pictures


def refused(source, name=NAME) -> str:
    """The message of an import that fails, after which nothing must be there."""
    with pytest.raises(DataError) as caught:
        library.import_set(name, source)
    folder = sets.folder_of(sets.dataset(name))
    assert list(folder.parent.iterdir()) == [], "something was imported"
    return str(caught.value)


def png(height, width) -> bytes:
    """A PNG that claims so many pixels."""
    small = io.BytesIO()
    Image.new("1", (1, 1)).save(small, "png")
    content = bytearray(small.getvalue())
    content[16:24] = np.array([width, height], dtype=">u4").tobytes()
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


def test_every_image_is_listed_by_class_and_name(imported):
    images = open_listed(NAME)
    assert images.classes == CLASSES
    for part in (images.train, images.test):
        assert list(part.paths) == ["ape/0.png", "ape/1.JPEG", "bee/0.png", "bee/1.JPEG", "cat/0.png", "cat/1.JPEG"]
        assert part.labels.tolist() == [0, 0, 1, 1, 2, 2]


def test_the_listing_has_size_checksum_height_and_width_of_every_file(imported):
    images = open_listed(NAME)
    for part, inner in ((images.train, "train"), (images.test, "val")):
        for row, path in enumerate(part.paths):
            content = (imported / inner / path).read_bytes()
            with Image.open(io.BytesIO(content)) as image:
                assert part.shape[row].tolist() == [image.height, image.width]
            assert (part.bytes[row], part.crc32[row]) == (len(content), zlib.crc32(content))
            assert part.read(row) == content


def test_the_listing_has_the_agreed_types_and_is_read_only(imported):
    part = open_listed(NAME).train
    assert [each.dtype for each in (part.bytes, part.crc32, part.shape, part.labels)] == [np.int64, np.uint32, np.int32, np.int64]
    assert not part.labels.flags.writeable
    assert isinstance(part.labels, np.memmap)


def test_paths_are_a_sequence(imported):
    paths = open_listed(NAME).train.paths
    assert (paths[-1], paths[1:3], len(paths)) == ("cat/1.JPEG", ["ape/1.JPEG", "bee/0.png"], 6)
    with pytest.raises(IndexError):
        paths[6]


def test_names_may_be_of_any_script(pictures):
    for inner in ("train", "val"):
        (pictures / inner / "cat").rename(pictures / inner / "кот")
    library.import_set(NAME, pictures)
    images = open_listed(NAME)
    assert images.classes == ("ape", "bee", "кот")
    assert images.test.read(5) == (pictures / "val" / "кот" / "1.JPEG").read_bytes()


def test_an_image_is_known_by_its_bytes_not_by_its_name(pictures):
    (pictures / "train" / "ape" / "0.png").rename(pictures / "train" / "ape" / "0.JPG")
    library.import_set(NAME, pictures)
    assert open_listed(NAME).train.paths[0] == "ape/0.JPG"


def test_hidden_files_and_what_stands_beside_the_parts_are_passed_over(pictures):
    for path in (".DS_Store", "train/.DS_Store", "val/ape/._0.png", "README.txt"):
        (pictures / path).write_bytes(b"hello")
    library.import_set(NAME, pictures)
    assert len(open_listed(NAME).train.paths) == 6


def test_no_image_is_copied(imported):
    assert {path.suffix for path in library.path(NAME).iterdir()} == {".npy", ".txt", ".json"}


def test_an_import_says_how_much_it_holds_and_where_that_stays(pictures):
    status = library.import_set(NAME, pictures)
    assert (status.holds, status.notes) == ("12 images of 3 classes", (f"the images stay in {pictures}",))


def test_progress_ends_with_all_images(pictures):
    told = []
    library.import_set(NAME, pictures, lambda *what: told.append(what))
    assert told[-1] == (12, 12, "images")


def test_missing_folders_are_named(pictures, tmp_path):
    shutil.rmtree(pictures / "val")
    assert "pictures has no folder val" in refused(pictures)
    assert "has no folder train and no folder val" in refused(tmp_path)
    assert "is not a folder" in refused(tmp_path / "nowhere")


def test_a_folder_without_classes_is_refused(tmp_path):
    for inner in ("train", "val"):
        (tmp_path / "empty" / inner).mkdir(parents=True)
    assert "no classes" in refused(tmp_path / "empty")


def test_classes_of_one_part_only_are_named(pictures):
    shutil.rmtree(pictures / "val" / "bee")
    shutil.rmtree(pictures / "train" / "cat")
    message = refused(pictures)
    assert "1 classes of train are missing in val: bee" in message
    assert "1 classes of val are missing in train: cat" in message


def test_flat_validation_images_must_be_sorted(pictures):
    for name in CLASSES:
        (pictures / "val" / name / "0.png").rename(pictures / "val" / f"{name}.png")
        shutil.rmtree(pictures / "val" / name)
    message = refused(pictures)
    assert "3 images must be sorted into class folders: val/ape.png, val/bee.png, val/cat.png" in message
    assert "arrange the images as train/CLASS/FILE and val/CLASS/FILE" in message


def test_all_mistakes_of_the_layout_are_one_error(pictures):
    (pictures / "train" / "notes.txt").write_text("hello")
    (pictures / "train" / "ape" / "Thumbs.db").write_text("hello")
    (pictures / "val" / "ape" / "more").mkdir()
    (pictures / "val" / "bee" / "link.png").symlink_to("nowhere")
    (pictures / "val" / "dog").mkdir()
    (pictures / "val" / "ape" / "two\nlines.png").write_bytes(b"")
    (pictures / "val" / "ape" / os.fsdecode(b"\xff.png")).write_bytes(b"")
    message = refused(pictures)
    for complaint in (
        "4 entries are not image files: train/ape/Thumbs.db, train/notes.txt, val/ape/more, val/bee/link.png",
        "1 class folders contain no images: val/dog",
        "1 classes of val are missing in train: dog",
        r"2 names are not UTF-8 or have a line break: ape/'two\nlines.png', ape/'\udcff.png'",
    ):
        assert complaint in message


def test_a_layout_is_refused_before_any_image_is_read(pictures, monkeypatch):
    shutil.rmtree(pictures / "val" / "bee")
    monkeypatch.setattr("hpstudy.data.image_folder.examine", lambda path: pytest.fail("an image was read"))
    refused(pictures)


def test_all_unusable_images_are_one_error(pictures):
    ape = pictures / "train" / "ape"
    whole = (ape / "1.JPEG").read_bytes()
    for name, content in {
        "a.png": b"",
        "b.jpg": b"<html>",
        "c.png": png(30_000, 3_000),
        "d.png": png(300_000, 3_000),
        "e.jpg": whole[:20],
    }.items():
        (ape / name).write_bytes(content)
    message = refused(pictures)
    assert "5 of 17 images in" in message
    for complaint in (
        "train/ape/a.png (empty)",
        "train/ape/b.jpg (not an image)",
        "train/ape/c.png (too large: more than 89,478,485 pixels)",
        "train/ape/d.png (too large: more than 89,478,485 pixels)",
        "train/ape/e.jpg (",
    ):
        assert complaint in message


def test_warnings_are_as_before_after_an_import(imported):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        library.import_set(NAME, imported)
        warnings.warn("heard", stacklevel=1)
    assert [str(each.message) for each in caught] == ["heard"]


def test_a_damaged_image_warns_nobody(pictures, recwarn):
    (pictures / "train" / "ape" / "a.tif").write_bytes(b"II*\0" + b"\xff" * 40)
    assert "a.tif" in refused(pictures)
    assert list(recwarn) == []


def test_an_interrupted_import_leaves_what_was_there(imported, cache_root, monkeypatch):
    before = open_listed(NAME).checksum

    def interrupted(path):
        raise KeyboardInterrupt

    (imported / "train" / "ape" / "2.png").write_bytes(png(3, 4))
    monkeypatch.setattr("hpstudy.data.image_folder.examine", interrupted)
    with pytest.raises(KeyboardInterrupt):
        library.import_set(NAME, imported)
    assert open_listed(NAME).checksum == before
    assert [path.name for path in (cache_root / "sets").iterdir()] == ["my_pictures-1"]


def test_a_moved_folder_is_missed_and_is_the_same_data_from_its_new_place(imported, tmp_path):
    before = open_listed(NAME).checksum
    imported.rename(tmp_path / "moved")
    with pytest.raises(DataError, match=rf"(?s)no longer in {imported}.*hpstudy data import {NAME} --from PATH"):
        open_listed(NAME)
    assert library.status(NAME).as_dict()["here"] == "damaged"
    assert f"its images are no longer in {imported}, or may not be read" in library.verify(NAME)
    library.import_set(NAME, tmp_path / "moved")
    assert open_listed(NAME).checksum == before


def test_other_images_are_other_data(imported):
    before = open_listed(NAME).checksum
    (imported / "val" / "cat" / "0.png").write_bytes(png(3, 4))
    library.import_set(NAME, imported)
    assert open_listed(NAME).checksum != before


def test_a_file_that_has_gone_is_an_error_of_its_row_alone(imported):
    images = open_listed(NAME)
    (imported / "train" / "ape" / "1.JPEG").unlink()
    images.train.read(0)
    with pytest.raises(DataError, match=r"(?s)1.JPEG cannot be read: No such file.*restore the file, or import"):
        images.train.read(1)


def changed(path, *, same_size) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content if same_size else content + b"more")


def test_opening_reads_no_image(imported):
    changed(imported / "val" / "bee" / "0.png", same_size=False)
    assert open_listed(NAME).test.read(3) == (imported / "val" / "bee" / "1.JPEG").read_bytes()


@pytest.mark.parametrize(("same_size", "change"), [(True, "its CRC-32 differs"), (False, r"\d+ bytes instead of \d+")])
def test_a_file_that_has_changed_is_not_read(imported, same_size, change):
    changed(imported / "val" / "bee" / "0.png", same_size=same_size)
    with pytest.raises(DataError, match=f"bee/0.png has changed since it was imported: {change}"):
        open_listed(NAME).test.read(2)


def test_a_sound_set_has_no_problems(imported):
    assert library.verify(NAME) == []


def test_verify_finds_every_file_that_changed(imported):
    changed(imported / "train" / "ape" / "0.png", same_size=True)
    changed(imported / "val" / "cat" / "1.JPEG", same_size=False)
    (imported / "val" / "cat" / "0.png").unlink()
    first, second, third, repair = library.verify(NAME)
    assert "train/ape/0.png has changed" in first
    assert "val/cat/0.png cannot be read" in second
    assert "val/cat/1.JPEG has changed" in third
    assert "to repair it: restore the files, or import them again" in repair


def test_verify_finds_a_changed_list(imported):
    changed(library.path(NAME) / "train_crc32.npy", same_size=True)
    found = library.verify(NAME)
    assert len(found) == 2
    assert "train_crc32.npy was altered" in found[0]


def test_an_image_folder_that_is_not_here_is_an_error_with_the_command():
    with pytest.raises(DataError, match=rf"(?s)not on this machine.*then: hpstudy data import {NAME} --from PATH"):
        open_listed(NAME)


def test_imagenet_cannot_be_fetched_and_the_error_says_where_it_is_got():
    with pytest.raises(
        DataError, match=r"(?s)you must provide it.*image-net.org.*val/WNID.*hpstudy data import imagenet --from PATH"
    ):
        library.fetch("imagenet")


def test_fetching_what_was_imported_leaves_it(imported):
    assert library.fetch(NAME).present


def test_imagenet_has_a_thousand_classes(pictures):
    assert "3 classes instead of 1,000" in refused(pictures, "imagenet")


@pytest.mark.parametrize(
    ("published", "note"),
    [
        ({"train": 1000, "test": 6}, "a part of it: 6 of 1,000 in train, 6 of 6 in val"),
        ({"train": 3, "test": 6}, "more than published: 6 of 3 in train, 6 of 6 in val"),
        ({"train": 6, "test": 6}, None),
    ],
)
def test_other_numbers_of_images_than_published_are_noted(pictures, monkeypatch, published, note):
    monkeypatch.setattr(ImageNet, "class_count", 3)
    monkeypatch.setattr(ImageNet, "published", published)
    assert list(library.import_set("imagenet", pictures).notes[1:]) == ([note] if note else [])


def test_a_set_that_cannot_be_used_is_listed_and_verified_as_such(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(ImageNet, "class_count", 3)
    library.import_set("imagenet", pictures)
    pictures.rename(tmp_path / "moved")
    listed, verified = (CliRunner().invoke(app, ["data", command]) for command in ("list", "verify"))
    assert f"imagenet: its images are no longer in {pictures}" in listed.stderr
    assert f"imagenet: its images are no longer in {pictures}" in verified.stdout
    assert verified.exit_code == 1


def test_other_kinds_cannot_be_opened_as_image_folders():
    with pytest.raises(UsageError, match="'cifar10' contains images, but image folders are needed: valid: imagenet"):
        open_listed("cifar10")


def test_a_data_set_without_a_name_is_refused():
    with pytest.raises(PluginError, match="does not define name"):
        open_listed("my_pictures:Nameless")


def test_a_set_of_ones_own_is_imported_from_the_command_line(pictures, tmp_path, cache_root):
    (tmp_path / "my_module.py").write_text("import hpstudy.data\nclass Mine(hpstudy.data.ImageFolder):\n    name = 'mine'\n")
    script = "from hpstudy.cli import main; import sys; sys.path = [each for each in sys.path if each]; main()"
    command = [sys.executable, "-c", script, "data", "import", "my_module:Mine", "--from", "pictures"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (
        f"my_module:Mine: 12 images of 3 classes in {cache_root / 'sets' / 'mine-1'}; the images stay in {pictures}"
        in done.stderr
    )
