"""Charts as data, and the two pens that draw them."""

import dataclasses
import itertools
import json
import re

import matplotlib as mpl
import numpy as np
import pytest

import hpstudy
from hpstudy.analysis.supplement.study import supplement
from hpstudy.errors import UsageError
from hpstudy.report import numbers, style, wording
from hpstudy.report.charts import best_by_seconds, best_so_far, budgets, difference, iqm, sweep, trials_to_target, words
from hpstudy.report.charts.axes import crowded, first_trials, outside
from hpstudy.report.charts.grid import GRAY, in_grid
from hpstudy.report.charts.marks import Band, Bars, Dots, Heat, Hover, Labels, Line, Mark, Marker, Rule, Steps
from hpstudy.report.charts.model import Axis, Chart, ColorScale, Entry, Key, Panel
from hpstudy.report.charts.words import Words, filled, position
from hpstudy.report.html import embedded
from hpstudy.report.pdf import figure_bytes
from hpstudy.report.pens import matplotlib, matplotlib_marks, plotly
from tests.support.reports import document_of
from tests.support.sources import MemorySource

X = np.array([1.0, 2.0, 3.0])
INK = style.INK
MARKS = {
    "line": Line(x=X, y=X, color=INK, marker=Marker("diamond", fill="paper")),
    "line with a gap": Line(x=X, y=np.array([1.0, np.nan, 2.0]), color=INK),
    "steps": Steps(x=X, y=X, color=INK),
    "band": Band(x=X, low=X - 1, high=X, color=INK, alpha=0.2),
    "dots": Dots(x=X, y=X, color=INK, hover=Hover(("a", "b", "<c>"))),
    "colored dots": Dots(x=X, y=X, color=INK, values=X),
    "hollow dots": Dots(x=X, y=X, color=INK, marker=Marker("tick-up", fill="none"), clipped=False),
    "rule": Rule(axis="y", at=2.0, color=INK),
    "upright rule": Rule(axis="x", at=2.0, color=INK),
    "bars": Bars(left=X, right=X + 0.5, bottom=X * 0, top=X, color=INK),
    "frames": Bars(left=X, right=X + 0.5, bottom=X * 0, top=X, color=INK, frame=2.0),
    "heat": Heat(x_edges=X, y_edges=X, values=np.array([[1.0, np.nan], [2.0, 3.0]]), written=(("1", ""), ("2", "3"))),
    "labels": Labels(x=X, y=X, texts=("a", "b\nc", "$x_1$"), boxed=True),
    "panel labels": Labels(x=X / 4, y=X / 4, texts=("a", "b", "c"), frame="panel", italic=True),
}


def chart_of(*marks, **settings):
    panel = Panel(Axis("x", (0, 4), grid=True), Axis("y", (0.5, 4), log=True), marks, **settings)
    return Chart("one", (panel,), "Caption.", "Reading.", (), 3.0, (Entry("a"),), scale=ColorScale("value", 1, 3))


def drawn(chart, form="svg"):
    with style.applied():
        return figure_bytes(matplotlib.figure(chart), form)


def page(chart):
    return embedded({"panels": plotly.panels(chart)})


def test_every_kind_of_mark_is_tried():
    assert {type(mark) for mark in MARKS.values()} == {*Mark.__subclasses__(), *Line.__subclasses__()}
    assert set(matplotlib_marks._KINDS) == set(plotly._KINDS) == {type(mark) for mark in MARKS.values()}


@pytest.mark.parametrize("kind", MARKS)
def test_both_pens_draw_every_kind_of_mark(kind):
    import plotly.graph_objects as go

    chart, nothing = chart_of(MARKS[kind]), chart_of()
    assert drawn(chart) != drawn(nothing)
    (panel,) = plotly.panels(chart)
    assert panel["data"] or panel["annotations"]
    layout = {"xaxis": panel["x"], "yaxis": panel["y"], "annotations": panel["annotations"], "barmode": "overlay"}
    go.Figure(plotly.plain({"data": panel["data"], "layout": layout}))


@pytest.mark.parametrize("form", ["pdf", "svg", "png"])
def test_a_pen_gives_the_same_bytes_twice(form):
    chart = chart_of(*MARKS.values())
    assert drawn(chart, form) == drawn(chart, form)
    assert page(chart) == page(chart)


