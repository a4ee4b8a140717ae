"""Contract suite of tasks.

Subclass it in your tests:

class TestMyTask(TaskContract):
    view = View(space={"rate": {"type": "float", "low": 0.0, "high": 1.0}})
    metric = "accuracy"

    def make(self):
        return MyTask(MySettings())
"""

from __future__ import annotations

import json
import math
import pickle
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import pytest

from hpstudy.engine.measured import read_result
from hpstudy.engine.recorder import Recorder
from hpstudy.study.models import validated
from hpstudy.study.schema import View
from hpstudy.study.space import Point
from hpstudy.tasks.interface import Task

SEEDS = (0, 7, 2**31 - 1)
"""Seeds of trainings. A user's task receives at most 31 bits."""


class TaskContract(ABC):
    """Requirements of every task.

    Attributes:
        view: a view that the task accepts.
        metric: the metric of the study.
        noisy: whether its value depends on the seed.
    """

    view: ClassVar[View]
    metric: ClassVar[str]
    noisy: ClassVar[bool] = True

    @abstractmethod
    def make(self) -> Task:
        """Return a new task."""

    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def point(self, unit: float = 0.5) -> Point:
        """Return a point of the view."""
        return self.view.space.from_unit([unit] * len(self.view.space))

    def measure(self, task: Task, seed: int, unit: float = 0.5) -> tuple[dict[str, float], list[tuple[int, str, float]]]:
        """Return the metrics and curves of one training."""
        recorder = Recorder()
        result = task.evaluate(task.complete_view(self.view), self.point(unit), seed, recorder)
        metrics, _ = read_result(result, self.metric)
        return metrics, recorder.curves

    def test_the_metric_is_an_objective(self) -> None:
        """A task that knows its objectives includes the metric, and no metric of the test part."""
        objectives = self.make().objectives()
        assert objectives is None or self.metric in objectives
        assert not [name for name in objectives or () if name.startswith("test_")]

    def test_the_view_is_accepted(self) -> None:
        """The task accepts the view before and after completion. Completing it twice changes nothing."""
        task = self.make()
        completed = task.complete_view(self.view)
        assert task.check_view(self.view) == []
        assert task.check_views({"v": self.view}) == []
        assert task.complete_view(completed) == completed
        assert task.check_point(completed, self.point()) == []

    def test_the_settings_survive_the_database(self) -> None:
        """The settings are stored as JSON, completed with all defaults."""
        task = self.make()
        settings = json.loads(json.dumps(task.settings.model_dump(mode="json")))
        assert validated(type(task).Settings, settings) == task.settings

    def test_unknown_settings_are_refused(self) -> None:
        """No setting of a user is ignored."""
        settings = {**self.make().settings.model_dump(mode="json"), "no such setting": 1}
        with pytest.raises(ValueError, match="no such setting"):
            validated(type(self.make()).Settings, settings)

    def test_the_identity_is_text_and_does_not_change(self) -> None:
        """The identity includes the sources that a task returns after each trial."""
        task = self.make()
        task.prepare()
        identity = task.identity()
        assert all(isinstance(part, str) for pair in identity.items() for part in pair)
        assert self.make().identity() == identity
        assert identity.items() >= task.sources().items()

    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_training_gives_the_metric(self, seed: int) -> None:
        """The metric is a finite number."""
        task = self.make()
        task.prepare()
        task.warm_up()
        metrics, _ = self.measure(task, seed)
        assert math.isfinite(metrics[self.metric])

    def test_the_same_seed_gives_the_same_numbers(self) -> None:
        """The numbers are equal in the same task, after another training, and in a new task."""
        task = self.make()
        task.prepare()
        first = self.measure(task, 3)
        self.measure(task, 4, unit=0.25)
        assert pickle.dumps(self.measure(task, 3)) == pickle.dumps(first)
        assert pickle.dumps(self.measure(self.make(), 3)) == pickle.dumps(first)

    def test_another_seed_gives_other_numbers(self) -> None:
        """A task without noise has the same numbers for all seeds."""
        task = self.make()
        task.prepare()
        assert (self.measure(task, 3) != self.measure(task, 4)) == self.noisy

    def test_epochs_are_reported_in_order(self) -> None:
        """Each epoch occurs once in a curve."""
        task = self.make()
        task.prepare()
        _, curves = self.measure(task, 3)
        for name in {metric for _, metric, _ in curves}:
            epochs = [epoch for epoch, metric, _ in curves if metric == name]
            assert epochs == sorted(set(epochs))
