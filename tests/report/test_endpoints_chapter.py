import dataclasses
import json
import math

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.analysis.comparisons.budgets import difference_curve
from hpstudy.report import csvs, endpoint_answers, headline, overview, serial
from hpstudy.report.chapters import endpoints as chapter
from hpstudy.report.charts.marks import Band, Line
from hpstudy.report.model import Facts, Paragraph, Table
from hpstudy.study.declaration import Target
from hpstudy.study.schema import Study
from tests.support.reports import answers_of, document_of, drawings_of, evidence_of, pdf_of, section_of, tables_of
from tests.support.sources import MemorySource

ENDPOINTS = [
    {"use": "confirmed_regret"},
    {"use": "confirmed_regret", "plateau": "best", "co_primary": True},
    {"use": "trials_to_within", "deltas": [0.3, 0.1]},
    {"use": "final"},
    {"use": "trials_to_target"},
]


def make(*, n=8, goal="maximize", views=("a", "b"), on_failure="worst", endpoints=ENDPOINTS, noise=0.05, **analysis):
    """Searches that approach 1 plus noise, the first view three times as slowly as the others."""
    rng, trials, sign = np.random.default_rng(0), np.arange(10), 1 if goal == "maximize" else -1
    values, fresh = {}, {}
    for index, view in enumerate(views):
        true = 1 - 0.5 ** (trials / (0.5 if index else 1.5)) + rng.normal(0, 0.02, size=(n, 1))
        values[view] = sign * (true + rng.normal(0, noise, size=(n, 10)))
        fresh[view] = sign * (true[:, :, None] + rng.normal(0, noise, size=(n, 10, 3)))
    study = Study.model_validate(
        {
            "name": "small",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": goal, "on_failure": on_failure},
            "views": {view: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for view in views},
            "search": {"trials": 10},
            "replicates": n,
            "confirm": {"seeds": 3, "incumbents": True},
            "analysis": {"resamples": 1000, "endpoints": endpoints, **analysis},
        }
    )
    return MemorySource(study, values, fresh=fresh)


@pytest.fixture(scope="module")
def found():
    return analyze(make())


def test_page_one_answers_every_endpoint_instead_of_trials_to_target(found):
    answers = answers_of(found)
    assert len(answers) == 5
    assert answers[0].startswith(
        "b is closer to its own plateau than a. Mean confirmed regret to the view's own plateau, a minus b: 0."
    )
    assert "(95% CI 0." in answers[0]
    assert answers[0].endswith("; Holm p < 0.001).")
    assert answers[1].startswith("b is closer to the best plateau than a. ")
    assert answers[2].startswith(
        "b reaches its plateau in fewer trials than a. Trials to a confirmed value within 0.3 of the view's own plateau"
    )
    assert answers[3].startswith("No difference shown. Confirmed score after 10 trials, a minus b: ")
    assert "Trials to an observed score ≥" in answers[4]


def test_several_comparisons_name_the_endpoint_once_and_say_what_each_could_have_found():
    results = analyze(make(views=("a", "b", "c"), compare=[["a", "b"], ["a", "c"]]))
    title = "Mean confirmed regret to the view's own plateau"
    answer = answers_of(results)[0]
    assert answer.startswith(f"{title}. b is closer to its own plateau than a: a minus b 0.")
    assert "c is closer to its own plateau than a: a minus c 0." in answer
    assert answer.count(title) == 1
    (estimates,) = (table for table in tables_of(results) if "MDE" in table.head and table.head[0] == "endpoint")
    assert [row[8][:3] for row in estimates.rows[:2]] == ["0.0", "0.0"]
    (power,) = (text for text in evidence_of(results) if text.startswith("A true difference of 0.0"))
    assert "(a minus b) or 0.0" in power
    within = evidence_of(results)[-1]
    assert within.count("of the difference, if one view never reaches the target and the other keeps its mean") == 1
    assert " (a minus b) or " in within


