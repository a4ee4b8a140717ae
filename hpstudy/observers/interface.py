"""The interface of every observer: what it receives of a finished trial."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpstudy.study.parameters import Value
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class FinishedTrial:
    """A trial that has ended.

    Attributes:
        id: 16 hexadecimal digits, from the study, view, replicate and number: the same after a resume and in every shard.
        view: the name of its view; VIEW/default, VIEW/random or VIEW/confirm for controls and confirmations.
        replicate: from 0.
        number: within its search, from 0.
        seed: of its training.
        state: "completed", "diverged", "failed" or "timed_out".
        hyperparameters: by name, those that the view fixes included.
        metrics: final value by metric; may hold NaN and infinities.
        curves: (epoch, metric, value), by epoch.
        attributes: other results by name, as plain JSON.
        error: type and message of its failure; "" for none.
        started_at: ISO 8601, UTC.
        ended_at: ISO 8601, UTC.
    """

    id: str
    view: str
    replicate: int
    number: int
    seed: int
    state: str
    hyperparameters: Mapping[str, Value]
    metrics: Mapping[str, float]
    curves: tuple[tuple[int, str, float], ...]
    attributes: Mapping[str, Any]
    error: str
    started_at: str
    ended_at: str

    @property
    def name(self) -> str:
        """For people: VIEW/REPLICATE/NUMBER."""
        return f"{self.view}/{self.replicate}/{self.number}"

    def facts(self) -> dict[str, Value]:
        """All that is neither a hyperparameter nor a metric, under names that begin with "hpstudy."; attributes as text."""
        facts: dict[str, Value] = {
            "view": self.view,
            "replicate": self.replicate,
            "number": self.number,
            "seed": self.seed,
            "state": self.state,
        }
        if self.error:
            facts["error"] = self.error
        for name, value in self.attributes.items():
            facts[f"attribute.{name}"] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return {f"hpstudy.{name}": value for name, value in facts.items()}


class TrialObserver(ABC):
    """Logs finished trials somewhere.

    Life cycle: made once per run, in a process of its own; `log` is called for every finished trial that no earlier run logged, one at a
    time, in the order in which they ended; `close` is called at the end. An exception switches the observer off for the rest of the run.
    The process may be killed at any moment: the trial that it was logging is then logged again by the next run, with the same `id`.

    Args:
        study: the study.
        folder: for files of the observer, next to the database; not yet created.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        self.study = study
        self.folder = folder

    @abstractmethod
    def log(self, trial: FinishedTrial) -> None:
        """Log a trial. Replaces what was logged of it before under the same id."""

    def close(self) -> None:
        """Log what is not logged yet."""
