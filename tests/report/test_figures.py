import warnings

import numpy as np
import pytest

from hpstudy.report import style
from hpstudy.report.charts import best_so_far, trials_to_target
from hpstudy.report.document import document
from hpstudy.report.pdf import figure_bytes
from hpstudy.report.pens import matplotlib as pen
from hpstudy.report.pens import matplotlib_marks
from tests.support.reports import drawings_of


def test_a_search_is_drawn_as_steps():
    corners = matplotlib_marks._corners(np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 3.0]]))
    assert corners.tolist() == [[1, 1], [3, 1], [3, 3], [3, 3]]


def test_a_search_that_has_not_begun_is_not_drawn(make_results, ramps):
    states = {"a": np.full((6, 10), "completed", dtype=object)}
    states["a"][0] = "missing"
    axes = axes_of(best_so_far.chart(make_results({"a": ramps()}, states=states)))
    assert len(axes.collections[0].get_segments()) == 5


def axes_of(chart):
    """The axes of the first panel of a chart."""
    with style.applied():
        return pen.figure(chart).axes[0]


def test_the_bold_line_is_the_mean_curve(results):
    axes = axes_of(best_so_far.chart(results))
    drawn = [line.get_ydata() for line in axes.lines if line.get_marker() == matplotlib_marks.SYMBOLS[style.symbol(0)]]
    np.testing.assert_array_equal(drawn[0], results.views[0].curve.mean)


def test_views_differ_in_color_line_and_marker():
    kinds = [[kind(index) for kind in (style.color, style.dash, style.symbol)] for index in range(4)]
    assert all(len({str(kind[place]) for kind in kinds}) == 4 for place in range(3))


def test_a_target_far_from_the_values_does_not_flatten_them(make_results, ramps):
    axes = axes_of(best_so_far.chart(make_results({"a": ramps()}, analysis={"target": {"value": 1e6}})))
    assert axes.get_ylim()[1] < 100


def test_many_searches_are_drawn_as_an_image(make_results, ramps):
    axes = axes_of(best_so_far.chart(make_results({"a": ramps(n=best_so_far.VECTOR_UP_TO + 1)})))
    assert axes.collections[0].get_rasterized()


def test_numbers_at_risk_start_with_all_searches(results):
    chart = trials_to_target.chart(results)
    curves, table = chart.panels
    assert table.y.texts == ("a", "b")
    assert table.x.limits == curves.x.limits
    for row, (view, mark) in enumerate(zip(results.views, table.marks, strict=True)):
        at_risk = view.trials.survival.at_risk
        assert mark.y.tolist() == [row] * len(mark.x)
        assert mark.x.tolist() == list(curves.x.at) == [0, 2, 4, 6, 8, 10]
        assert mark.texts == ("6", *(str(at_risk[int(tick) - 1]) for tick in mark.x[1:]))


def test_dollars_and_underscores_are_drawn_as_they_are():
    assert style.plain("_a $x^2$") == r" _a \$x^2\$"


def test_a_label_that_the_font_lacks_gives_way_to_the_name():
    assert style.plain("日本語", "filter") == "filter"


def test_drawing_leaves_matplotlibs_settings_alone(results):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with style.applied():
        drawings_of(results)
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("form", ["pdf", "svg", "png"])
def test_a_figure_drawn_twice_has_the_same_bytes(results, form):
    def drawn():
        with style.applied():
            return figure_bytes(pen.figure(document(results).charts[0]), form)

    assert drawn() == drawn()


@pytest.mark.parametrize("views", [4, 8])
def test_figures_with_many_long_labels_keep_room_for_their_data(make_results, ramps, views):
    values = {f"view_{place}_with_a_very_long_name": ramps(place % 3) for place in range(views)}
    found = make_results(values, labels={name: f"{name} with a very long label indeed" for name in values})
    with style.applied(), warnings.catch_warnings():
        warnings.simplefilter("error")
        for drawn in document(found).charts:
            figure = pen.figure(drawn)
            figure.draw_without_rendering()
            panels = [axes.get_position() for axes in figure.axes]
            assert sum(panel.width * panel.height for panel in panels) > 0.3, drawn.name


def test_every_figure_has_a_caption_a_reading_and_its_data(results):
    with style.applied():
        for drawn in document(results).charts:
            assert drawn.caption.endswith(".")
            assert drawn.reading.endswith(".")
            assert drawn.data
