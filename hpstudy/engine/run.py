"""A run: open the database, check that it belongs to the study, run the scheduler, and summarize."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hpstudy.drafts import write_problem
from hpstudy.engine.duration import human_duration
from hpstudy.engine.executors import executor_class
from hpstudy.engine.identity import prepared_identity
from hpstudy.engine.observing import check_observers, observing
from hpstudy.engine.options import RunOptions
from hpstudy.engine.scheduler import Scheduler
from hpstudy.engine.session import accept_code, prepare, reopen_store, session
from hpstudy.engine.stop import StopSignal
from hpstudy.errors import StoreError, UsageError
from hpstudy.loading.bind import LoadedStudy
from hpstudy.modules import module_path
from hpstudy.plugins import is_plugin
from hpstudy.store import Counts, Store, by_arm
from hpstudy.store.paths import database_exists
from hpstudy.store.summary import CommonFailure
from hpstudy.study.plan import SearchKey
from hpstudy.study.shard import Shard, replicates_in_words


@dataclass(frozen=True)
class RunSummary:
    """Summary of a run.

    Attributes:
        storage: the database.
        counts: trials of the whole study by state; for `confirm`, the confirmations that can run so far.
        ran: number of trials finished by this run.
        interrupted: whether a stop was requested before all trials were done.
        duration_s: wall seconds of this run.
        worked_s: total seconds of the steps of this run in all workers. For a trial that continued from a checkpoint, seconds of earlier
            runs are included.
        overhead_s: seconds that this process spent scheduling and storing trials.
        shard: the part of the study that this database runs; None for the whole study.
        failure: the most common failure of the study; None if no trial failed.
    """

    storage: Path
    counts: Counts
    ran: int
    interrupted: bool
    duration_s: float
    worked_s: float
    overhead_s: float
    shard: Shard | None = None
    failure: CommonFailure | None = None

    def __repr__(self) -> str:
        failure = f"; {self.failure.sentence()}" if self.failure else ""
        return f"<RunSummary {self.storage}: {self.sentence()}{failure}>"

    @property
    def complete(self) -> bool:
        """Whether every planned trial ended."""
        return self.counts.left <= 0

    def sentence(self) -> str:
        """The summary in words."""
        states = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in self.counts.by_state.items() if count)
        head = "complete" if self.complete else "interrupted" if self.interrupted else "incomplete"
        done = f"{self.counts.finished:,} of {self.counts.planned_text} trials ({states or 'none'})"
        return f"{head}: {done}; {self.ran:,} in this run, {human_duration(self.duration_s)}"


def run_study(
    loaded: LoadedStudy,
    storage: Path,
    options: RunOptions,
    searches: Collection[SearchKey] | None = None,
) -> RunSummary:
    """Run the remaining trials of a study, in the database at `storage`.

    Args:
        loaded: the study, with its task.
        storage: path of the database, created if missing.
        options: run options.
        searches: searches to run; None for all.

    Raises:
        StudyChanged: the study, its data or its code differ from those of the database.
        StoreError: the database cannot be opened, created or written.
        DataError: the task's data are missing.
        StudyBroken: the first trials all failed.
        Aborted: a second signal.
    """
    storage = Path(storage).absolute()
    with ExitStack() as modules:
        modules.enter_context(module_path(loaded.module_path))
        return _run(loaded, storage, options, searches, modules)


def _run(
    loaded: LoadedStudy, storage: Path, options: RunOptions, searches: Collection[SearchKey] | None, modules: ExitStack
) -> RunSummary:
    """As `run_study`. `modules` is closed when this process no longer needs the user's modules."""
    started = time.monotonic()
    kind = executor_class(options.executor)
    kind.check()
    check_observers(options.observers, loaded.module_path)
    scheduler, stop = None, StopSignal()
    with (
        observing(options.observers, stop, options.observer.note) as observers,
        open_store(loaded, storage, options.shard) as store,
    ):
        shard = store.shard
        # The folder may have moved since the database was created.
        folder = loaded.module_path or store.module_path
        before = _counts(store, searches)
        total = Counts.total(before.values())
        prepared = None
        if total.left or not total.completed:
            with module_path(folder):
                prepared = prepare(store, loaded, options, folder)
            before = _counts(store, searches)
            prepared = prepared if any(counts.left for counts in before.values()) else None
        elif options.allow_changed_code:
            with module_path(folder):
                accept_code(store, loaded, options)
        if kind.isolates and not is_plugin(options.executor):
            modules.close()  # trials use the modules in their own processes; another thread may run a study of another folder
        observers.start(store.path, folder)
        if prepared is not None:
            if shard is not None:
                options.observer.note(f"shard {shard}: {replicates_in_words(shard.replicates(store.study))}")
            with session(store, kind, options, stop, prepared) as runner:
                options.observer.run_started(store.study, by_arm(before), runner.workers)
                scheduler = Scheduler(
                    *(store, runner, options.observer, stop, folder, prepared.checkpoints),
                    observers=observers,
                    stacks=loaded.task.stacks,
                    searches=searches,
                    sources=prepared.sources,
                    allow_mixed=options.allow_mixed,
                )
                scheduler.run()
        after = _counts(store, searches)
        failure = store.common_failure()
        duration_s = time.monotonic() - started  # excludes the time for observers to finish
    counts = Counts.total(after.values())
    ran = counts.finished - Counts.total(before.values()).finished
    if scheduler is None:
        return RunSummary(storage, counts, ran, False, duration_s, 0.0, duration_s, shard, failure)
    overhead_s = duration_s - scheduler.running.waited_s
    return RunSummary(storage, counts, ran, stop.requested, duration_s, scheduler.worked_s, overhead_s, shard, failure)


def open_store(loaded: LoadedStudy, storage: Path, shard: Shard | None) -> Store:
    """The database at `storage` for the study or its shard: a new one, or the existing one, checked and extended.

    Raises:
        UsageError: the shard has no replicate, or the database belongs to another shard.
    """
    if shard is not None and not shard.replicates(loaded.study):
        raise UsageError(
            f"shard {shard} of {loaded.study.name} holds no replicate: the study has {loaded.study.replicates}",
            "use at most as many shards as replicates, or in lockstep as groups of replicates",
        )
    if not database_exists(storage):
        identity = prepared_identity(loaded.study, loaded.task)
        try:
            storage.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{storage} cannot be created: {write_problem(storage, error)}",
                "choose another --storage: a folder, or a file that ends in .sqlite",
            ) from None
        return Store.create(storage, loaded.study.started(), identity=identity, module_path=loaded.module_path, shard=shard)
    return reopen_store(loaded, storage, shard)


def _counts(store: Store, searches: Collection[SearchKey] | None) -> dict[SearchKey, Counts]:
    return {key: counts for key, counts in store.search_counts().items() if searches is None or key in searches}
