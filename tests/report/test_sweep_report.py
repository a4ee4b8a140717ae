import csv
import dataclasses
import json
import math
from itertools import product

import numpy as np
import pytest
from matplotlib.figure import Figure

from hpstudy.analysis.claims.judgment import Contrast, CriterionResult
from hpstudy.report import claims, headline, save_figure, style, write
from hpstudy.report.chapters.methods import methods
from hpstudy.report.chapters.spaces import sweep_points
from hpstudy.report.charts import heat, learning, swept
from hpstudy.report.charts.marks import Band, Bars, Heat, Line
from hpstudy.report.pens import matplotlib as pen
from hpstudy.report.references import references
from tests.support.reports import answers_of, document_of, drawings_of, evidence_of, pdf_of, tables_of

NASTY = '#panic("no") $x^2$ *bold* `code` <label> // "quoted" 日本語 ' + "long/" * 60
RATE = {"type": "float", "low": 1e-5, "high": 1, "log": True}
DECAY = {"type": "float", "low": 0, "high": 1}
CLIP = {"type": "choice", "values": ["none", "norm"]}

T_1 = math.tan(0.475 * math.pi)
"""The 97.5% point of Student's t with 1 degree of freedom."""


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def contrast(mean=0.5, low=0.4, high=0.6, verdict="holds", what="a − b", above=0.0, below=None):
    return Contrast(what, mean, low, high, 0.95, 5, above, below, verdict)


def grid(*sides):
    names = [name for name, _ in sides]
    return [dict(zip(names, values, strict=True)) for values in product(*(values for _, values in sides))]


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(1, 0.1, shape)


def test_a_sweep_has_no_best_so_far_no_target_and_no_comparison(swept):
    assert swept.level is None
    assert swept.pairs == ()
    assert swept.budgets == ()
    assert all(view.trials is None and view.best.size == 0 for view in swept.views)
    assert not swept.provisional


def test_a_search_has_no_sweep(results):
    assert results.sweep == ()
    assert "Claims" not in [section.title for section in document_of(results).sections]


def test_the_headline_names_the_best_point_of_every_view(swept):
    half = T_1 * 1
    ends = f"{6 - half:.1f} to {6 + half:.1f}".replace("-", "−")
    assert headline(swept).startswith(f"View a: highest mean score 6.0 (95% CI {ends}, n = 2) at rate 0.1. View b: highest")


def test_the_best_point_of_a_minimized_metric_is_the_lowest(make_sweep):
    values = {"a": {"score": [[1.0, 0.0]]}}
    assert "lowest mean score 0.000 (n = 1) at rate 0.1" in headline(
        make_sweep({"a": [{"rate": 1.0}, {"rate": 0.1}]}, values, goal="minimize")
    )


def test_an_unfinished_sweep_is_provisional(make_sweep):
    found = make_sweep({"a": [{"rate": 1.0}, {"rate": 0.1}]}, {"a": {"score": [[1.0, 2.0]]}}, begun=1)
    assert headline(found).startswith("PROVISIONAL: View a")
    assert document_of(found).provisional.startswith("1 of 2 trials is finished.")
    assert [row[0] for row in sweep_points(found, found.sweep[0]).rows] == ["0 *"]


def test_the_design_says_what_is_swept(swept):
    assert document_of(swept).design.startswith("Sweep of 3 points in 2 views (a over rate, b over rate), 2 replicates")


def test_the_evidence_counts_the_points_that_differ_within_replicates(make_sweep):
    # Differences to point 2, replicate by replicate: 1, 1 and 3, 1; t(1) = 12.7 makes only the first exclude 0.
    score = [[1.0, -1.0, 2.0], [5.0, 5.0, 6.0]]
    found = make_sweep({"a": [{"rate": 0.01}, {"rate": 0.1}, {"rate": 1.0}]}, {"a": {"score": score}})
    assert "1 of the 2 other points differs from it" in evidence_of(found)[0]
    alike = make_sweep(
        {"a": [{"rate": 0.01}, {"rate": 0.1}, {"rate": 1.0}]}, {"a": {"score": [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]}}
    )
    assert "none of the 2 other points is shown to differ from it" in evidence_of(alike)[0]


