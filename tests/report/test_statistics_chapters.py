import numpy as np
import pytest
from matplotlib.figure import Figure

from hpstudy.analysis.supplement.study import supplement
from hpstudy.report import numbers, style
from hpstudy.report.chapters import anytime, budgets, methods, robustness, tests
from hpstudy.report.charts.best_by_seconds import best_by_seconds
from hpstudy.report.charts.iqm import iqm_curves
from hpstudy.report.charts.leave_one_out import leave_one_out
from hpstudy.report.charts.marks import Band, Dots, Line, Steps
from hpstudy.report.charts.model import Chart
from hpstudy.report.model import Paragraph, Table
from hpstudy.report.pens import matplotlib as pen
from tests.support.reports import document_of
from tests.support.sources import MemorySource

NAN = float("nan")
CHAPTERS = (tests, anytime, robustness)


@pytest.fixture
def make_extended(make_results):
    """Results with their further statistics; arguments as for `make_results`."""

    def make(values, states=None, **settings):
        source = {} if states is None else {"states": states}
        results = make_results(values, **settings, **source)
        table = MemorySource(results.study, values, **source).trials()
        object.__setattr__(results, "supplement", supplement(results.views, results.pairs, results.endpoints, table))
        return results

    return make


@pytest.fixture
def extended(make_extended, ramps):
    """A complete study in which view a needs about three trials more than view b."""
    return make_extended({"a": ramps(3), "b": ramps()}, analysis={"target": {"value": 5}, "budgets": [4, 8], "margin": 0.5})


def blocks(results, *modules):
    with style.applied():
        return [block for module in modules or CHAPTERS for section in module.chapter(results) for block in section.blocks]


def tables(results, *modules):
    return {block.caption: block for block in blocks(results, *modules) if isinstance(block, Table)}


def table(results, beginning):
    (found,) = (block for caption, block in tables(results).items() if caption.startswith(beginning))
    return found


def drawings(results):
    return {block.name: block for block in blocks(results) if isinstance(block, Chart)}


def test_the_methods_say_which_replicates_ran_in_lockstep(make_results, ramps):
    def said(**search):
        results = make_results({"a": ramps(3), "b": ramps()}, study={"search": {"trials": 10, **search}})
        return " ".join(methods.methods(results))

    assert "its own seed. Groups of 3 replicates ran in lockstep; their points" in said(lockstep=3)
    assert "lockstep" not in said()


@pytest.mark.parametrize(
    ("on_failure", "received"), [("worst", "the worst value that the search has so far"), ("drop", "no value, only the point")]
)
def test_the_methods_say_what_the_searcher_receives_for_a_failure(make_results, ramps, on_failure, received):
    metric = {"name": "score", "goal": "maximize", "on_failure": on_failure}
    text = methods.methods(make_results({"a": ramps()}, study={"metric": metric}))[0]
    assert f"does not change the best so far. The searcher receives {received} for it." in text


def test_every_row_has_a_cell_for_every_column(extended):
    for found in tables(extended).values():
        assert found.rows
        assert {len(row) for row in found.rows} == {len(found.head)}


def test_every_figure_can_be_drawn_and_has_its_numbers_in_a_file(extended):
    found = drawings(extended)
    assert set(found) == {"anytime", "leave_one_out", "best_by_seconds", "iqm"}
    written = set(document_of(extended).tables)
    for drawing in found.values():
        assert {data.name for data in drawing.data} <= written
        with style.applied():
            assert isinstance(pen.figure(drawing), Figure)


def test_the_figure_of_replicates_left_out_draws_its_file(extended):
    chart = drawings(extended)["leave_one_out"]
    _, *rows = (dict(enumerate(row)) for row in leave_one_out(extended))
    assert [panel.x.label for panel in chart.panels] == ["difference of trials-to-target", "difference of the best\nscore"]
    for panel, what in zip(chart.panels, ("trials_to_target", "final_best"), strict=True):
        without, full = (mark for mark in panel.marks if isinstance(mark, Dots))
        own = [row for row in rows if row[2] == what]
        assert [*full.x.tolist(), *without.x.tolist()] == [row[4] for row in own]
        assert full.hover.texts == (f"a − b\nall 6 replicates: {numbers.general(own[0][4], 6)}",)
        assert without.hover.texts[3] == f"a − b\nwithout replicate 3: {numbers.general(own[4][4], 6)}"
    assert chart.panels[0].y.texts == ("a − b",)


