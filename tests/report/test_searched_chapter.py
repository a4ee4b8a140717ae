import io
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpstudy.analysis.exploration.searches import searched
from hpstudy.report import numbers, style
from hpstudy.report.chapters.searched import TABLES, chapter
from hpstudy.report.charts.marks import Bars, Dots, Labels, Line
from hpstudy.report.charts.model import Chart
from hpstudy.report.charts.unit_axis import round_values, short, spread, ticks, unit_axis
from hpstudy.report.html import embedded
from hpstudy.report.model import Paragraph, Table
from hpstudy.report.pens import matplotlib as pen
from hpstudy.report.pens import plotly
from hpstudy.study.parameters import ChoiceParameter, FloatParameter, IntParameter
from hpstudy.study.schema import Study

FILES = {rows.__name__: rows for rows in TABLES}

SPACE = {
    "rate": {"type": "float", "low": 1e-5, "high": 1, "log": True},
    "layers": {"type": "int", "low": 1, "high": 5},
    "clip": {"type": "choice", "values": ["none", "norm", "a very long name of a choice"]},
    "a_hyperparameter_with_a_very_long_name": {"type": "float", "low": -2.5, "high": 2.5},
    "flag": {"type": "choice", "values": [True, False]},
    "width": {"type": "int", "low": 16, "high": 512, "log": True},
    "$tau_1": {"type": "float", "low": 3e-4, "high": 2e-3, "log": True},
    "batch": {"type": "int", "low": 1, "high": 1000},
    "epsilon": {"type": "float", "low": 1e-12, "high": 1, "log": True},
}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr("hpstudy.analysis.exploration.importance.RESAMPLES", 5)


def make(count, *, searches=4, trials=10, goal="maximize", missing=0):
    study = Study.model_validate(
        {
            "name": "small",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": goal},
            "views": {"a": {"label": "View A", "space": dict(list(SPACE.items())[:count])}},
            "search": {"searcher": "random", "trials": trials},
            "replicates": searches,
        }
    )
    generator = np.random.default_rng(0)
    rows = []
    for replicate, number in np.ndindex(searches, trials):
        unit = generator.random(count)
        failed = replicate * trials + number < missing
        rows.append(
            {
                "view": "a",
                "replicate": replicate,
                "number": number,
                "state": "diverged" if failed else "completed",
                "objective": np.nan if failed else float(-3 * unit[0] + 0.1 * generator.normal()),
                **{f"point.{name}": value for name, value in study.views["a"].space.from_unit(unit).items()},
                "metric.flip_ratio": float(unit[0] ** 8),
            }
        )
    return SimpleNamespace(study=study, searched=searched(pd.DataFrame(rows), study))


def blocks(results, kind):
    return [block for section in chapter(results) for block in section.blocks if isinstance(block, kind)]


def charts_of(results):
    return {chart.name.removeprefix("searched_"): chart for chart in blocks(results, Chart)}


def dots_of(panel):
    return [mark for mark in panel.marks if isinstance(mark, Dots)]


@pytest.mark.parametrize("count", [1, 2, 6, 9])
def test_all_figures_are_drawn_for_any_number_of_hyperparameters(count):
    charts = charts_of(make(count))
    expected = ["flips", "1_importance", "1_slices", "1_pair", "1_parallel"]
    assert list(charts) == [name for name in expected if count > 1 or name != "1_pair"]
    with style.applied():
        for chart in charts.values():
            pen.figure(chart).savefig(io.BytesIO(), format="png", dpi=30)
            assert {data.name for data in chart.data} <= set(FILES)
            assert json.loads(embedded(plotly.panels(chart)))


