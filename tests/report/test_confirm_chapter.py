import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hpstudy.analysis.retraining.confirmation import confirmation
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.analysis.trials.searches import Searches
from hpstudy.goal import Goal
from hpstudy.report import style
from hpstudy.report.chapters import confirm
from hpstudy.report.charts.confirmation import DEFAULT, FRESH, MEAN_FRESH, MEAN_TUNING, TUNING, confirmations, confirmed_means
from hpstudy.report.charts.marks import Dots, Line
from hpstudy.report.charts.model import Chart
from hpstudy.report.model import Paragraph, Table
from hpstudy.report.pens import matplotlib as pen


def rows(values, default, *, test=None):
    """Trainings of the last of 10 trials: {view: (searches x seeds)} and {view: (seeds,)}; NaN diverged."""
    made = []
    for view, scores in values.items():
        made += [(view, np.nan, np.nan, seed, value) for seed, value in enumerate(default[view])]
        made += [(view, r, 9.0, seed, value) for (r, seed), value in np.ndenumerate(np.asarray(scores, dtype=float))]
    frame = pd.DataFrame(made, columns=["view", "replicate", "number", "seed_number", "objective"])
    frame["state"] = np.where(frame["objective"].isna(), "diverged", "completed")
    frame["metric.score"] = frame["objective"]
    if test is not None:
        frame["metric.test_accuracy"] = frame["objective"] * test
    return frame


@pytest.fixture
def with_confirmation(results):
    """Results of two views a and b with six searches each, and trainings on fresh seeds."""

    def make(values, default, *, test=None, goal=Goal.MAXIMIZE):
        study = results.study.model_copy(update={"metric": results.study.metric.model_copy(update={"goal": goal})})
        sign = goal.sign
        searches = {view.name: Searches(view.name, sign * view.searches.values, view.searches.states) for view in results.views}
        found = confirmation(
            rows(values, default, test=test),
            searches,
            [("a", "b")],
            metric="score",
            goal=goal,
            bootstrap=Bootstrap(0, 1000, 0.95),
        )
        return SimpleNamespace(study=study, views=results.views, sweep=(), confirmation=found)

    return make


@pytest.fixture
def shown(with_confirmation):
    """a is worth 5 with noise of sd 2, b 4.5 with the same noise; the default point 1."""
    noise = np.random.default_rng(0).normal(0, 2, size=(2, 6, 5))
    values = {"a": 5 + noise[0], "b": 4.5 + noise[1]}
    return with_confirmation(values, {"a": np.ones(5), "b": np.ones(5)}, test=0.5)


def blocks(results, kind):
    return [block for section in confirm.chapter(results) for block in section.blocks if isinstance(block, kind)]


def table(results, start):
    return next(found for found in blocks(results, Table) if found.caption.startswith(start))


def test_without_a_confirmation_there_is_no_chapter(results):
    assert list(confirm.chapter(SimpleNamespace(study=results.study, confirmation=None))) == []


def test_the_paragraph_gives_the_findings_and_the_tables_their_numbers(shown):
    (paragraph,) = blocks(shown, Paragraph)
    assert "on 5 fresh seeds that no search has seen" in paragraph.text
    assert "For a, b, the tuning score is better than score on fresh seeds." in paragraph.text
    assert "For a, b, test_accuracy is higher at the tuned than at the default point." in paragraph.text
    assert "For a minus b, no difference in test_accuracy on fresh seeds is shown." in paragraph.text
    assert "noise floor" not in paragraph.text
    assert "Each of these statements is from a single 95% interval, without a correction for their number." in paragraph.text
    gap = f"{abs(shown.confirmation.views[0].gap.value):.2f}"
    assert [row[:2] for row in table(shown, "score of the chosen points").rows] == [("a", "6"), ("b", "6")]
    assert table(shown, "score of the chosen points").rows[0][5] == gap
    assert ("test_accuracy", "a − b") in [row[:2] for row in table(shown, "Views compared").rows]


