"""How a trial ended: what a step hands to the scheduler and the scheduler to the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["completed", "diverged", "failed", "timed_out"]
"""How a trial ended."""


@dataclass(frozen=True)
class Valued:
    """What a task returns that does not know the name of the study's metric: its value, and other results by name."""

    value: Any
    others: Mapping[str, Any]


@dataclass(frozen=True)
class Failure:
    """Why a trial failed: the exception's type, its message, and the end of its traceback."""

    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended and what it measured.

    Attributes:
        state: completed, diverged, failed or timed_out.
        metrics: final value by metric; may hold NaN and infinities, which a store keeps as such.
        curves: (epoch, metric, value) in the order reported.
        attributes: other results by name, as plain JSON.
        failure: why, for a trial that failed.
        duration_s: wall seconds spent training; of a trial that went on from a checkpoint, over all its evaluations, without what was
            lost between a checkpoint and an interruption.
        peak_rss_mib: peak resident memory of the worker process so far, MiB.
        log_path: the file that takes what the worker process prints, as `hpstudy.engine.roots` writes it; None for the terminal.
        sources: checksums of the user's code that the process had loaded (`hpstudy.sources`).
        environment: versions and machine of the process; empty where it is not known.
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
