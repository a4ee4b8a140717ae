import pytest

from hpstudy import plugins
from hpstudy.bnn.methods import METHODS
from hpstudy.errors import PluginError, UsageError
from hpstudy.modules import module_path
from hpstudy.search import SEARCHERS
from hpstudy.sources import source_identity


@pytest.fixture
def my_part(tmp_path, monkeypatch):
    """A module with one class; returns its path."""
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / f"part_{abs(hash(tmp_path))}.py"
    path.write_text("class Mine: ...")
    return path


def test_another_source_is_another_identity(my_part):
    use = f"{my_part.stem}:Mine"
    before = source_identity(use)
    my_part.write_text("class Mine: x = 1")
    # The process runs what it has imported, until it imports the file again.
    assert before == source_identity(use)
    with module_path(str(my_part.parent)):
        again = source_identity(use)
    assert (list(before), list(again)) == ([f"source of module {my_part.stem}"], [f"source of {my_part.name}"])
    assert list(before.values()) != list(again.values())


@pytest.mark.parametrize("table", [SEARCHERS, METHODS])
def test_a_part_of_the_users_own_is_in_every_table(table, my_part):
    assert f"{my_part.stem}:Mine" in table
    assert table.load(f"{my_part.stem}:Mine").__name__ == "Mine"


def test_a_misspelled_name_in_the_users_module_gets_the_nearest(my_part):
    with pytest.raises(PluginError, match="did you mean 'Mine'"):
        SEARCHERS.load(f"{my_part.stem}:Mene")


def test_a_misspelled_built_in_name_gets_the_nearest_and_how_to_add_one():
    with pytest.raises(UsageError, match="did you mean 'sobol'") as caught:
        SEARCHERS.load("sobbol")
    assert "my_module:MySearcher" in caught.value.hint


def test_an_import_that_fails_with_a_long_message_is_cut(tmp_path, monkeypatch):
    (tmp_path / "long_message.py").write_text("raise ValueError('x' * 10**7)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError) as caught:
        plugins.load_callable("long_message:f")
    assert len(str(caught.value)) < 3_000