def test_a_shown_difference_has_its_attainable_range_and_detectable_difference_in_the_tables_only(found):
    shown = [result for result in found.declared if result.declared.pairs[0].shown]
    assert len(shown) == 3
    assert " ".join(evidence_of(found)).count("Attainable range") == 1
    assert " ".join(evidence_of(found)).count("A true difference") == 1
    estimates, deltas = section_of(found, "Endpoints").blocks[-2:]
    assert all(row[8].startswith("0.0") for row in estimates.rows[:2])
    assert all(" to " in row[-1] for row in deltas.rows)


def test_the_figure_follows_the_primary_endpoints(found):
    kinds = [getattr(block, "strong", None) for block in section_of(found, "Answer").blocks]
    assert kinds[:5] == [False, True, True, None, True]


def test_page_one_begins_with_the_claims_and_explains_its_words():
    claim = {"claim": "a takes longer", "metric": "trials_to_within", "of": {"view": "a"}, "minus": {"view": "b"}, "above": 1}
    plateaus = {"values": {"a": 1, "b": 1.05}, "source": "a pilot"}
    results = analyze(make(n=30, criteria=[{**claim, "below": 7}], plateaus=plateaus))
    first, words = section_of(results, "Answer").blocks[:2]
    assert first.text.startswith("Holds: a takes longer (")
    assert first.text.endswith("; claimed 1 to 7).")
    assert words.text == (
        "Incumbent: the best point of a search so far. Confirmed value: the mean of the incumbent on 3 fresh seeds. "
        "Plateau: what a view can reach when it is well tuned, as declared: a 1.0000, b 1.0500."
    )


@pytest.mark.parametrize(
    ("plateaus", "said"),
    [
        ({}, "Plateau: the mean final confirmed value of the other replicates."),
        (
            {"plateaus": {"held_out": 2}},
            "Plateau: the mean final confirmed value of the first 2 replicates, which are not judged.",
        ),
    ],
)
def test_the_words_say_which_plateau_is_meant(plateaus, said):
    assert evidence_of(analyze(make(**plateaus)))[0].endswith(said)
    assert evidence_of(analyze(make(endpoints=[{"use": "final"}])))[0].endswith("3 fresh seeds.")
    assert "Incumbent" not in " ".join(evidence_of(analyze(make(endpoints=[{"use": "trials_to_target"}]))))


def test_the_first_lines_say_what_a_complete_study_has_and_lacks():
    source = make()
    searches = [search for values in source.values.values() for search in values.tolist()]
    records = sum(value > max(search[:at], default=-np.inf) for search in searches for at, value in enumerate(search))
    complete = f" Complete: 160 trials; {records} incumbents on 3 fresh seeds each."
    assert document_of(analyze(source)).design.endswith(complete)
    source.values["a"][0, 0], source.fresh["b"][0, 0, 0] = np.nan, np.nan
    lacking = document_of(analyze(source)).design
    assert "Complete: 160 trials, 1 of them without a value; " in lacking
    assert lacking.endswith(" on 3 fresh seeds each, 1 training without a value.")
    part = MemorySource(source.study, source.values)
    assert "Complete" not in document_of(analyze(part)).design


def test_the_headline_is_that_of_the_primary_endpoints(found):
    assert headline(found) == " ".join(answers_of(found)[:2])
    assert serial.body(found)["headline"] == headline(found)


def test_what_could_have_been_found_stands_beside_no_difference_shown(found):
    (power,) = (text for text in evidence_of(found) if text.startswith("A true difference of 0.0"))
    assert power.endswith(" is found with at least 80% power.")
    assert evidence_of(analyze(make(endpoints=[{"use": "final"}])))[1].endswith(" is found with 80% power.")
    (pair,) = found.declared[2].declared.pairs
    deltas = section_of(found, "Endpoints").blocks[-1]
    row = next(row for row in deltas.rows if "(declared)" in row[1])
    assert row[-1] == f"{pair.attainable[0]:.1f} to {pair.attainable[1]:.1f}".replace("-", "−")


