"""A session of a study: check data and code, record the environment, run workers, and stop cleanly."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hpstudy.engine.admission import Admission, HostRequest
from hpstudy.engine.checkpoints import CheckpointFolder
from hpstudy.engine.environment import environment, package_versions
from hpstudy.engine.executors import EngineLost, Executor
from hpstudy.engine.identity import KnownSources, check_code, check_identity, prepared_identity
from hpstudy.engine.options import RunOptions
from hpstudy.engine.roots import portable
from hpstudy.engine.stop import Aborted, StopSignal
from hpstudy.environments import IGNORED, ROLE
from hpstudy.errors import StudyChanged, UsageError
from hpstudy.loading.bind import LoadedStudy, matched
from hpstudy.plugins import methods_of
from hpstudy.sources import SOURCE, imported_packages, modules_of, source_file, user_sources
from hpstudy.store import Counts, Store
from hpstudy.study.changes import grown
from hpstudy.study.schema import COMMAND
from hpstudy.study.shard import Shard
from hpstudy.tasks.own_function import OwnFunction


def reopen_store(loaded: LoadedStudy, storage: Path, shard: Shard | None = None) -> Store:
    """The database at `storage`, opened for writing. It is checked to belong to the study and extended to it.

    Args:
        loaded: the study.
        storage: an existing database.
        shard: the part of the study that the database must run; None for any.

    Raises:
        UsageError: the database runs another part of the study.
        StudyChanged: the database belongs to another study.
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
    except StudyChanged as error:
        completed = Counts.total(store.search_counts().values()).completed
        store.close()
        if completed:
            raise
        raise StudyChanged(error.message, f"no trial has completed: delete {storage} and run again, or {error.hint}") from None
    except BaseException:
        store.close()
        raise
    return store


class Prepared(NamedTuple):
    """What a session needs to know of its data and code.

    Attributes:
        checkpoints: checkpoints of trials with these data and this code.
        sources: the code.
        admission: requirements for hosts that run steps.
        packages: versions of the installed packages that the user's code imports.
    """

    checkpoints: CheckpointFolder
    sources: KnownSources
    admission: Admission
    packages: Mapping[str, str]


def prepare(store: Store, loaded: LoadedStudy, options: RunOptions, folder: str | None) -> Prepared:
    """Prepare the task, and check that data and code are those that the database was started with.

    Args:
        store: the database of the study.
        loaded: the requested study, with its task.
        options: run options; whether changed code and different versions on other hosts are allowed.
        folder: folder that is searched first for a user's modules.

    Raises:
        DataError: the task's data are missing.
        StudyChanged: the data have changed, or the code has changed and that is not allowed.
    """
    identity = prepared_identity(store.study, loaded.task)
    sources = check_identity(store, identity, options.observer, allow_changed_code=options.allow_changed_code)
    if store.study.task.use == COMMAND:
        sources.require(loaded.task.sources())
    store.take_function(loaded.study.task)
    # A checkpoint itself records the files in the study's folder that were loaded when it was written.
    elsewhere = {name: digest for name, digest in identity.items() if not source_file(name)}
    data = {name: digest for name, digest in identity.items() if not name.startswith(SOURCE)}
    request = HostRequest(store.study.to_json(), None if folder is None else portable(folder))
    resources = store.study.resources.amounts() if store.study.resources else {}
    admission = Admission(request, sources, data, options.allow_mixed, resources)
    task = loaded.task
    names = [*modules_of(store.study.user_parts()), *(task.modules if isinstance(task, OwnFunction) else ())]
    return Prepared(CheckpointFolder(store.path, elsewhere), sources, admission, package_versions(imported_packages(names)))


def accept_code(store: Store, loaded: LoadedStudy, options: RunOptions) -> None:
    """Record changed code with which a study may grow later. Its data are not needed. Arguments as `prepare`."""
    with methods_of(store.study.task.use):
        sources = {**user_sources(store.study.user_parts()), **loaded.task.sources()}
    check_code(store, sources, options.observer, allow_changed_code=True)
    store.take_function(loaded.study.task)


@contextmanager
def session(
    store: Store,
    kind: Callable[..., Executor],
    options: RunOptions,
    stop: StopSignal,
    prepared: Prepared,
) -> Iterator[Executor]:
    """An executor for the body, in a session that the database records. Within the body, signals set `stop`.

    Args:
        store: the database of the study.
        kind: the executor's class.
        options: run options; the observer is also notified of the end of the run.
        stop: set by the first signal.
        prepared: data and code. Checkpoints that are no longer needed are removed.

    Raises:
        UsageError: the executor does not take `options.scheduler`.
        PluginError: a user's executor cannot be created.
        StudyChanged: a present host differs from this one.
        Aborted: a second signal, or a signal while no worker is available.
        EngineLost: the system that ran the steps is lost.
    """
    if unknown := options.scheduler.keys() - inspect.signature(kind).parameters.keys():
        named = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(unknown))
        raise UsageError(f"the executor '{options.executor}' does not accept {named}", "use --executor dask, or leave it out")
    with methods_of(options.executor):
        runner = kind(options.workers, store.path.with_name(store.path.name + ".logs"), **options.scheduler)
    aborted = True
    try:
        runner.admit(prepared.admission)
        _begin_session(store, environment(runner.workers, options.executor, prepared.packages), options)
        if store.study.plugins() and not runner.isolates:
            options.observer.note(
                f"the executor '{options.executor}' does not isolate your code: state that a trial changes in its process, such as torch's "
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
        prepared.checkpoints.remove_if_empty()
    if not any(counts.running for counts in store.search_counts().values()):
        prepared.checkpoints.remove()
    if stop.requested:
        store.event("stopped")


def _begin_session(store: Store, here: Mapping[str, str], options: RunOptions) -> None:
    """Record the environment of this session, `here`, and note library versions that differ from the last session."""
    for past in [row for row in store.environments() if ROLE not in row.detail][-1:]:
        differences = [
            f"{name} {value} -> {here.get(name, 'none')}"
            for name, value in past.detail.items()
            if name not in (*IGNORED, "host", "system") and value != here.get(name)
        ]
        if differences:
            options.observer.note(
                f"this session differs from the last one ({', '.join(differences)}): results may not be bit-identical; recorded"
            )
            store.event("environment_changed", differences=differences)
    store.begin_session(here)
