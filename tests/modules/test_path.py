import os
import py_compile
import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest

from hpstudy.errors import UsageError
from hpstudy.modules import (
    check_imported,
    current_digest,
    forget_changed_modules,
    function_folder,
    loaded_sources,
    module_folder,
    module_path,
    search_path,
)


@pytest.fixture
def folders(tmp_path):
    """Two folders that each have a module `twin` and a helper that it imports."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "twin.py").write_text("import twin_helper\nwho = twin_helper.who")
        (tmp_path / name / "twin_helper.py").write_text(f"who = {name!r}")
    return str(tmp_path / "one"), str(tmp_path / "two")


def who():
    import twin

    return twin.who


def test_the_folder_comes_first_while_the_body_runs(folders, monkeypatch):
    monkeypatch.syspath_prepend(folders[1])
    with module_path(folders[0]):
        assert who() == "one"


def test_everything_is_as_before_afterwards(folders):
    before = list(sys.path), list(sys.meta_path), dict(sys.modules)

    def fail():
        who()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), module_path(folders[0]):
        fail()
    assert (sys.path, sys.meta_path, sys.modules) == before


def test_a_folder_that_is_on_the_path_already_stays_where_it_is(folders, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, folders[1]])
    before = list(sys.path)
    with module_path(folders[1]):
        assert (sys.path, who()) == (before, "two")
    assert sys.path == before


def test_two_studies_may_have_modules_of_the_same_name(folders):
    seen = []
    for folder in (*folders, folders[0]):
        with module_path(folder):
            seen.append(who())
    assert seen == ["one", "two", "one"]


def test_two_studies_may_have_folders_of_the_same_name_without_init(tmp_path):
    seen = []
    for name in ("p1", "p2", "p1"):
        (tmp_path / name / "src").mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "src" / "train.py").write_text(f"who = {name!r}")
        with module_path(str(tmp_path / name)):
            from src.train import who

            seen.append(who)
    assert seen == ["p1", "p2", "p1"]


def test_a_study_within_a_study_has_its_own_modules(folders):
    with module_path(folders[0]):
        first = [who()]
        with module_path(folders[1]):
            inner = who()
        first.append(who())
    assert (first, inner) == (["one", "one"], "two")


def test_a_module_is_imported_once_for_one_folder(folders):
    with module_path(folders[0]):
        who()
        first = sys.modules["twin"]
    with module_path(folders[0]):
        who()
        assert sys.modules["twin"] is first


def test_several_threads_may_be_in_blocks_of_one_folder(folders):
    inside, leave, seen = threading.Barrier(5), threading.Event(), []

    def enter(wait):
        with module_path(folders[0]):
            inside.wait()
            if wait:
                leave.wait()
            seen.append(who())

    threads = [threading.Thread(target=enter, args=(number % 2,)) for number in range(4)]
    for thread in threads:
        thread.start()
    inside.wait()
    leave.set()
    for thread in threads:
        thread.join()
    assert seen == ["one"] * 4
    assert "twin" not in sys.modules


def test_a_module_of_the_same_name_that_others_imported_is_put_back(folders, monkeypatch):
    (other := types.ModuleType("twin")).who = "notebook"
    monkeypatch.setitem(sys.modules, "twin", other)
    with module_path(folders[0]):
        assert who() == "one"
    assert who() == "notebook"


def test_modules_of_others_are_never_forgotten(folders):
    before = set(sys.modules)
    for folder in folders:
        with module_path(folder):
            who()
    assert before <= set(sys.modules)


def test_without_a_folder_nothing_changes():
    before = list(sys.path), list(sys.meta_path)
    with module_path(None):
        assert (sys.path, sys.meta_path) == before


def test_a_folder_of_installed_packages_is_not_a_studys():
    with module_path(str(Path(pytest.__file__).parents[1])) as modules:
        assert modules is None


def test_a_changed_module_is_imported_again_by_the_next_run(folder, load):
    place = folder(edited="K = 1")
    seen = []
    for code in (None, None, "K = 3"):
        if code:
            folder(edited=code)
        forget_changed_modules()
        with module_path(place):
            seen.append(load("edited"))
    assert seen[0] is seen[1]
    assert [module.K for module in seen] == [1, 1, 3]


def test_within_a_run_a_changed_module_stays_and_so_does_its_checksum(folder, load):
    place = folder(edited="K = 1")
    with module_path(place):
        first, before = load("edited"), loaded_sources()
        folder(edited="K = 3")
        forget_changed_modules()
        with module_path(place):
            assert load("edited") is first
            assert loaded_sources() == before


def test_a_stale_pyc_is_not_run_and_none_is_written(folder, load):
    place = Path(folder(stale="K = 1"))
    source = place / "stale.py"
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    written = sorted((place / "__pycache__").iterdir())
    source.write_text("K = 2")
    folder(fresh="")
    with module_path(str(place)):
        load("fresh")
        assert load("stale").K == 2
    assert sorted((place / "__pycache__").iterdir()) == written


def test_processes_that_a_trial_starts_find_the_folder_last(folders):
    with module_path(folders[0]):
        assert sys.path[-1] == folders[0]
        command = f"import sys; sys.path[:] = {sys.path!r}; import twin, json; print(twin.who, json.__file__)"
        done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"one {Path(os.__file__).parent}")


def test_a_new_worker_does_not_find_the_folder(folders):
    with module_path(folders[0]):
        assert folders[0] not in search_path()


def test_processes_that_a_trial_starts_find_the_folder_before_others_with_a_module_of_the_same_name(folders, monkeypatch):
    monkeypatch.setattr(sys, "path", [folders[1], *sys.path])
    path = list(sys.path)
    with module_path(folders[0]):
        assert sys.path.index(folders[0]) < sys.path.index(folders[1])
        command = f"import sys; sys.path[:] = {sys.path!r}; import twin; print(twin.who)"
        done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
        assert search_path() == path
    assert done.stdout == "one\n"
    assert sys.path == path


def test_a_block_waits_while_another_thread_is_in_that_of_another_folder(folders):
    seen, together = [], threading.Barrier(4)

    def run(number):
        together.wait()
        for _ in range(20):
            with module_path(folders[number % 2]):
                seen.append((number % 2, who()))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 80
    assert set(seen) == {(0, "one"), (1, "two")}


def test_a_thread_cannot_enter_a_block_while_another_stays_in_that_of_another_folder(folders, monkeypatch):
    monkeypatch.setattr("hpstudy.modules.path.WAIT_S", 0.05)
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with module_path(folders[0]):
            inside.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    with module_path(folders[0]):
        assert who() == "one"
    with (
        pytest.raises(
            UsageError, match=f"waited 0.05 s to use the modules of {folders[1]}: another thread .* those of {folders[0]},"
        ),
        module_path(folders[1]),
    ):
        raise AssertionError
    leave.set()
    thread.join()
    with module_path(folders[1]):
        assert who() == "two"


def test_a_module_that_is_not_imported_is_looked_for_in_the_working_directory(folders, monkeypatch):
    with module_path(folders[0]):
        who()
    monkeypatch.chdir(folders[1])
    assert module_folder(["twin"]) == folders[1]


def test_an_imported_module_is_found_where_it_was_imported(folders, monkeypatch):
    monkeypatch.syspath_prepend(folders[0])
    monkeypatch.chdir(folders[1])
    who()
    assert module_folder(["twin"]) == folders[0]
    with pytest.raises(UsageError, match=f"imported twin from {folders[0]}/twin.py, but .* from {folders[1]}/twin.py"):
        check_imported(["twin"], folders[1])
    del sys.modules["twin"], sys.modules["twin_helper"]


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Two modules that this process has imported, each from a folder of its own name."""
    names = ["a_part", "b_part"]
    for name in names:
        (tmp_path / name).mkdir()
        module = types.ModuleType(name)
        module.__file__ = str(tmp_path / name / f"{name}.py")
        Path(module.__file__).touch()
        monkeypatch.setitem(sys.modules, name, module)
    return names