def test_a_search_that_never_gets_there_is_told():
    results = analyze(
        make(endpoints=[{"use": "trials_to_within", "deltas": [0.001]}], plateaus={"values": {"a": 2, "b": 2}, "source": "x"})
    )
    assert "A search that does not reach its plateau counts as 10 trials: 8 of 8 a, 8 of 8 b." in evidence_of(results)[1]
    assert answers_of(results) == [
        "Cannot be compared. Trials to a confirmed value within 0.001 of the view's own plateau, a minus b: no search of either view "
        "reaches its plateau."
    ]
    assert section_of(results, "Endpoints").blocks[-2].rows[0][4:6] == ("–", "–")


@pytest.mark.parametrize(
    ("never", "said", "cell"),
    [
        ("a", "at least {}, since no a search reaches its plateau", "≥ {}"),
        ("b", "at most {}, since no b search reaches its plateau", "≤ {}"),
    ],
)
def test_a_view_that_never_gets_there_has_a_bound_and_no_interval_of_a_constant(never, said, cell):
    plateaus = {"values": {"a": 1, "b": 1, never: 5}, "source": "x"}
    results = analyze(make(n=12, endpoints=[{"use": "trials_to_within", "deltas": [0.3, 0.1]}], plateaus=plateaus))
    (pair,) = results.declared[0].declared.pairs
    value = f"{pair.estimate.value:.1f}".replace("-", "−")
    (answer,) = answers_of(results)
    assert answer.startswith(f"{'b' if never == 'a' else 'a'} reaches its plateau in fewer trials than {never}. ")
    assert said.format(value) in answer
    assert "CI" not in answer
    assert answer.endswith(" (p < 0.001).")
    estimates, deltas = section_of(results, "Endpoints").blocks[-2:]
    assert estimates.rows[0][4:6] == (cell.format(value), "–")
    assert [row[8] for row in deltas.rows] == ["–", "–"]


@pytest.mark.parametrize("never", ["a", "b"])
def test_a_view_that_never_gets_there_gives_no_bound_if_some_searches_of_the_other_do_not_either(never):
    """Both means then hold searches that count as 10 trials, and the trials that these need may differ in either direction."""
    other = "b" if never == "a" else "a"
    made = make(n=12, endpoints=[{"use": "trials_to_target"}], target={"value": 1})
    made.values[never][:] -= 10
    best = np.sort(made.values[other].max(axis=1))
    results = analyze(made, made.study.analysis.model_copy(update={"target": Target(value=float(best[1]))}))
    (pair,) = results.declared[0].declared.pairs
    value = f"{pair.estimate.value:.1f}".replace("-", "−")
    (answer,) = answers_of(results)
    assert f" {value} within 10 trials, in which no {never} search reaches the target (p " in answer
    assert "at least" not in answer
    assert "at most" not in answer
    assert section_of(results, "Endpoints").blocks[-1].rows[0][4:6] == (value, "–")


def test_the_better_view_is_the_same_for_both_goals():
    shown = {
        goal: [result.declared.pairs[0].shown for result in analyze(make(n=12, goal=goal)).declared]
        for goal in ("maximize", "minimize")
    }
    assert shown["minimize"] == shown["maximize"]
    assert shown["maximize"][:3] == ["b", "b", "b"]


def test_noise_on_seeds_of_each_replicate_has_no_shared_part(found):
    noise = next(
        table for table in section_of(found, "Confirmation on fresh seeds").blocks if "Sources of variation" in str(table)
    )
    assert noise.head == ("metric", "view", "between searches", "noise floor", "share of searches", "without value")
    assert {len(row) for row in noise.rows} == {len(noise.head)}
    assert "shared" not in noise.note
    assert all(math.isnan(metric.components.shared) for view in found.confirmation.views for metric in view.metrics)


