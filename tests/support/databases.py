"""Synthetic databases: whole studies without training, for tests and benchmarks of everything that reads one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hpstudy.store import Store
from hpstudy.store.connection import close_writer, connect_writer
from hpstudy.store.migrations import SEALED_SINCE, version
from hpstudy.store.seals import seal_all
from hpstudy.store.values import encode, encode_point, utc_now
from hpstudy.study.schema import Study
from hpstudy.study.space import Point

Objective = Callable[[str, Point, np.random.Generator], float]
"""(view, point, generator) -> value of the study's metric."""


def example_study(*, trials: int = 5, replicates: int = 3, goal: str = "maximize", seed: int = 0) -> Study:
    """A study of two views with every type of hyperparameter: `latent` tunes four, `filter` two."""
    rate = {"type": "float", "low": 1e-4, "high": 1.0, "log": True}
    return Study.model_validate(
        {
            "name": "example",
            "question": "Which view is easier to tune?",
            "seed": seed,
            "task": {"use": "branin"},
            "metric": {"name": "accuracy", "goal": goal},
            "views": {
                "latent": {
                    "space": {
                        "rate": rate,
                        "decay": {"type": "float", "low": 0.0, "high": 1.0},
                        "width": {"type": "int", "low": 16, "high": 256, "log": True},
                        "clipping": {"type": "choice", "values": ["none", "gradient"]},
                    }
                },
                "filter": {"space": {"rate": rate, "decay": {"type": "float", "low": 0.0, "high": 1.0}}},
            },
            "search": {"searcher": "sobol", "trials": trials},
            "replicates": replicates,
        }
    )


def smooth_objective(view: str, point: Point, generator: np.random.Generator) -> float:
    """A value in [0, 1] that falls off smoothly from an optimum, with noise of 0.01; it knows no view."""
    del view
    distance = sum((math.log10(abs(value) + 1e-9) + 1) ** 2 for value in point.values() if isinstance(value, float))
    return float(1 / (1 + distance) + 0.01 * generator.standard_normal())


def synthetic_database(
    path: str | Path,
    study: Study,
    *,
    seed: int = 0,
    objective: Objective = smooth_objective,
    epochs: int = 0,
    metrics: Sequence[str] = ("loss",),
    diverged: float = 0.0,
    complete: float = 1.0,
) -> Path:
    """Write a finished study at `path` in one go: uniform points, values of `objective`, learning curves that rise to them.

    Args:
        path: where; nothing may stand there.
        study: its views, replicates and trials.
        seed: of points, values and failures.
        objective: the value of a trial.
        epochs: length of every learning curve; 0 for none.
        metrics: further metrics beside the study's own; they have final values and curves too.
        diverged: share of trials that diverged.
        complete: share of every search's trials that were run.

    Returns:
        `path`.
    """
    path = Path(path)
    with Store.create(path, study, identity={"data": "synthetic"}) as store:
        environment_id = store.begin_session({"machine": "synthetic"})
    generator = np.random.default_rng(seed)
    names = (study.metric.name, *metrics)
    ids = {name: number for number, name in enumerate(names, start=1)}
    now = utc_now()
    trials: list[tuple[object, ...]] = []
    values: list[tuple[object, ...]] = []
    curves: list[tuple[object, ...]] = []
    searches = [(view, replicate) for view in study.views for replicate in range(study.replicates)]
    for search_id, (name, _) in enumerate(searches, start=1):
        space = study.views[name].space
        for number in range(round(complete * study.search.trials)):
            trial_id = len(trials) + 1
            point = space.from_unit(generator.random(len(space)).tolist())
            failed = generator.random() < diverged
            result = math.nan if failed else objective(name, point, generator)
            state, error = ("diverged", "loss is not finite") if failed else ("completed", None)
            trials.append(
                (trial_id, search_id, number, state, encode_point(point))
                + ((None, None) if failed else encode(result))
                + (1, now, now, 0.01, 1.0, 100.0, "Diverged" if failed else None, error, environment_id)
            )
            finals = {ids[metric]: result if metric == study.metric.name else generator.random() for metric in names}
            values.extend((trial_id, metric, *encode(value)) for metric, value in finals.items())
            curves.extend(
                (trial_id, metric, epoch, *encode(value * (1 - math.exp(-3 * epoch / epochs))))
                for metric, value in finals.items()
                for epoch in range(1, epochs + 1)
            )
    connection = connect_writer(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO metric VALUES (?, ?)", [(number, name) for name, number in ids.items()])
        connection.executemany(
            """
            INSERT INTO trial (
                id, search_id, number, state, point, objective, objective_kind, attempts, started_at, ended_at,
                ask_s, evaluate_s, peak_rss_mib, error_type, error, environment_id
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            trials,
        )
        connection.executemany("INSERT INTO metric_value VALUES (?, ?, ?, ?)", values)
        connection.executemany("INSERT INTO curve VALUES (?, ?, ?, ?, ?)", curves)
        if version(connection) >= SEALED_SINCE:
            seal_all(connection)
        connection.execute("COMMIT")
    finally:
        close_writer(connection)
    return path
