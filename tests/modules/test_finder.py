import hashlib
import importlib
import json
import sys
import types
from pathlib import Path

import pytest

import hpstudy.modules.finder
from hpstudy.modules import loaded_sources, module_path, passed_over
from hpstudy.modules.finder import holds_packages


def sha256(place, path):
    return hashlib.sha256(Path(place, path).read_bytes()).hexdigest()


def installed(monkeypatch, folder, **codes):
    """Put modules on sys.path."""
    folder.mkdir(exist_ok=True)
    for name, code in codes.items():
        (folder / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(folder)


def test_every_file_that_is_loaded_is_recorded_with_its_checksum(folder, load):
    place = folder(
        train="import helper, pack.part, space.deep", helper="", pack____init__="", pack__part="", space__deep="", other=""
    )
    with module_path(place):
        load("train")
        sources = loaded_sources()
    paths = ["helper.py", "pack/__init__.py", "pack/part.py", "space/deep.py", "train.py"]
    assert sources == {path: sha256(place, path) for path in paths}


def test_what_is_recorded_is_what_was_run(folder, load):
    place = folder(train="from pathlib import Path\nPath(__file__).write_text('changed = 1')")
    before = sha256(place, "train.py")
    with module_path(place):
        load("train")
        assert loaded_sources() == {"train.py": before}
    assert sha256(place, "train.py") != before


def test_a_file_that_cannot_be_run_is_recorded_too(folder, load):
    place = folder(train="1 +")
    with module_path(place), pytest.raises(SyntaxError):
        load("train")
    with module_path(place):
        assert loaded_sources() == {"train.py": sha256(place, "train.py")}


def test_a_module_imported_late_is_recorded(folder, load):
    place = folder(train="def f():\n    import helper", helper="")
    with module_path(place):
        train = load("train")
    with module_path(place):
        train.f()
        assert sorted(loaded_sources()) == ["helper.py", "train.py"]


def test_a_relative_import_is_recorded(folder, load):
    with module_path(folder(pack____init__="from . import part", pack__part="")):
        load("pack")
        assert sorted(loaded_sources()) == ["pack/__init__.py", "pack/part.py"]


def test_a_folder_that_user_code_adds_to_the_path_is_served_too(folder, load, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    place = folder(train="import os, sys\nsys.path.insert(0, os.path.dirname(__file__) + '/lib')\nimport mine", lib__mine="")
    with module_path(place):
        load("train")
        assert sorted(loaded_sources()) == ["lib/mine.py", "train.py"]


def test_an_environment_in_the_folder_is_not_the_studys_code(folder, load, monkeypatch):
    place = folder(lib__from_wheel="")
    Path(place, "lib", "from_wheel-1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(f"{place}/lib")
    with module_path(place):
        load("from_wheel")
        assert loaded_sources() == {}
    monkeypatch.delitem(sys.modules, "from_wheel")


def test_a_compiled_extension_is_recorded(folder, load):
    file = Path(importlib.import_module("_json").__spec__.origin or "")
    if not file.is_file():
        pytest.skip("this Python has no extension files")
    place = folder()
    copy = Path(place, f"_json_copy{''.join(file.suffixes)}")
    copy.write_bytes(file.read_bytes())
    with module_path(place):
        with pytest.raises(ImportError, match="PyInit__json_copy"):
            load("_json_copy")
        assert loaded_sources() == {copy.name: sha256(place, copy.name)}
        copy.unlink()  # writing into a loaded library would crash the interpreter when it exits
        copy.write_bytes(file.read_bytes() + b"changed")
        with pytest.raises(ImportError, match="restart Python"):
            load("_json_copy")


@pytest.mark.parametrize("name", ["json", "numpy", "botorch", "yaml", "linear_operator"])
def test_a_library_of_hpstudy_and_a_module_of_python_are_not_looked_for_in_the_folder(folder, name, monkeypatch):
    place = folder(**{name: "raise AssertionError"})
    monkeypatch.syspath_prepend(place)
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    with module_path(place):
        spec = importlib.util.find_spec(name)
        assert not spec.origin.startswith(place)
        assert f"{place}/{name}.py is not imported, because it has the name of a" in passed_over(name)


def test_a_module_of_the_study_comes_before_an_installed_one_that_hpstudy_does_not_need(folder, load, monkeypatch, tmp_path):
    installed(monkeypatch, tmp_path / "site", utils="who = 'installed'")
    with module_path(folder(utils="who = 'mine'")):
        assert load("utils").who == "mine"
        assert passed_over("utils") == ""


def test_it_does_so_even_if_the_other_was_imported_before(folder, load, monkeypatch, tmp_path):
    installed(monkeypatch, tmp_path / "site", utils="who = 'installed'")
    before = load("utils")
    with module_path(folder(utils="who = 'mine'")):
        assert load("utils").who == "mine"
    assert load("utils") is before
    monkeypatch.delitem(sys.modules, "utils")


def test_a_folder_without_init_does_not_hide_an_installed_package(folder, load, monkeypatch, tmp_path):
    installed(monkeypatch, tmp_path / "site", tracker="who = 'installed'")
    with module_path(folder(tracker__run1="")):
        assert load("tracker").who == "installed"
    monkeypatch.delitem(sys.modules, "tracker")


def test_a_dependency_is_asked_for_only_if_the_name_is_known_elsewhere(folder, load, monkeypatch):
    monkeypatch.setattr(hpstudy.modules.finder, "needed_modules", lambda: pytest.fail("not needed"))
    with module_path(folder(train="import math, helper", helper="")):
        load("train")


def test_hpstudy_itself_is_never_the_studys(folder, load):
    with module_path(folder(hpstudy____init__="raise AssertionError")):
        assert load("hpstudy.errors").__name__ == "hpstudy.errors"
        assert loaded_sources() == {}


def test_the_needed_modules_are_those_of_all_dependencies_but_not_of_development():
    needed = hpstudy.modules.finder.needed_modules()
    assert {"numpy", "botorch", "linear_operator", "ruamel", "PIL", "sklearn", "hpstudy"} <= needed
    assert not {"pytest", "xdist", "pip", "ax"} & needed


def test_resources_and_sources_of_a_module_are_there(folder, load):
    place = folder(pack____init__="def f(): return 1")
    Path(place, "pack", "table.json").write_text("[1]")
    with module_path(place):
        import inspect
        from importlib.resources import files

        assert inspect.getsource(load("pack").f) == "def f(): return 1\n"
        assert json.loads(files("pack").joinpath("table.json").read_text()) == [1]
        assert isinstance(load("pack"), types.ModuleType)


def test_a_folder_that_cannot_be_listed_holds_no_packages(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError

    monkeypatch.setattr("os.listdir", refuse)
    assert not holds_packages(str(tmp_path))