def test_a_mark_for_one_medium_is_not_drawn_in_the_other():
    print_only = chart_of(dataclasses.replace(MARKS["dots"], media="print"))
    assert plotly.panels(print_only)[0]["data"] == []
    page_only = chart_of(dataclasses.replace(MARKS["dots"], media="page"))
    assert drawn(page_only) == drawn(chart_of())


def test_charts_compare_by_value_and_gaps_are_equal():
    assert chart_of(*MARKS.values()) == chart_of(*map(dataclasses.replace, MARKS.values()))
    assert chart_of(MARKS["line"]) != chart_of(dataclasses.replace(MARKS["line"], y=X + 1))
    assert chart_of(MARKS["line"]) != chart_of(MARKS["steps"])


def test_the_page_escapes_hover_texts_and_print_draws_them_letter_by_letter():
    (panel,) = plotly.panels(chart_of(MARKS["dots"], MARKS["labels"]))
    assert panel["data"][0]["text"] == ["a", "b", "&lt;c&gt;"]
    with style.applied():
        texts = [text.get_text() for text in matplotlib.figure(chart_of(MARKS["labels"])).axes[0].texts]
    assert texts == ["a", "b\nc", r"\$x_1\$"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "trial 0 (1st)"), (1, "trial 1 (2nd)"), (2, "trial 2 (3rd)"), (7, "trial 7 (8th)"), (20, "trial 20 (21st)")],
)
def test_a_hover_text_names_a_trial_as_the_command_line_does(number, text):
    assert position(number) == text


def test_the_11th_to_13th_trial_of_a_hundred_end_in_th():
    assert [position(number).split()[-1] for number in (10, 11, 12, 111)] == ["(11th)", "(12th)", "(13th)", "(112th)"]


def test_the_star_of_the_best_trial_names_it_as_the_command_line_does(results):
    best = results.views[0].best_trial
    star = next(mark for mark in marks_of(best_so_far.chart(results), Dots, "page") if mark.marker.symbol == "star")
    assert f"\nreplicate {best.replicate}, trial {best.number} (" in star.hover.texts[0]
    assert star.x.tolist() == [best.number + 1]


def test_hover_texts_of_bars_are_not_written_on_them():
    bars = dataclasses.replace(MARKS["bars"], hover=Hover(("a", "b", "c")))
    (trace,) = plotly.panels(chart_of(bars))[0]["data"]
    assert (trace["text"], trace["textposition"]) == (["a", "b", "c"], "none")


def test_a_text_that_the_font_lacks_has_its_substitute_in_print_only():
    chart = chart_of(title=filled("best {} so far", Words("日本語", "value")))
    with style.applied():
        assert matplotlib.figure(chart).axes[0].get_title() == "best value so far"
    assert plotly.panels(chart)[0]["title"] == "best 日本語 so far"


def test_the_substitute_replaces_all_lines_of_a_text():
    assert style.plain("最適\n値", "best\nvalue") == "best\nvalue"
    assert style.plain("_a\n_b") == " _a\n _b"


def test_latex_draws_the_characters_that_have_an_escape():
    with mpl.rc_context({"text.usetex": True}):
        assert style.plain("a − b_1\n≥ 5") == "a $-$ b\\_1\n$\\geq$ 5"
        assert style.plain("最 − 1") == "? $-$ 1"
        assert style.plain("最 − 1", "value") == "value"


def test_long_names_of_a_difference_are_on_two_lines():
    assert words.difference("latent", "filter") == "latent − filter"
    assert words.difference("latent", "filter_same_support") == "latent −\nfilter_same_support"


@pytest.mark.parametrize(("goal", "better"), [("maximize", "a"), ("minimize", "b")])
def test_the_note_of_a_difference_names_the_better_view_above_0(make_results, ramps, goal, better):
    (chart,) = difference.charts(make_results({"a": ramps(3), "b": ramps()}, goal=goal))
    assert [panel.title for panel in chart.panels] == [f"above 0: {better} better"]


def test_long_names_of_a_difference_are_in_its_title(make_results, ramps):
    a, b = "gradient_filter_variant_no_1", "gradient_filter_variant_no_2"
    (chart,) = difference.charts(make_results({a: ramps(3), b: ramps()}, goal="minimize"))
    assert chart.panels[0].y.label == "difference"
    assert chart.panels[0].title == f"{a} −\n{b}\n(above 0: second better)"
    assert [panel["title"] for panel in plotly.panels(chart)] == [f"{a} − {b} (above 0: second better)"]


