import pytest

from hpstudy.engine.environment import environment, library_versions, package_versions
from hpstudy.modules.dependencies import needed_modules


@pytest.mark.parametrize(
    ("called", "recorded"),
    [
        (["/home/me/.venv/bin/hpstudy", "run", "a study.yaml"], "hpstudy run 'a study.yaml'"),
        (["/home/me/hpstudy/__main__.py", "resume", "x"], "python -m hpstudy resume x"),
        (["analysis.py"], "analysis.py"),
    ],
)
def test_the_command_is_recorded_without_the_folder_of_the_program(monkeypatch, called, recorded):
    monkeypatch.setattr("sys.argv", called)
    assert environment(2, "inline")["command"] == recorded


def test_every_library_that_can_change_a_number_is_recorded():
    assert {
        "python",
        "hpstudy",
        "torch",
        "botorch",
        "gpytorch",
        "linear_operator",
        "numpy",
        "pillow",
        "torchvision",
    } <= library_versions().keys()


def test_workers_are_counted_in_words():
    assert [environment(n, "processes")["executor"] for n in (1, 2)] == ["processes, 1 worker", "processes, 2 workers"]


def test_a_package_that_pip_has_not_removed_completely_has_no_version(monkeypatch, tmp_path):
    """As after an interrupted `pip uninstall`: a folder with a list of files, and without a name."""
    (tmp_path / "~ine-1.0.dist-info").mkdir()
    (tmp_path / "~ine-1.0.dist-info/RECORD").write_text("mine_of_users/__init__.py,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert package_versions(["mine_of_users"]) == {}
    assert "mine_of_users" not in needed_modules.__wrapped__()
