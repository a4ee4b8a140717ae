"""Run options. None of them changes a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hpstudy.engine.executors import default_workers
from hpstudy.engine.progress import Observer
from hpstudy.study.shard import Shard


@dataclass(frozen=True)
class RunOptions:
    """Options of a run.

    Attributes:
        workers: number of steps at a time; the number of physical cores by default.
        executor: a name in EXECUTORS, or "my_module:MyExecutor".
        allow_changed_code: continue even if a user's source file has changed since the database was started.
        observer: receives events; silent by default.
        shard: the part of the study to run; None for the part that the database holds, or the whole study in a new database.
        scheduler: additional arguments of the executor that locate its scheduler: `address` or `scheduler_file`.
        allow_mixed: use hosts whose library versions differ from those of this session.
        observers: names in OBSERVERS, or "my_module:MyObserver"; they log finished trials to other systems.
    """

    workers: int = field(default_factory=default_workers)
    executor: str = "processes"
    allow_changed_code: bool = False
    observer: Observer = field(default_factory=Observer)
    shard: Shard | None = None
    scheduler: Mapping[str, str] = field(default_factory=dict)
    allow_mixed: bool = False
    observers: tuple[str, ...] = ()
