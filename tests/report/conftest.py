"""Results of small studies in every condition that a report must survive."""

import numpy as np
import pytest

from hpstudy.analysis import analyse
from hpstudy.study.schema import Study
from hpstudy.testing.sources import MemorySource


@pytest.fixture
def make_results():
    """Analyse {view: (replicates x trials) values}; keywords change the study and the source."""

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
        return analyse(MemorySource(made, values, **source))

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


@pytest.fixture
def without_pdf(monkeypatch):
    """Typeset nothing: the PDF is a few bytes."""
    monkeypatch.setattr("hpstudy.report.document.compile_pdf", lambda results: b"%PDF")
