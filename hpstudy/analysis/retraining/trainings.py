"""The trainings on fresh seeds as arrays: (searches x seeds) for the chosen points, (seeds,) for the default point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.curves.best_so_far import incumbent_numbers
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
    ended = rows[(rows["view"] == searches.view) & (rows["state"] != "running")]
    seeds = int(rows["seed_number"].max()) + 1 if len(rows) else 0
    # (trainings,) of the view
    replicate, number = (ended[name].to_numpy(dtype=np.float64) for name in ("replicate", "number"))
    seed = ended["seed_number"].to_numpy(dtype=np.int64)
    values = {name: _values(ended, "objective" if name == metrics[0] else f"metric.{name}") for name in metrics}
    # (replicates,) number of the best trial of each search; -1 for an incomplete search, and without a value
    best = np.where(searches.complete, incumbent_numbers(searches.values, goal)[:, -1], -1)
    of_default, planned = np.isnan(replicate), replicate < len(best)
    search = np.where(planned, replicate, 0).astype(np.int64)  # 0 is a placeholder in rows that `of_best` leaves out
    of_best = planned & (number == best[search])
    default, scores = {}, {}
    for name, of_metric in values.items():
        default[name], scores[name] = np.full(seeds, np.nan), np.full((len(best), seeds), np.nan)
        default[name][seed[of_default]] = of_metric[of_default]
        scores[name][search[of_best], seed[of_best]] = of_metric[of_best]
    replicates = np.flatnonzero(np.isfinite(scores[metrics[0]]).any(axis=1)).astype(np.int64)
    return Retrained(
        searches.view,
        replicates,
        searches.values[replicates, best[replicates]],
        {name: of_metric[replicates] for name, of_metric in scores.items()},
        default,
        lost=int(((of_default | of_best) & np.isnan(values[metrics[0]])).sum()),
    )


def _values(rows: Any, column: str) -> Floats:
    """(rows,) finite values of the completed trainings; NaN elsewhere."""
    recorded = rows[column].to_numpy(dtype=np.float64)
    return np.where((rows["state"] == "completed") & np.isfinite(recorded), recorded, np.nan)


def test_metric(names: Sequence[str], objective: str) -> str | None:
    """The metric on data that no search has used: test_accuracy, else the first one that begins with "test"; None without any."""
    tests = sorted(name for name in names if name.startswith("test") and name != objective)
    return "test_accuracy" if "test_accuracy" in tests else next(iter(tests), None)
