"""A session of work on a study: the same data and code as before, where it ran, workers, and stopping in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hpstudy.engine.checkpoints import CheckpointFolder
from hpstudy.engine.environment import environment
from hpstudy.engine.executors import Executor
from hpstudy.engine.progress import Observer
from hpstudy.engine.stop import Aborted, StopSignal
from hpstudy.errors import StudyChanged
from hpstudy.loading.bind import LoadedStudy, matched
from hpstudy.plugins import is_plugin, source_identity
from hpstudy.store import Store
from hpstudy.study.changes import grown
from hpstudy.study.schema import Study
from hpstudy.tasks.interface import Task


def reopened(loaded: LoadedStudy, storage: Path) -> Store:
    """The database at `storage` as its writer, checked to be that of the study, and grown to it.

    Args:
        loaded: the study.
        storage: an existing database.

    Raises:
        StudyChanged: the study is not that of the database.
        StoreError: the database cannot be opened, or another process owns it.
    """
    store = Store.open(storage)
    try:
        stored = matched(store.study, loaded.study, storage, loaded.module_path)
        store.grow(grown(stored, loaded.study), stored=stored)
    except BaseException:
        store.close()
        raise
    return store


def prepare(store: Store, task: Task, allow_changed_code: bool, observer: Observer) -> CheckpointFolder:
    """Make the task ready, and see that data and code are those that the database was started with.

    Returns:
        Where trials with these data and this code keep their checkpoints.

    Raises:
        DataError: the task's data are missing.
        StudyChanged: they are not the same, or the code is not and that is not allowed.
    """
    task.prepare()
    found = identity_of(store.study, task)
    _check_identity(store, found, allow_changed_code, observer)
    return CheckpointFolder(store.path, found)


@contextmanager
def session(
    store: Store,
    kind: Callable[[int, Path], Executor],
    executor: str,
    workers: int,
    observer: Observer,
    stop: StopSignal,
    checkpoints: CheckpointFolder,
) -> Iterator[Executor]:
    """An executor for the body, in a session that the database records; signals set `stop` meanwhile.

    Args:
        store: holds the study.
        kind: the executor's class.
        executor: its name.
        workers: steps at a time.
        observer: is told what happens, and at last that the run is finished.
        stop: set by the first signal.
        checkpoints: of the trials; removed as far as no trial needs them any more.

    Raises:
        Aborted: a second signal.
    """
    runner = kind(workers, store.path.with_name(store.path.name + ".logs"))
    aborted = True
    try:
        _begin_session(store, runner.workers, executor, observer)
        with stop.listening(observer.note):
            yield runner
        aborted = False
    except Aborted:
        store.event("aborted")
        raise
    finally:
        observer.run_finished()
        runner.close(abort=aborted)
        checkpoints.remove_if_empty()
    if not _under_way(store):
        checkpoints.remove()
    if stop.requested:
        store.event("stopped")


def identity_of(study: Study, task: Task) -> dict[str, str]:
    """What determines numbers beside the study: data, and the source files of a user's own parts."""
    named = {study.task.use, study.search.searcher, *(view.method for view in study.views.values() if view.method)}
    sources = [source_identity(name) for name in sorted(named) if is_plugin(name)]
    return {**task.identity(), **{key: value for source in sources for key, value in source.items()}}


def _check_identity(store: Store, found: Mapping[str, str], allow_changed_code: bool, observer: Observer) -> None:
    """The data and the user's code are those that the database was started with."""
    changed = sorted(name for name in {*store.identity, *found} if store.identity.get(name) != found.get(name))
    code = [name for name in changed if name.startswith("source of ")]
    if data := [name for name in changed if name not in code]:
        raise StudyChanged(
            f"not what {store.path} was started with: {', '.join(data)}",
            "restore the data (`hpstudy data verify`), or start again with another --storage",
        )
    if code and not allow_changed_code:
        raise StudyChanged(
            f"not what {store.path} was started with: {', '.join(code)}",
            "restore the file, start again with another --storage, or continue with --allow-changed-code (recorded in the database)",
        )
    if code:
        store.event("code_changed", sources={name: found.get(name, "") for name in code})
        observer.note(f"continuing with changed code (--allow-changed-code): {', '.join(code)}")


def _under_way(store: Store) -> bool:
    """Whether a trial is stored as running."""
    return any(states["running"] for states in store.search_counts().values())


def _begin_session(store: Store, workers: int, executor: str, observer: Observer) -> None:
    """Record this session's environment; say when libraries differ from those of earlier sessions."""
    here = environment(workers, executor)
    for past in store.environments()[-1:]:
        differ = [
            f"{name} {past.detail[name]} -> {here.get(name, 'none')}" for name in past.detail if _differs(name, past.detail, here)
        ]
        if differ:
            observer.note(
                f"this session differs from the last one ({', '.join(differ)}): results may not be bit-identical; recorded"
            )
            store.event("environment_changed", differences=differ)
    store.begin_session(here)


def _differs(name: str, past: Mapping[str, str], here: Mapping[str, str]) -> bool:
    return name not in ("host", "system", "cores", "executor", "command", "commit") and past[name] != here.get(name)
