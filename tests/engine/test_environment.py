import pytest

from hpstudy.engine.environment import environment, library_versions


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
