"""Reading what a task measured: any sensible number becomes a float, anything else a message that says what to return."""

from __future__ import annotations

import numbers
import time
from collections.abc import Mapping, Sequence
from typing import Any

from hpstudy.engine.checkpoints import CheckpointFile, TrialCheckpoint


class InvalidResult(TypeError):
    """A task returned, or reported, something that is not a number or a mapping of numbers."""


class Recorder:
    """Collects what a task reports while it trains, and how long that takes; a `hpstudy.tasks.interface.Report`.

    Args:
        file: where the evaluation keeps its checkpoint; None for one that keeps none.

    Attributes:
        curves: (epoch, metric, value) in the order reported.
        checkpoint: keeps the task's state, with the curves and the seconds that led to it.
    """

    def __init__(self, file: CheckpointFile | None = None) -> None:
        self.curves: list[tuple[int, str, float]] = []
        self.checkpoint = TrialCheckpoint(file, self)
        self._earlier_s = 0.0
        self.begin()

    def begin(self) -> None:
        """Training begins: seconds count from here."""
        self._began = time.perf_counter()

    def go_on(self, curves: Sequence[tuple[int, str, float]], duration_s: float) -> None:
        """Begin with what an interrupted evaluation had reported, and the seconds that it had spent on it."""
        self.curves[:] = curves
        self._earlier_s = duration_s

    @property
    def duration_s(self) -> float:
        """Wall seconds spent training, those of interrupted evaluations included as far as this one goes on from them."""
        return self._earlier_s + time.perf_counter() - self._began

    def __call__(self, epoch: int, **metrics: float) -> None:
        """Record `metrics` at `epoch`. Raises InvalidResult when one of them is not a number."""
        where = f"what was reported at epoch {epoch}"
        self.curves.extend((int(epoch), name, read_number(name, value, where)) for name, value in metrics.items())


def read_metrics(result: object, objective: str) -> dict[str, float]:
    """The metrics in what a task returned.

    Args:
        result: a mapping of metrics, or a single number, which is the objective.
        objective: the study's metric.

    Returns:
        The metrics by name, the objective among them; NaN and infinities stay what they are.

    Raises:
        InvalidResult: with what must be returned instead.
    """
    if not isinstance(result, Mapping):
        return {objective: read_number(objective, result, "the result")}
    if objective not in result:
        names = ", ".join(str(name) for name in result) or "none"
        raise InvalidResult(
            f"the result has no metric '{objective}' (it has: {names}); a function to study must return its "
            "metric; or name one of these as metric.name in the study file"
        )
    for name in result:
        if not isinstance(name, str):
            raise InvalidResult(f"the result has a metric whose name is {name!r}; names of metrics must be strings")
    return {name: read_number(name, value, "the result") for name, value in result.items()}


def read_number(name: str, value: Any, where: str) -> float:
    """A number as float: Python's, numpy's, or an array or tensor without dimensions. True is 1 and False is 0.

    Raises:
        InvalidResult: for everything else, also for a tensor of one element that has a dimension.
    """
    if isinstance(value, numbers.Real):
        return float(value)
    if getattr(value, "ndim", None) == 0 and isinstance(item := value.item(), bool | int | float):
        return float(item)
    kind = type(value).__name__
    shape = f" of shape {tuple(value.shape)}" if hasattr(value, "shape") else ""
    shown = "" if shape or value is None else f" ({value!r:.60})"
    raise InvalidResult(
        f"'{name}' in {where} is {kind}{shape}{shown}; a function to study must return a number, or a dict of numbers such as "
        f"{{'{name}': 0.5}}"
    )
