"""Endpoints in study files: what is accepted, and what is said of those that a study cannot answer."""

import json

import pytest

from hpstudy.loading.load import load_study
from hpstudy.study.schema import Study

CONFIRM = "confirm: {seeds: 4, incumbents: true}\n"
HEAD = "analysis:\n  endpoints:\n"
REGRET = "    - {use: confirmed_regret}\n"
WITHIN = "    - {use: trials_to_within, deltas: [0.01, 0.02]}\n"


@pytest.fixture
def declare(toy_text, write):
    return lambda text, confirm=CONFIRM: load_study(write(toy_yaml=f"{toy_text}{confirm}{text}"))


@pytest.fixture
def refuse(toy_text, refused):
    return lambda text, confirm=CONFIRM: refused(f"{toy_text}{confirm}{text}")


def test_endpoints_are_read_and_come_back_from_the_database(declare):
    study = declare(f"{HEAD}{REGRET}{WITHIN}    - {{use: final}}\n  plateaus: {{held_out: 1}}\n")
    assert [endpoint.use for endpoint in study.analysis.endpoints] == ["confirmed_regret", "trials_to_within", "final"]
    assert study.analysis.primary == study.analysis.endpoints[:1]
    assert Study.from_json(study.to_json()) == study
    both = declare(f"{HEAD}{REGRET}    - {{use: final, co_primary: true}}\n")
    assert both.analysis.primary == both.analysis.endpoints


def test_a_study_without_endpoints_has_the_declaration_that_it_had_before_they_existed(toy):
    analysis = json.loads(toy.to_json())["analysis"]
    assert "endpoints" not in analysis
    assert "plateaus" not in analysis


def test_an_endpoint_changes_the_digest_of_the_declaration(declare, toy):
    assert declare(f"{HEAD}{REGRET}").declaration() != toy.declaration() == declare("").declaration()


@pytest.mark.parametrize("confirm", ["", "confirm: {seeds: 4}\n"])
def test_confirmed_endpoints_need_all_incumbents_confirmed(refuse, declare, confirm):
    (line,) = refuse(f"{HEAD}{REGRET}", confirm)
    assert line.startswith("toy.yaml:")
    assert "analysis.endpoints.0: 'confirmed_regret' needs the confirmed value" in line
    assert "add 'confirm: {seeds: 8, incumbents: true}'" in line
    assert declare(f"{HEAD}    - {{use: trials_to_target}}\n", confirm)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}    - {{use: trials_to_within, deltas: [0]}}\n", "must be more than 0, not 0"),
        (f"{HEAD}    - {{use: trials_to_within, deltas: [0.1, -0.2]}}\n", "must be more than 0, not -0.2"),
        (f"{HEAD}    - {{use: trials_to_within}}\n", "trials_to_within needs 'deltas'"),
        (f"{HEAD}    - {{use: trials_to_within, deltas: [0.1, 0.1]}}\n", "'deltas' lists a distance twice"),
        (f"{HEAD}    - {{use: confirmed_regret, deltas: [0.1]}}\n", "confirmed_regret has no distance from a plateau"),
        (f"{HEAD}    - {{use: final, plateau: own}}\n", "final does not use a plateau: remove 'plateau'"),
        (f"{HEAD}    - {{use: regret}}\n", "confirmed_regret"),
        (f"{HEAD}{REGRET}    - {{use: confirmed_regret, plateau: own}}\n", "'endpoints' declares an endpoint twice"),
        (f"{HEAD}    - {{use: final}}\n  plateaus: {{held_out: 1}}\n", "and none is declared"),
        (
            f"{HEAD}{REGRET}  plateaus: {{held_out: 2}}\n",
            "must leave at least 2 of the 3 replicates to judge, so it must be at most 1",
        ),
        (f"{HEAD}{REGRET}  first_replicates: 4\n", "first_replicates: must be at most 3, the replicates of the study, not 4"),
        ("analysis: {first_replicates: 2}\n", "'first_replicates' needs endpoints, and none is declared"),
        (f"{HEAD}{REGRET}  plateaus: {{}}\n", "give either 'values' with their 'source', or 'held_out'"),
        (f"{HEAD}{REGRET}  plateaus: {{values: {{a: 1, b: 2}}}}\n", "'values' needs a 'source'"),
        (f"{HEAD}{REGRET}  plateaus: {{values: {{a: 1, c: 2, b: 1}}, source: x}}\n", "no view is called 'c'"),
        (f"{HEAD}{REGRET}  plateaus: {{values: {{a: 1}}, source: x}}\n", "has no plateau of 'b': name every view"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_with_its_place(refuse, text, said):
    lines = refuse(text)
    assert any(said in line for line in lines), lines
    assert all(line.startswith("toy.yaml:") for line in lines)


CLAIM = "  criteria:\n    - {{claim: x, metric: {metric}, of: {{view: a{of}}}, minus: {{view: b}}, above: {above}}}\n"


@pytest.mark.parametrize("metric", ["trials_to_within", "confirmed_regret", "final"])
def test_a_claim_may_be_about_a_declared_endpoint(declare, metric):
    text = f"{HEAD}{REGRET}{WITHIN}    - {{use: final}}\n{CLAIM.format(metric=metric, of='', above=1)}"
    assert declare(text).analysis.criteria[0].metric == metric


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (
            CLAIM.format(metric="trials_to_within", of="", above=1),
            "'trials_to_within' is an endpoint that the study does not declare",
        ),
        (CLAIM.format(metric="confirmed_regret", of=", best_of: 3", above=1), "confirmed_regret is about whole searches"),
    ],
)
def test_a_claim_about_an_endpoint_that_cannot_be_is_refused(refuse, claim, said):
    assert any(said in line for line in refuse(f"{HEAD}{REGRET}{claim}"))


def test_a_claim_about_more_trials_within_a_plateau_than_a_search_has_is_refused(refuse):
    (line,) = refuse(f"{HEAD}{WITHIN}{CLAIM.format(metric='trials_to_within', of='', above=5)}")
    assert "a difference of trials-to-within is at most 5 with 6 trials per search" in line


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        ("endpoints: [{use: trials_to_target}]", "a sweep has no searches whose endpoint could be compared"),
        ("target: {value: 0.5}", "analysis.target: a sweep has no searches to compare, so nothing uses 'target'"),
        ("margin: 0.1", "analysis.margin: a sweep has no searches to compare, so nothing uses 'margin'"),
    ],
)
def test_a_sweep_has_no_endpoints_target_or_margin(toy_text, refused, analysis, said):
    sweep = toy_text.replace("searcher: toy, trials: 6, initial: 2", "searcher: grid, trials: 2, levels: {rate: 2}")
    sweep = sweep.replace("      width: {type: int, low: 1, high: 8}\n", "")
    (line,) = refused(f"{sweep}analysis:\n  {analysis}\n")
    assert said in line
