"""A session of a study: its data and code are unchanged, its environment is recorded, workers run, and it stops in order."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hpstudy.engine.admission import Admission, HostRequest
from hpstudy.engine.checkpoints import CheckpointFolder
from hpstudy.engine.environment import environment
from hpstudy.engine.executors import EngineLost, Executor
from hpstudy.engine.identity import KnownSources, check_identity, identity_of
from hpstudy.engine.options import RunOptions
from hpstudy.engine.roots import portable
from hpstudy.engine.stop import Aborted, StopSignal
from hpstudy.environments import OF_SESSION, ROLE
from hpstudy.errors import UsageError
from hpstudy.loading.bind import LoadedStudy, matched
from hpstudy.sources import SOURCE, source_file
from hpstudy.store import Store
from hpstudy.study.changes import grown
from hpstudy.study.shard import Shard


def reopened(loaded: LoadedStudy, storage: Path, shard: Shard | None = None) -> Store:
    """The database at `storage` as its writer, checked to be that of the study, and grown to it.

    Args:
        loaded: the study.
        storage: an existing database.
        shard: the part of the study that it must run; None for any.

    Raises:
        UsageError: it runs another part of the study.
        StudyChanged: the study is not that of the database.
        StoreError: the database cannot be opened, or another process owns it.
    """
    store = Store.open(storage)
    try:
        if shard not in (None, store.shard):
            raise UsageError(
                f"{storage} runs {f'shard {store.shard}' if store.shard else 'the whole study'}, not shard {shard}",
                "choose another --storage",
            )
        stored = matched(store.study, loaded.study, storage, loaded.module_path)
        store.grow(grown(stored, loaded.study), stored=stored)
    except BaseException:
        store.close()
        raise
    return store


def prepare(
    store: Store, loaded: LoadedStudy, options: RunOptions, folder: str | None
) -> tuple[CheckpointFolder, KnownSources, Admission]:
    """Make the task ready, and see that data and code are those that the database was started with.

    Args:
        store: holds the study.
        loaded: the study as it was asked for, with its task.
        options: whether changed code, and other versions on other hosts, are allowed.
        folder: where a user's modules are looked for first.

    Returns:
        Where trials with these data and this code keep their checkpoints, the code, and what a host must have that runs them.

    Raises:
        DataError: the task's data are missing.
        StudyChanged: they are not the same, or the code is not and that is not allowed.
    """
    loaded.task.prepare()
    identity = identity_of(store.study, loaded.task)
    sources = check_identity(store, identity, options.observer, allow_changed_code=options.allow_changed_code)
    store.take_function(loaded.study.task)
    # A checkpoint records the files in the study's folder itself: those that were loaded when it was written.
    elsewhere = {name: digest for name, digest in identity.items() if not source_file(name)}
    data = {name: digest for name, digest in identity.items() if not name.startswith(SOURCE)}
    request = HostRequest(store.study.to_json(), None if folder is None else portable(folder))
    resources = store.study.resources.amounts() if store.study.resources else {}
    admission = Admission(request, sources, data, options.allow_mixed, resources)
    return CheckpointFolder(store.path, elsewhere), sources, admission


@contextmanager
def session(
    store: Store,
    kind: Callable[..., Executor],
    options: RunOptions,
    stop: StopSignal,
    checkpoints: CheckpointFolder,
    admission: Admission,
) -> Iterator[Executor]:
    """An executor for the body, in a session that the database records; signals set `stop` meanwhile.

    Args:
        store: holds the study.
        kind: the executor's class.
        options: the executor's name and workers; the observer also receives the end of the run.
        stop: set by the first signal.
        checkpoints: of the trials; removed as far as no trial needs them any more.
        admission: what a host must have that runs steps.

    Raises:
        UsageError: the executor does not take `options.scheduler`.
        StudyChanged: a host that is there differs from this one.
        Aborted: a second signal, or a signal while no worker is there.
        EngineLost: what ran the steps is gone.
    """
    if unknown := options.scheduler.keys() - inspect.signature(kind).parameters.keys():
        named = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(unknown))
        raise UsageError(f"the executor '{options.executor}' takes no {named}", "use --executor dask, or leave it out")
    runner = kind(options.workers, store.path.with_name(store.path.name + ".logs"), **options.scheduler)
    aborted = True
    try:
        runner.admit(admission)
        _begin_session(store, runner.workers, options)
        if store.study.plugins() and not runner.isolates:
            options.observer.note(
                f"the executor '{options.executor}' does not isolate your code: what a trial changes in its process, such as torch's "
                "default dtype or the environment, can change later trials. The executor 'processes' isolates every trial."
            )
        with stop.listening(options.observer.note):
            yield runner
        aborted = False
    except Aborted:
        store.event("aborted")
        raise
    except EngineLost as error:
        store.event("engine_lost", reason=error.message)
        raise
    finally:
        options.observer.run_finished()
        runner.close(abort=aborted)
        checkpoints.remove_if_empty()
    if not _under_way(store):
        checkpoints.remove()
    if stop.requested:
        store.event("stopped")


def _under_way(store: Store) -> bool:
    """Whether a trial is stored as running."""
    return any(counts.running for counts in store.search_counts().values())


def _begin_session(store: Store, workers: int, options: RunOptions) -> None:
    """Record this session's environment; say when libraries differ from those of earlier sessions."""
    here = environment(workers, options.executor)
    for past in [row for row in store.environments() if ROLE not in row.detail][-1:]:
        differ = [
            f"{name} {past.detail[name]} -> {here.get(name, 'none')}" for name in past.detail if _differs(name, past.detail, here)
        ]
        if differ:
            options.observer.note(
                f"this session differs from the last one ({', '.join(differ)}): results may not be bit-identical; recorded"
            )
            store.event("environment_changed", differences=differ)
    store.begin_session(here)


def _differs(name: str, past: Mapping[str, str], here: Mapping[str, str]) -> bool:
    return name not in (*OF_SESSION, "host", "system") and past[name] != here.get(name)
