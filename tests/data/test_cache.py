import os
import subprocess
import sys
import threading
from pathlib import Path

import platformdirs
import pytest

from hpstudy.data import cache
from hpstudy.errors import DataError


def publish(folder: Path, text: str) -> None:
    with cache.publishing(folder) as building:
        (building / "file").write_text(text)


def test_the_root_is_the_users_cache_folder_unless_the_variable_says_otherwise(monkeypatch):
    monkeypatch.delenv(cache.VARIABLE)
    assert cache.root() == platformdirs.user_cache_path("hpstudy")


def test_a_user_without_a_home_folder_is_told_to_set_the_variable(monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, "~no-such-user/data")
    with pytest.raises(DataError, match=f"(?s)no folder for data sets.*set {cache.VARIABLE}"):
        cache.root()


def test_a_published_folder_holds_what_was_written(cache_root):
    publish(cache_root / "a", "new")
    assert (cache_root / "a" / "file").read_text() == "new"


def test_nothing_is_published_when_building_fails(cache_root):
    def fail() -> None:
        with cache.publishing(cache_root / "a") as building:
            (building / "file").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(cache_root.iterdir()) == []


def test_what_was_published_before_survives_a_build_that_fails(cache_root):
    publish(cache_root / "a", "old")
    with pytest.raises(ZeroDivisionError), cache.publishing(cache_root / "a"):
        raise ZeroDivisionError
    assert (cache_root / "a" / "file").read_text() == "old"


def test_publishing_again_replaces_the_old_content_whole(cache_root):
    publish(cache_root / "a", "old")
    (cache_root / "a" / "other").write_text("gone")
    publish(cache_root / "a", "new")
    assert [path.name for path in (cache_root / "a").iterdir()] == ["file"]


def test_a_killed_build_publishes_nothing_and_the_next_one_cleans_up(cache_root):
    script = (
        "import os, signal, pathlib, sys\n"
        "from hpstudy.data import cache\n"
        "with cache.publishing(pathlib.Path(sys.argv[1])) as building:\n"
        "    (building / 'file').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(cache_root / "a")], check=False)
    assert not (cache_root / "a").exists()
    publish(cache_root / "a", "whole")
    assert [path.name for path in cache_root.iterdir()] == ["a"]


def test_two_that_lock_the_same_name_take_turns(cache_root):
    inside, order = threading.Event(), []

    def second() -> None:
        with cache.locked("name"):
            order.append("second")

    with cache.locked("name"):
        other = threading.Thread(target=second)
        other.start()
        inside.wait(0.2)
        order.append("first")
    other.join()
    assert order == ["first", "second"]


def test_a_lock_is_free_after_its_owner_was_killed(cache_root):
    script = "import os, signal\nfrom hpstudy.data import cache\nwith cache.locked('name'): os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", script], check=False)
    with cache.locked("name"):
        pass


def test_a_root_that_cannot_be_made_is_an_error_that_names_the_variable(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    with pytest.raises(DataError, match=f"(?s)cannot prepare.*{cache.VARIABLE}"), cache.locked("name"):
        pass


def test_a_missing_permission_is_a_data_error_that_says_so(cache_root):
    with pytest.raises(DataError, match="Permission denied") as refused, cache.publishing(cache_root / "a"):
        raise PermissionError(13, "Permission denied", "originals")
    assert refused.value.hint.startswith("check the permissions")


def test_a_full_disk_is_a_data_error_and_leaves_nothing(cache_root):
    with pytest.raises(DataError, match="No space left"), cache.publishing(cache_root / "a"):
        raise OSError(28, os.strerror(28))
    assert list(cache_root.iterdir()) == []
