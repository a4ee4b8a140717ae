import sys

from hpstudy.sources import imported_sources


def test_an_alias_of_a_module_is_recorded_under_the_own_name_of_the_module(tmp_path, monkeypatch):
    """Another process need not have the alias, and could not find its file."""
    (tmp_path / "aliased_user.py").write_text("import aliased_name\n")
    (tmp_path / "own_name.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    own = __import__("own_name")
    monkeypatch.setitem(sys.modules, "own_name", own)
    monkeypatch.setitem(sys.modules, "aliased_name", own)
    monkeypatch.setitem(sys.modules, "aliased_user", __import__("aliased_user"))
    assert sorted(imported_sources(["aliased_user"])) == ["source of module aliased_user", "source of module own_name"]