def test_of_the_folders_of_imported_modules_one_that_is_not_on_the_path_is_taken(imported, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path / "a_part")
    assert module_folder(imported) == str(tmp_path / "b_part")
    monkeypatch.syspath_prepend(tmp_path / "b_part")
    assert module_folder(imported) == str(tmp_path / "a_part")


def test_the_folder_of_a_function_is_the_working_directory_if_it_has_one_of_the_modules(imported, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "b_part")
    assert function_folder(imported) == str(tmp_path / "b_part")
    monkeypatch.chdir(tmp_path)
    assert function_folder(imported) == str(tmp_path / "a_part")


def test_from_block_to_block_a_changed_module_stays_and_so_does_its_checksum(folder, load):
    place = folder(edited="K = 1")
    with module_path(place):
        first, before = load("edited"), current_digest("edited.py")
    folder(edited="K = 3")
    with module_path(place):
        assert load("edited") is first
        assert current_digest("edited.py") == before
    forget_changed_modules()
    with module_path(place):
        assert current_digest("edited.py") != before


def test_processes_that_a_trial_starts_find_a_library_before_a_module_of_its_name(folders, tmp_path, monkeypatch):
    (tmp_path / "two" / "twin.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [folders[1], *sys.path])
    with module_path(folders[0]):
        assert sys.path.index(folders[1]) < sys.path.index(folders[0])


def test_a_function_of_a_script_has_its_modules_in_the_working_directory_or_where_python_finds_them(
    folders, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(folders[0])
    monkeypatch.chdir(tmp_path)
    assert function_folder(["twin", "json", "numpy", "hpstudy.errors"]) == folders[0]
    (tmp_path / "twin_of_none.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert function_folder(["twin", "twin_of_none"]) == str(tmp_path)


def test_the_source_tree_of_a_needed_library_is_no_folder_of_a_study(folders, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(folders[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hpstudy.modules.lookup.needed_modules", lambda: {"twin"})
    assert function_folder(["twin"]) == str(tmp_path)