def test_trials_without_a_value_are_told(make_sweep):
    found = make_sweep({"a": [{"rate": 0.1}, {"rate": 1.0}]}, {"a": {"score": [[1.0, math.nan], [2.0, 3.0]]}})
    assert "1 finished trial has no value" in evidence_of(found)[0]


def test_the_table_of_points_has_means_intervals_and_further_metrics(swept):
    found = sweep_points(swept, swept.sweep[0])
    assert found.head == ("point", "rate", "n", "mean score", "95% CI", "mean flip_ratio", "mean test_accuracy")
    # score 5 and 7; flip ratio (1e-5 + 1e-7) / 2; test accuracy 0.5 and 0.7, its standard error 0.1.
    half = T_1 * 1
    ends = f"{6 - half:.1f} to {6 + half:.1f}".replace("-", "−")
    assert found.rows[1] == ("1 *", "0.1", "2", "6.0", ends, "5.05e−6", "0.60")


def test_the_table_of_a_long_sweep_lists_the_best_points(make_sweep):
    score = np.arange(150.0)[None].repeat(2, axis=0)
    found = make_sweep({"a": [{"rate": 0.001 + number / 1000} for number in range(150)]}, {"a": {"score": score}})
    table = sweep_points(found, found.sweep[0])
    assert [row[0] for row in table.rows][::99] == ["50", "149 *"]
    assert "The best 100 of 150 points" in table.note


def test_only_the_csv_files_of_a_sweep_are_written(swept, tmp_path, without_pdf):
    names = {path.name for path in write(swept, tmp_path)}
    assert names == {"swept.pdf", "swept.json", "sweep_values.csv", "sweep_means.csv", "learning_curves.csv"}


def test_every_value_stands_in_the_csv_with_its_point(swept, tmp_path, without_pdf):
    write(swept, tmp_path)
    rows = read_csv(tmp_path / "swept" / "sweep_values.csv")
    assert len(rows) == 2 * 3 * 2 * 3
    (row,) = [r for r in rows if (r["view"], r["number"], r["replicate"], r["metric"]) == ("b", "1", "1", "score")]
    assert float(row["value"]) == 6
    assert json.loads(row["point"]) == {"rate": 0.1}


def test_means_in_the_csv_can_be_recomputed_from_the_values(swept, tmp_path, without_pdf):
    write(swept, tmp_path)
    values = read_csv(tmp_path / "swept" / "sweep_values.csv")
    means = read_csv(tmp_path / "swept" / "sweep_means.csv")
    assert len(means) == 2 * 3 * 3
    for row in means:
        key = ("view", "number", "point", "metric")
        own = [float(value["value"]) for value in values if all(value[name] == row[name] for name in key)]
        half = T_1 * np.std(own, ddof=1) / math.sqrt(2)
        assert int(row["replicates"]) == len(own) == 2
        ends = (np.mean(own), np.mean(own) - half, np.mean(own) + half)
        assert [float(row[name]) for name in ("mean", "low", "high")] == pytest.approx(ends)


def test_learning_curves_in_the_csv_are_means_over_replicates(swept, tmp_path, without_pdf):
    write(swept, tmp_path)
    rows = read_csv(tmp_path / "swept" / "learning_curves.csv")
    assert len(rows) == 2 * 3 * 4
    (row,) = [r for r in rows if (r["view"], r["number"], r["epoch"]) == ("a", "1", "2")]
    assert float(row["mean"]) == pytest.approx((5 + 7) / 2 * 0.5)


def test_the_json_file_has_the_means_and_the_claims(make_sweep, tmp_path, without_pdf):
    found = make_sweep(
        {"a": [{"rate": 0.1}, {"rate": 1.0}]},
        {"a": {"score": [[1.0, math.nan]]}},
        criteria=(CriterionResult("It rises", "score", "holds", (contrast(),)),),
    )
    write(found, tmp_path)
    body = json.loads((tmp_path / "swept.json").read_text())
    assert body["sweep"][0]["means"]["score"]["mean"] == [1.0, None]
    assert (body["sweep"][0]["best_point"], body["sweep"][0]["points"]) == (0, [{"rate": 0.1}, {"rate": 1.0}])
    assert body["criteria"][0]["contrasts"][0]["mean"] == 0.5
    assert "comparisons" not in body
    assert "target" not in body


