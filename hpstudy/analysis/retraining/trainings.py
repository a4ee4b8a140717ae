"""The trainings on fresh seeds as arrays: (searches x seeds) of every chosen point, (seeds,) of the default point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.trials.searches import Searches
from hpstudy.goal import Goal


@dataclass(frozen=True)
class Retrained:
    """The trainings of one view on fresh seeds.

    Attributes:
        replicates: (n,) whose searches are confirmed.
        tuning: (n,) objective of each incumbent in its search.
        scores: for each metric (n x seeds) values of the incumbents; NaN for a training without a value.
        default: for each metric (seeds,) values of the default point.
        lost: trainings that ended without a value.
    """

    view: str
    replicates: Ints
    tuning: Floats
    scores: Mapping[str, Floats]
    default: Mapping[str, Floats]
    lost: int


def retrained(rows: Any, searches: Searches, metrics: Sequence[str], goal: Goal) -> Retrained:
    """The trainings of one view as arrays. What confirms a trial that is no longer its search's best is left out.

    `rows` is a DataFrame as `hpstudy.store.Reader.confirmations` gives it; the objective is the first of `metrics`.
    """
    own = rows[(rows["view"] == searches.view) & (rows["state"] != "running")]
    seeds = int(rows["seed_number"].max()) + 1 if len(rows) else 0
    filled = np.where(np.isnan(searches.values), -np.inf, goal.sign * searches.values)
    chosen = filled.argmax(axis=1)
    candidates = [int(r) for r in np.flatnonzero(searches.complete & np.isfinite(filled.max(axis=1)))]
    lost, kept = 0, {}
    default = _by_seed(own[own["replicate"].isna()], metrics, seeds)
    lost += int(own["replicate"].isna().sum() - np.isfinite(default[metrics[0]]).sum())
    for replicate in candidates:
        of = own[(own["replicate"] == replicate) & (own["number"] == chosen[replicate])]
        values = _by_seed(of, metrics, seeds)
        lost += int(len(of) - np.isfinite(values[metrics[0]]).sum())
        if np.isfinite(values[metrics[0]]).any():
            kept[replicate] = values
    replicates = np.array(list(kept), dtype=np.int64)
    scores = {name: np.array([values[name] for values in kept.values()]).reshape(len(kept), seeds) for name in metrics}
    return Retrained(searches.view, replicates, searches.values[replicates, chosen[replicates]], scores, default, lost)


def _by_seed(rows: Any, metrics: Sequence[str], seeds: int) -> dict[str, Floats]:
    """(seeds,) values of each metric; the first metric is the objective."""
    values = {}
    completed = rows[rows["state"] == "completed"]
    for name in metrics:
        column = "objective" if name == metrics[0] else f"metric.{name}"
        values[name] = np.full(seeds, np.nan)
        recorded = completed[column].to_numpy(dtype=np.float64)
        values[name][completed["seed_number"].to_numpy(dtype=np.int64)] = np.where(np.isfinite(recorded), recorded, np.nan)
    return values


def test_metric(names: Sequence[str], objective: str) -> str | None:
    """The metric on data that no search has seen: test_accuracy, else the first one that begins with "test"; None without any."""
    tests = sorted(name for name in names if name.startswith("test") and name != objective)
    return "test_accuracy" if "test_accuracy" in tests else next(iter(tests), None)
