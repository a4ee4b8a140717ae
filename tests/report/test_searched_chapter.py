import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from hpstudy.analysis.exploration.searches import searched
from hpstudy.report import style
from hpstudy.report.chapters.searched import TABLES, chapter
from hpstudy.report.figures.unit_axis import label_axis, short, spread, ticks
from hpstudy.report.model import Drawing, Paragraph, Table
from hpstudy.study.schema import Study
from hpstudy.study.space import ChoiceParameter, FloatParameter, IntParameter

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


@pytest.mark.parametrize("count", [1, 2, 6, 9])
def test_all_figures_are_drawn_for_any_number_of_hyperparameters(count):
    results = make(count)
    drawings = blocks(results, Drawing)
    expected = ["flips", "1_importance", "1_slices", "1_pair", "1_parallel"]
    assert [drawing.name for drawing in drawings] == [f"searched_{name}" for name in expected if count > 1 or name != "1_pair"]
    with style.applied():
        for drawing in drawings:
            drawing.draw().savefig(io.BytesIO(), format="png", dpi=30)
            assert set(drawing.data) <= set(TABLES)


def test_a_single_trial_is_drawn_without_a_forest():
    results = make(2, searches=1, trials=1, goal="minimize")
    assert [drawing.name for drawing in blocks(results, Drawing)][1:] == [
        "searched_1_importance",
        "searched_1_slices",
        "searched_1_parallel",
    ]
    with style.applied():
        for drawing in blocks(results, Drawing):
            drawing.draw().savefig(io.BytesIO(), format="png", dpi=30)


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
    head, *rows = (tuple(row) for row in TABLES["searched_trials"](results))
    assert len(rows) == 40 * 3
    columns = dict(zip(head, zip(*rows, strict=True), strict=True))
    assert list(columns["unit"]) == view.unit.ravel().tolist()
    assert sum(columns["best_of_search"]) == 4 * 3
    head, *rows = (tuple(row) for row in TABLES["searched_importance"](results))
    assert [row[head.index("total")] for row in rows] == view.importance.total.value.tolist()
    head, *rows = (tuple(row) for row in TABLES["searched_surface"](results))
    assert np.array([row[-1] for row in rows]) == pytest.approx(view.surface.predicted.ravel(), nan_ok=True)
    head, *rows = (tuple(row) for row in TABLES["searched_responses"](results))
    assert [row[-1] for row in rows] == [value for line in view.responses for value in line.predicted.tolist()]
    head, *rows = (tuple(row) for row in TABLES["searched_flips"](results))
    assert rows == [("a", 4, 40, view.flips.correlation, view.flips.low, view.flips.high)]


def test_ticks_are_round_values_at_their_place_in_the_range():
    rate = FloatParameter(low=1e-4, high=1, log=True)
    assert ticks(rate) == (pytest.approx([0, 0.25, 0.5, 0.75, 1]), ["1e−4", "1e−3", "0.01", "0.1", "1"])
    narrow = FloatParameter(low=3e-4, high=2e-3, log=True)
    assert ticks(narrow)[1] == ["5e−4", "1e−3", "2e−3"]
    assert ticks(FloatParameter(low=0, high=1))[1] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert ticks(IntParameter(type="int", low=1, high=3)) == (pytest.approx([1 / 6, 1 / 2, 5 / 6]), ["1", "2", "3"])
    assert ticks(ChoiceParameter(type="choice", values=("a", "b"))) == ([0.25, 0.75], ["a", "b"])
    assert [short(value) for value in (1000.0, 2e-5, -2.5, 0.0)] == ["1000", "2e−5", "−2.5", "0"]


def test_an_axis_shows_the_whole_declared_range_whatever_the_trials_cover():
    axes = Figure().add_subplot()
    axes.plot([0.4, 0.5], [0.1, 0.2])
    label_axis(axes.xaxis, FloatParameter(low=0, high=1))
    label_axis(axes.yaxis, ChoiceParameter(type="choice", values=("a", "b")))
    axes.figure.draw_without_rendering()
    assert (axes.get_xlim(), axes.get_ylim()) == ((-0.04, 1.04), (-0.04, 1.04))


def test_equal_choices_are_drawn_apart_within_their_cell():
    unit = spread(ChoiceParameter(type="choice", values=("a", "b")), np.full(50, 0.25), np.arange(50))
    assert len(set(unit.tolist())) == 50
    assert unit.min() > 0.09
    assert unit.max() < 0.41
    rate = FloatParameter(low=0, high=1)
    assert spread(rate, np.array([0.3, 0.3]), np.arange(2)).tolist() == [0.3, 0.3]