def test_a_search_without_claims_has_none_in_its_json_file(results, tmp_path, without_pdf):
    write(results, tmp_path)
    assert not {"sweep", "criteria"} & set(json.loads((tmp_path / "small.json").read_text()))


def test_claims_stand_in_the_answer_and_in_a_table(make_sweep):
    criteria = (
        CriterionResult("It rises.", "score", "holds", (contrast(),)),
        CriterionResult("It is flat", "score", "inconclusive", (contrast(above=-0.55, below=0.55, verdict="inconclusive"),)),
        CriterionResult("It is there", "flips", "no data", ()),
    )
    found = make_sweep({"a": [{"rate": 0.1}]}, {"a": {"score": [[1.0]]}}, criteria=criteria)
    answers = answers_of(found)
    assert answers[:3] == [
        "Holds: It rises (0.50, 95% CI 0.40 to 0.60; claimed > 0).",
        "Inconclusive: It is flat (0.50, 95% CI 0.40 to 0.60; claimed −0.55 to 0.55).",
        "No data: It is there.",
    ]
    assert headline(found).endswith("Of 3 claims 1 holds, 1 is inconclusive, 1 has no data.")
    table = claims.table(found)
    assert table.rows[0] == ("It rises.", "holds", "a − b", "0.50", "95%: 0.40 to 0.60", "> 0", "5")
    assert [row[5] for row in table.rows] == ["> 0", "−0.55 to 0.55", "–"]


def test_the_methods_say_when_verdicts_on_claims_are_wrong_too_often(results):
    found = dataclasses.replace(results, criteria=(CriterionResult("A is better", "score", "holds", (contrast(),)),))
    *others, of_claims = methods(found)
    assert others == methods(results)
    assert "with few replicates and values with a long tail, verdicts are wrong more often than their level says" in of_claims


def test_claims_of_a_search_stand_beside_its_comparisons(results):
    found = dataclasses.replace(results, criteria=(CriterionResult("A is better", "score", "does not hold", (contrast(),)),))
    assert [answer[:13] for answer in answers_of(found)] == ["Does not hold", "The a view ne"]
    added = [publication.split(".")[0] for publication in references(found) if publication not in references(results)]
    assert added == ["Berger", "Schuirmann"]
    assert headline(found) == f"{headline(results)} The claim does not hold."
    assert headline(dataclasses.replace(found, criteria=found.criteria * 2)).endswith("Of 2 claims 2 do not hold.")
    holding = dataclasses.replace(found.criteria[0], verdict="holds")
    assert headline(dataclasses.replace(found, criteria=(holding,) * 2)).endswith("Both claims hold.")
    assert headline(dataclasses.replace(found, criteria=(holding,) * 3)).endswith("All 3 claims hold.")


def test_of_many_comparisons_those_that_decide_are_shown(swept):
    fine = [contrast(what=f"step {n}") for n in range(20)]
    fine[15] = contrast(-1, -1.1, -0.9, "does not hold", "step 15")
    result = CriterionResult("It rises", "score", "does not hold", tuple(fine))
    found = dataclasses.replace(swept, criteria=(result,))
    assert claims.sentence(swept, result) == (
        "Does not hold: It rises (the weakest of 20 comparisons, step 15: −1.00, 95% CI −1.10 to −0.90; claimed > 0)."
    )
    assert "step 15" in [row[2] for row in claims.table(found).rows]
    assert len(claims.table(found).rows) == claims.IN_TABLE


@pytest.mark.parametrize(
    ("given", "slack"),
    [(contrast(above=0.3), 0.1), (contrast(above=None, below=0.5), -0.1), (contrast(above=0.3, below=0.65), 0.05)],
)
def test_the_slack_of_a_comparison_is_its_distance_to_the_nearest_bound(given, slack):
    assert claims.slack(given) == pytest.approx(slack)


def test_the_drawn_line_is_the_mean_at_the_swept_values(swept):
    axes = pen.figure(drawings_of(swept)["sweep"]).axes[0]
    lines = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    np.testing.assert_array_equal(lines["a"].get_xdata(), [0.01, 0.1, 1.0])
    np.testing.assert_array_equal(lines["a"].get_ydata(), [2.0, 6.0, 3.0])
    assert axes.get_xscale() == "log"


def test_a_flip_ratio_over_decades_has_a_logarithmic_axis_and_the_objective_never(swept):
    score, flips = pen.figure(drawings_of(swept)["sweep"]).axes
    assert (score.get_yscale(), flips.get_yscale()) == ("linear", "log")