@pytest.mark.parametrize(
    ("count", "trials", "begins", "caption", "line"),
    [
        (
            2,
            30,
            "Importance is a functional",
            "a: importance of each hyperparameter, and positions of",
            "spread evenly over their ranges",
        ),
        (
            1,
            30,
            "A forest of extremely randomized trees is fitted",
            "a: positions of the best trials.",
            "the forest's mean prediction. Up",
        ),
        (2, 1, "Trials of all replicates are pooled;", "a: positions of the best trials.", "best trial of a search. Up to"),
    ],
)
def test_a_forest_is_explained_as_far_as_it_is_used(count, trials, begins, caption, line):
    results = make(count, trials=trials)
    method, _, page, *_ = (paragraph.text for paragraph in blocks(results, Paragraph))
    assert method.startswith(begins)
    assert ("the shares" in page) == ("two hyperparameters that matter most" in page) == begins.startswith("Importance")
    tables = [table.caption for table in blocks(results, Table)]
    assert any(text.startswith(caption) for text in tables)
    assert line in charts_of(results)["1_slices"].reading


@pytest.mark.parametrize("searcher", ["random", "ax"])
def test_only_points_that_depend_on_values_are_said_to_be_where_values_were_good(searcher):
    results = make(2)
    results.study = results.study.model_copy(update={"search": results.study.search.model_copy(update={"searcher": searcher})})
    chosen = blocks(results, Paragraph)[1].text
    assert ("where earlier points were good" in chosen) == (searcher == "ax")
    assert ("without regard to earlier values" in chosen) == (searcher == "random")


def test_a_single_trial_is_drawn_without_a_forest():
    charts = charts_of(make(2, searches=1, trials=1, goal="minimize"))
    assert list(charts)[1:] == ["1_importance", "1_slices", "1_parallel"]
    assert len(charts["1_importance"].panels) == 1
    assert charts["1_importance"].reading.startswith("A dot is the best trial of one search, at its position in the range")
    with style.applied():
        for chart in charts.values():
            pen.figure(chart).savefig(io.BytesIO(), format="png", dpi=30)


def test_importance_is_drawn_as_bars_of_the_most_important_first():
    results = make(3)
    (view,) = results.searched
    chart = charts_of(results)["1_importance"]
    shares, best = chart.panels
    shown = np.argsort(-view.importance.total.value, kind="stable")
    total, alone = (mark for mark in shares.marks if isinstance(mark, Bars))
    assert total.right.tolist() == view.importance.total.value[shown].tolist()
    assert alone.right.tolist() == view.importance.alone.value[shown].tolist()
    intervals = [mark for mark in shares.marks if isinstance(mark, Line)]
    assert intervals[0].x[::3].tolist() == view.importance.total.low[shown].tolist()
    assert intervals[1].x[1::3].tolist() == view.importance.alone.high[shown].tolist()
    assert [entry.name for entry in chart.legend] == ["with interactions", "alone"]
    assert shares.y.texts == ("rate", *(view.hyperparameters[place] for place in shown[1:]))
    assert total.hover.texts[0].startswith(f"rate, with interactions: {view.importance.total.value[0]:.3g}\n95% CI ")
    rate = dots_of(best)[1]
    assert rate.x.tolist() == view.unit[view.incumbents, 0].tolist()
    assert rate.hover.names == view.hyperparameters


def test_slices_show_every_trial_the_best_and_the_response():
    results = make(3)
    (view,) = results.searched
    chart = charts_of(results)["1_slices"]
    assert [panel.x.label for panel in chart.panels] == list(view.hyperparameters)
    trials, rings = dots_of(chart.panels[0])
    assert (trials.x.tolist(), trials.y.tolist()) == (view.unit[:, 0].tolist(), view.objective.tolist())
    assert trials.values.tolist() == (view.number + 1).tolist()
    assert rings.y.tolist() == view.objective[view.incumbents].tolist()
    assert trials.hover.texts[0] == f"View A\nreplicate 0, trial 0 (1st)\nscore {numbers.general(float(view.objective[0]), 6)}"
    assert trials.hover.values[0][0] == numbers.hyperparameter(view.values["rate"][0])
    edge, line = (mark for mark in chart.panels[0].marks if isinstance(mark, Line))
    assert line.y.tolist() == view.responses[0].predicted.tolist()
    assert edge.width > line.width
    choices = dots_of(chart.panels[2])[-1]
    assert (choices.marker.symbol, choices.y.tolist()) == ("tick-across", view.responses[2].predicted.tolist())
    assert choices.hover.texts[0].startswith("clip none\npredicted score ")


