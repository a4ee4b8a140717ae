import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hpstudy.analysis.baselines.controls import controls
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.report.chapters.controls import TABLES, chapter
from hpstudy.report.charts.controls import PANELS
from hpstudy.report.charts.marks import Line, Rule
from hpstudy.report.charts.model import Chart
from hpstudy.report.model import Paragraph, Table
from hpstudy.study.schema import Study


@pytest.fixture
def controlled(make_results):
    """Results with controls of {view or VIEW/CONTROL: (replicates x trials) values}."""

    def make(values, *, named=("default", "random"), **options):
        views = {name: block for name, block in values.items() if "/" not in name}
        results = make_results(views, **options)
        study = Study.model_validate({**results.study.model_dump(mode="json"), "controls": list(named)})
        rows = [
            (name, replicate, number, "completed" if math.isfinite(value) else "diverged", value)
            for name, block in values.items()
            for (replicate, number), value in np.ndenumerate(np.asarray(block, dtype=float))
        ]
        table = pd.DataFrame(rows, columns=["view", "replicate", "number", "state", "objective"])
        return SimpleNamespace(
            **{
                **vars(results),
                "study": study,
                "provisional": results.provisional,
                "controls": controls(table, study, Bootstrap(1, 1000, 0.95)),
            }
        )

    return make


@pytest.fixture
def two_views(controlled, ramps):
    """View a gains three units on random search and eight on its default; view b is its own random search."""
    a, b = ramps(n=8), ramps(seed=1, n=8)
    default = a[:, :1] + 1
    values = {"a": a, "b": b, "a/default": default, "b/default": b[:, :1], "a/random": np.maximum(a - 3, 0), "b/random": b[::-1]}
    return controlled(values, analysis={"margin": 1.0, "budgets": [5]})


def blocks_of(results, kind):
    return [block for section in chapter(results) for block in section.blocks if isinstance(block, kind)]


def test_a_study_without_controls_has_no_such_chapter(results):
    assert list(chapter(SimpleNamespace(**{**vars(results), "controls": None}))) == []


def test_the_sentences_say_what_search_and_tuning_gain(two_views):
    a, b = (block.text for block in blocks_of(two_views, Paragraph))
    assert a.startswith("a: after 10 trials, search minus random search is 3.0")
    assert "over 8 paired replicates: the search beats random search." in a
    assert "a: tuned minus default is 8.0" in a
    assert "the best trial of a search is better than one training of the default" in a
    assert "8 paired replicates: no difference shown." in b


def test_a_search_that_random_search_does_not_match_is_said_so(two_views):
    a, _ = (block.text for block in blocks_of(two_views, Paragraph))
    assert "Random search needs more than 40 trials (half of its trials) to find what the search finds in 10." in a


def test_random_search_that_needs_fewer_trials_is_said_so(controlled):
    values = {"a": [[1.0, 2.0]] * 6, "a/random": [[9.0, 9.0]] * 6}
    (sentence,) = (block.text for block in blocks_of(controlled(values, named=("random",)), Paragraph))
    assert "random search beats the search. Random search needs about 1 trial to find what the search finds in 2." in sentence


def test_lower_is_better_where_the_goal_is_to_minimize(controlled):
    values = {"a": [[1.0, 1.0], [2.0, 2.0]] * 3, "a/random": [[5.0, 5.0], [6.0, 6.0]] * 3, "a/default": [[0.0], [1.0]] * 3}
    (sentence,) = (block.text for block in blocks_of(controlled(values, goal="minimize"), Paragraph))
    assert "the search beats random search" in sentence
    assert "the default is better than what the search finds" in sentence


def test_views_are_one_family_so_that_more_of_them_need_more_evidence(controlled):
    better = {"a": [[2.0, 3.0]] * 6, "a/random": [[1.0, 1.0]] * 6}  # p = 2 / 64
    alike = {"b": [[1.0, 2.0]] * 6, "b/random": [[1.0, 2.0]] * 6}
    (alone,) = (block.text for block in blocks_of(controlled(better, named=("random",)), Paragraph))
    together, _ = (block.text for block in blocks_of(controlled(better | alike, named=("random",)), Paragraph))
    assert "the search beats random search" in alone
    # The smallest p of each of two tests is 2 / 64 before Holm's correction.
    assert "no difference shown, and 6 replicates cannot show one (no adjusted p is below 0.062)" in together


