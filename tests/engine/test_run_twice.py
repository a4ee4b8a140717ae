"""A study in Python: the same object again, and mappings."""

import pytest

import hpstudy
from hpstudy.errors import StudyError
from hpstudy.loading.load import study_from

TREE = {
    "name": "n",
    "task": {"use": "branin", "noise": 0.5},
    "metric": {"name": "value", "goal": "minimize"},
    "views": {"v": {"space": {"x1": {"type": "float", "low": 0, "high": 1}}, "fixed": {"x2": 1.0}}},
    "search": {"searcher": "random", "trials": 2},
    "replicates": 2,
}


@pytest.mark.parametrize("make", [dict, study_from], ids=["mapping", "study"])
@pytest.mark.parametrize("own", [False, True], ids=["built-in", "function"])
def test_a_study_runs_twice_from_the_same_object(tmp_path, monkeypatch, make, own):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run_twice.py").write_text("def f(params, seed): return params['x1']\n")
    study = make({**TREE, "task": {"use": "run_twice:f"} if own else TREE["task"]})
    assert [hpstudy.run(study, "s.sqlite", executor="inline").ran for _ in range(2)] == [4, 0]


def test_a_command_of_a_mapping_runs_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.sh").write_text('echo "{\\"value\\": $1}"\n')
    study = {**TREE, "task": {"command": "sh train.sh {x1} {x2}"}}
    assert hpstudy.run(study, "s.sqlite", executor="inline").counts.completed == 4
    monkeypatch.chdir("/")
    assert hpstudy.resume(tmp_path / "s.sqlite", executor="inline").ran == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"replicats": 2}, "replicats: unknown key: did you mean 'replicates'?"),
        ({"replicates": "2"}, "replicates: must be a whole number, not '2': remove the quotes"),
        ({"views": {"v": {1, 2}}}, "not JSON serializable"),
        ({"task": {"use": "branim"}}, "task.use: no task is called 'branim': did you mean 'branin'?"),
    ],
)
def test_a_mapping_with_a_mistake_is_refused_in_a_sentence(change, said, tmp_path):
    with pytest.raises(StudyError) as caught:
        hpstudy.run({**TREE, **change}, tmp_path / "s.sqlite")
    assert said in str(caught.value)
