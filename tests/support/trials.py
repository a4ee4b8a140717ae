"""Writing one trial, in a transaction of its own."""

from __future__ import annotations

from collections.abc import Mapping

from hpstudy.store import EndedTrial, NewTrial, Store
from hpstudy.study.confirm import Retraining
from hpstudy.study.plan import SearchKey
from hpstudy.study.space import Point
from hpstudy.tasks.outcome import Outcome


def start(
    store: Store,
    key: SearchKey,
    number: int,
    point: Point,
    ask_s: float = 0.0,
    retrained: Retraining | None = None,
    *,
    identity: Mapping[str, str] | None = None,
) -> None:
    """Record a trial as running."""
    store.start_trials([NewTrial(key, number, point, ask_s, retrained)], identity=identity)


def attempt(store: Store, key: SearchKey, number: int, reason: str) -> None:
    """Record another evaluation of a running trial."""
    store.record_attempts([(key, number)], reason)


def finish(
    store: Store,
    key: SearchKey,
    number: int,
    outcome: Outcome,
    objective: float | None,
    *,
    identity: Mapping[str, str] | None = None,
) -> None:
    """Record how a running trial ended."""
    store.finish_trials([EndedTrial(key, number, outcome, objective)], identity=identity)