def test_findings_are_grouped_by_the_side_of_0():
    ends = {"a": (1, 2), "b": (-2, -1), "c": (-1, 1), "d": (np.nan, np.nan), "e": (1, 3)}
    estimates = {name: CountedEstimate((low + high) / 2, low, high, 6) for name, (low, high) in ends.items()}
    assert confirm._sides(estimates, "above", "below", "difference in score") == (
        "For a, e, above; for b, below; for c, no difference is shown; for d, there is no interval."
    )
    open_ones = {name: estimates[name] for name in "cd"}
    assert confirm._sides(open_ones, "above", "below", "difference in score") == (
        "For c, no difference in score is shown; for d, there is no interval of the difference in score."
    )


@pytest.mark.parametrize(("goal", "sign"), [(Goal.MAXIMIZE, 1), (Goal.MINIMIZE, -1)])
def test_a_tuning_score_that_flatters_is_called_better_whatever_the_goal(with_confirmation, goal, sign):
    values = {view: sign * np.full((6, 2), 3.0) for view in "ab"}  # a was chosen at about 7, b at about 10
    results = with_confirmation(values, {"a": [0, 0], "b": [0, 0]}, goal=goal)
    (paragraph,) = blocks(results, Paragraph)
    assert "For a, b, the tuning score is better than score on fresh seeds." in paragraph.text


@pytest.mark.parametrize("lost", [0, 1])
def test_a_difference_from_the_default_over_fewer_searches_says_so(with_confirmation, lost):
    values = {view: np.random.default_rng(0).normal(size=(6, 2)) for view in "ab"}
    values["a"][:lost, 0] = np.nan
    found = with_confirmation(values, {"a": [0, 0.1], "b": [0, 0.1]})
    (table,) = (table for table in blocks(found, Table) if table.caption.startswith("Tuned and default point"))
    metric = found.confirmation.views[0].metrics[0]
    assert (metric.tuned.n, metric.gain.n) == (6, 6 - lost)
    assert ("uses only searches with a value on every seed" in table.note) == bool(lost)


def test_a_mean_of_many_trainings_is_not_held_against_the_spread_of_one(with_confirmation):
    noise = np.tile([[0.0, 2.0], [2.0, 0.0]], (3, 1))  # of one training: sd 1.41
    results = with_confirmation({"a": 5 + noise, "b": 4.5 + noise}, {"a": np.zeros(2), "b": np.full(2, 5.0)})
    compared = table(results, "Views compared")
    assert compared.rows[0][3:5] == ("0.500", "0.500 to 0.500")
    assert "noise floor" not in compared.note + blocks(results, Paragraph)[0].text


def test_a_difference_whose_interval_includes_0_is_not_shown(with_confirmation):
    values = {"a": np.tile([[1.0, -1.0]], (6, 1)) + np.arange(6)[:, None] / 10, "b": np.zeros((6, 2))}
    results = with_confirmation(values, {view: np.zeros(2) for view in "ab"})
    assert blocks(results, Paragraph)[0].text.endswith(
        "For a minus b, no difference in score on fresh seeds is shown. Each of these statements is from a single 95% interval, without a "
        "correction for their number. Points share up to 100% of the noise on a seed. It cancels in differences on the same seeds."
    )


def test_the_noise_table_holds_standard_deviations_and_lost_trainings(with_confirmation):
    values = {"a": np.array([[0.0, 2.0, np.nan]] * 6), "b": np.array([[1.0, 5.0, 3.0]] * 6)}
    results = with_confirmation(values, {"a": np.ones(3), "b": np.ones(3)})
    a, b = table(results, "Sources of variation").rows
    assert float(a[3]) == pytest.approx(np.sqrt(2), abs=0.01)
    assert float(b[3]) == pytest.approx(2)
    assert (a[-1], b[-1], b[-2]) == ("6", "0", "100%")
    assert b[4] == "0%"  # all variance is that of the seeds
    assert "6 trainings on fresh seeds gave no value and are in no mean" in blocks(results, Paragraph)[0].text
    assert "It cancels in differences" in blocks(results, Paragraph)[0].text


