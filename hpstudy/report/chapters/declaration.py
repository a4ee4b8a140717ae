"""What was declared, when, and what was added later."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.claims.declaration import Change
from hpstudy.analysis.results import Results
from hpstudy.report import endpoints, numbers
from hpstudy.report.labels import long_name
from hpstudy.report.model import Facts, Paragraph, Section

DIGITS = 16
"""Of a digest that are shown: enough to compare two reports."""


def chapter(results: Results) -> Iterator[Section]:
    """A sentence that says whether all was declared before the first trial, and the declaration itself."""
    if results.declaration is None:
        return
    facts = Facts((("declared before the first trial", _short(results)), *_declared(results)))
    yield Section("Declaration", (Paragraph(_history(results)), facts))


def _short(results: Results) -> str:
    assert results.declaration is not None, "chapter sees to it"
    return {True: "yes", False: "no", None: "not recorded"}[results.declaration.before_first_trial]


def _history(results: Results) -> str:
    declared = results.declaration
    assert declared is not None, "chapter sees to it"
    if declared.before_first_trial:
        return "Endpoint, budgets, target, margin, comparisons and claims were in the study file before the first trial."
    late = [change for change in declared.changes if change.finished_trials != 0]
    unknown = "The database does not record the analysis settings before the first trial"
    if not late:
        return f"{unknown}."
    changes = f"Changed later: {'; '.join(_change(change) for change in late)}."
    if declared.first_digest is None or not all(change.keys for change in late):
        return f"{changes} {unknown}, so the other settings may have changed too."
    return f"{changes} The other settings were declared before the first trial."


def _change(change: Change) -> str:
    keys = ", ".join(change.keys) or "settings that are not recorded"
    if not change.at:
        return f"{keys} for this report only"
    trials = "" if change.finished_trials is None else f" after {numbers.count(change.finished_trials)} finished trials"
    return f"{keys} at {change.at}{trials}"


def _declared(results: Results) -> Iterator[tuple[str, str]]:
    analysis, study = results.study.analysis, results.study
    yield "endpoint", f"{study.metric.name}, to {study.metric.goal}; a trial without a value: {study.metric.on_failure}"
    if not results.sweep:
        yield "budgets", f"{', '.join(numbers.count(budget) for budget in results.budgets)} trials"
        yield "target", _target(results)
        yield "margin", "none" if analysis.margin is None else f"{analysis.margin:g}"
        if analysis.endpoints:
            primary = "; ".join(endpoints.name(endpoint) for endpoint in analysis.primary)
            others = "; ".join(endpoints.name(endpoint) for endpoint in analysis.endpoints if endpoint not in analysis.primary)
            yield "primary endpoints", primary
            yield "secondary endpoints", others or "none"
        pairs = (f"{long_name(results, pair.a)} − {long_name(results, pair.b)}" for pair in results.pairs)
        yield "comparisons", "; ".join(pairs) or "none"
        tests = len(results.adjusted)
        yield "correction", f"Holm, over {tests} tests (comparisons x budgets)" if tests > 1 else "none needed: one test"
    yield "claims", str(len(analysis.criteria)) if analysis.criteria else "none"
    assert results.declaration is not None, "chapter sees to it"
    yield "digest of the declaration", results.declaration.digest[:DIGITS]
    if results.declaration.first_digest not in (None, results.declaration.digest):
        yield "digest before the first trial", str(results.declaration.first_digest)[:DIGITS]


def _target(results: Results) -> str:
    target = results.study.analysis.target
    if target is None:
        return "not declared: the median final best of the second view of the first comparison"
    if target.view is None:
        return f"{target.value:g}"
    return f"{target.statistic.replace('_', ' of the ')} best of {target.view}".replace("final best", "final bests")