def test_one_replicate_is_not_judged(controlled):
    (sentence,) = (
        block.text for block in blocks_of(controlled({"a": [[1.0, 3.0]], "a/random": [[1.0, 2.0]]}, named=("random",)), Paragraph)
    )
    assert "not judged, since one replicate has no spread" in sentence


def test_the_tables_hold_every_budget_the_shares_and_the_defaults(two_views):
    against, good, tunability = blocks_of(two_views, Table)
    assert [row[:2] for row in against.rows] == [("a", "5"), ("", "10"), ("b", "5"), ("", "10")]
    assert [row[0] for row in good.rows] == [row[0] for row in tunability.rows] == ["a", "b"]
    assert good.rows[0][1:3] == ("80", "0")
    for table in (against, good, tunability):
        assert {len(row) for row in table.rows} == {len(table.head)}


def test_a_share_of_good_points_within_the_noise_of_one_training_is_not_given(controlled, ramps):
    """The default point, trained six times, varies by 0.19."""
    values = {"a": ramps(), "a/default": ramps()[:, :1], "a/random": ramps(seed=2)}
    noise = np.std(values["a/default"], ddof=1)
    for margin, given in ((1.01 * noise, True), (0.99 * noise, False)):
        found = controlled(values, analysis={"margin": margin})
        assert any(table.caption == "Share of good points in each space." for table in blocks_of(found, Table)) == given
        said = " ".join(block.text for block in blocks_of(found, Paragraph))
        assert ("The share of good points is not given" in said) != given


def test_without_a_margin_there_is_no_table_of_good_points(controlled, ramps):
    found = blocks_of(controlled({"a": ramps(), "a/random": ramps(seed=2)}, named=("random",)), Table)
    assert [table.head[2] for table in found] == ["search"]


def lines_of(chart, panel=0):
    """The lines of a panel by the name of their legend entry, and the values that they go through."""
    found = {}
    for mark in chart.panels[panel].marks:
        if isinstance(mark, Line | Rule):
            (group,) = mark.groups
            found[chart.legend[group].name] = mark.y.tolist() if isinstance(mark, Line) else [mark.at]
    return found


def test_the_figure_has_search_random_search_its_expectation_and_the_default(two_views):
    (chart,) = blocks_of(two_views, Chart)
    a = two_views.controls.views[0]
    assert lines_of(chart) == {
        "search": a.curve.mean.tolist(),
        "random search": a.random.curve.mean.tolist(),
        "random search, expected": a.random.expected.mean.tolist(),
        "default point": [a.default.mean],
    }
    left, right = chart.panels
    assert left.y.limits == right.y.limits
    assert [entry.name for entry in chart.legend] == ["search", "random search", "random search, expected", "default point"]


def test_a_point_of_a_line_says_whose_it_is_and_its_interval(two_views):
    (chart,) = blocks_of(two_views, Chart)
    curve = two_views.controls.views[0].random.curve
    (random,) = (mark for mark in chart.panels[0].marks if isinstance(mark, Line) and mark.groups == (1,))
    assert random.hover.texts[9].startswith(f"a, random search\nafter 10 trials: {curve.mean[9]:.6g}\n95% CI ")
    (default,) = (mark for mark in chart.panels[0].marks if isinstance(mark, Rule))
    assert default.hover.texts[0].startswith("a, default point: ")


def test_lines_differ_in_style_and_not_only_in_color(two_views):
    (chart,) = blocks_of(two_views, Chart)
    lines = [mark for mark in chart.panels[0].marks if isinstance(mark, Line | Rule)]
    assert {mark.dash for mark in lines} == {"solid", "dash", "dot", "dashdot"}
    assert {entry.name: entry.dash for entry in chart.legend} == {chart.legend[mark.groups[0]].name: mark.dash for mark in lines}


