"""Before a study is complete its report gives estimates and no verdict."""

import re

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.report import headline
from hpstudy.report.chapters.completeness import completeness
from hpstudy.report.endpoint_answers import first_replicates
from tests.report.test_endpoints_chapter import make
from tests.support.reports import answers_of, document_of, evidence_of
from tests.support.sources import MemorySource

VERDICTS = re.compile(
    r"needs|shown|ends? better|better than|; \w+ better|closer to|in fewer trials|against the margin|superior|inferior|"
    r"^(holds|does not|inconclusive)",
    re.IGNORECASE,
)
"""Words of a verdict."""

CLAIM = {"claim": "a ends better than it begins", "metric": "trials_to_target", "of": {"view": "a"}, "above": 1}


def incomplete(n, trials, views, missing=1):
    """States of a study in which the last replicates of the last view are not begun."""
    states = np.full((n, trials), "completed", dtype=object)
    states[n - missing :] = "missing"
    return {views[-1]: states}


def page_one(results):
    return [headline(results), *answers_of(results), *evidence_of(results)]


def found_verdicts(results):
    return [sentence for sentence in page_one(results) if VERDICTS.search(sentence.replace(CLAIM["claim"], ""))]


@pytest.mark.parametrize("views", ["ab", "abcde"])
def test_an_incomplete_search_study_has_no_verdict(make_results, ramps, views):
    analysis = {"target": {"value": 5}, "margin": 0.5, "criteria": [CLAIM], "compare": [[view, "a"] for view in views[1:]]}
    values = {view: ramps(3 if view == "a" else 0, n=30) for view in views}
    whole = make_results(values, analysis=analysis)
    assert len(found_verdicts(whole)) >= 3
    part = make_results(values, analysis=analysis, states=incomplete(30, 10, views))
    assert found_verdicts(part) == []
    assert headline(part).startswith("PROVISIONAL: ")
    assert headline(part).endswith("1 claim not judged yet.")
    assert answers_of(part)[0].startswith("Not judged yet: a ends better than it begins (")
    assert any("3.0" in sentence for sentence in answers_of(part)) == (len(views) == 2)


def test_a_view_that_never_reaches_the_target_has_no_verdict_yet(make_results, ramps):
    values = {"a": ramps(7), "b": ramps()}
    part = make_results(values, analysis={"target": {"value": 5}}, states=incomplete(6, 10, "ab"))
    assert "The a view never reached score ≥ 5 in 5 of 5 searches" in answers_of(part)[0]
    assert found_verdicts(part) == []


def test_unequal_numbers_of_searches_are_named(make_results, ramps):
    part = make_results({"a": ramps(), "b": ramps()}, states=incomplete(6, 10, "ab", missing=2))
    assert "10 of 12 searches are complete (a 6, b 4)." in document_of(part).provisional
    assert document_of(part).provisional.endswith("so the report gives no verdict before the study is complete.")


def missing_fresh(source, replicates):
    """The study without the trainings on fresh seeds of all but the first replicates of view a."""
    fresh = {view: np.array(values) for view, values in source.fresh.items()}
    whole = MemorySource(source.study, source.values, fresh=fresh)
    rows = whole.confirmations()
    kept = rows[(rows["view"] != "a") | (rows["replicate"] < replicates)].reset_index(drop=True)

    class Part(MemorySource):
        def confirmations(self):
            return kept

    return Part(source.study, source.values, fresh=fresh)


def test_a_study_is_provisional_until_all_incumbents_are_confirmed():
    source = make(first_replicates=4)
    assert not analyze(source).provisional
    part = analyze(missing_fresh(source, 6))
    assert part.provisional
    assert "16 of 16 searches are complete, 14 of them confirmed." in document_of(part).provisional
    assert [row[2] for row in completeness(part).rows] == ["6 of 8", "8 of 8"]
    assert found_verdicts(part) == [first_replicates(part)]
    assert answers_of(part)[0].startswith("Mean confirmed regret to the view's own plateau, a minus b: 0.")


def test_a_study_is_provisional_until_the_best_trials_are_confirmed():
    source = make(endpoints=[])
    best_only = source.study.model_copy(update={"confirm": source.study.confirm.model_copy(update={"incumbents": False})})
    assert not analyze(MemorySource(best_only, source.values, fresh=source.fresh)).provisional
    one_seed_less = {view: np.asarray(values)[:, :, :2] for view, values in source.fresh.items()}
    part = analyze(MemorySource(best_only, source.values, fresh=one_seed_less))
    assert part.provisional
    assert "16 of 16 searches are complete, 16 trainings on fresh seeds are missing. " in document_of(part).provisional
    assert found_verdicts(part) == []


def test_the_first_replicates_are_judged_when_they_are_complete():
    source = make(first_replicates=4)
    part = analyze(missing_fresh(source, 6))
    assert first_replicates(part).startswith(
        "The first 4 replicates alone: Mean confirmed regret to the view's own plateau: a minus b 0."
    )
    assert first_replicates(part).count("; b better)") == 2
    less = analyze(missing_fresh(source, 3))
    assert first_replicates(less) == "The first 4 replicates alone: not known before all of them are complete."


def test_endpoints_that_are_not_known_share_a_sentence():
    source = make()
    results = analyze(MemorySource(source.study, source.values))
    answers = answers_of(results)
    assert [answer.count("not known yet") for answer in answers] == [1, 1, 0]
    assert answers[0].startswith(
        "Mean confirmed regret to the view's own plateau; Mean confirmed regret to the best plateau: not known yet"
    )


def test_retries_are_counted(make_results, ramps, monkeypatch):
    found = make_results({"a": ramps(), "b": ramps()})
    assert [row[-1] for row in completeness(found).rows] == ["0", "0"]
    assert completeness(found).note == ""
    original = MemorySource.trials
    monkeypatch.setattr(MemorySource, "trials", lambda source: original(source).assign(attempts=2))
    again = make_results({"a": ramps(), "b": ramps()})
    assert [row[-1] for row in completeness(again).rows] == ["60", "60"]
    assert completeness(again).note.startswith("Retries: evaluations beyond the first of a trial")