@pytest.mark.parametrize("views", [2, 3, 4])
@pytest.mark.parametrize("long", [2, 10])
def test_the_titles_of_differences_touch_no_axes_and_stay_in_the_figure(make_results, ramps, views, long):
    names = [f"view_{index}_with_{'a_' * long}name" for index in range(views)]
    pairs = [[names[0], name] for name in names[1:]]
    (chart,) = difference.charts(make_results({name: ramps(3) for name in names}, analysis={"compare": pairs}))
    with style.applied():
        figure = matplotlib.figure(chart)
        figure.draw_without_rendering()
        notes = [axes._right_title.get_window_extent() for axes in figure.axes]
        (legend,) = figure.legends
        others = [*(axes.get_window_extent() for axes in figure.axes), legend.get_window_extent()]
        assert len(notes) == views - 1
        for note in notes:
            assert 0 <= note.x0 < note.x1 <= figure.bbox.x1
            assert not any(note.overlaps(other) for other in others)
        assert not any(one.overlaps(other) for one, other in itertools.combinations(notes, 2))


def test_few_replicates_have_no_simultaneous_band(make_results, ramps):
    """Two equal differences: the interval excludes 0 at every trial, and no test can show it."""
    found = make_results({"a": ramps(3, n=2), "b": ramps(n=2)}, analysis={"target": {"value": 5}})
    (chart,) = difference.charts(found)
    (inner,) = marks_of(chart, Band)
    rows = rows_of(chart, "differences")
    assert (inner.low.tolist(), inner.high.tolist()) == ([row["low"] for row in rows], [row["high"] for row in rows])
    assert [entry.name for entry in chart.legend] == ["mean difference", "pointwise 95% interval"]
    assert chart.reading == (
        "Band: pointwise 95% interval. With this few replicates there is no simultaneous band. No test can then show a difference, also "
        "where the interval excludes 0."
    )
    answer = " ".join([wording.comparisons(found), *wording.evidence(found, found.pairs[0])])
    assert "The interval excludes 0, but 2 replicates cannot show a difference: no adjusted p is below 0.5." in answer
    assert "simultaneous" not in answer


def test_five_replicates_can_show_a_difference_at_a_lower_confidence(make_results, ramps):
    found = make_results({"a": ramps(3, n=5), "b": ramps(n=5)}, analysis={"confidence": 0.9})
    _, reading = difference.caption_and_reading(found, found.pairs)
    assert reading == "Band: pointwise 90% interval. With this few replicates there is no simultaneous band."


@pytest.mark.parametrize(("n", "confidence", "shown"), [(5, 0.9, False), (6, 0.95, True), (6, 0.99, False), (8, 0.99, True)])
def test_a_simultaneous_band_needs_replicates_with_which_a_test_can_be_significant(make_results, ramps, n, confidence, shown):
    found = make_results({"a": ramps(3, n=n), "b": ramps(0, 1, n=n)}, analysis={"confidence": confidence, "target": {"value": 5}})
    (chart,) = difference.charts(found)
    assert (len(marks_of(chart, Band)) == 2) == shown
    assert ("outer" in chart.reading) == shown
    assert ("simultaneous" in " ".join(wording.evidence(found, found.pairs[0]))) == shown


@pytest.mark.parametrize(
    ("lengths", "columns"), [([10], 1), ([20, 20, 20], 3), ([18, 19, 31, 34, 24], 3), ([60, 60], 1), ([40, 40], 2), ([5] * 9, 8)]
)
def test_a_legend_has_as_many_columns_as_fit(lengths, columns):
    """The entries fill one column after the other, so short ones can share a column next to a long one."""
    assert style.legend_columns(["x" * length for length in lengths]) == columns


def test_a_key_of_a_panel_takes_its_entries_from_the_legend():
    with style.applied():
        figure = matplotlib.figure(chart_of(MARKS["line"], key=Key((0,), "title")))
    assert figure.axes[0].get_legend().get_title().get_text() == "title"
    assert figure.legends == []


