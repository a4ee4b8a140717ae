import errno
import http.server
import json
import os
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import Mock

import numpy as np
import pytest

from hpstudy.data import FeatureSettings, cache, library, load_features, manifest, sets
from hpstudy.data.fsdd import Fsdd
from hpstudy.errors import DataError

pytestmark = pytest.mark.usefixtures("small_fsdd")


@pytest.fixture
def imported(recordings):
    library.import_set("fsdd", recordings)
    return sets.folder_of(sets.dataset("fsdd"))


@pytest.fixture
def published(recordings, tmp_path, monkeypatch):
    """The address of fsdd is a server on this machine."""
    shutil.make_archive(str(tmp_path / "public" / "master"), "zip", recordings.parent)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path / "public"))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(Fsdd, "url", f"http://127.0.0.1:{httpd.server_address[1]}/master.zip")
        yield tmp_path / "public" / "master.zip"
        httpd.shutdown()
        thread.join()


def damage(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_all_sets_are_listed():
    assert [status.name for status in library.list_sets()] == [
        "speech_digits",
        "fsdd",
        "audiomnist",
        "cifar10",
        "cifar100",
        "imagenet",
    ]


def test_a_set_that_is_not_here_is_listed_with_its_command():
    status = library.status("fsdd")
    assert not status.present
    assert "hpstudy data import fsdd --from PATH" in status.command


def test_a_set_that_is_here_is_listed_with_its_size(imported):
    status = library.status("fsdd")
    assert (status.present, status.holds) == (True, "60 clips of 3 speakers")
    assert status.size_bytes == sum(path.stat().st_size for path in imported.iterdir() if path.name != "manifest.json")


def test_a_damaged_set_is_listed_as_damaged(imported):
    (imported / "audio.int16").unlink()
    assert library.status("fsdd").as_dict()["here"] == "damaged"


def test_a_missing_set_is_an_error_with_both_commands():
    with pytest.raises(DataError, match=r"hpstudy data fetch fsdd, or: hpstudy data import fsdd --from PATH"):
        sets.clips("fsdd")


def test_a_sound_set_has_no_problems(imported):
    load_features("fsdd", FeatureSettings(kind="waveform"))
    assert library.verify("fsdd") == []


def test_verifying_a_missing_set_says_so():
    assert "not on this machine" in library.verify("fsdd")[0]


@pytest.mark.parametrize("name", ["audio.int16", "digit.npy", "speaker.npy", "repetition.npy"])
def test_one_changed_bit_is_found(imported, name):
    damage(imported / name)
    assert f"{imported / name} was altered" in library.verify("fsdd")[0]


def test_one_changed_bit_of_features_is_found(imported, cache_root):
    load_features("fsdd", FeatureSettings(kind="waveform"))
    (folder,) = (cache_root / "features").iterdir()
    damage(folder / "x.npy")
    assert f"delete {folder}" in library.verify("fsdd")[-1]


def test_a_missing_file_is_found_on_opening(imported):
    (imported / "digit.npy").unlink()
    with pytest.raises(DataError, match=r"(?s)digit.npy is missing.*hpstudy data fetch fsdd"):
        sets.clips("fsdd")


def test_a_file_of_another_size_is_found_on_opening(imported):
    with (imported / "audio.int16").open("ab") as file:
        file.write(b"more")
    with pytest.raises(DataError, match="bytes instead of"):
        sets.clips("fsdd")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": {"a": 1}}'])
def test_a_manifest_that_is_none_is_one_error(imported, text):
    (imported / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="is not a manifest"):
        sets.clips("fsdd")


@pytest.mark.parametrize("name", ["digit.npy", "x.npy"])
def test_an_array_whose_head_is_damaged_is_one_error(imported, name, cache_root):
    load_features("fsdd", FeatureSettings())
    (path,) = cache_root.rglob(name)
    path.write_bytes(bytes(40) + path.read_bytes()[40:])
    with pytest.raises(DataError, match=f"{name} cannot be read: it is damaged"):
        load_features("fsdd", FeatureSettings())


def test_a_manifest_that_may_not_be_read_is_not_to_be_deleted(imported, monkeypatch):
    monkeypatch.setattr("pathlib.Path.read_text", Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.raises(DataError, match=r"manifest.json cannot be read: Permission denied") as refused:
        sets.clips("fsdd")
    assert refused.value.hint == "check the permissions"


def test_a_file_that_may_not_be_read_is_a_problem(imported, monkeypatch):
    monkeypatch.setattr(manifest, "checksum_of", Mock(side_effect=PermissionError(13, "Permission denied")))
    assert f"{imported / 'digit.npy'} cannot be read: Permission denied" in library.verify("fsdd")


def test_the_manifest_says_what_made_it(imported):
    facts = json.loads((imported / "manifest.json").read_text())
    assert facts["licence"].startswith("CC BY-SA 4.0")
    assert facts["made_with"]["numpy"] == np.__version__


def test_the_path_of_a_set_is_its_folder(imported):
    assert library.path("fsdd") == imported


def test_the_path_of_a_missing_set_is_an_error():
    with pytest.raises(DataError, match="not on this machine"):
        library.path("fsdd")


def test_fetching_gets_the_archive_and_imports_it(published):
    assert library.fetch("fsdd").present


def test_fetching_keeps_no_archive(published, cache_root):
    library.fetch("fsdd")
    assert list((cache_root / "downloads").iterdir()) == []


def test_fetching_what_is_here_asks_nobody(imported, monkeypatch):
    monkeypatch.setattr(Fsdd, "url", "http://127.0.0.1:9/nobody.zip")
    assert library.fetch("fsdd").present


def test_fetching_repairs_a_damaged_set(imported, published):
    damage(imported / "audio.int16")
    library.fetch("fsdd")
    assert library.verify("fsdd") == []


def test_fetching_something_else_than_the_set_is_one_error_and_keeps_no_archive(published, cache_root):
    published.write_bytes(b"<html>")
    with pytest.raises(DataError, match="not a zip"):
        library.fetch("fsdd")
    assert list((cache_root / "downloads").iterdir()) == []


def test_fetching_without_a_network_names_the_import_command(monkeypatch):
    monkeypatch.setattr(Fsdd, "url", "http://127.0.0.1:9/nobody.zip")
    with pytest.raises(DataError, match="hpstudy data import fsdd --from PATH"):
        library.fetch("fsdd")


def test_an_archive_is_kept_if_the_disk_is_full_while_it_is_imported(published, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Fsdd, "read", Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
        with pytest.raises(DataError, match="No space left"):
            library.fetch("fsdd")
    monkeypatch.setattr(Fsdd, "url", "http://127.0.0.1:9/nobody.zip")
    assert library.fetch("fsdd").present


def test_a_set_that_another_process_has_fetched_meanwhile_is_not_downloaded_again(recordings, monkeypatch):
    locked = cache.locked

    @contextmanager
    def waiting(name):
        if name == "fsdd-download":
            library.import_set("fsdd", recordings)
        with locked(name):
            yield

    monkeypatch.setattr(cache, "locked", waiting)
    monkeypatch.setattr(Fsdd, "url", "http://127.0.0.1:9/nobody.zip")
    assert library.fetch("fsdd").present


@pytest.fixture
def public_root(monkeypatch):
    """A data root that other users may enter, with the small fsdd and its features."""
    with TemporaryDirectory(prefix="hpstudy-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv(cache.VARIABLE, folder)
        yield Path(folder)


READERS = {"verify", "path", "status", "fetch", "clips", "features"}


@pytest.mark.parametrize(
    ("inner", "refused"),
    [
        ("", READERS),
        ("sets", READERS),
        ("sets/fsdd-1", READERS),
        ("features", {"verify", "features"}),
        ("features/*", {"verify", "features"}),
        ("downloads", set()),
        ("locks", set()),
    ],
)
def test_a_folder_that_may_not_be_read_is_a_message(public_root, recordings, published, forbidden, inner, refused):
    library.fetch("fsdd")
    features = partial(load_features, settings=FeatureSettings(kind="waveform"))
    features("fsdd")
    calls = {
        "path": library.path,
        "status": lambda name: library.status(name).problem,
        "clips": sets.clips,
        "features": features,
        "fetch": library.fetch,
    }
    folder, said = next(public_root.glob(inner)) if inner else public_root, {}
    with forbidden(folder):
        for name, call in {"verify": library.verify, **calls}.items():
            try:
                said[name] = str(call("fsdd"))
            except DataError as error:
                said[name] = error.message
    assert {name for name, text in said.items() if "Permission denied" in text} == refused
