"""Reports of many views: what is counted, sorted, drawn in panels, and that nothing is left out."""

import dataclasses

import numpy as np
import pytest

from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.statistics.permutation import holm
from hpstudy.analysis.supplement.study import supplement
from hpstudy.report import csvs, headline, overview, style, wording
from hpstudy.report.chapters import answer, anytime, target
from hpstudy.report.chapters import overview as glance
from hpstudy.report.charts import anytime as forms
from hpstudy.report.charts import best_so_far, budgets, iqm, trials_to_target
from hpstudy.report.charts import overview as forest
from hpstudy.report.charts.axes import late, value_limits
from hpstudy.report.charts.grid import GRAY
from hpstudy.report.charts.marks import Dots, Labels, Line, Rule, Steps
from hpstudy.report.document import document
from hpstudy.report.labels import cut
from hpstudy.report.pens import matplotlib as pen
from tests.support.reports import document_of
from tests.support.sources import MemorySource

VIEWS = ("reference", "slow", "twin", "fast", "slower")
N = 10
"""Replicates: with 10 the smallest p, 2 / 1,024, is small enough for 8 tests."""

WITH_REFERENCE = [[name, "reference"] for name in VIEWS[1:]]


@pytest.fixture
def values(ramps):
    """Trials until 4: 6 by the reference and its twin, 4 by the fast view, 7 and 8 by the slow ones."""
    return {name: ramps(delay, n=N) for name, delay in zip(VIEWS, (2, 3, 2, 0, 4), strict=True)}


@pytest.fixture
def many(make_results, values):
    return make_results(values, analysis={"target": {"value": 4}, "compare": WITH_REFERENCE, "budgets": [5]})


@pytest.fixture
def styled():
    with style.applied():
        yield


def test_views_are_few_while_each_has_a_line_style_of_its_own():
    assert len(style.DASHES) == overview.FEW


def test_the_view_that_saves_most_trials_comes_first(many):
    assert [one.name for one in overview.standings(many)] == ["fast", "twin", "slow", "slower"]


def test_views_that_need_as_many_trials_are_sorted_by_the_final_best(make_results, ramps):
    better = ramps()
    better[:, -1] += 5
    views = {"reference": ramps(), "same": ramps(), "better": better, "x": ramps(1), "y": ramps(2)}
    compare = [[name, "reference"] for name in list(views)[1:]]
    for sign, goal in ((1, "maximize"), (-1, "minimize")):
        signed = {name: sign * found for name, found in views.items()}
        results = make_results(signed, goal=goal, analysis={"target": {"value": sign * 4}, "compare": compare})
        assert [one.name for one in overview.standings(results)][:2] == ["better", "same"]


def test_a_minimized_metric_ends_better_below_0(make_results, values):
    negative = {name: -found for name, found in values.items()}
    analysis = {"target": {"value": -4}, "compare": WITH_REFERENCE}
    sides = {
        one.name: (one.trials_side, one.final_side)
        for one in overview.standings(make_results(negative, goal="minimize", analysis=analysis))
    }
    assert sides == {"fast": (-1, 1), "twin": (0, 0), "slow": (1, -1), "slower": (1, -1)}


def test_the_adjusted_p_of_a_comparison_is_that_of_its_last_budget(many):
    p = holm(np.array([budget.test.p for pair in many.pairs for budget in pair.budgets]))
    assert many.adjusted.tolist() == p.tolist()
    found = {one.name: one.final.adjusted for one in overview.standings(many)}
    assert found == {"slow": p[1], "twin": p[3], "fast": p[5], "slower": p[7]}


@pytest.mark.parametrize(
    ("compare", "reference"),
    [
        (WITH_REFERENCE, "reference"),
        ([[b, a] for a, b in WITH_REFERENCE], "reference"),
        ([*WITH_REFERENCE, ["slow", "fast"]], None),
        ([["slow", "fast"]], "fast"),
    ],
)
def test_the_reference_is_the_view_of_every_comparison(make_results, values, compare, reference):
    assert overview.reference(make_results(values, analysis={"compare": compare})) == reference


def test_many_comparisons_are_counted_and_those_with_a_difference_named(many):
    assert headline(many) == (
        "To reach score ≥ 4, of 4 views compared with reference 1 needs fewer trials (fast), 2 need more (slow, slower) and 1 is not "
        "shown to differ. After all 10 trials, 1 ends better (fast), 2 end worse (slow, slower) and 1 is not shown to differ."
    )


