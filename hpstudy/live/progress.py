"""The progress of a study: how far it is, what runs, and what ended last. A few queries, so that it follows a run closely."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from hpstudy.engine.duration import human_duration
from hpstudy.environments import ROLE, trials_by_environment
from hpstudy.live.feed import Part, Reading
from hpstudy.live.markup import ended, moment, table, trial_button, value
from hpstudy.report import numbers
from hpstudy.report.interactive import text
from hpstudy.store import Counts, Owner, Reader, StoredTrial
from hpstudy.store.values import seconds_since
from hpstudy.study.controls import arms

LATEST = 12
"""Trials in the list of those that ended last."""

MOST_RUNNING = 40
"""Trials in the list of those under way."""

MOST_EVENTS = 50
"""Events that are listed, the last ones."""

_DIGEST = re.compile(r"\b[0-9a-f]{40,}\b")
"""A checksum in the detail of an event."""


def read(path: Path) -> Reading:
    """The parts `status`, `summary`, `workers`, `latest` and `events`."""
    with Reader.open(path) as reader, reader.snapshot():
        counts, owner, running = reader.counts(), reader.owner(), reader.running()
        total = Counts.total(counts.values())
        alive = owner is not None and owner.is_alive()
        left_s = _time_left(reader, owner, total) if owner is not None and alive else None
        head = _head(total, owner, alive=alive, left_s=left_s)
        html = {
            "summary": head,
            "status": head + _counts(reader, counts, total),
            "workers": _workers(reader, owner, running, alive=alive),
            "latest": _latest(reader),
            "events": _events(reader),
        }
    return Reading({name: Part.of({"html": part}) for name, part in html.items()}, owner)


def _time_left(reader: Reader, owner: Owner, total: Counts) -> float | None:
    """Seconds until all trials have ended, at the mean pace of the present run; None before it has ended a trial."""
    done = reader.ended_since(owner.since)
    return total.left * seconds_since(owner.since) / done if done and total.left else None


def _head(total: Counts, owner: Owner | None, *, alive: bool, left_s: float | None) -> str:
    """Whether the study runs, how far it is, and how long it takes."""
    if alive:
        state, kind = "Running", "running"
    elif not total.left:
        state, kind = "Complete", "complete"
    else:
        state, kind = ("Stopped unexpectedly" if owner is not None else "Not running"), "stopped"
    more = f", about {human_duration(left_s)} left" if left_s is not None else ""
    if kind == "stopped":
        more = ". <code>hpstudy resume</code> continues it"
    return (
        f'<p class="lead"><span class="badge {kind}">{state}</span> <strong>{total.finished:,}</strong> of {total.planned_text} trials '
        f"have ended{more}.</p>\n"
        f'<progress max="{max(total.planned, 1)}" value="{total.finished}" aria-label="Trials that have ended"></progress>\n'
    )


def _counts(reader: Reader, counts: Mapping[str, Counts], total: Counts) -> str:
    """The trials of every arm by state, and the best value so far."""
    known = arms(reader.study)
    rows = []
    for name, count in counts.items():
        best = None if known[name].listed else reader.best(name)  # the best confirmation is a lucky seed
        rows.append(
            (
                text(name),
                f"{count.finished:,}",
                count.planned_text,
                f"{count.running:,}",
                f"{count.diverged + count.failed + count.timed_out:,}",
                value(best.objective if best is not None else None),
            )
        )
    warning = f'<p class="warning">{text(total.no_value)}</p>\n' if total.no_value else ""
    head = ("view", "ended", "of", "running", "without a value", f"best {reader.study.metric.name}")
    return warning + table("Trials of each view", head, rows, left=1)


def _workers(reader: Reader, owner: Owner | None, running: list[StoredTrial], *, alive: bool) -> str:
    """Who runs the study, the trials under way, and where trials ran."""
    environments = reader.environments()
    if owner is not None and alive:
        executor = next((each.detail.get("executor", "") for each in reversed(environments) if ROLE not in each.detail), "")
        who = f"Process {owner.pid} on {owner.host}" + (f", executor {executor}" if executor else "")
        parts = [f"<p>{text(who)}, since {moment(owner.since)}.</p>\n"]
    else:
        parts = ["<p>No process runs the study.</p>\n"]
    if running:
        rows = [
            (
                text(trial.key.view),
                numbers.count(trial.key.replicate),
                trial_button(trial.key, trial.number),
                moment(trial.started_at),
            )
            for trial in running[:MOST_RUNNING]
        ]
        caption = f"{numbers.things(len(running), 'trial')} {'under way' if alive else 'that a run evaluates again'}"
        caption += f"; the first {MOST_RUNNING}" if len(running) > MOST_RUNNING else ""
        parts.append(table(caption, ("view", "replicate", "trial", "began"), rows, left=1))
    if ran_in := trials_by_environment((each.detail, each.trials) for each in environments):
        parts.append(f"<p>{text(ran_in)}</p>\n")
    return "".join(parts)


def _latest(reader: Reader) -> str:
    rows = [
        (
            text(trial.key.view),
            ended(trial),
            numbers.count(trial.key.replicate),
            trial_button(trial.key, trial.number),
            value(trial.objective),
            human_duration(trial.evaluate_s) if trial.evaluate_s is not None else numbers.MISSING,
            moment(trial.ended_at),
        )
        for trial in reader.latest(LATEST)
    ]
    if not rows:
        return '<p class="empty">No trial has ended yet.</p>\n'
    head = ("view", "end", "replicate", "trial", reader.study.metric.name, "trained", "ended at")
    return table("The trials that ended last", head, rows, left=2)


def _events(reader: Reader) -> str:
    events = reader.events()
    items = [
        f"<li>{moment(event.at)} <strong>{text(event.kind.replace('_', ' '))}</strong> "
        f"{text(_DIGEST.sub(_first_digits, ', '.join(f'{name}: {detail}' for name, detail in event.detail.items())))}</li>\n"
        for event in reversed(events[-MOST_EVENTS:])
    ]
    if not items:
        return '<p class="empty">Nothing but trials.</p>\n'
    rest = len(events) - len(items)
    note = f'<p class="note">{rest:,} earlier events are not listed.</p>\n' if rest else ""
    return f'<ul class="events">\n{"".join(items)}</ul>\n{note}'


def _first_digits(digest: re.Match[str]) -> str:
    return f"{digest[0][:12]}…"
