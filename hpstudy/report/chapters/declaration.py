"""The declaration of the analysis, its time and later changes, and the identity of data, code and database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hpstudy.analysis.claims.declaration import Change, Declaration
from hpstudy.analysis.results import Results
from hpstudy.environments import ROLE
from hpstudy.report import endpoints, numbers
from hpstudy.report.labels import long_name
from hpstudy.report.model import Facts, Paragraph, Section
from hpstudy.report.notation import Notation
from hpstudy.sources import SOURCE

DIGITS = 16
"""Number of digits of a declaration's digest in the report, sufficient to compare two reports."""

DIRTY = "-dirty"
"""Suffix of the commit of a session that ran with changed files."""


def chapter(results: Results) -> Iterator[Section]:
    """Whether everything was declared before the first trial, and the declaration."""
    if (declaration := results.declaration) is None:
        return
    before = {True: "yes", False: "no", None: "not recorded"}[declaration.before_first_trial]
    facts = Facts((("declared before the first trial", before), *_settings(results), *_digests(results, declaration)))
    history = " ".join([_history(declaration), *_extended(results)])
    yield Section("Declaration", (Paragraph(history), facts))


def _history(declaration: Declaration) -> str:
    if declaration.before_first_trial:
        return "All settings of the analysis were in the study file before the first trial."
    late = [change for change in declaration.changes if change.finished_trials != 0]
    unknown = "The database does not record the analysis settings before the first trial"
    if not late:
        return f"{unknown}."
    changes = f"Changed later: {'; '.join(_change(change) for change in late)}."
    if declaration.first_digest is None or not all(change.keys for change in late):
        return f"{changes} {unknown}, so the other settings may have changed too."
    return f"{changes} The other settings were declared before the first trial."


def _extended(results: Results) -> Iterator[str]:
    """The statement that replicates or trials were added after the first finished trial."""
    added = []
    for at, kind, detail in results.events:
        if kind == "study_changed" and (finished := detail.get("finished_trials")):
            names = {"replicates": "replicates", "trials": "trials per search"}
            sizes = [(what, *detail.get(key, (0, 0))) for key, what in names.items()]
            grown = " and ".join(f"from {before:,} to {after:,} {what}" for what, before, after in sizes if before != after)
            added += [f"{grown} at {at} after {numbers.things(finished, 'finished trial')}"] if grown else []
    if added:
        yield (
            f"The study was extended later: {'; '.join(added)}. If the results by then were the reason, tests and intervals are wrong more "
            "often than their level says."
        )


def _change(change: Change) -> str:
    keys = ", ".join(change.keys) or "settings that are not recorded"
    if not change.at:
        return f"{keys} for this report only"
    trials = "" if change.finished_trials is None else f" after {numbers.things(change.finished_trials, 'finished trial')}"
    return f"{keys} at {change.at}{trials}"


def _settings(results: Results) -> Iterator[tuple[str, str]]:
    """The declared settings of the analysis."""
    analysis, study = results.study.analysis, results.study
    yield "metric", f"{study.metric.name}, to {study.metric.goal}; a trial without a value: {study.metric.on_failure}"
    if not results.sweep:
        *first, last = results.budgets
        yield "budgets", ", ".join([*map(numbers.count, first), numbers.things(last, "trial")])
        yield "target", _target(results)
        yield "margin", "none" if analysis.margin is None else f"{analysis.margin:g}"
        if analysis.endpoints:
            primary = "; ".join(endpoints.name(endpoint) for endpoint in analysis.primary)
            others = "; ".join(endpoints.name(endpoint) for endpoint in analysis.endpoints if endpoint not in analysis.primary)
            yield "primary endpoints", primary
            yield "secondary endpoints", others or "none"
            if analysis.plateaus is not None:
                yield "plateaus", _plateaus(results)
            if analysis.first_replicates is not None:
                separately = "also analyzed separately; the verdicts on them and on all are not corrected for each other"
                yield "first replicates", f"{analysis.first_replicates}, {separately}"
        if study.confirm is not None:
            incumbents, best = "every incumbent, on seeds of its replicate", "the best trial of every search, on common seeds"
            yield "fresh seeds", f"{study.confirm.seeds} for {incumbents if study.confirm.incumbents else best}"
        pairs = (f"{long_name(results, pair.a)} − {long_name(results, pair.b)}" for pair in results.pairs)
        yield "comparisons", "; ".join(pairs) or "none"
        yield "correction", _correction(results)
    yield "claims", str(len(analysis.criteria)) if analysis.criteria else "none"


