import csv
import dataclasses
import io
import math

import numpy as np
import pytest

from hpstudy.report import csvs, serial
from hpstudy.report.chapters.spaces import hyperparameters
from hpstudy.report.charts import layers as charts
from hpstudy.report.charts.marks import Band, Bars, Dots, Line
from tests.support.reports import document_of, drawings_of, section_of

TITLE = "Weights that never change sign, layer by layer"
T_1 = math.tan(0.475 * math.pi)
"""The 97.5% point of Student's t with 1 degree of freedom."""

INITIAL = [0.1, 0.4, 0.4, 0.1]


def metrics(share, *, layers=5, bins=True, points=1, best=0):
    """Final metrics of two replicates whose layer L leaves `share` + L/100 unflipped, the second replicate 0.02 more."""
    shape = (2, points)
    found = {"score": np.tile(np.arange(points) == best, (2, 1)).astype(float)}
    for layer in range(1, layers + 1):
        never = np.full(shape, share + layer / 100) + np.array([[0], [0.02]])
        found[f"never_flipped.layer{layer}"] = found[f"flip_ratio.layer{layer}"] = never
        for place, initial in enumerate(INITIAL, 1) if bins else ():
            found[f"initial.layer{layer}.bin{place}"] = np.full(shape, initial)
            found[f"never_flipped.layer{layer}.bin{place}"] = initial * never
    return found


@pytest.fixture
def make(make_sweep):
    def made(shares, *, labels=None, points=1, **more):
        listed = [{"rate": 10.0**-number} for number in range(points)]
        found = make_sweep(dict.fromkeys(shares, listed), {name: metrics(s, points=points, **more) for name, s in shares.items()})
        views = {
            name: view.model_copy(update={"label": (labels or {}).get(name, "")}) for name, view in found.study.views.items()
        }
        return dataclasses.replace(found, study=found.study.model_copy(update={"views": views}))

    return made


def panels(results):
    return drawings_of(results)["never_flipped_histograms"].panels


def marks_of(panel, kind):
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def table_of(results, name):
    return list(csv.DictReader(io.StringIO(csvs.text(document_of(results).tables[name]()))))


def test_a_sweep_without_metrics_of_layers_has_no_such_chapter(swept):
    assert TITLE not in [section.title for section in document_of(swept).sections]
    assert "never_flipped_by_layer" not in document_of(swept).tables


def test_a_search_has_no_such_chapter(results):
    assert TITLE not in [section.title for section in document_of(results).sections]


def test_bins_give_histograms_and_shares(make):
    assert [name for name in drawings_of(make({"a": 0.3, "b": 0.1})) if "never" in name] == [
        "never_flipped_histograms",
        "never_flipped_by_layer",
    ]


def test_metrics_of_layers_alone_give_shares_only(make):
    found = make({"a": 0.3}, bins=False)
    assert [name for name in drawings_of(found) if "never" in name] == ["never_flipped_by_layer"]
    assert table_of(found, "never_flipped_histograms") == []


def test_a_panel_is_the_first_the_middle_or_the_last_layer_with_its_share_and_interval(make):
    titles = [panel.title for panel in panels(make({"a": 0.3, "b": 0.1}, labels={"b": "The other"}))]
    # Replicates differ by 0.02, so the standard error is 0.01.
    ends = [f"({m - T_1 / 100:.3f} to {m + T_1 / 100:.3f})".replace("-", "−") for m in (0.32, 0.34, 0.36, 0.12, 0.14, 0.16)]
    assert titles == [
        *(f"a\nlayer 1: 0.320 {ends[0]}", f"layer 3: 0.340 {ends[1]}", f"layer 5: 0.360 {ends[2]}"),
        *(f"The other\nlayer 1: 0.120 {ends[3]}", f"layer 3: 0.140 {ends[4]}", f"layer 5: 0.160 {ends[5]}"),
    ]


def test_the_histograms_are_means_over_replicates(make):
    chart = drawings_of(make({"a": 0.3}))["never_flipped_histograms"]
    bars = initial, still = marks_of(chart.panels[0], Bars)
    for one in bars:
        assert one.left.tolist() == [-3, -1.5, 0, 1.5]
        assert one.right.tolist() == [-1.5, 0, 1.5, 3]
        assert one.bottom.tolist() == [0] * 4
    assert initial.top.tolist() == pytest.approx(INITIAL)
    assert still.top.tolist() == pytest.approx([0.32 * share for share in INITIAL])
    assert [chart.legend[one.groups[0]].name for one in bars] == ["initial weights", "never changed sign"]
    assert initial.hover.texts[1].startswith(
        "a, layer 1\n-1.5 to 0 deviations\nmean share of weights of 2 replicates 0.4\n95% CI"
    )
    assert "mean share of weights that never changed sign of 2 replicates 0.128\n95% CI" in still.hover.texts[1]


def test_panels_of_histograms_have_the_same_axes(make):
    found = panels(make({"a": 0.3, "b": 0.1}))
    assert [(panel.row, panel.column) for panel in found] == [(row, column) for row in range(2) for column in range(3)]
    assert {panel.x.limits for panel in found} == {(-3, 3)}
    ((bottom, top),) = {panel.y.limits for panel in found}
    assert (bottom, top) == (0, pytest.approx(1.05 * 0.4))
    assert found[0].x.texts == ("−3", "−2", "−1", "0", "1", "2", "3")
    assert [panel.x.labeled for panel in found] == [False] * 3 + [True] * 3
    assert [panel.y.titled for panel in found] == [True, False, False] * 2
    assert [panel.y.label for panel in found[3:]] == ["share of weights"] + ["share of weights, b"] * 2  # the page shows all


