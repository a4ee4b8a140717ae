"""Completeness of the study: trials by state, complete searches."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.labels import long_name
from hpstudy.report.model import Section, Table
from hpstudy.report.notation import Notation


def chapter(results: Results) -> Iterator[Section]:
    """The table of completeness, which comes before any result."""
    yield Section("Completeness", (completeness(results),))


def completeness(results: Results) -> Table:
    """Trials by state and complete searches, for each view."""
    rows = []
    for view in results.views:
        c = view.completeness
        states = (c.planned, c.completed, c.diverged, c.failed, c.timed_out, c.running, c.missing, c.retries)
        done = [f"{c.complete} of {c.searches}"]
        done += [f"{int(curve.complete.sum())} of {c.searches}" for curve in results.confirmed if curve.view == view.name]
        rows.append((long_name(results, view.name), *done, *(numbers.count(state) for state in states)))
    whole = "complete replicates" if results.sweep else "complete searches"
    confirmed = ("confirmed",) if results.confirmed else ()
    head = (
        "view",
        whole,
        *confirmed,
        "planned trials",
        "completed",
        "diverged",
        "failed",
        "timed out",
        "running",
        "missing",
        "retries",
    )
    notes = []
    if results.confirmed:
        notes.append("Confirmed: complete searches with all incumbents trained on all their fresh seeds.")
    if any(view.completeness.retries for view in results.views):
        notes.append("Retries: evaluations beyond the first of a trial, after an interruption or a lost worker.")
    early = sum(view.completeness.before_first_value for view in results.views if view.searches.valued)
    if early and not math.isnan(results.worst):
        notes.append(
            f"{numbers.things(early, 'finished trial')} {numbers.plural(early, 'precedes', 'precede')} the first value of "
            f"{numbers.plural(early, 'its', 'their')} search. Curves count {numbers.plural(early, 'it', 'them')} as the worst value of "
            f"the study, {Notation(results).value(results.worst)}."
        )
    if not_finite := sum(view.completeness.without_value for view in results.views):
        notes.append(
            f"{numbers.things(not_finite, 'completed trial')} {numbers.plural(not_finite, 'has', 'have')} an objective that is not a "
            f"finite number, so {numbers.plural(not_finite, 'it counts as a trial', 'they count as trials')} without a value."
        )
    return Table(f"{'Trials' if results.sweep else 'Searches and trials'} of each view.", head, tuple(rows), note=" ".join(notes))
