import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hpstudy.errors import StoreError
from hpstudy.store import Reader

ROOT = Path(__file__).parents[2]

TASK = """\
import time
from pathlib import Path

import numpy as np


def train(params, seed, report):
    x, y = params["x"], params.get("y", 0.5)
    for epoch in range(1, 4):
        loss = (x - 0.3) ** 2 + (y - 0.6) ** 2 + 0.1 * np.random.rand()
        report(epoch, loss=loss)
        time.sleep(0.01)
    if x > 0.9:
        return float("nan")
    return {"loss": loss, "seed": seed % 1000}


def wait(params, seed):
    Path("started").write_text("x")
    while not Path("go").exists():
        time.sleep(0.01)
    return 1.0
"""

STACKING = """

from pydantic import BaseModel

from hpstudy.errors import Diverged
from hpstudy.tasks.interface import Task


class Settings(BaseModel):
    pass


class Stacked(Task):
    Settings = Settings
    stacks = True

    def objectives(self):
        return ("loss",)

    def check_view(self, view):
        return []

    def evaluate(self, view, point, seed, report):
        raise AssertionError("trained alone")

    def evaluate_many(self, view, points, seeds, reports):
        noise = [np.random.default_rng(seed) for seed in seeds]
        for epoch in range(1, 4):
            losses = [(point["x"] - 0.3) ** 2 + 0.1 * draw.random() for point, draw in zip(points, noise)]
            for report, loss in zip(reports, losses):
                report(epoch, loss=loss)
            time.sleep(0.01)
        return [Diverged("x") if point["x"] > 0.9 else {"loss": loss} for point, loss in zip(points, losses)]
"""

STUDY = """\
version: 1
name: killed
task: {{use: "mine:{function}"}}
metric: {{name: loss, goal: minimize}}
views:
  two: {{space: {{x: {{type: float, low: 0, high: 1}}, y: {{type: float, low: 0, high: 1}}}}}}
  one: {{space: {{x: {{type: float, low: 0, high: 1}}}}}}
search: {{searcher: {searcher}, trials: 8, lockstep: {lockstep}}}
replicates: 2
{confirm}"""


class Command:
    """The command line in a folder of its own, each call in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.started: list[subprocess.Popen[str]] = []

    def write(self, *, searcher="sobol", function="train", confirm=None, lockstep=1):
        (self.folder / "mine.py").write_text(TASK + (STACKING if function == "Stacked" else ""))
        added = f"confirm: {confirm}\n" if confirm else ""
        (self.folder / "killed.yaml").write_text(
            STUDY.format(searcher=searcher, function=function, confirm=added, lockstep=lockstep)
        )

    def start(self, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "hpstudy", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, *arguments):
        """Returns (exit code, what was said on stderr)."""
        process = self.start(*arguments)
        _, said = process.communicate(timeout=240)
        return process.returncode, said

    def kill(self, process):
        """kill -9 of the whole group: the scheduler and its workers, at once."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def rows(self, storage):
        """How many rows the trial table holds, running ones included; 0 while there is no database."""
        try:
            with Reader.open(self.folder / storage) as reader:
                return sum(sum(counts.by_state.values()) for counts in reader.counts().values())
        except StoreError:
            return 0

    def measured(self, storage):
        """Every number of a database, exactly: trials with their metrics, and learning curves."""
        with Reader.open(self.folder / storage) as reader:
            trials, curves = reader.trials(), reader.curves()
        named = ("view", "replicate", "number", "state", "objective", "seed_number", "retrains")
        return trials[[name for name in trials if name in named or "." in name]], curves

    def confirmed(self, storage):
        """Every confirmation of a database."""
        with Reader.open(self.folder / storage) as reader:
            return reader.confirmations()


def until(condition, process):
    """Wait for another process to get somewhere; it must not end before."""
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def wait_until():
    return until


@pytest.fixture
def command(tmp_path):
    command = Command(tmp_path)
    yield command
    for process in command.started:
        if process.poll() is None:
            command.kill(process)