def test_learning_curves_are_drawn_for_every_point(swept):
    panel = drawings_of(swept)["learning_curves"].panels[0]
    lines = marks_of(panel, Line)
    np.testing.assert_allclose([line.y for line in lines], np.outer([2, 6, 3], [0.25, 0.5, 0.75, 1]))
    assert {tuple(line.x) for line in lines} == {(1, 2, 3, 4)}
    assert (panel.x.label, panel.y.label) == ("epoch", "score")
    assert lines[1].hover.texts[2].startswith("a, point 1\nrate 0.1\nepoch 3\nmean score of 2 replicates 4.5\n95% CI ")


def test_a_learning_curve_has_its_interval_at_every_epoch(swept):
    panel = drawings_of(swept)["learning_curves"].panels[0]
    band, share = marks_of(panel, Band)[1], np.array([0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(band.high, (6 + T_1) * share)
    np.testing.assert_allclose(band.low, np.maximum((6 - T_1) * share, panel.y.limits[0]))


def test_the_key_of_learning_curves_is_common_where_all_views_sweep_the_same(swept):
    chart = drawings_of(swept)["learning_curves"]
    assert chart.legend_title == "rate"
    assert [entry.name for entry in chart.legend if entry.media == "print"] == ["0.01", "0.1", "1"]
    assert [entry.name for entry in chart.legend if entry.media == "page"] == ["rate 0.01", "rate 0.1", "rate 1"]
    assert [panel.key for panel in chart.panels] == [None, None]
    assert [[chart.legend[line.groups[0]].name for line in marks_of(panel, Line)] for panel in chart.panels] == [
        ["rate 0.01", "rate 0.1", "rate 1"]
    ] * 2


def test_views_that_sweep_different_things_have_keys_of_their_own(make_sweep):
    points = {"a": [{"rate": 0.1}, {"rate": 1.0}], "b": [{"alpha": 0.2}, {"alpha": 0.3}]}
    curves = {view: {"score": np.ones((2, 2, 3))} for view in "ab"}
    chart = drawings_of(make_sweep(points, {view: {"score": noise((2, 2))} for view in "ab"}, curves))["learning_curves"]
    assert [panel.key.title for panel in chart.panels] == ["rate", "alpha"]
    assert [[chart.legend[at].name for at in panel.key.entries] for panel in chart.panels] == [["0.1", "1"], ["0.2", "0.3"]]


def test_a_single_learning_curve_has_the_color_and_marker_of_its_view(make_sweep):
    views = ("a", "b")
    curves = {view: {"score": np.ones((2, 1, 3))} for view in views}
    found = make_sweep({view: [{"rate": 0.1}] for view in views}, {view: {"score": noise((2, 1))} for view in views}, curves)
    lines = [marks_of(panel, Line)[0] for panel in drawings_of(found)["learning_curves"].panels]
    assert [(line.color, line.marker.symbol) for line in lines] == [
        (style.color(index), style.symbol(index)) for index in range(2)
    ]


def test_line_patterns_tell_a_second_hyperparameter(make_sweep):
    points = grid(("rate", [0.1, 0.2, 0.4]), ("decay", [0.0, 0.5]))
    found = make_sweep(
        {"a": points},
        {"a": {"score": noise((2, 6))}},
        {"a": {"score": np.ones((2, 6, 2))}},
        spaces={"a": {"rate": RATE, "decay": DECAY}},
    )
    chart = drawings_of(found)["learning_curves"]
    lines = marks_of(chart.panels[0], Line)
    assert [line.dash for line in lines] == ["solid"] * 3 + ["dash"] * 3
    assert [line.color for line in lines] == style.shades(3) * 2
    assert [entry.name for entry in chart.legend if entry.media == "print"] == ["0.1", "0.2", "0.4", "decay 0", "decay 0.5"]


def test_views_of_a_large_sweep_take_several_figures_on_the_same_axis(make_sweep):
    views = [f"v{number}" for number in range(learning.PANELS + 1)]
    score = noise((2, 2))
    found = make_sweep(
        {view: [{"rate": 0.1}, {"rate": 1.0}] for view in views},
        {view: {"score": score} for view in views},
        {view: {"score": score[..., None] * np.ones(3) * (at + 1)} for at, view in enumerate(views)},
    )
    drawings = drawings_of(found)
    assert [len(drawings[f"learning_curves_{part}"].panels) for part in (1, 2)] == [learning.PANELS, 1]
    assert len({panel.y.limits for part in (1, 2) for panel in drawings[f"learning_curves_{part}"].panels}) == 1


def test_of_many_points_twelve_curves_are_drawn(make_sweep):
    points = [{"rate": 0.01 * (number + 1)} for number in range(40)]
    score = noise((2, 40))
    found = make_sweep({"a": points}, {"a": {"score": score}}, {"a": {"score": score[..., None] * np.ones(3)}})
    chart = drawings_of(found)["learning_curves"]
    assert len(marks_of(chart.panels[0], Line)) == len(chart.panels[0].marks) == 12
    assert "12 of 40 points" in chart.reading
    assert "no bands" in chart.reading


def test_of_many_lines_the_group_of_the_best_point_is_drawings_of(make_sweep):
    points = grid(("rate", [0.1, 0.2, 0.3, 0.4]), ("decay", [0.0, 0.5, 0.75, 1.0]))
    score = np.zeros((2, 16))
    score[:, 6] = 1
    found = make_sweep(
        {"a": points},
        {"a": {"score": score}},
        {"a": {"score": np.ones((2, 16, 2))}},
        spaces={"a": {"rate": RATE, "decay": DECAY}},
    )
    curves, note = learning.chosen(found, found.sweep[0], swept_layout(found))
    assert [curve.number for curve in curves] == [2, 6, 10, 14]
    assert "decay 0.75" in note


def marks_of(panel, kind):
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def swept_layout(found):
    return swept.layout(found, found.sweep[0])


def test_one_line_is_drawn_for_every_view_and_choice(make_sweep):
    points = grid(("rate", [0.01, 0.1, 1.0]), ("clip", ["none", "norm"]))
    spaces = {view: {"rate": RATE, "clip": CLIP} for view in "ab"}
    found = make_sweep(dict.fromkeys("ab", points), {view: {"score": noise((3, 6))} for view in "ab"}, spaces=spaces)
    (axes,) = pen.figure(drawings_of(found)["sweep"]).axes
    names = [line.get_label() for line in axes.lines if not line.get_label().startswith("_")]
    assert names == ["a, clip none", "a, clip norm", "b, clip none", "b, clip norm"]


def test_a_map_of_two_swept_numbers_holds_the_means(make_sweep):
    points = grid(("rate", [0.1, 1.0]), ("decay", [0.0, 0.5, 1.0]))
    found = make_sweep(
        {"a": points}, {"a": {"score": np.arange(6.0)[None].repeat(2, axis=0)}}, spaces={"a": {"rate": RATE, "decay": DECAY}}
    )
    chart = drawings_of(found)["heat_map"]
    (panel,) = chart.panels
    assert (panel.x.label, panel.y.label) == ("decay", "rate")
    assert (panel.x.texts, panel.y.texts) == (("0", "0.5", "1"), ("0.1", "1"))
    cells, frame = panel.marks
    assert cells.values.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert [[float(text) for text in row] for row in cells.written] == cells.values.tolist()
    assert (frame.left, frame.right, frame.bottom, frame.top) == (1.5, 2.5, 0.5, 1.5)
    assert (chart.scale.label, chart.scale.low, chart.scale.high) == ("mean score", 0, 5)
    assert cells.hover.texts[4].startswith("a, point 4\nrate 1\ndecay 0.5\nmean score of 2 replicates 4\n95% CI ")


def test_a_large_map_has_no_text_in_its_cells(make_sweep):
    points, space = CONDITIONS["a large grid"]
    found = make_sweep({"a": points}, {"a": {"score": noise((2, len(points)))}}, spaces={"a": space})
    cells, _ = drawings_of(found)["heat_map"].panels[0].marks
    assert cells.values.shape == (5, 14)
    assert cells.written == ()


def test_small_maps_of_two_views_are_side_by_side_on_one_scale(make_sweep):
    points = grid(("rate", [0.1, 1.0]), ("decay", [0.0, 0.5, 1.0]))
    spaces = {view: {"rate": RATE, "decay": DECAY} for view in "ab"}
    score = np.arange(6.0)[None].repeat(2, axis=0)
    chart = drawings_of(
        make_sweep(dict.fromkeys("ab", points), {"a": {"score": score}, "b": {"score": score + 3}}, spaces=spaces)
    )["heat_map"]
    assert [(panel.title, panel.row, panel.column) for panel in chart.panels] == [("a", 0, 0), ("b", 0, 1)]
    assert (chart.scale.low, chart.scale.high) == (0, 8)


def test_a_cell_without_a_value_or_a_trial_says_so(make_sweep):
    points = grid(("rate", [0.1, 1.0]), ("decay", [0.0, 0.5]))[:3]
    found = make_sweep({"a": points}, {"a": {"score": [[1.0, math.nan, 2.0]] * 2}}, spaces={"a": {"rate": RATE, "decay": DECAY}})
    cells, frame = drawings_of(found)["heat_map"].panels[0].marks
    assert isinstance(cells, Heat)
    assert isinstance(frame, Bars)
    assert cells.hover.texts[2:] == ("a, point 1\nrate 0.1\ndecay 0.5\nno value", "no trial")
    assert cells.written == (("1.000", "2.000"), ("", ""))
    assert (frame.left, frame.bottom) == (0.5, -0.5)


def test_a_choice_without_an_order_has_no_map(make_sweep):
    points = grid(("rate", [0.1, 1.0]), ("clip", ["none", "norm"]))
    found = make_sweep({"a": points}, {"a": {"score": noise((2, 4))}}, spaces={"a": {"rate": RATE, "clip": CLIP}})
    assert heat.views(found) == []
    assert "heat_map" not in drawings_of(found)


def test_views_that_sweep_different_things_share_the_number_of_the_point(make_sweep):
    points = {"a": [{"rate": 0.1}, {"rate": 1.0}], "b": [{"alpha": 0.2}, {"alpha": 0.3}]}
    found = make_sweep(points, {view: {"score": noise((3, 2))} for view in "ab"})
    (axes,) = pen.figure(drawings_of(found)["sweep"]).axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0\n0.1\n0.2", "1\n1\n0.3"]
    assert [text.get_text() for text in axes.texts] == ["point\nrate\nalpha"]


def test_points_that_change_in_everything_at_once_have_no_main_hyperparameter(make_sweep):
    points = [{"rate": 0.1, "decay": 0.5}, {"rate": 0.2, "decay": 0.25}, {"rate": 0.4, "decay": 0.125}]
    found = make_sweep({"a": points}, {"a": {"score": noise((2, 3))}}, spaces={"a": {"rate": RATE, "decay": DECAY}})
    assert swept_layout(found).main is None


def test_a_view_that_does_not_sweep_stands_at_the_values_of_its_partners(make_sweep):
    points = {"a": [{"rate": 0.1}, {"rate": 1.0}], "b": [{"alpha": 0.5}, {"alpha": 0.5}]}
    found = make_sweep(points, {"a": {"score": [[1.0, 2.0]]}, "b": {"score": [[3.0, 4.0]]}})
    (axes,) = pen.figure(drawings_of(found)["sweep"]).axes
    lines = {line.get_label(): line for line in axes.lines}
    assert lines["b"].get_xdata().tolist() == [0.1, 1.0]


def test_views_that_sweep_nothing_stand_side_by_side(make_sweep):
    found = make_sweep({"a": [{"rate": 0.1}], "b": [{"rate": 0.2}]}, {view: {"score": noise((4, 1))} for view in "ab"})
    (axes,) = pen.figure(drawings_of(found)["sweep"]).axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["a", "b"]


def test_values_too_close_for_a_linear_axis_stand_at_equal_distances(make_sweep):
    points = [{"decay": value} for value in (0.0, 1e-4, 1e-3, 1.0)]
    found = make_sweep({"a": points}, {"a": {"score": noise((2, 4))}}, spaces={"a": {"decay": DECAY}})
    along = swept.swept(found, "decay", found.sweep)
    assert along.steps
    assert along.positions.tolist() == [0, 1, 2, 3]


def test_labels_that_would_touch_are_left_out():
    shares = np.array([0.0, 0.05, 0.5, 1.0])
    assert pen.spread_out(shares, ["0.0001", "0.0002", "0.1", "1"], 2.0) == [True, False, True, True]


def test_a_wide_interval_does_not_flatten_the_values():
    low, high = swept.value_range(np.array([1.0, 2.0]), np.array([-50.0, 50.0]), log=False)
    assert (low, high) == pytest.approx((0.4, 2.6))


def test_zeros_on_a_logarithmic_axis_are_told(make_sweep):
    metrics = {"a": {"score": noise((2, 3)), "flip_ratio": [[0.0, 1e-4, 1e-1]] * 2}}
    found = make_sweep({"a": [{"rate": 0.01}, {"rate": 0.1}, {"rate": 1.0}]}, metrics)
    assert "2 values of flip_ratio are 0" in drawings_of(found)["sweep"].reading


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1e-5, 1e-3], True), ([0.0, 1e-5, 1e-3], True), ([0.1, 0.2], False), ([-1.0, 100.0], False)],
)
def test_values_span_decades_when_they_are_positive_and_far_apart(values, expected):
    assert swept.spans_decades(np.array(values)) is expected