def test_the_answer_also_names_those_without_a_difference(many):
    (section,) = answer.chapter(many)
    assert section.blocks[0].text.count("1 is not shown to differ (twin)") == 2


def test_a_headline_names_only_so_many(many, monkeypatch):
    monkeypatch.setattr(wording, "NAMED", 1)
    assert "2 need more (slow and 1 more)" in headline(many)


def test_views_that_all_perform_alike_are_said_to_in_one_clause(make_results, ramps):
    found = make_results(dict.fromkeys(VIEWS, ramps()), analysis={"target": {"value": 4}, "compare": WITH_REFERENCE})
    assert headline(found) == (
        "To reach score ≥ 4, none of 4 views compared with reference is shown to need fewer or more trials. "
        "After all 10 trials, none is shown to end better or worse."
    )


def test_a_target_that_nobody_reaches_leaves_the_final_best(make_results, values):
    text = headline(make_results(values, analysis={"target": {"value": 99}, "compare": WITH_REFERENCE}))
    assert text.startswith(
        "To reach score ≥ 99, none of 4 views compared with reference can be compared. After all 10 trials, 1 ends"
    )


def test_comparisons_without_a_common_view_favor_one_of_two(make_results, ramps):
    delays = {"a": 1, "b": 0, "c": 2, "d": 3}
    found = make_results({name: ramps(delay, n=N) for name, delay in delays.items()}, analysis={"target": {"value": 4}})
    assert headline(found).startswith(
        "To reach score ≥ 4, of 6 comparisons 5 favor the first view (b − d, b − c, a − d, a − c and 1 more) and 1 favors the second "
        "(a − b). After all 10 trials, 5 favor the first view"
    )


def test_the_evidence_says_when_no_adjusted_test_could_show_a_difference(many, make_results, ramps):
    assert "cannot show" not in wording.counted_evidence(many)
    smaller = {name: ramps(place) for place, name in enumerate(VIEWS)}
    analysis = {"target": {"value": 4}, "compare": WITH_REFERENCE, "budgets": [5]}
    assert wording.counted_evidence(make_results(smaller, analysis=analysis)).endswith(
        "6 replicates cannot show a difference in trials-to-target (no adjusted p is below 0.12) or in a final best (no adjusted p is "
        "below 0.25)."
    )


def test_three_comparisons_keep_a_paragraph_each(make_results, values):
    found = make_results(values, analysis={"target": {"value": 4}, "compare": WITH_REFERENCE[:3]})
    (section,) = answer.chapter(found)
    assert [block.text for block in section.blocks if block.strong] == [wording.needs(found, pair) for pair in found.pairs]
    assert not list(glance.chapter(found))


def test_every_comparison_has_its_verdict_and_what_no_table_has(many, styled):
    *_, section = target.chapter(many)
    (facts,) = section.blocks
    for pair, (name, text) in zip(many.pairs, facts.rows, strict=True):
        assert name == f"{pair.a} − {pair.b}"
        assert text == " ".join([wording.needs(many, pair), *wording.remarks(many, pair)])
        assert wording.band(many, pair) in text


def test_a_view_without_a_value_has_no_band_in_words(make_results, values, styled):
    found = make_results(
        {**values, "slow": np.full((N, 10), np.nan)}, analysis={"target": {"value": 4}, "compare": WITH_REFERENCE}
    )
    *_, section = target.chapter(found)
    texts = dict(section.blocks[0].rows)
    assert (
        texts["slow − reference"]
        == "The slow view gave no value in 100 trials: the slow view and the reference view cannot be compared."
    )
    assert "simultaneous" in texts["twin − reference"]


def test_the_table_of_all_comparisons_has_the_order_and_the_verdicts_of_the_figure(many):
    (section,) = glance.chapter(many)
    figure, table = section.blocks
    assert figure.name == "overview"
    assert [(row[0], row[5], row[9]) for row in table.rows] == [
        ("fast", "fewer", "better"),
        ("twin", "not shown", "not shown"),
        ("slow", "more", "worse"),
        ("slower", "more", "worse"),
    ]
    assert {len(row) for row in table.rows} == {len(table.head)}


def test_the_report_has_the_comparisons_right_after_the_answer(many):
    with style.applied():
        assert [section.title for section in document(many).sections][:3] == ["Answer", "All comparisons", "Completeness"]


def test_the_numbers_of_the_forest_are_in_a_file(many):
    rows = csvs.text(forest.overview(many)).splitlines()
    first = dict(zip(rows[0].split(","), rows[1].split(","), strict=True))
    pair = many.pairs[2]
    assert (first["a"], float(first["trials"]), float(first["final"])) == ("fast", pair.trials.difference, pair.budgets[-1].mean)


