import sys

import pytest

from hpstudy.modules import module_path


@pytest.fixture
def folders(tmp_path):
    """Two folders that each have a module `twin` and a helper that it imports."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "twin.py").write_text("import twin_helper\nwho = twin_helper.who")
        (tmp_path / name / "twin_helper.py").write_text(f"who = {name!r}")
    yield str(tmp_path / "one"), str(tmp_path / "two")
    for module in ("twin", "twin_helper"):
        sys.modules.pop(module, None)


def who():
    import twin

    return twin.who


def test_the_folder_comes_first_while_the_body_runs(folders):
    with module_path(folders[0]):
        assert sys.path[0] == folders[0]


def test_the_search_path_is_as_before_afterwards(folders):
    before = list(sys.path)
    with pytest.raises(ZeroDivisionError), module_path(folders[0]):
        raise ZeroDivisionError
    assert sys.path == before


def test_a_folder_that_is_on_the_path_already_still_comes_first(folders, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, folders[1]])
    with module_path(folders[1]):
        assert sys.path[0] == folders[1]
    assert sys.path[-1] == folders[1]


def test_two_studies_may_have_modules_of_the_same_name(folders):
    seen = []
    for folder in (*folders, folders[0]):
        with module_path(folder):
            seen.append(who())
    assert seen == ["one", "two", "one"]


def test_a_module_is_imported_once_for_one_folder(folders):
    with module_path(folders[0]):
        who()
    first = sys.modules["twin"]
    with module_path(folders[0]):
        who()
    assert sys.modules["twin"] is first


def test_modules_of_others_are_never_forgotten(folders):
    before = set(sys.modules)
    for folder in folders:
        with module_path(folder):
            who()
    assert before <= set(sys.modules)


def test_without_a_folder_nothing_changes():
    before = list(sys.path)
    with module_path(None):
        assert sys.path == before