def test_the_figure_of_interquartile_means_draws_its_file_beside_the_means(extended):
    chart = drawings(extended)["iqm"]
    _, *rows = (tuple(row) for row in iqm_curves(extended))
    mean, middle = chart.panels
    columns = [list(column) for column in zip(*rows, strict=True)]
    for panel, parts in ((middle, columns[3:]), (mean, None)):
        lines, bands = ([mark for mark in panel.marks if isinstance(mark, kind)] for kind in (Line, Band))
        drawn = [
            [value for mark in marks for value in getattr(mark, end).tolist()]
            for marks, end in ((lines, "y"), (bands, "low"), (bands, "high"))
        ]
        curves = [view.curve for view in extended.views]
        assert drawn == (parts or [[x for curve in curves for x in getattr(curve, end)] for end in ("mean", "low", "high")])
    assert mean.y.limits == middle.y.limits
    assert (mean.title, middle.title) == ("mean", "interquartile mean")
    assert lines[1].hover.texts[0].startswith("b, mean of the best so far")


def test_the_figure_of_seconds_draws_its_file(extended):
    chart = drawings(extended)["best_by_seconds"]
    _, *rows = (tuple(row) for row in best_by_seconds(extended))
    lines, bands = ([mark for mark in chart.panels[0].marks if isinstance(mark, kind)] for kind in (Steps, Band))
    columns = [list(column) for column in zip(*rows, strict=True)]
    assert [x for line in lines for x in line.x.tolist()] == columns[1]
    assert [y for line in lines for y in line.y.tolist()] == columns[2]
    assert [y for band in bands for y in band.low.tolist()] == columns[3]
    assert [y for band in bands for y in band.high.tolist()] == columns[4]
    assert [entry.name for entry in chart.legend] == ["a", "b"]
    assert lines[1].hover.texts[0].startswith("b, 2 s of training\nmean best so far ")


def files_of(results, module):
    """The functions that give the rows of the CSV files of a chapter."""
    charts = (block for section in module.chapter(results) for block in section.blocks if isinstance(block, Chart))
    return [data.rows for chart in charts for data in chart.data]


@pytest.mark.parametrize("module", CHAPTERS)
def test_every_file_has_as_many_cells_in_each_row_as_in_its_head(extended, module):
    files = files_of(extended, module)
    assert files
    for rows in files:
        head, *body = (tuple(row) for row in rows())
        assert body
        assert {len(row) for row in body} == {len(head)}


@pytest.mark.parametrize("module", CHAPTERS)
def test_results_without_further_statistics_have_no_such_chapters(extended, module):
    files = files_of(extended, module)
    object.__setattr__(extended, "supplement", None)
    assert list(module.chapter(extended)) == []
    assert all(len(list(rows())) == 1 for rows in files)


def test_a_sweep_has_no_such_chapters(swept):
    assert blocks(swept) == []


def test_a_study_without_any_value_has_no_such_figures(make_extended):
    assert not drawings(make_extended({"a": np.full((2, 4), NAN), "b": np.full((2, 4), NAN)}))


def test_a_single_view_is_not_compared(make_extended, ramps):
    alone = make_extended({"a": ramps()})
    captions = tables(alone)
    assert "iqm" in drawings(alone)
    assert not any("one replicate left out" in caption for caption in captions)


def test_one_replicate_shows_no_intervals(make_extended, ramps):
    one = make_extended({"a": ramps(n=1), "b": ramps(2, n=1)}, analysis={"target": {"value": 5}})
    assert table(one, "Trials-to-target as").rows[0][2] == "–"
    shifts = table(one, "Shift")
    assert shifts.rows[0][3] == "–"
    assert "With this few replicates" not in shifts.note


def test_the_slower_view_needs_several_times_the_trials(extended):
    row = table(extended, "Trials-to-target as a ratio").rows[0]
    assert row[0] == "a / b"
    assert row[1].startswith("× 1.")


def test_a_view_that_never_arrives_has_an_infinite_average_runtime(make_extended, ramps):
    results = make_extended({"a": ramps(3), "b": ramps()}, analysis={"target": {"value": 8.5}})
    assert [row[1] for row in table(results, "Average runtime").rows] == ["∞", "9.0"]


def test_a_level_that_few_replicates_cannot_give_is_told(make_extended, ramps):
    note = table(make_extended({"a": ramps(3, n=4), "b": ramps(n=4)}), "Shift").note
    assert "at most 87.5%" in note
    assert "no more than" not in table(make_extended({"a": ramps(3), "b": ramps()}), "Shift").note


