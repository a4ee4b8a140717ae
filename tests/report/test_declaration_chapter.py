"""The chapters that say what was declared, and what to cite."""

import dataclasses

import pytest

from hpstudy.report.model import Code, Facts, Paragraph
from hpstudy.store import Environment, Event
from tests.support.reports import section_of


def text_of(section):
    return " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))


def facts_of(section):
    return dict(row for block in section.blocks if isinstance(block, Facts) for row in block.rows)


def test_a_study_that_never_changed_says_so(make_results, ramps):
    values = {"a": ramps(), "b": ramps(2)}
    digest = make_results(values).study.declaration()
    found = make_results(values, happened=[Event("10:00", "created", {"declaration": digest})])
    section = section_of(found, "Declaration")
    assert text_of(section).endswith("were in the study file before the first trial.")
    facts = facts_of(section)
    assert facts["declared before the first trial"] == "yes"
    assert facts["digest of the declaration"] == found.study.declaration()[:16]
    assert "digest before the first trial" not in facts


def test_a_target_by_default_names_its_view_and_one_view_has_no_test(make_results, ramps):
    facts = facts_of(
        section_of(make_results({"a": ramps(), "b": ramps(2)}, happened=[Event("10:00", "created", {})]), "Declaration")
    )
    assert facts["target"] == "not declared; by default the median of the final bests of b"
    assert facts["correction"] == "none needed: one test"
    facts = facts_of(section_of(make_results({"a": ramps()}, happened=[Event("10:00", "created", {})]), "Declaration"))
    assert facts["target"] == "not declared; by default the median of the final bests of a"
    assert facts["correction"] == "none needed: no test"


def test_without_a_first_digest_nothing_is_said_to_be_declared_before(make_results, ramps):
    section = section_of(make_results({"a": ramps(), "b": ramps(2)}, happened=[Event("10:00", "created", {})]), "Declaration")
    assert text_of(section) == "The database does not record the analysis settings before the first trial."
    assert facts_of(section)["declared before the first trial"] == "not recorded"


def test_what_changed_later_is_named_with_the_trials_by_then(make_results, ramps):
    late = Event("10:01", "study_changed", {"finished_trials": 7, "changes": ["analysis.margin: null -> 0.1"]})
    happened = [Event("10:00", "created", {"declaration": "0" * 64}), late]
    section = section_of(make_results({"a": ramps(), "b": ramps(2)}, happened=happened, analysis={"margin": 0.1}), "Declaration")
    assert text_of(section) == (
        "Changed later: margin at 10:01 after 7 finished trials. The other settings were declared before the first trial."
    )
    facts = facts_of(section)
    assert facts["declared before the first trial"] == "no"
    assert facts["margin"] == "0.1"
    assert facts["digest before the first trial"] == "0" * 16


def test_replicates_and_trials_that_were_added_later_are_named(make_results, ramps):
    values = {"a": ramps(), "b": ramps(2)}
    created = Event("10:00", "created", {"declaration": make_results(values).study.declaration()})

    def said(*sizes):
        details = [{"finished_trials": n, "changes": [], "replicates": r, "trials": t} for n, r, t in sizes]
        happened = [created, *(Event(f"10:0{number}", "study_changed", detail) for number, detail in enumerate(details, 1))]
        section = section_of(make_results(values, happened=happened), "Declaration")
        assert facts_of(section)["declared before the first trial"] == "yes"  # the settings of the analysis were
        return text_of(section)

    alone = said()
    assert said((0, [5, 10], [10, 10]), (7, [10, 10], [10, 10])) == alone
    assert said((1, [5, 10], [10, 10]), (1200, [10, 40], [5, 1000])) == (
        f"{alone} The study was extended later: from 5 to 10 replicates at 10:01 after 1 finished trial; from 10 to 40 replicates and "
        "from 5 to 1,000 trials per search at 10:02 after 1,200 finished trials. If the results by then were the reason, tests and "
        "intervals are wrong more often than their level says."
    )


@pytest.mark.parametrize(
    ("created", "change"),
    [({}, {"finished_trials": 7, "changes": ["analysis.margin: null -> 0.1"]}), ({"declaration": "0" * 64}, {})],
    ids=["no first digest", "an unnamed change"],
)
def test_nothing_is_said_to_be_declared_before_that_the_database_does_not_prove(make_results, ramps, created, change):
    happened = [Event("10:00", "created", created), Event("10:01", "study_changed", change)]
    section = section_of(make_results({"a": ramps(), "b": ramps(2)}, happened=happened, analysis={"margin": 0.1}), "Declaration")
    assert "were declared before" not in text_of(section)
    assert "does not record the analysis settings before the first trial, so the other settings may have changed too" in text_of(
        section
    )


