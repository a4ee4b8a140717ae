"""The trainings on fresh seeds as arrays: (searches x seeds) for the chosen points, (seeds,) for the default point."""

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
        replicates: (n,) replicates with a confirmed search.
        tuning: (n,) objective of each incumbent in its search.
        scores: for each metric, (n x seeds) values of the incumbents; NaN for a training without a value.
        default: for each metric, (seeds,) values of the default point.
        lost: number of trainings that ended without a value.
    """

    view: str
    replicates: Ints
    tuning: Floats
    scores: Mapping[str, Floats]
    default: Mapping[str, Floats]
    lost: int


def retrained(rows: Any, searches: Searches, metrics: Sequence[str], goal: Goal) -> Retrained:
    """The trainings of one view as arrays, without confirmations of trials that are no longer the best of their search.

    `rows` is the DataFrame of `hpstudy.store.Reader.confirmations`; the objective is the first of `metrics`.
    """
    own = rows[(rows["view"] == searches.view) & (rows["state"] != "running")]
    seeds = int(rows["seed_number"].max()) + 1 if len(rows) else 0
    replicate, number = (own[name].to_numpy(dtype=np.float64) for name in ("replicate", "number"))
    seed = own["seed_number"].to_numpy(dtype=np.int64)
    values = {name: _values(own, "objective" if name == metrics[0] else f"metric.{name}") for name in metrics}
    filled = np.where(np.isnan(searches.values), -np.inf, goal.sign * searches.values)
    chosen = filled.argmax(axis=1)
    candidate = searches.complete & np.isfinite(filled.max(axis=1))
    of_default = np.isnan(replicate)
    search = np.where(replicate < len(chosen), replicate, 0).astype(
        np.int64
    )  # 0 is a placeholder for rows that the next line drops
    of_chosen = (replicate < len(chosen)) & candidate[search] & (number == chosen[search])
    default, scores = {}, {}
    for name, of_metric in values.items():
        default[name], scores[name] = np.full(seeds, np.nan), np.full((len(chosen), seeds), np.nan)
        default[name][seed[of_default]] = of_metric[of_default]
        scores[name][search[of_chosen], seed[of_chosen]] = of_metric[of_chosen]
    counted = of_default | of_chosen
    lost = int((counted & np.isnan(values[metrics[0]])).sum())
    replicates = np.flatnonzero(np.isfinite(scores[metrics[0]]).any(axis=1)).astype(np.int64)
    return Retrained(
        searches.view,
        replicates,
        searches.values[replicates, chosen[replicates]],
        {name: of_metric[replicates] for name, of_metric in scores.items()},
        default,
        lost,
    )


def _values(rows: Any, column: str) -> Floats:
    """(rows,) finite values of the completed trainings; NaN elsewhere."""
    recorded = rows[column].to_numpy(dtype=np.float64)
    return np.where((rows["state"] == "completed") & np.isfinite(recorded), recorded, np.nan)


def test_metric(names: Sequence[str], objective: str) -> str | None:
    """The metric on data that no search has used: test_accuracy, else the first one that begins with "test"; None without any."""
    tests = sorted(name for name in names if name.startswith("test") and name != objective)
    return "test_accuracy" if "test_accuracy" in tests else next(iter(tests), None)
