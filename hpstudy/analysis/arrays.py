"""From a table of trials to arrays: one (replicates x trials) block for each view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]

STATES = ("missing", "running", "completed", "diverged", "failed", "timed_out")
"""What can be known of a planned trial; a block of searches holds indices into this tuple."""

FINISHED = STATES[2:]
"""States of a trial that is spent, whether it gave a value or not."""


@dataclass(frozen=True)
class Searches:
    """All searches of one view.

    Attributes:
        view: the view's name.
        values: (replicates x trials) objective; NaN for a trial without a value, whatever the reason.
        states: (replicates x trials) index into `STATES`.
    """

    view: str
    values: Floats
    states: npt.NDArray[np.int8]

    @property
    def finished(self) -> Ints:
        """(replicates,) trials that each search has spent: the length of its unbroken row of finished trials."""
        done = self.states >= STATES.index(FINISHED[0])
        return np.asarray(np.logical_and.accumulate(done, axis=1).sum(axis=1), dtype=np.int64)

    @property
    def complete(self) -> Bools:
        """(replicates,) whether a search has spent all its trials."""
        return np.asarray(self.finished == self.values.shape[1], dtype=np.bool_)


def gather(trials: Any, views: tuple[str, ...], replicates: int, budget: int) -> dict[str, Searches]:
    """Sort a table of trials into one block for each view.

    Args:
        trials: DataFrame with one row per trial and the columns view, replicate, number, state, objective.
        views: names of the views, in the order of the study.
        replicates: planned searches of each view.
        budget: planned trials of each search.

    Returns:
        One block of (replicates x budget) for each view. A value is kept where the trial completed with a finite objective.
    """
    names = trials["view"].to_numpy(dtype=object)
    replicate = trials["replicate"].to_numpy(dtype=np.int64)
    number = trials["number"].to_numpy(dtype=np.int64)
    state = trials["state"].to_numpy(dtype=object)
    objective = trials["objective"].to_numpy(dtype=np.float64, na_value=np.nan)
    codes = np.zeros(len(names), dtype=np.int8)
    for code, name in enumerate(STATES):
        codes[state == name] = code
    planned = (replicate < replicates) & (number < budget)
    has_value = (codes == STATES.index("completed")) & np.isfinite(objective)
    blocks = {}
    for view in views:
        own = planned & (names == view)
        values = np.full((replicates, budget), np.nan)
        states = np.zeros((replicates, budget), dtype=np.int8)
        states[replicate[own], number[own]] = codes[own]
        valued = own & has_value
        values[replicate[valued], number[valued]] = objective[valued]
        blocks[view] = Searches(view, values, states)
    return blocks


def gather_points(trials: Any, view: str, names: Iterable[str], replicates: int, budget: int) -> dict[str, Objects]:
    """The points of one view's trials, laid out as `gather` does their values.

    Args:
        trials: DataFrame with one row per trial and the columns view, replicate, number and `point.<name>`.
        view: the view's name.
        names: of its hyperparameters.
        replicates: planned searches.
        budget: planned trials of each search.

    Returns:
        For each hyperparameter (replicates x budget) values; None where there is no such trial.
    """
    replicate, number = (trials[key].to_numpy(dtype=np.int64) for key in ("replicate", "number"))
    own = (trials["view"].to_numpy(dtype=object) == view) & (replicate < replicates) & (number < budget)
    points = {}
    for name in names:
        column = trials[f"point.{name}"]
        values = np.full((replicates, budget), None, dtype=object)
        known = own & column.notna().to_numpy(dtype=np.bool_)
        values[replicate[known], number[known]] = column.to_numpy(dtype=object)[known]
        points[name] = values
    return points
