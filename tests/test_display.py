"""Public objects show themselves in a line, and in a notebook as plain tables."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

import hpstudy
from hpstudy.display import Listing, as_html, estimate, number, obeys_escapes
from hpstudy.loading.load import study_from
from hpstudy.report.document import document

STUDY = {
    "name": "shown",
    "question": "Is <b> harder?",
    "task": {"use": "branin", "dummies": 2},
    "metric": {"name": "value", "goal": "minimize"},
    "views": {
        "a": {"space": {"x1": {"type": "float", "low": -5, "high": 10}}, "fixed": {"x2": 2.5}},
        "b": {
            "space": {
                "x1": {"type": "float", "low": -5, "high": 10},
                "x2": {"type": "float", "low": 0.5, "high": 10, "log": True},
                "z1": {"type": "choice", "values": [0, 1]},
                "z2": {"type": "float", "low": 0, "high": 1, "step": 0.5, "when": {"z1": [0, 1]}},
            }
        },
    },
    "search": {"searcher": "random", "trials": 4},
    "replicates": 3,
    "analysis": {"target": {"value": 20.0}, "resamples": 1000},
}


class Tables(HTMLParser):
    """Reads tables; fails on anything but plain ones."""

    def __init__(self):
        super().__init__()
        self.tables, self.text = {}, ""

    def handle_starttag(self, tag, attributes):
        assert tag in {"p", "table", "caption", "thead", "tbody", "tr", "th", "td"}
        assert set(dict(attributes)) <= {"scope"}
        if tag == "tr":
            self.rows.append([])
        if tag == "table":
            self.rows = []
        self.text = ""

    def handle_data(self, data):
        self.text += data

    def handle_endtag(self, tag):
        if tag in {"td", "th"}:
            self.rows[-1].append(self.text)
            self.text = ""
        if tag == "caption":
            self.tables[self.text] = self.rows


def tables(shown):
    parser = Tables()
    parser.feed(shown._repr_html_())
    return parser.tables


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    hpstudy.run(STUDY, folder, executor="inline")
    return hpstudy.analyze(folder / "shown.sqlite", thorough=False)


def test_an_object_that_replaces_a_stream_and_only_writes_is_no_terminal():
    assert not obeys_escapes(SimpleNamespace(write=print))


def test_a_study_is_a_line_and_a_table_of_hyperparameters():
    study = study_from(STUDY)
    line = "<Study 'shown': task branin, minimize value; random, 4 trials x 3 replicates; views a, b>"
    assert repr(study) == str(study) == line
    assert "Is &lt;b&gt; harder?" in study._repr_html_()
    assert tables(study)["Views"] == [
        ["view", "hyperparameter", "type", "values"],
        ["a", "x1", "float", "-5 to 10"],
        ["a", "x2", "fixed", "2.5"],
        ["b", "x1", "float", "-5 to 10"],
        ["b", "x2", "float", "0.5 to 10, log"],
        ["b", "z1", "choice", "0, 1"],
        ["b", "z2", "float", "0 to 1, step 0.5, when z1 0 or 1"],
    ]


def test_a_view_and_its_space_are_lines():
    view = study_from(STUDY).views["a"]
    assert repr(view.space) == str(view.space) == "<Space x1: -5 to 10>"
    assert repr(view) == str(view) == "<View <Space x1: -5 to 10>; fixed: x2 2.5>"


def test_results_are_a_line_and_tables_of_views_and_comparisons(results):
    assert repr(results) == "<Results of shown: complete, 6 of 6 searches; 2 views, 1 comparison>"
    found = tables(results)
    assert list(found) == ["Views", "Comparisons"]
    head, first, second = found["Views"]
    assert head[2] == "mean best after all trials (95% CI)"
    assert (first[:2], second[:2]) == (["a", "3 of 3"], ["b", "3 of 3"])
    head, best, target = found["Comparisons"]
    assert head == ["comparison", "at", "replicates", "difference (95% CI)", "p, adjusted", "shown"]
    assert best[:3] == ["a - b", "best after 4 trials", "3"]
    assert target[:3] == ["a - b", "trials to the target", "3"]
    pair = results.pairs[0]
    assert best[3] == estimate(pair.budgets[0].mean, pair.budgets[0].low, pair.budgets[0].high)
    assert target[3] == estimate(pair.trials.difference, pair.trials.low, pair.trials.high)
    assert best[5] == "no difference"


def test_a_provisional_study_shows_no_verdict(results, monkeypatch):
    monkeypatch.setattr(type(results), "provisional", True)
    assert repr(results).startswith("<Results of shown: provisional,")
    assert [row[4:] for row in tables(results)["Comparisons"][1:]] == [["–", "–"]] * 2


def test_parts_of_results_are_lines_and_tables(results):
    view, pair = results.views[0], results.pairs[0]
    assert re.fullmatch(r"<ViewResult 'a': 3 of 3 searches, mean best \S+ \(\S+ to \S+\)>", repr(view))
    assert re.fullmatch(r"<ViewBudget after 4 trials: \S+ \(\S+ to \S+\), 3 searches>", repr(view.budgets[-1]))
    assert repr(pair) == "<PairResult a - b: 3 replicates>"
    assert re.fullmatch(r"<BudgetDifference after 4 trials: \S+ \(\S+ to \S+\), 3 replicates>", repr(pair.budgets[-1]))
    assert re.fullmatch(r"<TrialsDifference \S+ \(\S+ to \S+\) trials, 3 replicates>", repr(pair.trials))
    assert [row[0] for row in tables(view)["Best so far"]] == ["after trials", "4"]
    assert [row[0] for row in tables(pair)["Differences"]] == ["at", "best after 4 trials", "trials to the target"]


def test_a_chart_is_a_line(results):
    charts = document(results).charts
    assert all(re.fullmatch(rf"<Chart '{chart.name}': \d+ panels>", repr(chart)) for chart in charts)
    assert hpstudy.figure_names(results) == tuple(chart.name for chart in charts)


def test_a_figure_is_an_image_in_a_notebook(results):
    assert hpstudy.figure(results, "best_so_far")._repr_png_().startswith(b"\x89PNG")


def test_a_summary_and_a_reader_are_lines(tmp_path):
    summary = hpstudy.run(STUDY, tmp_path, executor="inline")
    assert repr(summary) == f"<RunSummary {tmp_path / 'shown.sqlite'}: {summary.sentence()}>"
    with hpstudy.open(summary.storage) as reader:
        assert repr(reader) == f"<Reader of {summary.storage}: study 'shown'>"


def test_a_summary_names_the_most_common_failure(tmp_path):
    views = {"a": {"space": STUDY["views"]["a"]["space"]}}
    study = {**STUDY, "task": {"command": "false {arguments}"}, "views": views, "replicates": 2}
    summary = hpstudy.run(study, tmp_path, executor="inline")
    assert repr(summary).endswith(f"{summary.failure.sentence()}>")
    assert "exit code 1" in repr(summary)


def test_what_other_functions_return_is_a_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = {**STUDY, "controls": ["random"], "confirm": {"seeds": 2}}
    plan = hpstudy.plan(study, workers=2)
    assert repr(plan) == f"<Forecast of shown: {plan.sentence()}>"
    assert plan.sentence().startswith("64 trials left")
    head, *rows = tables(plan)["Trials"]
    assert head == list(plan.rows()[0])
    assert rows[0] == ["a", "–", "x1", "3", "12", "0", "12", "–"]
    hpstudy.run(study, executor="inline")
    bundle, report = hpstudy.bundle("shown"), hpstudy.write_report("shown", formats=["latex"])
    assert repr(bundle) == f"<Bundle {tmp_path / 'shown.zip'}: {len(bundle.files)} files>"
    assert repr(report) == f"<WrittenReport reports/shown.tex and {len(report.files) - 1} other files: {report.headline}>"
    best, trials = hpstudy.power("shown", difference=0.5)
    assert re.fullmatch(r"<EndpointPower final best, a - b: SD \S+ in 3 replicates; \S+ replicates to detect 0.5>", repr(best))
    assert re.fullmatch(r"<EndpointPower trials to target, a - b: SD \S+ in 3 replicates>", repr(trials))


def test_the_large_parts_of_results_are_lines(tmp_path):
    hpstudy.run({**STUDY, "controls": ["random"], "confirm": {"seeds": 2}}, tmp_path, executor="inline")
    results = hpstudy.analyze(tmp_path / "shown.sqlite", thorough=False)
    view = results.views[0]
    assert repr(results.controls) == "<Controls of a, b>"
    assert repr(results.confirmation) == "<Confirmation of a, b: value on 2 fresh seeds>"
    assert re.fullmatch(r"<MeanCurve of 4 trials: \S+ to \S+>", repr(view.curve))
    assert repr(view.trials) == f"<ViewTrials {view.trials.reached} of 3 searches reached the target>"


def test_a_declared_endpoint_is_a_line_and_a_row(tmp_path):
    endpoints = {"endpoints": [{"use": "trials_to_target"}, {"use": "final"}], "target": {"value": 20.0}, "resamples": 1000}
    confirm = {"seeds": 2, "incumbents": True}
    hpstudy.run({**STUDY, "analysis": endpoints, "confirm": confirm}, tmp_path, executor="inline")
    results = hpstudy.analyze(tmp_path / "shown.sqlite", thorough=False)
    assert repr(results.declared[0]) == "<EndpointResult trials to target (primary): 3 replicates>"
    pilot, declared = tmp_path / "shown.sqlite", {**STUDY, "analysis": endpoints, "confirm": confirm}
    planned = hpstudy.plan_endpoints(pilot, declared, replicates=[4], seeds=[2], resamples=100)[0]
    line = r"<PlannedEndpoint trials to target, a - b, 4 replicates x 2 seeds: \S+ ± \S+, power \d+%>"
    assert re.fullmatch(line, repr(planned))
    head, primary, other = tables(results)["Declared endpoints"]
    assert head == ["endpoint", "comparison", "difference (95% CI)", "p, adjusted", "shown"]
    assert primary[:2] == ["trials to target (primary)", "a - b"]
    assert other[0] == "final"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.91234, 0.9041, 0.9204), "0.912 (0.904 to 0.920)"),
        ((10.31, 7.5, 13.1), "10.3 (7.5 to 13.1)"),
        ((1234.5, 200.0, 2300.0), "1200 (200 to 2300)"),
        ((-0.0001, -0.01, 0.01), "0.000 (-0.010 to 0.010)"),
        ((1e-9, 0.5e-9, 1.5e-9), "1e-09 (5e-10 to 1.5e-09)"),
        ((2.0, 2.0, 2.0), "2 (2 to 2)"),
        ((2.5, float("nan"), float("nan")), "2.5"),
        ((float("nan"),) * 3, "–"),
    ],
)
def test_an_estimate_has_two_digits_of_its_interval(numbers, text):
    assert estimate(*numbers) == text


def test_texts_are_escaped_and_tables_without_rows_left_out():
    html = as_html("<a>", Listing("none", ("x",), ()), Listing("<c>", ("<h>",), (("<script>",),)))
    assert html.count("<table>") == 1
    assert all(text in html for text in ("&lt;a&gt;", "&lt;c&gt;", "&lt;h&gt;", "&lt;script&gt;"))
    assert number(float("inf")) == "inf"
