import errno
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hpstudy.errors import StoreError
from hpstudy.store import Reader, Store, check, connection, create, owned


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_what_exists_is_never_replaced(path, study):
    path.write_text("notes")
    with pytest.raises(StoreError, match="already exists"):
        Store.create(path, study)
    assert path.read_text() == "notes"


def test_a_dangling_link_counts_as_existing(path, study, tmp_path):
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="already exists"):
        Store.create(path, study)


def test_a_missing_folder_is_named(tmp_path, study):
    with pytest.raises(StoreError, match="there is no folder"):
        Store.create(tmp_path / "runs" / "x.sqlite", study)


def test_a_database_that_cannot_be_created_is_named_not_its_temporary_file(path, study, monkeypatch):
    def refuse(draft, options):
        return sqlite3.connect(f"{draft.absolute().as_uri()}/x?{options}", uri=True)

    monkeypatch.setattr(connection, "_connect", refuse)
    with pytest.raises(StoreError) as refused:
        Store.create(path, study)
    assert refused.value.message == f"{path} cannot be opened or created"


def test_a_read_only_disk_is_named(path, study, monkeypatch):
    def refuse(file, missing_ok=False):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(file))  # Linux says so also of a file that does not exist

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StoreError, match=r"example\.sqlite cannot be created: Read-only file system"):
        Store.create(path, study)


def test_creation_leaves_one_file(path, study):
    Store.create(path, study).close()
    assert names(path.parent) == [path.name]


@pytest.mark.parametrize(("module", "step"), [(create, "migrate"), (owned, "write_study"), (create, "_publish")])
def test_a_failed_creation_leaves_nothing(path, study, module, step, monkeypatch):
    def fail(*arguments):
        raise RuntimeError(step)

    monkeypatch.setattr(module, step, fail)
    with pytest.raises(RuntimeError, match=step):
        Store.create(path, study)
    assert names(path.parent) == []


def test_a_failed_creation_can_be_tried_again(path, study, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(owned, "write_study", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Store.create(path, study)
    Store.create(path, study).close()
    assert check(path) == []


def test_of_two_creators_the_first_wins(path, study, monkeypatch):
    publish = create._publish

    def late(draft, target):
        monkeypatch.setattr(create, "_publish", publish)
        Store.create(path, study, identity={"by": "first"}).close()
        publish(draft, target)

    monkeypatch.setattr(create, "_publish", late)
    with pytest.raises(StoreError, match="another process created"):
        Store.create(path, study, identity={"by": "second"})
    with Reader.open(path) as reader:
        assert reader.identity == {"by": "first"}


def test_a_file_system_without_hard_links_will_do(path, study, monkeypatch):
    def refuse(*arguments):
        raise PermissionError("no hard links here")

    monkeypatch.setattr(type(path), "hardlink_to", refuse)
    Store.create(path, study).close()
    assert check(path) == []


def test_the_log_of_a_database_that_is_gone_is_not_replayed(path, study):
    path.with_name(path.name + "-wal").write_bytes(b"old trials")
    with pytest.raises(StoreError, match="belongs to a database that was deleted"):
        Store.create(path, study)


def test_an_empty_log_of_a_database_that_is_gone_does_no_harm(path, study):
    path.with_name(path.name + "-wal").touch()
    Store.create(path, study).close()
    assert check(path) == []


def test_the_index_of_a_log_that_is_gone_is_removed(path, study):
    path.with_name(path.name + "-shm").write_bytes(bytes(32768))
    Store.create(path, study).close()
    assert check(path) == []
    assert names(path.parent) == [path.name]


@pytest.mark.parametrize("suffix", ["-shm", "-wal"])
def test_what_a_killed_process_left_beside_a_database_does_no_harm(path, study, suffix):
    Store.create(path, study).close()
    path.with_name(path.name + suffix).write_bytes(b"" if suffix == "-wal" else bytes(32768))
    assert check(path) == []
    Store.open(path).close()
    assert names(path.parent) == [path.name]


CREATE = """
import os, signal, sys
from hpstudy.store import Store, create
from tests.support.databases import example_study
create._publish = lambda draft, path: os.kill(os.getpid(), signal.{signal})
Store.create(sys.argv[1], example_study())
"""


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGTERM"])
@pytest.mark.parametrize("name", ["study.sqlite", f"{'a_long_name_' * 6}[1].sqlite"])
def test_the_draft_of_a_killed_process_is_removed_later(tmp_path, study, name, signal):
    path = tmp_path / name
    subprocess.run([sys.executable, "-c", CREATE.format(signal=signal), str(path)], check=False, cwd=Path(__file__).parents[2])
    (draft,) = names(path.parent)
    assert draft.endswith(".new")
    Store.create(path, study).close()
    assert names(path.parent) == [draft, path.name]  # it could be that of a live process
    path.unlink()
    os.utime(path.with_name(draft), (0, 0))
    Store.create(path, study).close()
    assert names(path.parent) == [path.name]


def test_a_folder_without_write_permission_is_named(public_folder, unprivileged, study):
    with unprivileged(public_folder), pytest.raises(StoreError, match="cannot be opened"):
        Store.create(public_folder / "x.sqlite", study)


def test_a_path_with_signs_of_its_own_works(tmp_path, study):
    path = tmp_path / "50% größer?&mode=memory#1.sqlite"
    Store.create(path, study).close()
    assert names(tmp_path) == [path.name]
