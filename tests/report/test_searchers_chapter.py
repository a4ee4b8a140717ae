"""The chapter on several searchers: one verdict, a table, a figure, and their data."""

import json

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.report import csvs, serial, style
from hpstudy.report.chapters.searchers import TABLES, chapter
from hpstudy.report.charts.marks import Line
from hpstudy.report.charts.model import Chart
from hpstudy.report.document import document
from hpstudy.report.model import Paragraph, Table
from tests.analysis.baselines.test_searchers import REPLICATES, TRIALS, curves, source
from tests.support.sources import MemorySource


def values_of(a_with_tpe):
    return {"a": curves(4, 0), "b": curves(3, 1), "a/tpe": curves(a_with_tpe, 2), "b/tpe": curves(3, 3)}


@pytest.fixture
def depends():
    return analyze(source(values_of(3), margin=0.1))


def blocks_of(results, kind):
    with style.applied():
        return [block for section in chapter(results) for block in section.blocks if isinstance(block, kind)]


def test_a_study_with_one_searcher_has_no_such_chapter(results):
    assert list(chapter(results)) == []


def test_the_verdict_names_what_depends_on_the_searcher(depends):
    (verdict,) = blocks_of(depends, Paragraph)
    assert verdict.strong
    assert verdict.text.startswith("The answer depends on the searcher (")
    assert "Final best score, a minus b: 1." in verdict.text
    assert " with ax, " in verdict.text
    assert "Holm p < 0.001)" in verdict.text


def test_no_difference_is_said_not_to_be_shown():
    (verdict,) = blocks_of(analyze(source(values_of(4))), Paragraph)
    assert verdict.text.startswith(
        "It is not shown that the answer depends on the searcher: none of 2 differences between ax and"
    )


def test_there_is_no_verdict_before_all_searches_are_complete():
    made = source(values_of(3))
    states = np.full((REPLICATES, TRIALS), "completed", dtype=object)
    states[0, 4] = "missing"
    (verdict,) = blocks_of(analyze(MemorySource(made.study, made.values, {"b/tpe": states})), Paragraph)
    assert verdict.text == "Whether the answer depends on the searcher is not judged before all searches are complete."


def test_searches_of_another_searcher_that_have_not_begun_leave_the_report_whole():
    made = source(values_of(3))
    results = analyze(MemorySource(made.study, {name: of for name, of in made.values.items() if "/" not in name}))
    with style.applied():
        assert document(results).provisional == ""
    assert blocks_of(results, Table) == []
    (chart,) = blocks_of(results, Chart)
    assert len(chart.panels) == 2


def test_the_table_has_a_row_for_each_endpoint_comparison_and_searcher(depends):
    (table,) = blocks_of(depends, Table)
    assert [row[1:3] for row in table.rows] == [("a − b", "tpe")] * 2
    assert [row[0] for row in table.rows] == ["trials to target", "final"]
    assert "The target is that of the main searches." in table.note


def test_the_figure_has_a_panel_for_each_view_and_a_line_for_each_searcher(depends):
    (chart,) = blocks_of(depends, Chart)
    assert [panel.title for panel in chart.panels] == ["a", "b"]
    assert [entry.name for entry in chart.legend[:2]] == ["ax", "tpe"]
    for panel in chart.panels:
        assert [mark.groups for mark in panel.marks if isinstance(mark, Line)] == [(0,), (1,)]


def test_one_bad_first_trial_does_not_compress_the_curves():
    values = values_of(3)
    values["a/tpe"][0, 0] = -1000
    (chart,) = blocks_of(analyze(source(values)), Chart)
    assert all(panel.y.limits[0] > -10 for panel in chart.panels)
    assert chart.reading.endswith(" Some values of the first trial are outside the axis.")


def test_the_data_of_the_figure_and_the_table_are_files(depends):
    rows = {table.__name__: csvs.text(table(depends)).splitlines() for table in TABLES}
    assert len(rows["searcher_curves"]) == 1 + 2 * 2 * TRIALS
    assert rows["searcher_comparisons"][0].startswith("endpoint,a,b,searcher,replicates,main,main_low,main_high,other,")
    assert len(rows["searcher_comparisons"]) == 3
    assert rows["searcher_comparisons"][2].endswith("true")


def test_the_numbers_are_in_the_json_file(depends):
    body = json.loads(serial.text(serial.body(depends)))["searchers"]
    assert body["complete"] is True
    assert [pair["endpoint"]["use"] for pair in body["interactions"]] == ["trials_to_target", "final"]
    assert body["interactions"][1]["shown"] is True
    assert [view["searcher"] for view in body["views"]] == ["ax", "tpe"] * 2


def test_the_design_names_all_searchers(depends):
    with style.applied():
        assert "searcher ax (also: tpe), task branin" in document(depends).design