def test_shades_get_lighter_along_the_swept_value():
    from matplotlib.colors import to_rgb

    light = [np.dot(to_rgb(color), (0.299, 0.587, 0.114)) for color in style.shades(12)]
    assert (np.diff(light) > 0).all()


def test_figures_of_a_sweep_can_be_saved_one_by_one(swept, tmp_path):
    for name in ("sweep", "learning_curves"):
        assert save_figure(swept, name, tmp_path / f"{name}.svg").exists()


CONDITIONS = {
    "two choices only": ([{"clip": "none"}, {"clip": "norm"}], {"clip": CLIP}),
    "a grid of two": (grid(("rate", [0.01, 0.1, 1.0]), ("decay", [0.0, 0.5, 1.0])), {"rate": RATE, "decay": DECAY}),
    "a large grid": (
        grid(("rate", [10.0**-n for n in range(5)]), ("decay", [n / 13 for n in range(14)])),
        {"rate": RATE, "decay": DECAY},
    ),
    "a grid of three": (
        grid(("rate", [0.1, 1.0]), ("decay", [0.0, 1.0]), ("clip", ["none", "norm"])),
        {"rate": RATE, "decay": DECAY, "clip": CLIP},
    ),
}


@pytest.mark.usefixtures("fast_fonts")
@pytest.mark.parametrize("kind", CONDITIONS)
@pytest.mark.parametrize("spoilt", ["whole", "half diverged", "no value", "one replicate", "begun"])
def test_a_sweep_in_any_condition_has_figures_with_captions(make_sweep, kind, spoilt):
    points, space = CONDITIONS[kind]
    views = ("a", "b", "c", "d") if kind == "a grid of two" else ("a",)
    replicates = 1 if spoilt == "one replicate" else 3
    metrics = {
        view: {"score": noise((replicates, len(points))), "flip_ratio": noise((replicates, len(points))) ** 30} for view in views
    }
    for values in metrics.values():
        if spoilt in ("half diverged", "no value"):
            values["score"][:: 2 if spoilt == "half diverged" else 1, :] = math.nan
    curves = {view: {"score": np.ones((replicates, len(points), 3))} for view in views}
    found = make_sweep(
        dict.fromkeys(views, points),
        metrics,
        curves,
        spaces=dict.fromkeys(views, space),
        begun=1 if spoilt == "begun" else None,
    )
    for figure in drawings_of(found).values():
        assert figure.caption.endswith(".")
        assert figure.reading.endswith(".")
        assert isinstance(pen.figure(figure), Figure)
    assert all(len(row) == len(table.head) for table in tables_of(found) for row in table.rows)


@pytest.mark.usefixtures("fast_fonts")
def test_a_sweep_with_claims_has_a_pdf(swept):
    result = CriterionResult(NASTY, "score", "holds", (contrast(what=NASTY),))
    assert pdf_of(dataclasses.replace(swept, criteria=(result,))).startswith(b"%PDF")


@pytest.mark.usefixtures("fast_fonts")
def test_a_sweep_without_any_value_has_a_pdf(make_sweep):
    found = make_sweep({"a": [{"rate": 0.1}, {"rate": 1.0}]}, {"a": {"score": np.full((2, 2), math.nan)}})
    assert "no trial has a value" in headline(found)
    assert pdf_of(found).startswith(b"%PDF")