def test_the_declaration_names_metric_budgets_target_and_correction(make_results, ramps):
    analysis = {"budgets": [4, 8], "target": {"value": 5}}
    facts = facts_of(section_of(make_results({"a": ramps(), "b": ramps(2)}, analysis=analysis), "Declaration"))
    assert facts["metric"] == "score, to maximize; a trial without a value: worst"
    assert facts["budgets"] == "4, 8, 10 trials"
    assert facts["target"] == "5"
    assert facts["correction"] == "Holm, over 3 tests (comparisons x budgets)"


def sessions(*details):
    return [Environment(number, "2025-01-01", None, detail) for number, detail in enumerate(details)]


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ((), "not recorded"),
        (({"torch": "2"},), "version not recorded, commit not recorded (1 session)"),
        (({"hpstudy": "1.2", "commit": ""},), "version 1.2, commit not recorded (1 session)"),
        (
            ({"hpstudy": "1.2", "commit": "abc"}, {"hpstudy": "1.2", "commit": "abc-dirty"}, {"hpstudy": "1.2", "commit": "abc"}),
            "version 1.2, commit abc (2 sessions); version 1.2, commit abc with changed files, which are not recorded (1 session)",
        ),
    ],
)
def test_the_declaration_says_which_code_ran_and_where_that_is_not_known(make_results, ramps, details, code):
    facts = facts_of(section_of(make_results({"a": ramps()}, sessions=sessions(*details)), "Declaration"))
    assert facts["code of hpstudy"] == code


def test_the_declaration_has_the_digests_of_data_and_code(make_results, ramps):
    own = {"task": {"use": "train:f"}}
    known = {"source of train.py": "abc", "features of speech": "def"}
    facts = facts_of(section_of(make_results({"a": ramps()}, study=own, identity=known), "Declaration"))
    assert {name: facts.get(name) for name in known} == known
    assert "code of your own" not in facts
    unknown = facts_of(section_of(make_results({"a": ramps()}, study=own), "Declaration"))
    assert unknown["code of your own"] == "not recorded: train:f"


def test_code_that_changed_during_the_study_is_named(make_results, ramps):
    happened = [
        Event("10:00", "created", {}),
        Event("10:01", "code_changed", {"sources": {"source of train.py": {"old": "a", "new": "b"}}}),
    ]
    facts = facts_of(section_of(make_results({"a": ramps()}, happened=happened), "Declaration"))
    assert facts["code changed during the study"] == "train.py at 10:01"


def test_the_declaration_has_the_digest_of_the_database_with_its_limits(make_results, ramps):
    found = make_results({"a": ramps()})
    assert "digest of the database" not in facts_of(section_of(found, "Declaration"))
    digest = "0" * 64
    sealed = dataclasses.replace(found, database_digest=digest)
    assert facts_of(section_of(sealed, "Declaration"))["digest of the database"] == digest
    migrated = dataclasses.replace(sealed, seal_note="sealed later")
    assert facts_of(section_of(migrated, "Declaration"))["digest of the database"] == f"{digest}; sealed later"
    altered = dataclasses.replace(sealed, broken_seals="1 trial does not match its seal")
    assert "do not match the seals" in facts_of(section_of(altered, "Declaration"))["digest of the database"]


def test_the_text_to_paste_has_the_studys_own_numbers(make_results, ramps):
    sessions = [Environment(1, "2025-01-01", None, {"hpstudy": "9.8.7"})]
    section = section_of(make_results({"a": ramps(), "b": ramps(2)}, sessions=sessions), "Citation")
    assert "by 6 independent searches of 10 trials each (searcher ax, hpstudy 9.8.7)" in text_of(section)
    (code,) = (block.text for block in section.blocks if isinstance(block, Code))
    assert "version = {9.8.7}" in code
    assert "balandat2020botorch" in code
    assert "quist2023understanding" not in code  # the views of this study name no method


def test_every_bibtex_entry_is_closed(make_results, ramps):
    section = section_of(make_results({"a": ramps()}), "Citation")
    (code,) = (block.text for block in section.blocks if isinstance(block, Code))
    assert code.count("{") == code.count("}")
    assert all(entry.startswith("@") and entry.endswith("}") for entry in code.split("\n\n"))