def _plateaus(results: Results) -> str:
    plateaus = results.study.analysis.plateaus
    assert plateaus is not None, "they are declared"
    if plateaus.held_out is not None:
        return f"of the first {numbers.things(plateaus.held_out, 'replicate')}, which are not judged"
    return ", ".join(f"{view} {Notation(results).value(value)}" for view, value in plateaus.values.items())


def _correction(results: Results) -> str:
    """The families of tests with a common correction."""
    comparisons = len(results.pairs)
    observed = f"{numbers.things(len(results.adjusted), 'test')} (comparisons x budgets)"
    if not comparisons:
        return "none needed: no test"
    if not results.declared:
        return f"Holm, over {observed}" if len(results.adjusted) > 1 else "none needed: one test"
    primary = sum(result.primary for result in results.declared)
    families = [(primary, "primary"), (len(results.declared) - primary, "secondary")]
    tests = [f"{numbers.things(number * comparisons, 'test')} of {role} endpoints" for number, role in families if number]
    return f"Holm, each family separately: {', '.join(tests)}; of best observed values, {observed}"


def _digests(results: Results, declaration: Declaration) -> Iterator[tuple[str, str]]:
    """The digests of declaration, database, data and code, or a note where one is not known."""
    yield "digest of the declaration", declaration.digest[:DIGITS]
    if declaration.first_digest not in (None, declaration.digest):
        yield "digest before the first trial", str(declaration.first_digest)[:DIGITS]
    if results.database_digest:
        broken = "the values do not match the seals that it covers" if results.broken_seals else ""
        text = "; ".join(part for part in (results.database_digest, broken, results.seal_note) if part)
        yield "digest of the database", text
    yield from results.identity.items()
    commits: dict[str, int] = {}
    for detail in (detail for _, _, detail in results.environments if ROLE not in detail):
        code = _code(detail)
        commits[code] = commits.get(code, 0) + 1
    text = "; ".join(f"{code} ({numbers.things(sessions, 'session')})" for code, sessions in commits.items())
    yield "code of hpstudy", text or "not recorded"
    mixed = [line for _, _, detail in results.events for line in detail.get("mixed_libraries", ())]
    if mixed:
        yield "libraries", f"differ between trials: {'; '.join(dict.fromkeys(mixed))}"
    if (parts := results.study.user_parts()) and not any(name.startswith(SOURCE) for name in results.identity):
        yield "code of your own", f"not recorded: {', '.join(parts)}"
    for at, kind, detail in results.events:
        if kind == "code_changed":
            changed = ", ".join(name.removeprefix(SOURCE) for name in detail.get("sources", {}))
            yield "code changed during the study", f"{changed} at {at}"


def _code(environment: Mapping[str, str]) -> str:
    """Version and commit of hpstudy in one session."""
    version = f"version {environment['hpstudy']}" if "hpstudy" in environment else "version not recorded"
    commit, dirty = environment.get("commit", "").removesuffix(DIRTY), environment.get("commit", "").endswith(DIRTY)
    if not commit:
        return f"{version}, commit not recorded"
    return f"{version}, commit {commit}{' with changed files, which are not recorded' if dirty else ''}"


def _target(results: Results) -> str:
    target = results.study.analysis.target
    if target is None:
        first = results.pairs[0].b if results.pairs else results.views[0].name
        return f"not declared; by default the median of the final bests of {first}"
    if target.view is None:
        return f"{target.value:g}"
    return f"{target.statistic.replace('_', ' of the ')} best of {target.view}".replace("final best", "final bests")
