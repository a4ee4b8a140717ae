"""The progress of a study: finished and running trials, and events. A few queries, so that a page can follow a run closely."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hpstudy.display import in_words
from hpstudy.engine.duration import human_duration
from hpstudy.environments import ROLE, trials_by_environment
from hpstudy.live.feed import Part, Reading
from hpstudy.live.markup import PARTS
from hpstudy.report import numbers
from hpstudy.store import Counts, Owner, Reader
from hpstudy.store.values import seconds_since
from hpstudy.study.controls import arms

LATEST = 12
"""Number of listed finished trials."""

MOST_RUNNING = 40
"""Maximum number of listed running trials."""

MOST_EVENTS = 50
"""Maximum number of listed events."""

_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,}\b")
"""A checksum in the detail of an event, and its first digits, which are shown."""


def read(path: Path) -> Reading:
    """Return the parts `status`, `summary`, `workers`, `latest` and `events`."""
    with Reader.open(path) as reader, reader.snapshot():
        counts, owner, metric = reader.counts(), reader.owner(), reader.study.metric.name
        total = Counts.total(counts.values())
        live_owner = owner if owner is not None and owner.is_alive() else None
        summary = _summary(reader, total, owner, live_owner)
        named = arms(reader.study)
        # The best value among fresh seeds of one point means nothing.
        best = {name: None if named[name].listed else reader.best(name) for name in counts}
        html = {
            "summary": summary,
            "status": summary + PARTS.arms(counts, total, best, metric),
            "workers": _workers(reader, live_owner),
            "latest": PARTS.latest(reader.latest(LATEST), metric),
            "events": _events(reader),
        }
    return Reading({name: Part.of({"html": part}) for name, part in html.items()}, owner)


def _summary(reader: Reader, total: Counts, owner: Owner | None, live_owner: Owner | None) -> Any:
    """Return the state of the run, the number of finished trials, and the remaining time at the mean pace of the run."""
    if live_owner:
        ended, remaining = reader.ended_since(live_owner.since), ""
        if ended and total.left:
            remaining = human_duration(total.left * seconds_since(live_owner.since) / ended)
        return PARTS.summary("running", "Running", total, remaining=remaining)
    if not total.left:
        return PARTS.summary("complete", "Complete", total)
    return PARTS.summary("stopped", "Stopped unexpectedly" if owner else "Not running", total)


def _workers(reader: Reader, live_owner: Owner | None) -> Any:
    """Return the process that runs the study, the running trials, and the environments of the trials."""
    environments, running = reader.environments(), reader.running()
    executor = next((each.detail.get("executor", "") for each in reversed(environments) if ROLE not in each.detail), "")
    caption = f"{numbers.things(len(running), 'trial')} {'running' if live_owner else 'that a run evaluates again'}"
    caption += f"; the first {MOST_RUNNING}" if len(running) > MOST_RUNNING else ""
    differences = trials_by_environment((each.detail, each.trials) for each in environments)
    return PARTS.workers(live_owner, executor, caption, running[:MOST_RUNNING], differences)


def _events(reader: Reader) -> Any:
    events = reader.events(attributes=False)
    latest = [
        (
            event.at,
            event.kind,
            _DIGEST.sub(r"\1…", ", ".join(f"{name}: {in_words(detail)}" for name, detail in event.detail.items())),
        )
        for event in reversed(events[-MOST_EVENTS:])
    ]
    return PARTS.events(latest, len(events) - len(latest))