def test_ticks_that_would_touch_are_left_out():
    x = Axis("x", (0, 1), ticks="given", at=(0.1, 0.11, 0.9), texts=("first", "second", "third"))
    chart = dataclasses.replace(chart_of(), panels=(Panel(x, Axis("y", (0, 1)), ()),))
    with style.applied():
        assert [text.get_text() for text in matplotlib.figure(chart).axes[0].get_xticklabels()] == ["first", "", "third"]


def test_long_numbers_at_the_ticks_of_a_narrow_panel_do_not_touch():
    x = Axis("x", (-0.0011, 0.0009))
    chart = dataclasses.replace(chart_of(), panels=in_grid([Panel(x, Axis("y", (0, 1)), ())] * 3, 3))
    with style.applied():
        figure = matplotlib.figure(chart)
        figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in figure.axes[0].get_xticklabels() if text.get_text()]
    assert len(boxes) > 2
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (Line(x=X, y=X, color=INK), False),
        (Line(x=X, y=X + 9, color=INK), True),
        (Band(x=X, low=X - 9, high=X, color=INK, alpha=1), True),
        (Dots(x=X, y=X + 9, color=INK), False),
    ],
)
def test_curves_that_leave_the_axis_are_noted(mark, said):
    panel = Panel(Axis("x", (0, 5)), Axis("y", (0, 5)), (mark,))
    assert outside(first_trials, panel) == (" Some values of the first 3 trials are outside the axis." if said else "")


@pytest.mark.parametrize(
    ("goal", "values", "log"),
    [
        ("minimize", [0.02, 0.4], True),
        ("minimize", [0.02, 0.39], False),
        ("minimize", [0.0, 0.4], False),
        ("minimize", [-1.0, 30.0], False),
        ("maximize", [0.02, 0.4], False),
    ],
)
def test_the_axis_of_a_loss_that_spans_decades_is_logarithmic(make_results, goal, values, log):
    found = make_results({"a": np.full((2, 2), values[0]), "b": np.full((2, 2), values[1])}, goal=goal)
    for chart in (best_so_far.chart(found), budgets.chart(found)):
        for panel in chart.panels:
            assert panel.y.log == log
            low, high = panel.y.limits
            assert low <= min(values) < max(values) <= high
            assert not log or panel.y.texts == ("0.02", "0.05", "0.1", "0.2")
        with style.applied():
            matplotlib.figure(chart).draw_without_rendering()


def test_first_trials_that_compress_the_rest_do_not_determine_the_axis():
    steady, steep = np.arange(20.0), np.r_[900.0, 400.0, 30.0, np.arange(17.0)]
    assert crowded(steady) == 0
    assert crowded(steady, least=0.1) == 2
    assert crowded(steady, steep) == 5
    assert crowded(np.full(20, np.nan)) == 0


def test_a_difference_that_is_large_at_first_says_what_is_outside_its_axis(make_results, ramps):
    a, b = ramps(1, 1, n=8, trials=20), ramps(0, 2, n=8, trials=20)
    a[:, :2] -= 500 * np.arange(1, 9)[:, None]
    (chart,) = difference.charts(make_results({"a": a, "b": b}))
    assert max(map(abs, chart.panels[0].y.limits)) < 50
    assert chart.reading.endswith(" Some values of the first 2 trials are outside the axis.")


@pytest.mark.parametrize("first", [-30.0, 0.0])
def test_the_figures_of_means_say_which_first_values_are_outside(make_results, ramps, first):
    values = {"a": ramps(3, n=8, trials=20), "b": ramps(0, 1, n=8, trials=20)}
    for view in values.values():
        view[:, 0] += first
    found = make_results(values)
    table = MemorySource(found.study, values).trials()
    more = supplement(found.views, found.pairs, found.endpoints, table)
    for chart in (iqm.chart(found, more), best_by_seconds.chart(found, more)):
        assert ("Some values of the first" in chart.reading) == bool(first)


def test_captions_name_no_side_of_the_figure(make_results, ramps):
    """The page places panels in a column where it is narrow."""
    views = {name: ramps(index, index, n=8) for index, name in enumerate("abcde")}
    for used in ("ab", "abcde"):
        values = {name: views[name] for name in used}
        pairs = [[name, "a"] for name in used[1:]]
        found = make_results(values, analysis={"target": {"value": 5}, "compare": pairs})
        more = supplement(found.views, found.pairs, found.endpoints, MemorySource(found.study, values).trials())
        for chart in document_of(dataclasses.replace(found, supplement=more)).charts:
            assert not re.search(r"\(left|\(right|Left:|Right:|at the right is", chart.caption + chart.reading)


