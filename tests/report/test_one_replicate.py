"""The figures of a study with one replicate speak of no interval or band, since none is drawn; those of three replicates do."""

import re

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.report.chapters.citation import _paragraph as citation
from hpstudy.report.chapters.confirm import summary as confirmation
from hpstudy.report.chapters.methods import methods
from hpstudy.report.charts.intervals import NO_INTERVALS
from hpstudy.report.references import references
from hpstudy.study.schema import Confirm, Study
from tests.report.test_endpoints_chapter import make
from tests.report.test_layers_chapter import metrics
from tests.support.reports import document_of
from tests.support.sources import MemorySource

NO_BANDS = "One replicate has no spread, so there are no bands."


def study(n, views, others=(), **analysis):
    """A study with random values, and with its controls and the searches of the others where these are given."""
    rng = np.random.default_rng(0)
    made = Study.model_validate(
        {
            "name": "small",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": "maximize"},
            "views": {view: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for view in views},
            "search": {"trials": 6, "others": [other for other in others if other == "tpe"]},
            "controls": [other for other in others if other != "tpe"],
            "replicates": n,
            "analysis": {"resamples": 1000, "target": {"value": 0.8}, **analysis},
        }
    )
    arms = [*views, *(f"{view}/{other}" for view in views for other in others)]
    values = {arm: rng.normal(size=(n, 1 if arm.endswith("default") else 6)) for arm in arms}
    return MemorySource(made, values)


def texts(charts):
    """The words about each figure without the statements that nothing is drawn, by the figure's name."""
    words = {chart.name: f"{chart.caption} {chart.reading} {[entry.name for entry in chart.legend]}" for chart in charts}
    return {name: text.replace(NO_INTERVALS, "").replace(NO_BANDS, "") for name, text in words.items()}


@pytest.mark.parametrize(
    "source",
    [
        lambda n: make(n=n),
        lambda n: study(n, "abc", others=["random", "default", "tpe"]),
        lambda n: study(n, "abcdefgh"),
    ],
)
def test_no_figure_of_one_replicate_speaks_of_an_interval(source):
    one, three = (texts(document_of(analyze(source(n), thorough=True)).charts) for n in (1, 3))
    drawn = re.compile("interval|band|shade")
    assert not {name: text for name, text in one.items() if drawn.search(text)}
    expected = {"best_so_far", "budgets", "iqm", "anytime", "trials_to_target"} & one.keys()
    assert len(expected) > 3
    assert all(drawn.search(three[name]) for name in expected)


def test_the_figures_of_one_replicate_say_that_nothing_is_drawn():
    charts = {chart.name: chart for chart in document_of(analyze(make(n=1), thorough=True)).charts}
    assert "the bold line is their mean. One replicate has no spread, so there are no intervals." in charts["best_so_far"].reading
    assert [entry.name for entry in charts["best_so_far"].legend][:3] == ["a", "b", "single searches"]
    assert [entry.name for entry in charts["confirmed"].legend][2:] == ["confirmed", "best so far, as observed"]
    target = charts["best_so_far"].legend[-1]
    assert target.name.startswith("target: ")
    (rule,) = (mark for mark in charts["best_so_far"].panels[0].marks if len(charts["best_so_far"].legend) - 1 in mark.groups)
    assert rule.at == pytest.approx(float(re.search(r"[\d.]+$", target.name)[0]), abs=1e-3)


def test_the_default_point_of_one_replicate_has_an_interval_over_seeds():
    made = make(n=1)
    source = MemorySource(made.study, made.values, fresh=made.fresh, defaults={view: [0.1, 0.2, 0.3] for view in "ab"})
    (chart,) = (chart for chart in document_of(analyze(source)).charts if chart.name == "confirmation")
    assert (
        "means over searches. One search has no spread: only the default point has a 95% interval, over seeds." in chart.reading
    )


@pytest.mark.parametrize(
    ("defaults", "said"),
    [
        ({"a": [0.1, 0.2], "b": [0.1, 0.2]}, ": only the default point has a 95% interval, over seeds."),
        ({}, ", so there are no intervals."),
    ],
)
def test_several_searches_with_too_few_trainings_on_fresh_seeds_are_not_called_one(defaults, said):
    made, rng = study(6, "ab"), np.random.default_rng(1)
    fresh = {view: rng.normal(size=(6, 6, 2)) for view in "ab"}
    for values in fresh.values():
        values[1:, :, 1] = np.nan  # only the first search has a value on the second seed
    confirmed = made.study.model_copy(update={"confirm": Confirm(seeds=2)})
    results = analyze(MemorySource(confirmed, made.values, fresh=fresh, defaults=defaults))
    (chart,) = (chart for chart in document_of(results).charts if chart.name == "confirmation")
    assert f"means over searches. Too few trainings of the searches have a value{said}" in chart.reading


@pytest.mark.parametrize("apart", [False, True])
def test_a_sweep_of_one_replicate_has_no_intervals(make_sweep, apart):
    rates = [{"rate": 1.0}] if apart else [{"rate": 0.01}, {"rate": 0.1}, {"rate": 1.0}]

    def charts(n):
        score = np.random.default_rng(0).uniform(1, 2, size=(n, len(rates)))
        curves = {"a": {"score": score[..., None] * np.array([0.25, 0.5, 1])}}
        return texts(document_of(make_sweep({"a": rates}, {"a": {"score": score}}, curves)).charts)

    assert not {name: text for name, text in charts(1).items() if re.search("interval|band", text)}
    of_three = charts(3)
    assert re.search("interval", of_three["sweep"])
    assert re.search("interval", of_three["learning_curves"])


def test_the_layers_of_one_replicate_have_no_intervals(make_sweep):
    def charts(n):
        of_layers = {name: values[:n] for name, values in metrics(0.2).items()}
        found = texts(document_of(make_sweep({"a": [{"rate": 1.0}]}, {"a": of_layers})).charts)
        return [text for name, text in found.items() if name.startswith("never_flipped")]

    assert len(charts(1)) > 1
    assert not [text for text in charts(1) if re.search("interval|band", text)]
    assert all("t interval" in text for text in charts(2))


def test_the_texts_of_one_replicate_speak_of_no_interval(make_sweep):
    def of_sweep(n):
        found = make_sweep({"a": [{"rate": 0.1}, {"rate": 1.0}]}, {"a": {"score": np.arange(2.0 * n).reshape(n, 2)}})
        return f"{methods(found)[1]} {citation(found)}"

    def of_confirmation(n):
        found = analyze(make(n=n))
        return confirmation(found, found.confirmation)

    assert "With one replicate, a mean is a single value and has no interval." in of_sweep(1)
    assert "intervals" not in of_sweep(1)
    assert [bool(references(make_sweep({"a": [{"rate": 1.0}]}, {"a": {"score": np.ones((n, 1))}}))) for n in (1, 2)] == [
        False,
        True,
    ]
    assert "Student's 95% intervals" in of_sweep(3)
    assert ["single 95% interval" in of_confirmation(n) for n in (1, 3)] == [False, True]