def test_a_detectable_difference_of_one_of_several_comparisons_has_its_name():
    results = analyze(make(n=12, views=("a", "b", "c"), endpoints=[{"use": "trials_to_within", "deltas": [0.3]}]))
    (result,) = results.declared
    known = dataclasses.replace(result.declared.pairs[0], detectable=3.0, shown="")
    others = [dataclasses.replace(pair, detectable=float("nan")) for pair in result.declared.pairs[1:]]
    measured = dataclasses.replace(result.declared, pairs=(known, *others))
    alone = dataclasses.replace(results, declared=(dataclasses.replace(result, measurements=(measured,)),))
    assert "A true difference of 3.0 trials (a minus b) is found with at least 80% power." in evidence_of(alone)[1]


def test_heavy_censoring_is_said_beside_an_endpoint():
    """The share of view b's searches that never reach the target decides: 3 of 12 are a quarter, 4 are more."""
    late = make(n=12, endpoints=[{"use": "trials_to_target"}], target={"value": 1})
    best = np.sort(late.values["b"].max(axis=1))
    for missed, heavy in ((3, False), (4, True)):
        late.values["a"][:] += 10
        results = analyze(late, late.study.analysis.model_copy(update={"target": Target(value=float(best[missed]))}))
        (behind,) = evidence_of(results)
        assert f"counts as 10 trials: {missed} of 12 b." in behind
        assert ("Heavy censoring (b): the difference says little about how many trials these searches need." in behind) == heavy


def test_heavy_censoring_of_all_of_three_views_names_none():
    late = make(n=12, views=("a", "b", "c"), endpoints=[{"use": "trials_to_target"}], target={"value": 9})
    (behind,) = evidence_of(analyze(late))
    assert "Heavy censoring: the difference says little about how many trials these searches need." in behind


def test_a_target_beyond_the_confirmed_level_is_said_beside_the_endpoint():
    results = analyze(make(endpoints=[{"use": "trials_to_target"}], target={"value": 1.02}, noise=0.2))
    means = [view.metrics[0].tuned.value for view in results.confirmation.views]
    assert all(mean < 1.02 for mean in means)
    (behind,) = evidence_of(results)
    assert "The target is beyond the mean of the chosen points on fresh seeds (a 0." in behind
    within = analyze(make(endpoints=[{"use": "trials_to_target"}], target={"value": 0.5}))
    assert "beyond" not in " ".join(evidence_of(within))


def test_best_observed_values_have_no_verdict_beside_declared_endpoints():
    """Endpoints and claims have the verdicts: best observed values, which selection flatters, may say the opposite."""
    results = analyze(make(n=30, margin=0.5), thorough=True)
    assert {difference.verdict for pair in results.pairs for difference in pair.budgets} == {None}
    differences = next(table for table in tables_of(results) if table.caption == "Paired differences after a number of trials.")
    assert differences.head[-1] == "MDE"
    assert "the verdicts are those on the declared endpoints" in differences.note
    bounds = next(table for table in tables_of(results) if table.caption == "One-sided bounds of the mean difference.")
    assert bounds.head == ("A − B", "trials", "above", "below")
    alone = analyze(make(n=30, margin=0.5, endpoints=[]), thorough=True)
    assert {difference.verdict for pair in alone.pairs for difference in pair.budgets} <= {"equivalent", "inferior", "superior"}


