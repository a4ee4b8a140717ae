"""The progress of a study: finished and running trials, and events. A few queries, so that a page can follow a run closely."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from hpstudy.engine.duration import human_duration
from hpstudy.environments import ROLE, trials_by_environment
from hpstudy.live.feed import Part, Reading
from hpstudy.live.markup import end_state, moment, table, trial_button, value
from hpstudy.report import numbers
from hpstudy.report.interactive import text
from hpstudy.store import Counts, Owner, Reader, StoredTrial
from hpstudy.store.values import seconds_since
from hpstudy.study.controls import arms

LATEST = 12
"""Number of listed finished trials."""

MOST_RUNNING = 40
"""Maximum number of listed running trials."""

MOST_EVENTS = 50
"""Maximum number of listed events."""

_DIGEST = re.compile(r"\b[0-9a-f]{40,}\b")
"""A checksum in the detail of an event."""


def read(path: Path) -> Reading:
    """Return the parts `status`, `summary`, `workers`, `latest` and `events`."""
    with Reader.open(path) as reader, reader.snapshot():
        counts, owner = reader.counts(), reader.owner()
        total = Counts.total(counts.values())
        live_owner = owner if owner is not None and owner.is_alive() else None
        summary = _summary(reader, total, owner, live_owner)
        html = {
            "summary": summary,
            "status": summary + _counts(reader, counts, total),
            "workers": _workers(reader, live_owner),
            "latest": _latest(reader),
            "events": _events(reader),
        }
    return Reading({name: Part.of({"html": part}) for name, part in html.items()}, owner)


def _summary(reader: Reader, total: Counts, owner: Owner | None, live_owner: Owner | None) -> str:
    """Return the state of the run, the number of finished trials, and the remaining time at the mean pace of the run."""
    suffix = ""
    if live_owner:
        state, kind = "Running", "running"
        ended = reader.ended_since(live_owner.since)
        if ended and total.left:
            suffix = f", about {human_duration(total.left * seconds_since(live_owner.since) / ended)} left"
    elif not total.left:
        state, kind = "Complete", "complete"
    else:
        state, kind = ("Stopped unexpectedly" if owner else "Not running"), "stopped"
        suffix = ". <code>hpstudy resume</code> continues it"
    return (
        f'<p class="lead"><span class="badge {kind}">{state}</span> <strong>{total.finished:,}</strong> of {total.planned_text} trials '
        f"have ended{suffix}.</p>\n"
        f'<progress max="{max(total.planned, 1)}" value="{total.finished}" aria-label="Trials that have ended"></progress>\n'
    )


def _counts(reader: Reader, counts: Mapping[str, Counts], total: Counts) -> str:
    """Return a table of the trials of every arm by state, with its best value."""
    named = arms(reader.study)
    rows = []
    for name, count in counts.items():
        best = None if named[name].listed else reader.best(name)  # the best value among fresh seeds of one point means nothing
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


def _workers(reader: Reader, live_owner: Owner | None) -> str:
    """Return the process that runs the study, the running trials, and the environments of the trials."""
    environments, running = reader.environments(), reader.running()
    if live_owner:
        executor = next((each.detail.get("executor", "") for each in reversed(environments) if ROLE not in each.detail), "")
        process = f"Process {live_owner.pid} on {live_owner.host}" + (f", executor {executor}" if executor else "")
        html = f"<p>{text(process)}, since {moment(live_owner.since)}.</p>\n"
    else:
        html = "<p>No process is running the study.</p>\n"
    if running:
        rows = [_running_row(trial) for trial in running[:MOST_RUNNING]]
        caption = f"{numbers.things(len(running), 'trial')} {'running' if live_owner else 'that a run evaluates again'}"
        caption += f"; the first {MOST_RUNNING}" if len(running) > MOST_RUNNING else ""
        html += table(caption, ("view", "replicate", "trial", "started"), rows, left=1)
    if differences := trials_by_environment((each.detail, each.trials) for each in environments):
        html += f"<p>{text(differences)}</p>\n"
    return html


def _running_row(trial: StoredTrial) -> tuple[str, ...]:
    replicate = numbers.count(trial.key.replicate)
    return text(trial.key.view), replicate, trial_button(trial.key, trial.number), moment(trial.started_at)


def _latest(reader: Reader) -> str:
    rows = [
        (
            text(trial.key.view),
            end_state(trial),
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
    head = ("view", "end", "replicate", "trial", reader.study.metric.name, "training time", "ended at")
    return table("The latest finished trials", head, rows, left=2)


def _events(reader: Reader) -> str:
    events = reader.events(attributes=False)
    items = [
        f"<li>{moment(event.at)} <strong>{text(event.kind.replace('_', ' '))}</strong> "
        f"{text(_DIGEST.sub(_shortened, ', '.join(f'{name}: {detail}' for name, detail in event.detail.items())))}</li>\n"
        for event in reversed(events[-MOST_EVENTS:])
    ]
    if not items:
        return '<p class="empty">No events.</p>\n'
    more = len(events) - len(items)
    note = f'<p class="note">{more:,} earlier events are not listed.</p>\n' if more else ""
    return f'<ul class="events">\n{"".join(items)}</ul>\n{note}'


def _shortened(digest: re.Match[str]) -> str:
    return f"{digest[0][:12]}…"