def test_a_comparison_that_cannot_be_made_has_an_empty_row(make_results, values):
    silent = {**values, "slow": np.full((N, 10), np.nan)}
    found = make_results(silent, analysis={"target": {"value": 4}, "compare": WITH_REFERENCE})
    (section,) = glance.chapter(found)
    *_, last = section.blocks[1].rows
    assert last == ("slow", *"–––––––––")
    assert "1 cannot be compared" in headline(found)


def test_an_interval_that_includes_0_is_open_and_gray(many):
    trials, final = forest.chart(many).panels
    points = [mark for mark in trials.marks if isinstance(mark, Dots)]
    assert [(mark.x.tolist(), mark.y.tolist()) for mark in points] == [([-2], [0]), ([0], [1]), ([1], [2]), ([2], [3])]
    assert [mark.color for mark in points] == [style.INK, forest.MUTED, style.INK, style.INK]
    assert [mark.marker.fill for mark in points] == ["color", "paper", "color", "color"]
    assert trials.y.texts == final.y.texts == ("fast", "twin", "slow", "slower")
    assert trials.y.limits[0] > 3 > 0 > trials.y.limits[1]  # the first row is at the top
    assert [text for mark in (*trials.marks, *final.marks) for text in getattr(mark, "texts", ())] == [
        "← fewer trials",
        "more trials →",
        "← worse",
        "better →",
    ]


def test_a_row_of_the_forest_is_the_interval_of_its_comparison(many):
    rows = overview.standings(many)
    for panel, found in zip(
        forest.chart(many).panels,
        (
            [(row.trials.difference, row.trials.low, row.trials.high) for row in rows],
            [(row.final.mean, row.final.low, row.final.high) for row in rows],
        ),
        strict=True,
    ):
        bars = [mark for mark in panel.marks if type(mark) is Line]
        points = [mark for mark in panel.marks if isinstance(mark, Dots)]
        for row, (value, low, high) in enumerate(found):
            assert (bars[row].x.tolist(), bars[row].y.tolist()) == ([low, high], [row, row])
            assert (points[row].x.tolist(), points[row].y.tolist()) == ([value], [row])
            (text,) = points[row].hover.texts
            assert text.startswith(f"{panel.y.texts[row]}\ndifference")
            assert "95% CI" in text
        assert panel.x.limits[0] < 0 < panel.x.limits[1]
        (zero,) = (mark for mark in panel.marks if isinstance(mark, Rule))
        assert (zero.axis, zero.at) == ("x", 0)


@pytest.mark.parametrize("kind", [best_so_far, trials_to_target])
def test_every_view_has_a_panel_with_the_reference_in_gray(many, kind):
    panels = kind.chart(many).shown("print")
    assert [panel.title for panel in panels] == list(VIEWS)
    assert [sum(getattr(mark, "color", "") == GRAY for mark in panel.marks) for panel in panels] == [0, 1, 1, 1, 1]
    assert len({(panel.x.limits, panel.y.limits) for panel in panels}) == 1


@pytest.mark.parametrize("kind", [best_so_far, trials_to_target])
def test_without_a_reference_no_panel_has_a_gray_line(make_results, values, kind):
    found = make_results(values, analysis={"target": {"value": 4}})
    marks = [mark for panel in kind.chart(found).panels for mark in panel.marks]
    assert marks
    assert not any(getattr(mark, "color", "") == GRAY for mark in marks)


def test_a_panel_holds_the_mean_of_its_view_in_its_color(many, styled):
    axes = pen.figure(best_so_far.chart(many)).axes[3]
    (mean,) = (line for line in axes.lines if line.get_color() == style.color(3))
    np.testing.assert_array_equal(mean.get_ydata(), many.views[3].curve.mean)


def test_only_lowest_panels_number_their_trials(many, styled):
    figure = pen.figure(best_so_far.chart(many))
    numbered = [axes.xaxis.get_tick_params()["labelbottom"] for axes in figure.axes]
    assert numbered == [False, False, True, True, True]