def test_every_table_has_as_many_cells_as_its_head(shown):
    for found in blocks(shown, Table):
        assert {len(row) for row in found.rows} == {len(found.head)}


def chart_of(results):
    (chart,) = blocks(results, Chart)
    return chart


def dots(chart, row):
    """The points that belong to one entry of the legend, view by view."""
    return [mark for mark in chart.panels[0].marks if isinstance(mark, Dots) and mark.groups == (row,)]


@pytest.mark.parametrize("seeds", [1, 5])
def test_the_figure_joins_tuning_scores_to_means_on_fresh_seeds(with_confirmation, seeds):
    values = {view: np.arange(6.0 * seeds).reshape(6, seeds) for view in "ab"}
    results = with_confirmation(values, {view: np.arange(float(seeds)) for view in "ab"})
    chart = chart_of(results)
    found = results.confirmation.views
    assert [mark.x.tolist() for mark in dots(chart, TUNING)] == [view.data.tuning.tolist() for view in found]
    assert [mark.x.tolist() for mark in dots(chart, FRESH)] == [block.mean(axis=1).tolist() for block in values.values()]
    assert [mark.x.tolist() for mark in dots(chart, MEAN_TUNING)] == [[view.data.tuning.mean()] for view in found]
    assert [mark.x.tolist() for mark in dots(chart, MEAN_FRESH)] == [[view.metrics[0].tuned.value] for view in found]
    assert [mark.x.tolist() for mark in dots(chart, DEFAULT)] == [[view.metrics[0].default.value] for view in found]
    lines = [mark for mark in chart.panels[0].marks if isinstance(mark, Line) and mark.groups == (TUNING, FRESH)]
    assert [line.x[::3].tolist() for line in lines] == [view.data.tuning.tolist() for view in found]
    assert chart.panels[0].y.texts == ("a", "b")
    assert {data.name for data in chart.data} == {"confirmations", "confirmed_means"}
    with style.applied():
        pen.figure(chart).draw_without_rendering()


def test_marks_of_the_figure_say_whose_they_are(shown):
    chart, view = chart_of(shown), shown.confirmation.views[1]
    (_, tuning), (_, fresh), (_, mean) = (dots(chart, row) for row in (TUNING, FRESH, MEAN_FRESH))
    assert tuning.hover.texts[5] == f"b, replicate 5\ntuning score: {view.data.tuning[5]:.6g}"
    assert fresh.hover.texts[5] == f"b, replicate 5\non fresh seeds: {view.data.scores['score'][5].mean():.6g}"
    tuned = view.metrics[0].tuned
    assert mean.hover.texts == (f"b, mean on fresh seeds: {tuned.value:.6g}\n95% CI {tuned.low:.6g} to {tuned.high:.6g}",)


def test_many_searches_are_not_joined(shown, monkeypatch):
    monkeypatch.setattr("hpstudy.report.charts.confirmation.LINES_UP_TO", 5)
    assert not any(mark.groups == (TUNING, FRESH) for mark in chart_of(shown).panels[0].marks)


def test_the_csv_files_hold_every_training_and_mean(shown):
    head, *trainings = confirmations(shown)
    assert len(trainings) == 2 * 2 * (6 + 1) * 5
    first = dict(zip(head, trainings[5], strict=True))
    data = shown.confirmation.views[0].data
    assert first == {
        "view": "a",
        "replicate": 0,
        "tuning_score": data.tuning[0],
        "seed_number": 0,
        "metric": "score",
        "value": data.scores["score"][0, 0],
    }
    _, *means = confirmed_means(shown)
    gap = shown.confirmation.views[1].gap
    assert ("b", "score", "gap", gap.value, gap.low, gap.high, 6) in means


def test_one_view_with_one_search_makes_a_chapter(with_confirmation):
    results = with_confirmation({"a": [[1.0]]}, {"a": [np.nan]})
    found = results.confirmation
    assert dataclasses.astuple(found.views[0].gap)[3] == 1
    assert [section.title for section in confirm.chapter(results)] == ["Confirmation on fresh seeds"]
