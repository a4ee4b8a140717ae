"""The interface of observers, and the finished trial that they receive."""

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
        id: 16 hexadecimal digits, a digest of the study, view, replicate and number: the same after a resume and in every shard.
        view: name of its view; VIEW/default, VIEW/random or VIEW/confirm for controls and confirmations.
        replicate: its replicate, from 0.
        number: its number within the search, from 0.
        seed: seed of its training.
        state: "completed", "diverged", "failed" or "timed_out".
        hyperparameters: values by name, including those that the view fixes.
        metrics: final value by metric; can be NaN or infinite.
        curves: (epoch, metric, value), ordered by epoch.
        attributes: results that are not numbers, by name, as plain JSON.
        error: type and message of its failure; "" if there is none.
        started_at, ended_at: ISO 8601, UTC.
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
        """A readable name: VIEW/REPLICATE/NUMBER."""
        return f"{self.view}/{self.replicate}/{self.number}"

    def facts(self) -> dict[str, Value]:
        """Return everything except hyperparameters and metrics, under names that begin with "hpstudy."; attributes as text."""
        facts: dict[str, Value] = {name: getattr(self, name) for name in ("view", "replicate", "number", "seed", "state")}
        if self.error:
            facts["error"] = self.error
        for name, value in self.attributes.items():
            facts[f"attribute.{name}"] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return {f"hpstudy.{name}": value for name, value in facts.items()}


class TrialObserver(ABC):
    """Logs finished trials in another tool.

    Life cycle: created once per run, in a separate process; `log` is called for each finished trial that no earlier run has logged, one at
    a time, in the order in which they ended; `close` is called at the end. An exception switches the observer off for the rest of the run.
    The process can be killed at any time. The next run then logs the interrupted trial again, with the same `id`.

    Args:
        study: the study.
        folder: folder for files of the observer, next to the database. The observer creates it.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        self.study = study
        self.folder = folder

    @abstractmethod
    def log(self, trial: FinishedTrial) -> None:
        """Log a trial. Replaces anything that was logged before under the same ID."""

    def close(self) -> None:
        """Log what is still buffered."""
