"""Built-in tasks that train in moments, and a user's own, keep the contract."""

import inspect
import sys
from pathlib import Path

from hpstudy.study.schema import View
from hpstudy.tasks.command.task import Command, CommandSettings
from hpstudy.tasks.functions import Branin, FunctionSettings, Hartmann6
from hpstudy.tasks.notebook.pickled import pickled
from hpstudy.tasks.python import user_task
from hpstudy.testing.tasks import TaskContract
from tests.support.cells import run_cell

RATE = {"type": "float", "low": 0.0, "high": 1.0}
PRINTS = """\
import json, random, sys
rate, seed = float(sys.argv[1]), int(sys.argv[2])
noise = random.Random(seed).random()
for epoch in (1, 2):
    print(json.dumps({"epoch": epoch, "loss": rate / epoch}))
print(json.dumps({"accuracy": 1 - rate * noise, "rate": rate}))
"""


def trains(params, seed, report):
    report(1, loss=params["rate"])
    return {"accuracy": params["rate"] + seed / 2**31}


class TestBranin(TaskContract):
    view = View(space={"x1": {"type": "float", "low": -5.0, "high": 10.0}}, fixed={"x2": 2.0})
    metric = "value"

    def make(self):
        return Branin(FunctionSettings())


class TestHartmann(TaskContract):
    view = View(space={f"x{i}": RATE for i in range(1, 7)})
    metric = "value"

    def make(self):
        return Hartmann6(FunctionSettings())


class TestFunctionOfTheUsers(TaskContract):
    view = View(space={"rate": RATE})
    metric = "accuracy"

    def make(self):
        return user_task(f"{__name__}:trains", {})


class TestFunctionOfANotebook(TaskContract):
    view = View(space={"rate": RATE})
    metric = "accuracy"

    def make(self):
        function = run_cell(inspect.getsource(trains))["trains"]
        return user_task("__main__:trains", {"pickled": pickled(function).model_dump()})


class TestCommand(TaskContract):
    view = View(space={"rate": RATE})
    metric = "accuracy"

    def make(self):
        Path("train.py").write_text(PRINTS)
        return Command(CommandSettings(command=f"{sys.executable} train.py {{rate}} {{seed}}"))


class TestCommandWithARegularExpression(TaskContract):
    view = View(space={"rate": RATE})
    metric = "accuracy"
    noisy = False

    def make(self):
        command = "sh -c 'echo accuracy 0.5; echo accuracy 0.75; echo not a number' {rate}"
        return Command(CommandSettings(command=command, metrics={"regex": "accuracy (?P<accuracy>[0-9.]+)"}))
