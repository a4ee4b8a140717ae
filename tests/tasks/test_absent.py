"""What tasks of the user's own make of hyperparameters that may be absent."""

import pytest

from hpstudy.errors import TrialFailed
from hpstudy.study.schema import View
from hpstudy.tasks.command.task import Command, CommandSettings
from hpstudy.tasks.command.template import Template
from hpstudy.tasks.optuna_objective import Trial
from hpstudy.testing.searchers import SPACES

SPACE = SPACES["conditional"]
VIEW = View(space=SPACE)


def test_a_command_gets_the_arguments_that_are_there():
    filled = Template("train {arguments}").fill({"kernel": "rbf", "gamma": 0.5}, {})
    assert filled == ["train", "--kernel=rbf", "--gamma=0.5"]
    assert Command(CommandSettings(command="train {arguments}")).check_view(VIEW) == []


def test_a_command_cannot_name_what_may_be_absent():
    command = Command(CommandSettings(command="train {kernel} {gamma} {degree} {offset}"))
    found = {problem.key: problem.message for problem in command.check_view(VIEW)}
    assert list(found) == [("space", name, "when") for name in ("gamma", "degree", "offset")]
    assert "write {arguments}, which leaves it out, instead" in found["space", "gamma", "when"]


def test_an_optuna_objective_that_asks_for_an_absent_hyperparameter_is_told_the_condition():
    trial = Trial(VIEW, {"kernel": "rbf", "gamma": 0.5}, 0, None)
    assert trial.suggest_categorical("kernel", ["linear", "rbf", "poly"]) == "rbf"
    with pytest.raises(TrialFailed, match=r"'degree', which is absent in this point: .*, when: \{kernel: \[poly\]\}"):
        trial.suggest_int("degree", 2, 5)