def test_every_number_of_the_figure_is_in_its_tables(two_views):
    (chart,) = blocks_of(two_views, Chart)
    written = {value for data in chart.data for row in data.rows() for value in row if isinstance(value, float)}
    drawn = {value for place in range(len(chart.panels)) for values in lines_of(chart, place).values() for value in values}
    assert drawn <= written
    assert {data.name for data in chart.data} <= {rows.__name__ for rows in TABLES}


def test_the_tables_behind_the_figure_have_one_width(two_views):
    for table in TABLES:
        head, *rows = table(two_views)
        assert rows, table.__name__
        assert {len(row) for row in rows} == {len(head)}


def test_a_default_far_away_does_not_flatten_the_curves(controlled, ramps):
    results = controlled({"a": ramps(), "a/default": [[-1e6]] * 6}, named=("default",))
    (chart,) = blocks_of(results, Chart)
    assert chart.panels[0].y.limits[0] > -10
    assert "Not drawn: the default point of a." in chart.reading


def test_one_bad_first_trial_does_not_compress_the_curves(controlled, ramps):
    bad = ramps()
    bad[0, 0] = -1000
    (chart,) = blocks_of(controlled({"a": bad, "a/random": ramps(seed=1)}, named=("random",)), Chart)
    assert chart.panels[0].y.limits[0] > -10
    assert " are outside the axis." in chart.reading
    (chart,) = blocks_of(controlled({"a": ramps(), "a/random": ramps(seed=1)}, named=("random",)), Chart)
    assert "outside the axis" not in chart.reading


def test_many_views_are_spread_over_figures(controlled, ramps):
    views = [f"v{number}" for number in range(PANELS + 1)]
    values = {**{view: ramps() for view in views}, **{f"{view}/random": ramps(seed=1) for view in views}}
    charts = blocks_of(controlled(values, named=("random",)), Chart)
    assert [(chart.name, len(chart.panels)) for chart in charts] == [("controls_1", PANELS), ("controls_2", 1)]


NOTHING = (Paragraph("No view has values of its searches and of its controls, so nothing is compared."),)


def test_controls_that_have_not_begun_are_said_not_to_have(controlled, ramps):
    (section,) = chapter(controlled({"a": ramps()}))
    assert section.blocks == NOTHING


def test_a_view_without_a_value_is_not_compared_with_its_controls(controlled, ramps):
    nan = np.full((6, 10), np.nan)
    values = {"a": ramps(), "a/random": ramps() - 3, "a/default": ramps()[:, :1]}
    of_b = {"b": nan, "b/random": nan, "b/default": nan[:, :1]}
    found = controlled({**values, **of_b})
    view = found.controls.views[1]
    assert (view.random.gap, view.random.matching, view.default.gain) == (None, None, None)
    assert [text.partition(":")[0] for text in sentences_of(found)] == ["a"]
    assert {row[0] for table in blocks_of(found, Table) for row in table.rows} == {"a"}


def test_a_control_that_is_under_way_is_drawn_as_far_as_it_has_come(controlled, ramps):
    results = controlled({"a": ramps(), "a/random": ramps(seed=1)[:2, :4]}, named=("random",), analysis={"margin": 1.0})
    (chart,) = blocks_of(results, Chart)
    lines = lines_of(chart)
    assert set(lines) == {"search", "random search"}
    assert np.isfinite(lines["random search"]).sum() == 4
    assert len(blocks_of(results, Paragraph)) == 0


@pytest.mark.parametrize("control", ["random", "default"])
def test_a_control_is_not_judged_before_all_of_it_has_finished(controlled, ramps, control):
    a = ramps(n=9)
    values = {"a": a, "a/random": a - 3, "a/default": a[:, :1] - 8}
    assert not [text for text in sentences_of(controlled(values)) if "not judged yet" in text]
    part = sentences_of(controlled({**values, f"a/{control}": values[f"a/{control}"][:8]}))
    assert len(part) == 1
    assert part[0].count("not judged yet") == 2


def sentences_of(results):
    return [paragraph.text for paragraph in blocks_of(results, Paragraph)]


def test_a_study_in_which_nothing_has_a_value_survives(controlled):
    nan = np.full((2, 3), np.nan)
    (section,) = chapter(controlled({"a": nan, "a/random": nan, "a/default": nan[:, :1]}, analysis={"margin": 1.0}))
    assert section.blocks == NOTHING
