from pathlib import Path

import pytest

from hpstudy.store import Reader, Store
from hpstudy.store.paths import to_absolute, to_stored


@pytest.mark.parametrize(
    ("path", "stored"),
    [("/a/runs/x.logs/w.log", "x.logs/w.log"), ("/a/studies", "../studies"), ("/b/c", "../../b/c"), ("/a/runs", ".")],
)
def test_a_path_is_stored_relative_to_the_database_and_made_absolute_again(path, stored):
    database = Path("/a/runs/x.sqlite")
    assert to_stored(path, database) == stored
    assert to_absolute(stored, database) == path


def test_no_path_stays_none():
    assert to_stored(None, Path("/a/x.sqlite")) is to_absolute(None, Path("/a/x.sqlite")) is None


def test_an_absolute_path_stays_as_it_is():
    assert to_absolute("/b/c", Path("/a/x.sqlite")) == "/b/c"


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "far" / "runs").mkdir(parents=True)
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "runs").symlink_to(tmp_path / "far" / "runs")
    database = tmp_path / "near" / "runs" / "x.sqlite"
    assert to_absolute(to_stored(str(tmp_path / "near" / "studies"), database), database) == str(tmp_path / "near" / "studies")


def test_a_project_that_is_moved_takes_its_module_path_along(tmp_path, study):
    (tmp_path / "old" / "runs").mkdir(parents=True)
    with Store.create(tmp_path / "old" / "runs" / "x.sqlite", study, module_path=str(tmp_path / "old" / "studies")):
        pass
    (tmp_path / "old").rename(tmp_path / "new")
    with Reader.open(tmp_path / "new" / "runs" / "x.sqlite") as reader:
        assert reader.module_path == str(tmp_path / "new" / "studies")


def test_no_folder_of_this_machine_stands_in_a_database(tmp_path, study):
    path = tmp_path / "x.sqlite"
    with Store.create(path, study, module_path=str(tmp_path / "studies")):
        pass
    assert str(tmp_path).encode() not in path.read_bytes()