def rows_of(chart, name):
    (data,) = (data for data in chart.data if data.name == name)
    head, *rows = data.rows()
    return [dict(zip(head, row, strict=True)) for row in rows]


def marks_of(chart, kind, media="print"):
    return [mark for panel in chart.shown(media) for mark in panel.marks if type(mark) is kind and mark.media in ("both", media)]


@pytest.mark.parametrize("media", ["print", "page"])
@pytest.mark.parametrize("views", [2, 6])
def test_the_file_of_mean_curves_holds_what_both_media_draw(make_results, ramps, views, media):
    names = [f"v{place}" for place in range(views)]
    chart = best_so_far.chart(make_results({name: ramps(place) for place, name in enumerate(names)}))
    rows = rows_of(chart, "mean_curves")
    bands = marks_of(chart, Band, media)
    colors = [style.color(place) for place in range(views)]
    means = [mark for color in colors for mark in marks_of(chart, Line, media) if mark.color == color]
    assert len(bands) == len(means) == views
    for name, band, mean in zip(names, bands, means, strict=True):
        own = [row for row in rows if row["view"] == name]
        assert mean.x.tolist() == [row["trials"] for row in own]
        assert mean.y.tolist() == [row["mean"] for row in own]
        assert (band.low.tolist(), band.high.tolist()) == ([row["low"] for row in own], [row["high"] for row in own])


def test_the_file_of_searches_holds_what_is_drawn(results):
    chart = best_so_far.chart(results)
    drawn_points = [
        (x, y) for mark in marks_of(chart, Steps) for x, y in zip(mark.x.tolist(), mark.y.tolist(), strict=True) if x == x
    ]
    assert drawn_points == [(row["trials"], row["best_so_far"]) for row in rows_of(chart, "best_so_far")]


def test_the_file_of_differences_holds_what_is_drawn(results):
    (chart,) = difference.charts(results)
    rows = rows_of(chart, "differences")
    (line,) = marks_of(chart, Line)
    outer, inner = marks_of(chart, Band)
    assert line.y.tolist() == [row["mean"] for row in rows]
    assert (inner.low.tolist(), inner.high.tolist()) == ([row["low"] for row in rows], [row["high"] for row in rows])
    assert (outer.low.tolist(), outer.high.tolist()) == ([row["band_low"] for row in rows], [row["band_high"] for row in rows])


@pytest.mark.parametrize("media", ["print", "page"])
@pytest.mark.parametrize("views", [2, 6])
def test_the_file_of_survival_curves_holds_what_both_media_draw(make_results, ramps, views, media):
    names = [f"v{place}" for place in range(views)]
    results = make_results({name: ramps(7 - place) for place, name in enumerate(names)}, analysis={"target": {"value": 5}})
    chart = trials_to_target.chart(results)
    rows = rows_of(chart, "trials_to_target")
    curves = [mark for mark in marks_of(chart, Steps, media) if mark.color != GRAY]
    bands = marks_of(chart, Band, media)
    censored = marks_of(chart, Dots, media)
    for name, curve, band, ticks in zip(names, curves, bands, censored, strict=True):
        own = [row for row in rows if row["view"] == name]
        assert curve.x.tolist() == [0, *(row["trials"] for row in own), 10.2]
        assert curve.y.tolist() == [1, *(row["share_without_target"] for row in own), own[-1]["share_without_target"]]
        for end in ("low", "high"):
            closed = [row["share_without_target"] if row[end] != row[end] else row[end] for row in own]
            assert getattr(band, end).tolist() == [1, *closed, closed[-1]]
        assert ticks.x.tolist() == [row["trials"] for row in own if row["censored"]]
        assert curve.hover.texts[0] == f"{name}\n6 searches begin"
        for row, text in zip(own, curve.hover.texts[1:-1], strict=True):
            assert text.startswith(f"{name}\nafter {numbers.things(row['trials'], 'trial')}")
            assert text.endswith(f"\nat risk {row['at_risk']}, reached {row['reached']}, censored {row['censored']}")
    assert any(ticks.x.size for ticks in censored)