def test_one_sided_bounds_need_a_declared_margin(extended, make_extended, ramps):
    assert table(extended, "One-sided").rows[-1][-1] in ("inferior", "superior", "equivalent", "non-inferior", "inconclusive")
    assert not any(caption.startswith("One-sided") for caption in tables(make_extended({"a": ramps(), "b": ramps(1)})))


def test_three_views_are_ranked_all_at_once(make_extended, ramps):
    joint = table(make_extended({"a": ramps(4), "b": ramps(2), "c": ramps()}), "Joint test")
    assert joint.rows[0][-1] == "a 3.0, b 2.0, c 1.0"
    assert "too small" not in joint.note
    few = table(make_extended({"a": ramps(4, n=4), "b": ramps(2, n=4), "c": ramps(n=4)}), "Joint test")
    assert few.note.endswith(
        "With fewer than 5 replicates this p is too small. That of the ranks of the views is by permutation."
    )


@pytest.mark.parametrize(("n", "most"), [(2, "50%"), (5, "93.8%"), (6, None)])
def test_intervals_of_few_searches_are_said_to_be_too_short(make_results, ramps, n, most):
    note = tables(make_results({"a": ramps(3, n=n), "b": ramps(n=n)}), budgets)["Best score after a number of trials."].note
    said = f" With {n} of them it contains the mean of a symmetric distribution in at most {most} of all studies."
    assert note.endswith(said) if most else "symmetric" not in note


def test_the_view_that_always_wins_wins_in_every_replicate(extended):
    assert [row[2] for row in table(extended, "How often").rows] == ["0%"] * 3


def test_a_difference_that_no_replicate_turns_is_told(extended):
    assert {row[-1] for row in table(extended, "Mean differences with").rows} == {"yes"}


def test_the_replicate_left_out_is_named_as_in_the_study(make_extended, ramps):
    values = {"a": ramps(), "b": ramps()}
    values["a"][5] += 50
    states = np.full((6, 10), "completed", dtype=object)
    states[0, 9] = "missing"
    results = make_extended(values, states={"a": states})
    assert table(results, "Mean differences with").rows[-1][4] == "5"
    left_out = [row for row in leave_one_out(results) if row[2] == "final_best"]
    assert [row[3] for row in left_out] == ["", 1, 2, 3, 4, 5]


def test_without_failures_there_is_no_choice_in_how_they_count(extended):
    (told,) = (block for block in blocks(extended, robustness) if isinstance(block, Paragraph))
    assert "does not matter" in told.text


def test_failures_are_counted_in_both_ways(make_extended, ramps):
    values = {"a": ramps(), "b": ramps()}
    values["a"][:, 0] = NAN
    results = make_extended(values, analysis={"target": {"value": 5}, "budgets": [4]})
    spent, dropped = table(results, "Differences under two ways").rows
    assert (spent[1], dropped[1]) == ("spent", "not counted (6)")
    assert spent[2] == "0.0"
    assert dropped[2] == "−1.0"


def test_best_points_in_the_middle_of_a_range_hit_no_end(extended):
    assert {row[5] for row in table(extended, "Best points near").rows} == {"0%"}
    assert {row[1] for row in table(extended, "Best points").rows} == {"rate"}


def test_searches_that_chose_a_point_of_their_initial_design_are_counted(make_extended, ramps):
    found = make_extended({"a": ramps(), "b": ramps()[:, ::-1]}, study={"search": {"trials": 10, "initial": 3}})
    rows = table(found, "Searches whose best trial").rows
    assert [row[:4] for row in rows] == [("a", "3", "0 of 6", "0%"), ("b", "3", "6 of 6", "100%")]
    assert "30% of the best trials would be in the design" in table(found, "Searches whose best trial").note


def test_seconds_of_a_search_are_those_of_its_trials(extended):
    assert [row[1] for row in table(extended, "Seconds of a search").rows] == ["20 s", "20 s"]


def test_the_middle_of_the_searches_leaves_out_a_quarter_at_either_end(extended):
    *_, b = [mark for mark in drawings(extended)["iqm"].panels[1].marks if isinstance(mark, Line)]
    assert b.y[-1] == pytest.approx(np.sort(extended.view("b").best[:, -1])[1:-1].mean())
    assert extended.supplement.views[1].iqm.searches[-1] == 6
