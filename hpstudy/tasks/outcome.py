"""The outcome of a trial, which a step passes to the scheduler, and the scheduler to the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["completed", "diverged", "failed", "timed_out"]
"""Final state of a trial."""


@dataclass(frozen=True)
class Valued:
    """The result of a task that does not know the name of the study's metric: its value, and other results by name."""

    value: Any
    others: Mapping[str, Any]


@dataclass(frozen=True)
class Failure:
    """The reason of a failure: the exception's type, its message, and the end of its traceback."""

    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class Outcome:
    """The final state and results of a trial.

    Attributes:
        state: completed, diverged, failed or timed_out.
        metrics: final value by metric; can be NaN or infinite, and is stored as such.
        curves: (epoch, metric, value) in the order reported.
        attributes: other results by name, as plain JSON.
        failure: the reason of a failure; None for a trial that did not fail.
        duration_s: wall time of the training in seconds. For a trial that resumed from a checkpoint it covers all its evaluations, without
            the time lost between a checkpoint and an interruption.
        peak_rss_mib: peak resident memory of the worker process so far, in MiB.
        log_path: file with the output of the worker process, as written by `hpstudy.engine.roots`; None for the terminal.
        sources: checksums of the user code that the process has loaded (`hpstudy.sources`).
        environment: versions and machine of the process; empty if not known.
    """

    state: State
    metrics: Mapping[str, float]
    curves: tuple[tuple[int, str, float], ...] = ()
    failure: Failure | None = None
    duration_s: float = 0.0
    peak_rss_mib: float = 0.0
    log_path: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