@pytest.mark.parametrize(("count", "places"), [(1, [1]), (2, [1, 2]), (4, [1, 2, 4])])
def test_few_layers_are_all_drawn(make, count, places):
    titles = [panel.title for panel in panels(make({"a": 0.3}, layers=count))]
    assert [int(title.split("layer ")[1].split(":")[0]) for title in titles] == places


def test_of_several_views_each_is_drawn_at_its_best_point(make):
    rows = charts.shown(make({"a": 0.3, "b": 0.1}, points=3, best=1))
    assert [(row.view.name, row.number, row.name) for row in rows] == [("a", 1, "a, rate 0.1"), ("b", 1, "b, rate 0.1")]


def test_of_one_view_the_points_are_drawn_evenly_spread(make):
    found = make({"a": 0.3}, points=11)
    assert [row.number for row in charts.shown(found)] == [0, 2, 4, 6, 8, 10]
    assert (
        section_of(found, TITLE)
        .blocks[0]
        .text.startswith("6 of 11 points are shown, evenly spread. rate 1: from 0.320 (layer 1)")
    )


def test_more_views_than_a_page_holds_take_several_figures(make):
    found = make({f"v{number}": 0.1 for number in range(charts.ROWS + 1)}, layers=1)
    assert [name for name in drawings_of(found) if "never" in name] == [
        *("never_flipped_histograms_1", "never_flipped_by_layer_1"),
        *("never_flipped_histograms_2", "never_flipped_by_layer_2"),
    ]


def test_the_lines_are_the_mean_shares_of_all_layers(make):
    found = make({"a": 0.3, "b": 0.1})
    chart = drawings_of(found)["never_flipped_by_layer"]
    (panel,) = chart.panels
    a, b = marks_of(panel, Line)
    assert [chart.legend[line.groups[0]].name for line in (a, b)] == ["a", "b"]
    assert a.x.tolist() == b.x.tolist() == [1, 2, 3, 4, 5]
    assert a.y.tolist() == pytest.approx([0.32, 0.33, 0.34, 0.35, 0.36])
    assert b.y.tolist() == pytest.approx([0.12, 0.13, 0.14, 0.15, 0.16])
    assert a.hover.texts[1].startswith("a, layer 2\nmean share that never changed sign of 2 replicates 0.33\n95% CI ")
    band, dots = marks_of(panel, Band)[0], marks_of(panel, Dots)[0]
    assert (band.high - a.y).tolist() == pytest.approx([T_1 / 100] * 5)
    assert dots.y.tolist() == pytest.approx([0.31, 0.32, 0.33, 0.34, 0.35, 0.33, 0.34, 0.35, 0.36, 0.37])
    assert panel.y.limits[0] == 0


def test_a_view_whose_trials_have_no_value_is_left_out(make_sweep):
    points = [{"rate": 1.0}]
    lost = {"score": [[math.nan], [math.nan]], "never_flipped.layer1": [[math.nan], [math.nan]]}
    found = make_sweep({"a": points, "b": points}, {"a": metrics(0.3), "b": lost})
    assert [row.name for row in charts.shown(found)] == ["a"]
    assert "never_flipped_by_layer" in drawings_of(found)


def test_one_replicate_has_no_interval(make_sweep):
    one = {name: np.asarray(values)[:1] for name, values in metrics(0.3).items()}
    found = make_sweep({"a": [{"rate": 1.0}]}, {"a": one})
    assert panels(found)[1].title == "layer 3: 0.330"
    assert drawings_of(found)


def test_every_layer_of_every_point_stands_in_the_csv_files(make):
    found = make({"a": 0.3, "b": 0.1}, points=3)
    by_layer, histograms = table_of(found, "never_flipped_by_layer"), table_of(found, "never_flipped_histograms")
    assert len(by_layer) == 2 * 3 * 5
    assert len(histograms) == 2 * 3 * 5 * 4
    (row,) = [r for r in histograms if (r["view"], r["number"], r["layer"], r["bin"]) == ("b", "2", "4", "3")]
    assert [float(row[key]) for key in ("from", "to", "initial", "never_flipped")] == pytest.approx([0, 1.5, 0.4, 0.4 * 0.15])
    assert (row["point"], row["replicates"]) == ('{"rate": 0.01}', "2")
    for share in by_layer:
        assert float(share["high"]) - float(share["mean"]) == pytest.approx(T_1 / 100)


def test_the_bins_are_in_no_other_figure_and_not_in_the_json(make):
    found = make({"a": 0.3}, points=3)
    assert [name for name in drawings_of(found) if "never" not in name] == ["sweep"]
    assert sorted(serial.body(found)["sweep"][0]["means"]) == sorted(
        ["score", *(n for n in metrics(0.3, bins=False) if "layer" in n)]
    )


def test_the_bins_are_in_no_other_table_and_the_layers_are(make):
    found = make({"a": 0.3}, points=3)
    for name in ("sweep_values", "sweep_means"):
        listed = {row["metric"] for row in table_of(found, name)}
        assert listed == {"score", *(n for n in metrics(0.3, bins=False) if "layer" in n)}


def test_the_best_point_of_a_search_is_told_without_its_layers(results):
    best = dataclasses.replace(
        results.views[0].best_trial, metrics={"loss": 1.0, "flip_ratio.layer1": 2.0, "initial.layer1.bin1": 3.0}
    )
    note = hyperparameters(results, dataclasses.replace(results.views[0], best_trial=best)).note
    assert "loss 1.0" in note
    assert "layer" not in note
