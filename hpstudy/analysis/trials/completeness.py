"""Completeness of a study: trials by state, and complete searches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.curves.best_so_far import without_value_yet
from hpstudy.analysis.trials.searches import FINISHED, STATES, Layout, Searches


@dataclass(frozen=True)
class Completeness:
    """Trials and searches of one view.

    Attributes:
        planned: number of trials that the study declares.
        completed, diverged, failed, timed_out, running, missing: trials in each state; they add up to `planned`.
        without_value: completed trials whose objective is not a finite number.
        searches: number of planned searches.
        complete: number of searches that have finished all their trials.
        before_first_value: finished trials before the first value of their search; curves count them as the worst value of the study.
        retries: number of evaluations beyond the first of each trial.
    """

    view: str
    planned: int
    completed: int
    diverged: int
    failed: int
    timed_out: int
    running: int
    missing: int
    without_value: int
    searches: int
    complete: int
    before_first_value: int
    retries: int

    @property
    def finished(self) -> int:
        """Number of finished trials."""
        return self.completed + self.diverged + self.failed + self.timed_out


def completeness(block: Searches, trials: Any) -> Completeness:
    """Count the trials of one view.

    Args:
        block: the searches of the view.
        trials: DataFrame with one row per trial of the study and the columns view, replicate, number and attempts.
    """
    attempts = Layout.of(trials, block.view, block.states.shape).floats(trials["attempts"])
    count = dict(zip(STATES, np.bincount(block.states.ravel(), minlength=len(STATES)).tolist(), strict=True))
    return Completeness(
        view=block.view,
        planned=block.states.size,
        **count,
        without_value=count["completed"] - int(np.isfinite(block.values).sum()),
        searches=block.states.shape[0],
        complete=int(block.complete.sum()),
        before_first_value=without_value_yet(block.values, block.finished),
        retries=int(np.nansum(attempts - 1)),
    )


@dataclass(frozen=True)
class Failures:
    """Trials of one view that ended without a value, with the same state and error.

    Attributes:
        view, state: their view and state.
        error_type, error: exception type and the first line of the message; "" where there was none.
        replicate, number: replicate and number of the first of them.
    """

    view: str
    state: str
    error_type: str
    error: str
    trials: int
    replicate: int
    number: int


def failures(trials: Any, views: tuple[str, ...]) -> tuple[Failures, ...]:
    """Trials without a value, grouped by view, state and error; the most frequent first, then in the order of `views`.

    `trials` is a DataFrame with one row per trial and the columns view, replicate, number, state, error_type and error.
    """
    without_value = trials["state"].isin(FINISHED[1:]).to_numpy(dtype=np.bool_)
    columns = [
        trials[name].to_numpy(dtype=object)[without_value]
        for name in ("view", "state", "error_type", "error", "replicate", "number")
    ]
    groups: dict[tuple[str, str, str, str], list[tuple[int, int]]] = {}
    for view, state, error_type, message, replicate, number in zip(*columns, strict=True):
        lines = message.strip().splitlines() if isinstance(message, str) else []
        key = (view, state, error_type if isinstance(error_type, str) else "", lines[0] if lines else "")
        groups.setdefault(key, []).append((int(replicate), int(number)))
    rows = [Failures(*key, len(numbers), *min(numbers)) for key, numbers in groups.items() if key[0] in views]
    return tuple(sorted(rows, key=lambda row: (-row.trials, views.index(row.view), row.state, row.error_type, row.error)))