@pytest.mark.parametrize("kind", [best_so_far, budgets])
def test_the_legend_of_a_narrow_figure_fits(make_results, ramps, kind):
    names = {"a": "the view with all hyperparameters", "b": "the view with only one of them"}
    results = make_results({"a": ramps(3), "b": ramps()}, labels=names)
    with style.applied():
        chart = kind.chart(results)
        wide, narrow = (matplotlib.figure(chart, width) for width in (style.WIDTH, 3.3))
        assert wide.get_size_inches().tolist() == [style.WIDTH, chart.height]
        narrow.draw_without_rendering()
        (legend,) = (legend for axes in narrow.axes if (legend := axes.get_legend()))
        assert legend.get_window_extent().x1 <= narrow.bbox.x1


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_the_figure_of_budgets_draws_every_search_or_says_that_it_does_not(make_results, goal):
    """One bad search of 12 is drawn, one of 60 is up to 2% of the values."""
    sign = 1 if goal == "maximize" else -1
    for searches, hidden in ((6, False), (30, True)):
        values = sign * np.random.default_rng(0).uniform(1, 2, (searches, 4))
        bad = values.copy()
        bad[0] = -100 * sign
        results = make_results({"a": bad, "b": values}, goal=goal)
        chart = budgets.chart(results)
        (low, high), drawn = chart.panels[0].y.limits, np.concatenate([mark.y for mark in marks_of(chart, Dots)])
        assert bool(((drawn < low) | (drawn > high)).any()) is hidden
        assert ("Up to 2% of the values, the worst ones, are not drawn." in chart.reading) is hidden


def test_the_files_of_budgets_hold_what_is_drawn(results):
    chart = budgets.chart(results)
    rows, values = rows_of(chart, "budgets"), rows_of(chart, "budget_values")
    dots, means = ([mark for mark in marks_of(chart, Dots) if mark.marker.fill == fill] for fill in ("color", "paper"))
    joined, *bars = marks_of(chart, Line)
    assert [mark.y.tolist() for mark in means] == [[row["mean"]] for row in rows]
    assert [mark.y.tolist() for mark in bars] == [[row["low"], row["high"]] for row in rows]
    assert [mark.x[0] for mark in bars] == [mark.x[0] for mark in means]
    for row, mean in zip(rows, means, strict=True):
        assert mean.hover.texts[0].startswith(
            f"{row['view']}, mean of 6 searches\nafter {numbers.things(row['trials'], 'trial')}"
        )
    for view, own in zip("ab", dots, strict=True):
        assert own.y.tolist() == [row["best_so_far"] for row in values if row["view"] == view]
    pairs = {(row["trials"], row["replicate"]): [] for row in values}
    for row in values:
        pairs[row["trials"], row["replicate"]].append(row["best_so_far"])
    assert joined.y[~np.isnan(joined.y)].tolist() == [value for pair in pairs.values() for value in pair]
    assert [entry.name for entry in chart.legend] == ["a", "b", "single searches", "target: score ≥ 5", "one replicate"]
    assert [entry.media for entry in chart.legend] == ["both", "both", "page", "both", "page"]


def test_the_files_of_a_sweep_hold_what_is_drawn(swept):
    (chart,) = sweep.charts(swept)
    for panel, metric in zip(chart.panels, ("score", "flip_ratio"), strict=True):
        means = [y for mark in panel.marks if isinstance(mark, Line) and mark.marker for y in mark.y.tolist()]
        assert means == [row["mean"] for row in rows_of(chart, "sweep_means") if row["metric"] == metric]
        dots = [y for mark in panel.marks if isinstance(mark, Dots) for y in mark.y.tolist()]
        assert sorted(dots) == sorted(row["value"] for row in rows_of(chart, "sweep_values") if row["metric"] == metric)
    assert chart.panels[0].x.log


def test_a_figure_is_drawn_for_a_notebook(results):
    figure = hpstudy.figure(results, "best_so_far")
    assert len(figure.axes) == 1
    with pytest.raises(UsageError, match="no figure 'best'"):
        hpstudy.figure(results, "best")


def test_the_page_of_a_chart_is_valid_json(results):
    assert json.loads(page(best_so_far.chart(results)))["panels"][0]["data"]