def test_the_first_figure_shows_both_curves_and_their_paired_difference(found):
    chart = document_of(found).charts[0]
    assert chart.name == "confirmed"
    curves, difference = chart.panels
    lines = [mark for mark in curves.marks if isinstance(mark, Line)]
    assert [line.dash for line in lines] == ["dot", "solid"] * 2
    np.testing.assert_array_equal(lines[0].y, found.views[0].best.mean(axis=0))
    np.testing.assert_array_equal(lines[1].y, found.confirmed[0].mean.mean)
    assert lines[0].y[-1] > lines[1].y[-1]  # selection flatters
    assert lines[2].y[-1] > lines[3].y[-1]
    (mean,) = [mark for mark in difference.marks if isinstance(mark, Line)]
    np.testing.assert_allclose(mean.y, found.confirmed[0].mean.mean - found.confirmed[1].mean.mean)
    assert sum(isinstance(mark, Band) for mark in difference.marks) == 2
    assert "after 10 trials a 0.0" in chart.reading
    assert [entry.dash for entry in chart.legend] == ["solid", "solid", "solid", "dot"]
    a, b = (curve.scored for curve in found.confirmed)
    (first, last), *others = difference_curve(a, b, found.endpoints.bootstrap).excludes_zero
    assert 1 <= first < last < 10
    assert not others
    assert f" The outer band excludes 0 at trials {first} to {last} (a minus b)." in chart.reading
    part = dataclasses.replace(found.views[0], completeness=dataclasses.replace(found.views[0].completeness, complete=7))
    assert "excludes 0" not in document_of(dataclasses.replace(found, views=(part, *found.views[1:]))).charts[0].reading


def test_the_chapter_defines_every_endpoint_and_says_where_plateaus_come_from(found):
    section = section_of(found, "Endpoints")
    (facts,) = [block for block in section.blocks if isinstance(block, Facts)]
    assert [name.rsplit("(", 1)[1] for name, _ in facts.rows] == [
        "primary)",
        "primary)",
        "secondary)",
        "secondary)",
        "secondary)",
    ]
    assert facts.rows[0][1].startswith("The mean over trials 1 to 10 of the view's own plateau minus the confirmed score")
    (origin,) = [block.text for block in section.blocks if isinstance(block, Paragraph)]
    assert (
        "No plateaus are declared. Each replicate is judged against the mean final confirmed value of all other replicates"
        in origin
    )


@pytest.mark.parametrize(
    ("plateaus", "said"),
    [
        (
            {"values": {"a": 1, "b": 1.25}, "source": "a pilot."},
            "Declared plateaus: a 1.000, b 1.250 (a pilot); the intervals take them as",
        ),
        ({"held_out": 2}, "the first 2 replicates, which are not judged"),
    ],
)
def test_declared_and_held_out_plateaus_are_told(plateaus, said):
    results = analyze(make(plateaus=plateaus))
    (origin,) = [block.text for block in section_of(results, "Endpoints").blocks if isinstance(block, Paragraph)]
    assert said in origin


def test_the_tables_hold_every_endpoint_and_every_delta(found):
    estimates, deltas = section_of(found, "Endpoints").blocks[-2:]
    assert len(estimates.rows) == 5
    assert [row[1] for row in deltas.rows] == ["0.1", "0.3 (declared)"]
    (pair,) = found.declared[2].declared.pairs
    assert deltas.rows[1][7] == f"{pair.estimate.value:.1f}"


def test_the_json_file_holds_endpoints_and_mean_curves(found):
    body = json.loads(serial.text(serial.body(found)))
    first = body["endpoints"][0]
    assert (first["endpoint"]["use"], first["primary"], first["title"][:4]) == ("confirmed_regret", True, "Mean")
    assert first["measurements"][0]["pairs"][0]["estimate"]["n"] == 8
    assert len(body["confirmed"][0]["mean"]["mean"]) == 10
    assert "confirmed" not in body["confirmed"][0]
    assert body["definition"]["analysis"]["endpoints"][0]["use"] == "confirmed_regret"


def test_the_csv_files_hold_every_curve_and_value(found):
    tables = document_of(found).tables
    rows = csvs.text(tables["endpoint_values"]()).splitlines()
    assert len(rows) == 1 + (5 + 1) * 2 * 8
    assert (
        csvs.text(tables["endpoint_differences"]()).splitlines()[1].startswith('"confirmed regret, own plateau",primary,,a,b,8,')
    )
    curves = csvs.text(tables["confirmed_curves"]()).splitlines()
    assert len(curves) == 1 + 2 * 8 * 10
    assert curves[0] == "view,replicate,trials,complete,confirmed,optimism"
    assert len(csvs.text(tables["confirmed_differences"]()).splitlines()) == 1 + 10
    assert len(csvs.text(tables["confirmed_mean_curves"]()).splitlines()) == 1 + 2 * 10


