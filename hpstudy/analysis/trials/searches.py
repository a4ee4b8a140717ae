"""Conversion of the table of trials to arrays: one (replicates x trials) block for each view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpstudy.analysis.arrays import Bools, Floats, Ints, Objects

STATES = ("missing", "running", "completed", "diverged", "failed", "timed_out")
"""States of a planned trial; a block of searches holds indices into this tuple."""

FINISHED = STATES[2:]
"""States of a finished trial, with or without a value."""


@dataclass(frozen=True)
class Searches:
    """All searches of one view.

    Attributes:
        values: (replicates x trials) objective; NaN for a trial without a value.
        states: (replicates x trials) index into `STATES`.
    """

    view: str
    values: Floats
    states: npt.NDArray[np.int8]

    @property
    def ended(self) -> Bools:
        """(replicates x trials) mask of finished trials, with or without a value."""
        return np.asarray(self.states >= STATES.index(FINISHED[0]), dtype=np.bool_)

    @property
    def spent(self) -> Bools:
        """(replicates x trials) mask of the leading finished trials of each search, those without an unfinished trial before them."""
        return np.logical_and.accumulate(self.ended, axis=1)

    @property
    def finished(self) -> Ints:
        """(replicates,) number of leading finished trials of each search."""
        return np.asarray(self.spent.sum(axis=1), dtype=np.int64)

    @property
    def valued(self) -> bool:
        """Whether any trial has a value."""
        return not bool(np.isnan(self.values).all())

    @property
    def complete(self) -> Bools:
        """(replicates,) whether a search has finished all its trials."""
        return np.asarray(self.ended.all(axis=1), dtype=np.bool_)


@dataclass(frozen=True)
class Layout:
    """The positions of a view's table rows in a (replicates x trials) array.

    Attributes:
        shape: planned replicates and trials.
        rows: (rows,) indices into the table of trials.
        replicate, number: (rows,) row and column of each of them.
    """

    shape: tuple[int, int]
    rows: Ints
    replicate: Ints
    number: Ints

    @classmethod
    def of(cls, trials: Any, view: str, shape: tuple[int, int]) -> Layout:
        """The layout of a view; `shape` is (replicates, trials), and trials outside it are left out.

        `trials` is a DataFrame with the columns view, replicate and number.
        """
        replicate, number = (trials[key].to_numpy(dtype=np.int64) for key in ("replicate", "number"))
        own = trials["view"].to_numpy(dtype=object) == view
        rows = np.flatnonzero(own & (replicate < shape[0]) & (number < shape[1]))
        return cls(shape, rows, replicate[rows], number[rows])

    def floats(self, column: Any) -> Floats:
        """(replicates x trials) finite numbers of a table column; NaN for a missing one."""
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)[self.rows]
        block = np.full(self.shape, np.nan)
        block[self.replicate, self.number] = np.where(np.isfinite(values), values, np.nan)
        return block

    def objects(self, column: Any) -> Objects:
        """(replicates x trials) values of a table column; None for a missing one."""
        present = column.notna().to_numpy(dtype=np.bool_)[self.rows]
        block = np.full(self.shape, None, dtype=object)
        block[self.replicate[present], self.number[present]] = column.to_numpy(dtype=object)[self.rows[present]]
        return block


def gather(trials: Any, view: str, shape: tuple[int, int]) -> Searches:
    """The searches of one view, from the table of trials; `shape` is (planned replicates, planned trials).

    Completed trials with a finite objective have a value. `trials` is a DataFrame with one row per trial and the columns view,
    replicate, number, state and objective.
    """
    layout = Layout.of(trials, view, shape)
    names = layout.objects(trials["state"])
    states = np.zeros(shape, dtype=np.int8)
    for code, name in enumerate(STATES):
        states[names == name] = code
    values = np.where(states == STATES.index("completed"), layout.floats(trials["objective"]), np.nan)
    return Searches(view, values, states)


def gather_points(trials: Any, view: str, names: Iterable[str], shape: tuple[int, int]) -> dict[str, Objects]:
    """The points of one view's trials: for each hyperparameter, (replicates x trials) values; None for a missing trial.

    `trials` is a DataFrame with one row per trial and the columns view, replicate, number and `point.<name>`.
    """
    layout = Layout.of(trials, view, shape)
    return {name: layout.objects(trials[f"point.{name}"]) for name in names}


def plain(value: Any) -> Any:
    """Convert a numpy scalar to a Python value."""
    return value.item() if isinstance(value, np.generic) else value


def final_metrics(trials: Any, view: str, shape: tuple[int, int]) -> dict[str, Floats]:
    """Final values of every metric of one view's completed trials: (replicates x trials) each, NaN elsewhere.

    `trials` is a DataFrame with one row per trial and the columns view, replicate, number, state and `metric.<name>`.
    """
    completed = trials[trials["state"] == "completed"]
    layout = Layout.of(completed, view, shape)
    columns = [str(key) for key in completed.columns if str(key).startswith("metric.")]
    return {column.removeprefix("metric."): layout.floats(completed[column]) for column in columns}