@pytest.mark.parametrize(("goal", "reverse"), [("maximize", False), ("minimize", True)])
def test_the_surface_is_brighter_where_it_is_better(goal, reverse):
    results = make(3, goal=goal)
    (view,) = results.searched
    chart = charts_of(results)["1_pair"]
    heat, trials, best = chart.panels[0].marks
    assert np.array_equal(heat.values, view.surface.predicted, equal_nan=True)
    assert (heat.x_edges[0], heat.x_edges[-1], heat.parted) == (0, 1, False)
    assert chart.scale.reverse is reverse
    assert len(trials.x) == 40
    assert len(best.x) == 4
    x, y = (view.hyperparameters[place] for place in (view.surface.x, view.surface.y))
    assert [line.split()[0] for line in heat.hover.texts[0].split("\n")] == [x, y, "predicted"]


def test_parallel_coordinates_lead_every_trial_to_its_objective():
    results = make(2)
    (view,) = results.searched
    chart = charts_of(results)["1_parallel"]
    rest, best = (mark for mark in chart.panels[0].marks if isinstance(mark, Line) and mark.groups)
    assert (len(rest.x) + 1, len(best.x) + 1) == (36 * 4, 4 * 4)
    assert best.x[:4].tolist()[:3] == [0, 1, 2]
    assert best.y[-3:].tolist()[0] == view.unit[np.argmax(view.objective), 0]
    ends = rest.y[2::4]
    assert ends.min() >= 0
    assert best.y[2::4].min() >= ends.max()
    assert best.hover.texts[-3].split("\n")[-1].startswith("rate ")
    names = [mark for mark in chart.panels[0].marks if isinstance(mark, Labels)][-1]
    assert names.texts == ("rate", "layers", "score")
    assert [entry.name for entry in chart.legend] == ["other trials", "the best 10%"]


def test_flip_ratios_of_zero_are_at_the_left_end_of_a_logarithmic_axis():
    results = make(1)
    (view,) = results.searched
    view.flips.ratio[0] = 0
    (panel,) = charts_of(results)["flips"].panels
    positive = view.flips.ratio[1:].min()
    trials, _ = dots_of(panel)
    assert panel.x.log
    assert trials.x[0] == pytest.approx(positive / 2)
    assert trials.x[1:].tolist() == view.flips.ratio[1:].tolist()
    assert panel.x.limits[0] < positive / 2
    assert panel.title == "View A"


def test_the_page_draws_evenly_spread_trials_of_very_many(monkeypatch):
    monkeypatch.setattr("hpstudy.report.charts.searched.ON_PAGE", 10)
    charts = charts_of(make(2))
    for name in ("flips", "1_slices", "1_pair"):
        on_paper, on_page = (mark for mark in dots_of(charts[name].panels[0]) if mark.media != "both")
        assert (on_paper.media, len(on_paper.x), on_paper.hover) == ("print", 40, None)
        assert (on_page.media, len(on_page.x), len(on_page.hover.texts)) == ("page", 10, 10)
        assert (on_page.x[0], on_page.x[-1]) == (on_paper.x[0], on_paper.x[-1])
        assert "10 of 40 trials are drawn, evenly spread." in charts[name].page_note


def test_nothing_is_said_where_nothing_was_searched():
    assert list(chapter(SimpleNamespace(searched=()))) == []


def test_the_text_counts_trials_and_warns_of_adaptive_searches():
    text = " ".join(paragraph.text for paragraph in blocks(make(2, missing=3), Paragraph))
    assert "37 trials of 4 searches have a value; 3 without one are left out" in text
    assert "The searches chose their points" in text


def test_best_trials_at_the_end_of_a_range_are_named():
    results = make(1, trials=100)
    assert results.searched[0].unit[results.searched[0].incumbents, 0].max() < 0.1
    text = " ".join(paragraph.text for paragraph in blocks(results, Paragraph))
    hits = int((results.searched[0].unit[results.searched[0].incumbents, 0] <= 0.02).sum())
    assert hits > 1
    assert f"rate ({hits} of 4 at the lower end)" in text


