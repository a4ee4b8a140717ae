"""The report marks the trials whose points the study enqueued."""

import io

import pytest

from hpstudy.report import style
from hpstudy.report.chapters.methods import methods
from hpstudy.report.charts import best_so_far
from hpstudy.report.charts.marks import Dots
from hpstudy.report.pens import matplotlib as pen

SPACE = {"rate": {"type": "float", "low": 1e-5, "high": 1, "log": True}, "clip": {"type": "choice", "values": ["none", "norm"]}}


@pytest.fixture
def enqueued(make_results, ramps):
    """Results in which view a begins with two points that the study lists."""
    points = [{"rate": 0.1, "clip": "none"}, {"rate": 0.01, "clip": "norm"}]
    views = {"a": {"space": SPACE, "enqueue": points}, "b": {"space": SPACE}}
    return make_results({"a": ramps(3), "b": ramps()}, study={"views": views})


def circles(chart):
    return [mark for panel in chart.panels for mark in panel.marks if isinstance(mark, Dots) and mark.marker.fill == "none"]


def test_the_mean_has_open_circles_at_enqueued_trials(enqueued):
    chart = best_so_far.chart(enqueued)
    (marked,) = circles(chart)
    assert marked.x.tolist() == [1, 2]
    assert marked.y.tolist() == enqueued.view("a").curve.mean[:2].tolist()
    assert "Open circles: points that the study enqueued (a: the first 2 trials)." in chart.reading
    with style.applied():
        pen.figure(chart).savefig(io.BytesIO(), format="png", dpi=30)


def test_the_methods_say_how_many(enqueued):
    assert any("points that the study lists (2 of a). They count as trials" in text for text in methods(enqueued))


def test_a_study_without_enqueued_points_has_no_circles_and_no_words(results):
    chart = best_so_far.chart(results)
    assert circles(chart) == []
    assert "enqueued" not in chart.reading
    assert not any("points that the study lists" in text for text in methods(results))