def test_every_csv_file_that_a_figure_names_is_written(found):
    document = document_of(found)
    assert {data.name for chart in document.charts for data in chart.data} <= document.tables.keys()


def test_the_declaration_names_the_endpoints(found):
    rows = dict(row for block in section_of(found, "Declaration").blocks if isinstance(block, Facts) for row in block.rows)
    assert rows["primary endpoints"] == "confirmed regret, own plateau; confirmed regret, best plateau"
    assert rows["secondary endpoints"].startswith("trials to within, own plateau, delta 0.3, 0.1; final")
    assert "plateaus" not in rows
    assert rows["fresh seeds"] == "3 for every incumbent, on seeds of its replicate"
    assert rows["correction"] == (
        "Holm, each family separately: 2 tests of primary endpoints, 3 tests of secondary endpoints; of best observed values, 1 "
        "test (comparisons x budgets)"
    )


@pytest.mark.parametrize(
    ("plateaus", "said"),
    [
        ({"values": {"a": 1, "b": 1.25}, "source": "a pilot"}, "a 1.000, b 1.250"),
        ({"held_out": 2}, "of the first 2 replicates, which are not judged"),
    ],
)
def test_the_declaration_has_plateaus_and_first_replicates(plateaus, said):
    section = section_of(analyze(make(plateaus=plateaus, first_replicates=6)), "Declaration")
    rows = dict(row for block in section.blocks if isinstance(block, Facts) for row in block.rows)
    assert rows["plateaus"] == said
    assert rows["first replicates"] == (
        "6, also analyzed separately; the verdicts on them and on all are not corrected for each other"
    )


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_small_studies_are_reported(n, goal, fast_fonts):
    results = analyze(make(n=n, goal=goal, views=("a", "b", "c"), on_failure="drop"))
    assert drawings_of(results)
    assert serial.text(serial.body(results))
    (final,) = (answer for answer in answers_of(results) if answer.startswith("Confirmed score after"))
    assert ("Too few replicates for an interval: a minus b " in final) == (n == 1)


def test_a_study_with_one_view_reports_its_means(fast_fonts):
    results = analyze(make(views=("a",)))
    assert answers_of(results)[0].startswith("Mean confirmed regret to the view's own plateau: a 0.")
    assert drawings_of(results)["confirmed"].panels[0].marks


def test_a_study_without_a_complete_replicate_says_what_is_missing():
    source = make()
    whole = MemorySource(source.study, source.values)
    results = analyze(whole)
    assert answers_of(results)[0].startswith(
        "Mean confirmed regret to the view's own plateau; Mean confirmed regret to the best plateau: not known yet"
    )
    assert ": not known yet, since no replicate has all views complete" in answers_of(results)[0]
    assert "confirmed" not in [chart.name for chart in document_of(results).charts]


def test_a_report_is_typeset(found, fast_fonts):
    assert pdf_of(found).startswith(b"%PDF")


def test_a_study_without_confirmed_incumbents_has_none_of_it(results):
    assert not [section for section in document_of(results).sections if section.title == "Endpoints"]
    body = serial.body(results)
    assert "endpoints" not in body
    assert "confirmed" not in body
    assert list(chapter.chapter(results)) == []


def test_other_measures_of_tuning_have_a_chapter_and_a_csv_file():
    results = analyze(make(), thorough=True)
    cumulative, expected, tunable = section_of(results, "Other measures of tuning").blocks
    assert [row[:2] for row in cumulative.rows] == [("a", "observed"), ("", "confirmed"), ("b", "observed"), ("", "confirmed")]
    assert len(expected.rows) == 2
    assert [row[1] for row in tunable.rows] == ["x", "x"]
    assert len(csvs.text(document_of(results).tables["expected_best_of_trials"]()).splitlines()) == 1 + 2 * 10
    assert serial.body(results)["secondary"][0]["of_confirmed"]["uniform"]["n"] == 8