def test_bad_first_trials_do_not_flatten_small_panels(make_results, values, styled):
    found = make_results({name: np.where(np.arange(10) < 2, -1000, block) for name, block in values.items()})
    assert value_limits(found)[0] < -100
    axes = pen.figure(best_so_far.chart(found)).axes[0]
    assert axes.get_ylim()[0] > -10
    assert "values after 3 trials or more" in best_so_far.caption_and_reading(found)[1]


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_one_bad_first_trial_does_not_compress_the_curves_of_few_views(make_results, ramps, goal):
    sign = 1 if goal == "maximize" else -1
    bad = sign * ramps(2)
    bad[0, 0] = -1000 * sign
    found = make_results({"a": bad, "b": sign * ramps()}, goal=goal)
    (panel,) = best_so_far.chart(found).panels
    assert max(map(abs, panel.y.limits)) < 20
    assert (
        "values after 3 trials or more, the worst ones, are not drawn, nor earlier values and means that are outside the axis."
        in best_so_far.caption_and_reading(found)[1]
    )
    plain = make_results({"a": sign * ramps(2), "b": sign * ramps()}, goal=goal)
    (panel,) = best_so_far.chart(plain).panels
    assert panel.y.limits[0] < plain.views[1].best[0, 0] < panel.y.limits[1]
    assert "not drawn" not in best_so_far.caption_and_reading(plain)[1]


def test_the_panels_of_a_study_that_has_just_begun_show_its_first_trials(make_results, values):
    begun = np.where(np.arange(10) < 2, "completed", "missing").astype(object)
    found = make_results(values, states={"fast": np.tile(begun, (N, 1))})
    assert late(found)[0] == 1


def test_censor_ticks_take_no_room_from_small_panels(many, styled):
    figure = pen.figure(trials_to_target.chart(many))
    ticks = [line for line in figure.axes[4].lines if line.get_marker() == "|"]
    assert ticks
    assert not any(line.get_in_layout() for line in ticks)


def test_every_view_has_a_row_at_every_budget(many):
    panels = budgets.chart(many).shown("print")
    assert [panel.title for panel in panels] == ["after 5 trials", "after 10 trials"]
    for place, panel in enumerate(panels):
        means = [mark for mark in panel.marks if isinstance(mark, Dots) and mark.marker.fill == "paper"]
        bars = [mark for mark in panel.marks if type(mark) is Line]
        dots = [mark for mark in panel.marks if isinstance(mark, Dots) and mark.marker.fill == "color"]
        for row, view in enumerate(many.views):
            found = view.budgets[place]
            assert (means[row].x.tolist(), means[row].y.tolist()) == ([found.mean], [row + 0.18])
            assert bars[row].x[:2].tolist() == [found.low, found.high]
            assert dots[row].x.tolist() == view.best[:, found.budget - 1].tolist()
            assert set(dots[row].y) == {row - 0.18}
        assert panel.y.texts == VIEWS
        (gray,) = (mark for mark in panel.marks if isinstance(mark, Rule))
        assert (gray.axis, gray.at, gray.color) == ("x", many.views[0].budgets[place].mean, GRAY)
    assert [panel.y.labeled for panel in panels] == [True, False]


def test_the_ecdfs_of_many_views_are_in_panels_and_their_scores_in_rows(many, values):
    table = MemorySource(many.study, values).trials()
    extended = dataclasses.replace(many, supplement=supplement(many.views, many.pairs, many.endpoints, table))
    *_, section = anytime.chapter(extended)
    curves, scores = section.blocks[:2]
    panels = curves.shown("print")
    assert [panel.title for panel in panels] == list(VIEWS)
    assert [sum(getattr(mark, "color", "") == GRAY for mark in panel.marks) for panel in panels] == [0, 1, 1, 1, 1]
    (page,) = curves.shown("page")
    for index, (view, panel) in enumerate(zip(extended.supplement.views, panels, strict=True)):
        of_page = [mark for mark in page.marks if mark.color == style.color(index)]
        for band, steps in (panel.marks[-2:], of_page):
            np.testing.assert_array_equal(steps.y, view.anytime.ecdf)
            np.testing.assert_array_equal(band.low, view.anytime.ecdf_low)
            np.testing.assert_array_equal(band.high, view.anytime.ecdf_high)
            assert (steps.color, steps.x.tolist()) == (style.color(index), list(range(1, 11)))
        assert of_page[1].hover.texts[0].startswith(f"{view.name}, share of 50 targets reached by 10 searches\nafter 1 trial: ")
    (panel,) = scores.panels
    assert panel.y.texts == VIEWS
    gray, *others = panel.marks
    assert (gray.at, gray.color) == (extended.supplement.views[0].anytime.score.value, GRAY)
    for row, view in enumerate(extended.supplement.views):
        score, (bar, point) = view.anytime.score, others[2 * row : 2 * row + 2]
        assert (bar.x.tolist(), point.x.tolist(), point.y.tolist()) == ([score.low, score.high], [score.value], [row])


