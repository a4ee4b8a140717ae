"""A budget in epochs instead of trials."""

import json

import numpy as np
import pandas as pd
import pytest

from hpstudy.analysis import analyze
from hpstudy.report import serial
from hpstudy.study.schema import Study
from tests.support.reports import document_of, section_of
from tests.support.sources import MemorySource

A = np.array([[1.0, 2.0, 5.0, 6.0], [2.0, 2.0, 4.0, 7.0], [0.0, 3.0, 3.0, 6.5]])
B = np.array([[2.0, 3.0, 3.0, 4.0], [1.0, 4.0, 4.0, 4.5], [2.5, 2.0, 3.0, 5.0]])


class WithCurves(MemorySource):
    """Trials that report epochs: {view: (replicates x trials) last epoch}, 0 for a trial that reports none."""

    last = None
    begins = 1

    def curves(self):
        rows = [
            (view, replicate, number, "loss", epoch + self.begins, 0.5)
            for view, last in self.last.items()
            for (replicate, number), epochs in np.ndenumerate(np.asarray(last))
            for epoch in range(epochs)
        ]
        return pd.DataFrame(rows, columns=["view", "replicate", "number", "metric", "epoch", "value"])


@pytest.fixture
def make():
    """The results of views a and b, whose trials report this many epochs."""

    def make(of_a, of_b, *, begins=1, task="my_module:train", thorough=True):
        study = Study.model_validate(
            {
                "name": "small",
                "task": {"use": task},
                "metric": {"name": "score", "goal": "maximize"},
                "views": {name: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for name in "ab"},
                "search": {"trials": 4},
                "replicates": 3,
                "analysis": {"resamples": 1000},
            }
        )
        source = WithCurves(study, {"a": A, "b": B})
        object.__setattr__(source, "last", {"a": np.broadcast_to(of_a, A.shape), "b": np.broadcast_to(of_b, B.shape)})
        object.__setattr__(source, "begins", begins)
        return analyze(source, thorough=thorough)

    return make


def test_views_are_compared_after_equal_epochs(make):
    """A trial of a takes 4 epochs and one of b 2: after 8, all of b's trials have ended and two of a's."""
    epochs = make(4, 2).epochs
    assert [(view.fewest, view.most, view.of_search.value) for view in epochs.views] == [(4, 4, 16), (2, 2, 8)]
    (pair,) = epochs.pairs
    assert (pair.epochs, pair.ratio) == ((4, 8), 2)
    best_a, best_b = np.maximum.accumulate(A, axis=1), np.maximum.accumulate(B, axis=1)
    assert [mean.value for mean in pair.differences] == pytest.approx(
        [(best_a[:, 0] - best_b[:, 1]).mean(), (best_a[:, 1] - best_b[:, 3]).mean()]
    )


def test_epochs_that_begin_at_0_count_one_more(make):
    assert [view.most for view in make(4, 2, begins=0).epochs.views] == [4, 2]


def test_a_trial_without_an_epoch_counts_as_0(make):
    of_a = np.full(A.shape, 3)
    of_a[1, 2] = 0
    epochs = make(of_a, 3).epochs
    assert (epochs.unrecorded, epochs.equal) == (1, False)
    assert epochs.views[0].of_search.value == pytest.approx((12 + 9 + 12) / 3)


def test_trials_that_train_equally_long_need_no_axis_of_epochs(make):
    results = make(3, 3)
    assert (results.epochs.equal, results.epochs.pairs) == (True, ())
    (text,) = section_of(results, "Equal epochs of training instead of equal trials").blocks
    assert text.text == "Every trial reports 3 epochs, so equal trials are equal epochs."


@pytest.mark.parametrize("settings", [{"task": "branin"}, {"thorough": False}])
def test_a_built_in_task_and_a_quick_analysis_have_no_epochs(make, settings):
    assert make(4, 2, **settings).epochs is None


def test_a_task_that_reports_no_epoch_has_none(make):
    results = make(0, 0)
    assert results.epochs is None
    assert "Equal epochs" not in [section.title[:12] for section in document_of(results).sections]
    assert "epochs" not in serial.body(results)


def test_the_report_has_the_epochs_of_every_view_and_comparison(make):
    results = make(4, 2)
    of_views, compared = section_of(results, "Equal epochs of training instead of equal trials").blocks
    assert [row[:3] for row in of_views.rows] == [("a", "4 to 4", "16.0"), ("b", "2 to 2", "8.0")]
    assert [(row[1], row[-1]) for row in compared.rows] == [("4.0", "× 2"), ("8.0", "")]
    assert compared.head[1] == "trained for"
    assert json.loads(serial.text(serial.body(results)))["epochs"]["pairs"][0]["ratio"] == 2