def test_a_p_that_is_corrected_is_called_so(found):
    assert "; Holm p" in answers_of(found)[0]
    alone = analyze(make(endpoints=[{"use": "final"}]))
    assert "; p " in answers_of(alone)[0]


def test_the_chapter_on_confirmations_says_that_replicates_have_seeds_of_their_own(found):
    (text,) = [block.text for block in section_of(found, "Confirmation on fresh seeds").blocks if isinstance(block, Paragraph)]
    assert "Each replicate has fresh seeds of its own. The default points were trained on those of replicate 0 only" in text
    tables = [block for block in section_of(found, "Confirmation on fresh seeds").blocks if isinstance(block, Table)]
    assert ["Tuned minus default: over searches" in table.note for table in tables] == [False, True, False, False]
    (chart,) = (chart for chart in document_of(found).charts if chart.name == "confirmation")
    assert chart.reading.endswith("A cross is the default point on the seeds of replicate 0.")


def test_many_comparisons_are_counted():
    results = analyze(make(views=("a", "b", "c", "d")))
    first = answers_of(results)[0]
    assert first == (
        "Mean confirmed regret to the view's own plateau: "
        "3 of 6 comparisons show a difference: b better than a, c better than a, d better than a."
    )
    assert answers_of(results)[3] == "Confirmed score after 10 trials: none of 6 comparisons shows a difference."
    assert len(section_of(results, "Endpoints").blocks[-2].rows) == 5 * 6


def test_best_observed_values_of_many_comparisons_have_no_verdict_and_are_in_the_appendix():
    pairs = [[view, "a"] for view in "bcde"]
    results = analyze(make(views=tuple("abcde"), compare=pairs))
    titles = [section.title for section in document_of(results).sections]
    assert titles.index("All comparisons of best observed values") == titles.index("Appendix") + 1
    assert "Every comparison in words" not in titles
    chart, table = section_of(results, "All comparisons of best observed values").blocks
    assert {(one.trials_side, one.final_side) for one in overview.standings(results)} == {(None, None)}
    assert chart.reading.endswith(
        "Best observed values are biased by selection: the verdicts are those on the declared endpoints."
    )
    assert table.head == ("view", "trials", "95% CI", "attainable", "MDE", "final best", "95% CI", "Holm")
    assert "A difference is shown" not in table.note
    judged = analyze(make(views=tuple("abcde"), compare=pairs, endpoints=[]))
    assert {one.trials_side for one in overview.standings(judged)} != {None}
    assert section_of(judged, "All comparisons").blocks[1].head[-1] == "ends"


def test_one_of_many_comparisons_shows_a_difference(found):
    (pair,) = found.declared[0].declared.pairs
    several = [dataclasses.replace(pair, shown=shown) for shown in ("a", "", "", "")]
    assert "1 of 4 comparisons shows a difference: a better than b." in endpoint_answers._counted(
        found, found.declared[0], several, judged=True
    )


def test_the_first_replicates_alone_are_answered_beside_all(found):
    plateaus = {"values": {"a": 1, "b": 1}, "source": "a pilot"}
    twelve = analyze(make(n=12, first_replicates=6, plateaus=plateaus))
    for whole, first in zip(twelve.declared, twelve.declared_first, strict=True):
        assert first.replicates.tolist() == list(range(6))
        for of_all, of_first in zip(whole.declared.views, first.declared.views, strict=True):
            assert of_first.values.tolist() == of_all.values[:6].tolist()
    said = [block.text for block in section_of(twelve, "Answer").blocks if isinstance(block, Paragraph)][-1]
    assert said.startswith("The first 6 replicates alone: ")
    assert said.count(" minus ") == 2  # the primary endpoints
    assert len(serial.body(twelve)["endpoints_of_first_replicates"]) == len(ENDPOINTS)
    assert "endpoints_of_first_replicates" not in serial.body(found)
