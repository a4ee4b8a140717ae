"""The two pure steps of a trial: ask for its point, evaluate it.

Both are functions of their request alone. They can run in any process, any number of times, and give the same answer; that is
what makes resume exact and a dead worker harmless.
"""

from __future__ import annotations

import math
import numbers
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from hpstudy.errors import Diverged
from hpstudy.search.interface import Observation
from hpstudy.seeds import derive_seed, seed_process
from hpstudy.study.bind import bind_searcher, bind_task
from hpstudy.study.schema import Study
from hpstudy.study.space import Point
from hpstudy.tasks.outcome import Failure, Outcome, State

TRACEBACK_LINES = 30
"""Kept of a failed trial's traceback: enough for the user's own frames, small enough for 100,000 rows."""


@dataclass(frozen=True)
class SearchKey:
    """One search of a study: a view and a replicate (from 0)."""

    view: str
    replicate: int


@dataclass(frozen=True)
class AskRequest:
    """What determines a trial's point."""

    study_json: str
    search: SearchKey
    number: int
    history: tuple[Observation, ...]


@dataclass(frozen=True)
class Asked:
    """A trial's point, and how long it took to choose it (seconds of wall time)."""

    point: Point
    duration_s: float


@dataclass(frozen=True)
class EvaluateRequest:
    """What determines a trial's outcome."""

    study_json: str
    search: SearchKey
    number: int
    point: Point
    module_path: str | None


@dataclass
class _Recorder:
    """Collects what a task reports while it trains."""

    curves: list[tuple[int, str, float]] = field(default_factory=list)

    def __call__(self, epoch: int, **metrics: float) -> None:
        self.curves.extend((int(epoch), name, float(value)) for name, value in metrics.items())