def test_the_interquartile_means_of_many_views_are_in_panels(many, values, styled):
    table = MemorySource(many.study, values).trials()
    found = supplement(many.views, many.pairs, many.endpoints, table)
    chart = iqm.chart(dataclasses.replace(many, supplement=found), found)
    panels = chart.shown("print")
    assert [panel.title for panel in panels] == list(VIEWS)
    (page,) = chart.shown("page")
    for panel, view in zip(panels, found.views, strict=True):
        *_, line = [mark for mark in panel.marks if isinstance(mark, Line)]
        np.testing.assert_array_equal(line.y, view.iqm.iqm)
    assert len([mark for mark in page.marks if isinstance(mark, Line)]) == len(VIEWS)
    pen.figure(chart).draw_without_rendering()


def test_the_ecdfs_of_few_views_are_beside_their_scores(make_results, values):
    few = {view: values[view] for view in VIEWS[:2]}
    results = make_results(few, analysis={"target": {"value": 4}})
    table = MemorySource(results.study, few).trials()
    extended = dataclasses.replace(results, supplement=supplement(results.views, results.pairs, results.endpoints, table))
    (chart,) = forms.charts(extended, extended.supplement)
    assert [panel.column for panel in chart.panels] == [0, 1]
    assert [entry.name for entry in chart.legend] == list(few)
    assert not any(getattr(mark, "color", "") == GRAY for panel in chart.panels for mark in panel.marks)
    assert [data.name for data in chart.data] == ["runtime_ecdf", "anytime_scores"]
    head, *rows = chart.data[0].rows()
    curves = [mark.y.tolist() for mark in chart.panels[0].marks if isinstance(mark, Steps)]
    assert curves == [[row[head.index("share")] for row in rows if row[0] == view] for view in few]


@pytest.mark.parametrize(("kind", "panels"), [(best_so_far, 5), (trials_to_target, 5), (budgets, 2)])
def test_the_page_has_one_panel_of_many_views_and_says_so(many, make_results, values, kind, panels):
    chart = kind.chart(many)
    assert len(chart.shown("page")) == 1
    assert len(chart.shown("print")) == panels
    assert [entry.name for entry in chart.legend[:5]] == list(VIEWS)
    assert chart.page_note.startswith("Here all views share one plot")
    few = make_results({view: values[view] for view in VIEWS[:4]}, analysis={"target": {"value": 4}})
    assert "one plot" not in kind.chart(few).page_note


@pytest.mark.parametrize("views", [5, 16, 31])
def test_panels_stay_on_a_page(make_results, views):
    found = make_results(
        {f"v{place}": np.arange(4.0).reshape(2, 2) for place in range(views)},
        analysis={"compare": [["v0", "v1"]]},
    )
    chart = best_so_far.chart(found)
    assert len(chart.shown("print")) == views
    assert chart.height < 9


def test_an_interval_that_is_one_value_apart_from_rounding_needs_no_digits():
    value = 0.19945865852576586
    one_value, wide = Estimate(value, value, value + 1e-16), Estimate(0.2, 0.18, 0.22)
    assert anytime._decimals([one_value]) == 2
    assert anytime._decimals([one_value, wide]) == 3


@pytest.mark.parametrize("views", [3, 8])
def test_names_of_30_characters_are_not_cut_in_figures(make_results, ramps, views):
    names = [f"gradient_filter_variant_no_{index}_a" for index in range(views)]
    assert {len(name) for name in names} == {30}
    pairs = [[name, names[0]] for name in names[1:]] + [[names[1], names[2]]]
    values = {name: ramps(index % 4, index) for index, name in enumerate(names)}
    found = make_results(values, analysis={"compare": pairs, "target": {"value": 5}, "budgets": [2, 4, 8]})
    table = MemorySource(found.study, values).trials()
    extended = dataclasses.replace(found, supplement=supplement(found.views, found.pairs, found.endpoints, table))
    charts = document_of(extended).charts
    assert len(charts) > 5
    for chart in charts:
        written = [entry.name for entry in chart.legend]
        for panel in chart.panels:
            written += [panel.title, *panel.x.texts, *panel.y.texts, panel.x.label, panel.y.label]
            written += [text for mark in panel.marks if isinstance(mark, Labels) for text in mark.texts]
        assert not [text for text in written if "…" in text]


def test_long_names_that_begin_alike_differ_when_they_are_cut():
    ones, others = (cut(f"{'long_' * 10}{number}", 24) for number in (1, 2))
    assert ones != others
    assert len(ones) == len(others) == 24
    assert cut("short", 24) == "short"
