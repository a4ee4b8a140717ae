"""An Optuna objective gets its hyperparameters from the declared space, and says where the two disagree."""

import textwrap

import pytest
from ruamel.yaml import YAML

from hpstudy.engine.measured import read_result
from hpstudy.engine.recorder import Recorder
from hpstudy.errors import StudyError, TrialFailed
from hpstudy.loading.make import make_task
from hpstudy.study.schema import TaskBlock, View

VIEW = View(
    space={
        "rate": {"type": "float", "low": 1e-4, "high": 0.1, "log": True},
        "width": {"type": "int", "low": 8, "high": 64, "step": 8},
        "kind": {"type": "choice", "values": ["relu", "tanh"]},
    },
    fixed={"depth": 3, "dropout": 0.25},
)
POINT = {"rate": 0.01, "width": 16, "kind": "tanh"}
AGREES = """
def objective(trial):
    rate = trial.suggest_float("rate", 1e-5, 0.1, log=True)
    width = trial.suggest_int("width", 8, 64, step=8)
    kind = trial.suggest_categorical("kind", ["relu", "tanh", "gelu"])
    depth = trial.suggest_int("depth", 1, 4)
    dropout = trial.suggest_float("dropout", 0, 0.5)
    for step in range(2):
        trial.report(rate / (step + 1), step)
        trial.report(9, step)
        if trial.should_prune():
            raise ValueError
    trial.set_user_attr("note", "fine")
    trial.set_user_attr("seconds", 2)
    trial.set_user_attr("params", trial.params)
    return rate * width + depth + dropout
"""


@pytest.fixture
def objective(tmp_path, monkeypatch, request):
    """The task of an objective: objective("def objective(trial): ...")."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(code):
        name = f"users_{abs(hash(request.node.nodeid))}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code))
        return make_task(TaskBlock(use=f"{name}:objective", style="optuna"))

    return make


def suggests(call):
    return f"def objective(trial): return float(len(str({call})))"


def test_hyperparameters_and_fixed_values_are_answered_and_all_results_kept(objective):
    report = Recorder()
    metrics, attributes = read_result(objective(AGREES).evaluate(VIEW, POINT, 7, report), "loss")
    assert metrics == {"loss": 0.01 * 16 + 3.25, "seconds": 2.0}
    assert attributes == {"note": "fine", "params": {**POINT, "depth": 3, "dropout": 0.25}}
    assert report.curves == [(0, "intermediate", 0.01), (1, "intermediate", 0.005)]


def test_the_number_of_a_trial_is_its_seed(objective):
    assert objective("def objective(trial): return trial.number").evaluate(VIEW, POINT, 7, Recorder()).value == 7


@pytest.mark.parametrize(
    ("call", "declared"),
    [
        ('trial.suggest_float("decay", 1e-5, 0.1, log=True)', {"type": "float", "low": 1e-5, "high": 0.1, "log": True}),
        ('trial.suggest_int("decay", 1, 8)', {"type": "int", "low": 1, "high": 8}),
        ('trial.suggest_int("decay", 2, 8, step=2)', {"type": "int", "low": 2, "high": 8, "step": 2}),
        ('trial.suggest_categorical("decay", ["a b", "yes"])', {"type": "choice", "values": ["a b", "yes"]}),
        ('trial.suggest_categorical("decay", [True, False])', {"type": "choice", "values": [True, False]}),
    ],
)
def test_a_name_that_is_not_declared_is_answered_with_the_lines_to_add(objective, call, declared):
    with pytest.raises(TrialFailed, match="the objective asks for 'decay', which the view neither tunes nor fixes") as caught:
        objective(suggests(call)).evaluate(VIEW, POINT, 0, Recorder())
    text = str(caught.value).split("Add to the view:\n")[1].split("\nor fix")[0]
    lines = YAML(typ="safe", pure=True).load(text)
    assert lines["space"]["decay"] == declared


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('trial.suggest_float("rate", 1e-3, 0.1, log=True)', "the view's low 0.0001 is below its low 0.001"),
        ('trial.suggest_float("rate", 1e-4, 0.01, log=True)', "the view's high 0.1 is above its high 0.01"),
        ('trial.suggest_float("rate", 1e-4, 0.1)', "it has log: false, the view log: true"),
        ('trial.suggest_int("width", 8, 64)', "it has step: 1, the view step: 8"),
        ('trial.suggest_int("rate", 1, 2)', "it asks for type int, the view declares float"),
        ('trial.suggest_categorical("kind", ["relu"])', "the view's tanh is not among its choices [relu]"),
        ('trial.suggest_int("depth", 4, 6)', "the fixed value 3 is not a valid int from 4 to 6"),
        ('trial.suggest_int("dropout", 0, 1)', "the fixed value 0.25 is not a valid int from 0 to 1"),
        ('trial.suggest_categorical("depth", [1, 2])', "the fixed value 3 is not among its choices [1, 2]"),
    ],
)
def test_a_declaration_that_disagrees_is_said_with_both_values(objective, call, said):
    with pytest.raises(TrialFailed) as caught:
        objective(suggests(call)).evaluate(VIEW, POINT, 0, Recorder())
    assert said in str(caught.value)


def test_what_a_trial_lacks_is_said(objective):
    with pytest.raises(AttributeError, match="hpstudy's trial has no 'study': it has suggest_float"):
        objective("def objective(trial): return trial.study.best_value").evaluate(VIEW, POINT, 0, Recorder())


def test_a_function_of_the_other_style_is_refused(objective):
    with pytest.raises(StudyError, match=r"takes \(params, seed\), but an Optuna objective takes \(trial\)"):
        objective("def objective(params, seed): return 1.0")


def test_an_objective_without_style_is_answered_with_the_key_to_add(objective, tmp_path):
    name = objective("def objective(trial): return 1.0").function.__module__
    with pytest.raises(StudyError) as caught:
        make_task(TaskBlock(use=f"{name}:objective"))
    assert "style: optuna" in caught.value.hint


def test_another_style_is_refused_with_the_valid_one(objective):
    name = objective("def objective(trial): return 1.0").function.__module__
    with pytest.raises(StudyError, match=r"task\.style: 'optina' is not valid here: did you mean 'optuna'\?"):
        make_task(TaskBlock(use=f"{name}:objective", style="optina"))


def test_a_view_of_an_objective_has_no_method(objective):
    task = objective("def objective(trial): return 1.0")
    assert [problem.key for problem in task.check_view(VIEW.model_copy(update={"method": "filter"}))] == [("method",)]