def test_the_table_has_a_row_for_each_hyperparameter_the_most_important_first():
    correlations, positions = blocks(make(6), Table)
    assert correlations.rows[0][0] == "a"
    assert positions.rows[0][0] == "rate"
    assert {row[0] for row in positions.rows} == set(list(SPACE)[:6])
    assert all(len(row) == len(positions.head) for row in positions.rows)


def test_the_files_hold_every_number_of_the_figures():
    results = make(3)
    (view,) = results.searched
    head, *rows = (tuple(row) for row in FILES["searched_trials"](results))
    assert len(rows) == 40 * 3
    columns = dict(zip(head, zip(*rows, strict=True), strict=True))
    assert list(columns["unit"]) == view.unit.ravel().tolist()
    assert sum(columns["best_of_search"]) == 4 * 3
    head, *rows = (tuple(row) for row in FILES["searched_importance"](results))
    assert [row[head.index("total")] for row in rows] == view.importance.total.value.tolist()
    head, *rows = (tuple(row) for row in FILES["searched_surface"](results))
    assert np.array([row[-1] for row in rows]) == pytest.approx(view.surface.predicted.ravel(), nan_ok=True)
    head, *rows = (tuple(row) for row in FILES["searched_responses"](results))
    assert [row[-1] for row in rows] == [value for line in view.responses for value in line.predicted.tolist()]
    head, *rows = (tuple(row) for row in FILES["searched_flips"](results))
    assert rows == [("a", 4, 40, view.flips.correlation, view.flips.low, view.flips.high)]


def test_ticks_are_round_values_at_their_place_in_the_range():
    rate = FloatParameter(low=1e-4, high=1, log=True)
    assert ticks(rate) == (pytest.approx([0, 0.25, 0.5, 0.75, 1]), ["1e−4", "1e−3", "0.01", "0.1", "1"])
    narrow = FloatParameter(low=3e-4, high=2e-3, log=True)
    assert ticks(narrow)[1] == ["5e−4", "1e−3", "2e−3"]
    assert ticks(FloatParameter(low=0, high=1))[1] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert ticks(IntParameter(type="int", low=1, high=3)) == (pytest.approx([1 / 6, 1 / 2, 5 / 6]), ["1", "2", "3"])
    assert ticks(FloatParameter(low=0, high=0.9, step=0.3)) == (
        pytest.approx([1 / 8, 3 / 8, 5 / 8, 7 / 8]),
        ["0", "0.3", "0.6", "0.9"],
    )
    assert ticks(ChoiceParameter(type="choice", values=("a", "b"))) == ([0.25, 0.75], ["a", "b"])
    assert [short(value) for value in (1000.0, 2e-5, -2.5, 0.0)] == ["1000", "2e−5", "−2.5", "0"]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 8))
def test_round_values_are_few_evenly_apart_and_within(low, width, most):
    high = low + width
    found = round_values(low, high, most)
    room = 1e-6 * (abs(low) + width)
    assert 1 <= len(found) <= most + 1
    assert low - room <= min(found)
    assert max(found) <= high + room
    assert round_values(0, 7, 3, whole=True) == [0, 3, 6]
    assert round_values(-1, 1, 4) == [-1, -0.5, 0, 0.5, 1]


def test_an_axis_shows_the_whole_declared_range_whatever_the_trials_cover():
    rate = unit_axis(FloatParameter(low=0, high=1), "rate")
    choice = unit_axis(ChoiceParameter(type="choice", values=("a", "b")), "choice")
    assert rate.limits == choice.limits == (-0.04, 1.04)
    assert (choice.at, choice.texts, choice.label) == ((0.25, 0.75), ("a", "b"), "choice")


def test_equal_choices_are_drawn_apart_within_their_cell():
    unit = spread(ChoiceParameter(type="choice", values=("a", "b")), np.full(50, 0.25), np.arange(50))
    assert len(set(unit.tolist())) == 50
    assert unit.min() > 0.09
    assert unit.max() < 0.41
    rate = FloatParameter(low=0, high=1)
    assert spread(rate, np.array([0.3, 0.3]), np.arange(2)).tolist() == [0.3, 0.3]
