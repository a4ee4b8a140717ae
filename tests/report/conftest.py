"""Results of small studies in every condition that a report must survive."""

import dataclasses
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from hpstudy.analysis import analyze
from hpstudy.study.schema import Study
from tests.support.sources import MemorySource


@pytest.fixture
def make_results():
    """Analyze {view: (replicates x trials) values}; keywords change the study and the source."""

    def make(values, *, goal="maximize", metric="score", analysis=None, labels=None, study=None, **source):
        shape = np.shape(next(iter(values.values())))
        views = {
            name: {
                "label": (labels or {}).get(name, ""),
                "space": {
                    "rate": {"type": "float", "low": 1e-5, "high": 1, "log": True},
                    "clip": {"type": "choice", "values": ["none", "norm"]},
                },
                "fixed": {"nesterov": True},
            }
            for name in values
        }
        made = Study.model_validate(
            {
                "name": "small",
                "question": "Which view is easier to tune?",
                "task": {"use": "branin"},
                "metric": {"name": metric, "goal": goal},
                "views": views,
                "search": {"trials": shape[1]},
                "replicates": shape[0],
                "analysis": {"resamples": 1000, **(analysis or {})},
                **(study or {}),
            }
        )
        return analyze(MemorySource(made, values, **source))

    return make


@pytest.fixture
def ramps():
    """Six searches of ten trials that gain about one unit per trial, from trial `delay` + 1 on."""

    def make(delay=0, seed=0, n=6, trials=10):
        noise = np.random.default_rng(seed).normal(0, 0.2, size=(n, 1))
        return np.maximum(np.arange(1.0, trials + 1) - delay, 0) + noise

    return make


@pytest.fixture
def results(make_results, ramps):
    """A complete study in which view a needs about three trials more than view b."""
    return make_results({"a": ramps(3), "b": ramps()}, analysis={"target": {"value": 5}, "budgets": [4, 8]})


@pytest.fixture
def fast_fonts(monkeypatch):
    """Embed the figures' font whole: subsetting it takes most of a report's time."""
    from hpstudy.report import style

    monkeypatch.setitem(style._SETTINGS, "pdf.fonttype", 3)


class SweepSource:
    """A sweep held in memory.

    Args:
        study: with a searcher that lists its points.
        points: for each view the point of every trial.
        metrics: for each view and metric (replicates x points) values; NaN of the objective is a trial that diverged.
        curves: for each view and metric (replicates x points x epochs) values of epochs 1, 2, ...
        begun: trials of every search that were begun; all when None.
    """

    identity: ClassVar[dict[str, str]] = {}

    def __init__(self, study, points, metrics, curves=None, begun=None):
        self.study, self._points, self._metrics, self._curves = study, points, metrics, curves or {}
        self._begun = study.search.trials if begun is None else begun

    def confirmations(self):
        return pd.DataFrame(columns=["view", "replicate", "number", "seed_number", "state", "objective"])

    def trials(self):
        rows = []
        for view, metrics in self._metrics.items():
            objective = np.asarray(metrics[self.study.metric.name], dtype=float)
            for replicate, number in np.ndindex(objective.shape):
                done = np.isfinite(objective[replicate, number])
                rows.append(
                    {
                        "view": view,
                        "replicate": replicate,
                        "number": number,
                        "state": "completed" if done else "diverged",
                        "objective": objective[replicate, number],
                        "attempts": 1,
                        "ask_s": 0.0,
                        "evaluate_s": 2.0,
                        "error_type": None,
                        "error": None,
                        **{f"point.{name}": value for name, value in self._points[view][number].items()},
                        **{f"metric.{name}": np.asarray(values)[replicate, number] for name, values in metrics.items()},
                    }
                )
        table = pd.DataFrame(rows)
        return table[table["number"] < self._begun].reset_index(drop=True)

    def curves(self):
        rows = [
            (view, replicate, number, metric, epoch + 1, value)
            for view, metrics in self._curves.items()
            for metric, values in metrics.items()
            for (replicate, number, epoch), value in np.ndenumerate(np.asarray(values, dtype=float))
            if number < self._begun
        ]
        return pd.DataFrame(rows, columns=["view", "replicate", "number", "metric", "epoch", "value"])

    def environments(self):
        return ()

    def events(self):
        return ()


RATE = {"type": "float", "low": 1e-5, "high": 1, "log": True}
DECAY = {"type": "float", "low": 0, "high": 1}
CLIP = {"type": "choice", "values": ["none", "norm"]}


@pytest.fixture
def make_sweep():
    """Analyze {view: points} with {view: {metric: (replicates x points)}}; keywords change the spaces, the study and the source."""

    def make(points, metrics, curves=None, *, spaces=None, goal="maximize", study=None, begun=None, criteria=()):
        shape = np.shape(next(iter(metrics.values()))["score"])
        made = Study.model_validate(
            {
                "name": "swept",
                "task": {"use": "branin"},
                "metric": {"name": "score", "goal": goal},
                "views": {
                    view: {"space": (spaces or {}).get(view, dict.fromkeys(listed[0], RATE))} for view, listed in points.items()
                },
                "search": {"searcher": "points", "trials": shape[1], "points": [{"rate": 1}]},
                "replicates": shape[0],
                **(study or {}),
            }
        )
        return dataclasses.replace(analyze(SweepSource(made, points, metrics, curves, begun)), criteria=criteria)

    return make


@pytest.fixture
def swept(make_sweep):
    """Two views over three rates, two replicates, with flip ratios and learning curves of four epochs."""
    points = [{"rate": 0.01}, {"rate": 0.1}, {"rate": 1.0}]
    score = np.array([[1.0, 5.0, 3.0], [3.0, 7.0, 3.0]])
    metrics = {
        "a": {"score": score, "flip_ratio": 10.0**-score, "test_accuracy": score / 10},
        "b": {"score": score - 1, "flip_ratio": 10.0**-score, "test_accuracy": score / 10},
    }
    curves = {view: {"score": values["score"][..., None] * np.array([0.25, 0.5, 0.75, 1])} for view, values in metrics.items()}
    return make_sweep({"a": points, "b": points}, metrics, curves)
