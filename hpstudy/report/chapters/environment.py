"""The environments, the cost and the identity of the study."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.display import in_words
from hpstudy.environments import ROLE, WORKER
from hpstudy.report import numbers
from hpstudy.report.model import Block, Facts, Paragraph, Section, Table
from hpstudy.report.notation import Notation

UNREMARKABLE = {"created", "attributes"}
"""Events that every study has, or every trial may have; the report does not list them."""

NAMES = {"attempt": "trial started again"}
"""Names of events in the report, if the kind does not say what happened."""

LONG = {"source"}
"""Details that are too long for a line (the source of a function)."""


def chapter(results: Results) -> Iterator[Section]:
    """Cost and sessions; events; identity."""
    blocks: list[Block] = []
    if (times := cost(results)) is not None:
        blocks.append(times)
    mixed = [line for _, kind, detail in results.events if kind == "merged" for line in detail.get("mixed_libraries", ())]
    if mixed:
        blocks.append(Paragraph(f"Shards with different libraries were merged, which can change numbers: {'; '.join(mixed)}."))
    hosts = [line for _, kind, detail in results.events if kind == "mixed_hosts" for line in detail.get("mixed_libraries", ())]
    if hosts:
        lines = "; ".join(dict.fromkeys(hosts))
        blocks.append(
            Paragraph(f"Steps ran on hosts with different libraries (--allow-mixed), which can change numbers: {lines}.")
        )
    if results.ran_in:
        blocks.append(Paragraph(results.ran_in))
    for sessions, detail in _environments(results):
        blocks += [Paragraph(sessions), Facts(detail)]
    yield Section("Environment", tuple(blocks))
    if events := tuple((at, _event(kind, detail)) for at, kind, detail in results.events if kind not in UNREMARKABLE):
        yield Section("Events", (Facts(events),), level=2)
    yield Section("Identity", (Facts(_identity(results)),), level=2)


def _identity(results: Results) -> tuple[tuple[str, str], ...]:
    study = results.study
    return (
        ("study fingerprint", study.fingerprint()),
        ("seed of the study", str(study.seed)),
        ("seed of the analysis", str(results.seed)),
        *(() if results.sweep else (("bootstrap resamples", numbers.count(study.analysis.resamples)),)),
        ("confidence", Notation(results).level),
    )


def _environments(results: Results) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Sessions, or worker hosts, grouped by environment in the order of first appearance."""
    begun: dict[str, list[str]] = {}
    details: dict[str, tuple[tuple[str, str], ...]] = {}
    for started, _, detail in results.environments:
        key = json.dumps(dict(detail), sort_keys=True)
        begun.setdefault(key, []).append(started)
        details.setdefault(key, tuple((name, str(value)) for name, value in detail.items()))
    for key, started_at in begun.items():
        yield _sessions(started_at, is_worker=(ROLE, WORKER) in details[key]), details[key]


def _sessions(started: list[str], *, is_worker: bool) -> str:
    if is_worker:
        return f"A host that ran steps for {numbers.things(len(started), 'session')}, first seen {started[0]}."
    if len(started) == 1:
        return f"One session, started {started[0]}."
    return f"{len(started)} sessions, the first started {started[0]}, the last {started[-1]}."


def _event(kind: str, detail: Any) -> str:
    parts = ", ".join(f"{key.replace('_', ' ')} {in_words(value)}" for key, value in detail.items() if key not in LONG)
    return f"{NAMES.get(kind, kind.replace('_', ' '))}{': ' if parts else ''}{parts}"


def cost(results: Results) -> Table | None:
    """Wall time of each view."""
    rows = tuple((view.name, *_durations(view.cost.evaluate_s), *_durations(view.cost.ask_s)) for view in results.views)
    if not any(view.cost.evaluate_s.size for view in results.views):
        return None
    head = ("view", "training, all trials", "training, median trial", "choosing points, all trials", "median trial")
    return Table("Wall time, summed over workers.", head, rows)


def _durations(seconds: Floats) -> tuple[str, str]:
    """Sum and median."""
    median = numbers.duration(float(np.median(seconds))) if seconds.size else numbers.MISSING
    return numbers.duration(float(seconds.sum())), median
