"""A session of work on a study: the same data and code as before, where it ran, workers, and stopping in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hpstudy.engine.checkpoints import CheckpointFolder
from hpstudy.engine.environment import environment
from hpstudy.engine.executors import Executor
from hpstudy.engine.options import RunOptions
from hpstudy.engine.stop import Aborted, StopSignal
from hpstudy.errors import StudyChanged
from hpstudy.loading.bind import LoadedStudy, matched
from hpstudy.plugins import source_identity
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


def prepare(store: Store, task: Task, options: RunOptions) -> CheckpointFolder:
    """Make the task ready, and see that data and code are those that the database was started with.

    Returns:
        Where trials with these data and this code keep their checkpoints.

    Raises:
        DataError: the task's data are missing.
        StudyChanged: they are not the same, or the code is not and that is not allowed.
    """
    task.prepare()
    identity = identity_of(store.study, task)
    _check_identity(store, identity, options)
    return CheckpointFolder(store.path, identity)


@contextmanager
def session(
    store: Store,
    kind: Callable[[int, Path], Executor],
    options: RunOptions,
    stop: StopSignal,
    checkpoints: CheckpointFolder,
) -> Iterator[Executor]:
    """An executor for the body, in a session that the database records; signals set `stop` meanwhile.

    Args:
        store: holds the study.
        kind: the executor's class.
        options: the executor's name and workers; the observer also receives the end of the run.
        stop: set by the first signal.
        checkpoints: of the trials; removed as far as no trial needs them any more.

    Raises:
        Aborted: a second signal.
    """
    runner = kind(options.workers, store.path.with_name(store.path.name + ".logs"))
    aborted = True
    try:
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
    finally:
        options.observer.run_finished()
        runner.close(abort=aborted)
        checkpoints.remove_if_empty()
    if not _under_way(store):
        checkpoints.remove()
    if stop.requested:
        store.event("stopped")


def identity_of(study: Study, task: Task) -> dict[str, str]:
    """What determines numbers beside the study: data, and the source files of a user's own parts."""
    sources = [source_identity(use) for use in sorted(set(study.user_parts()))]
    return {**task.identity(), **{key: value for source in sources for key, value in source.items()}}


def _check_identity(store: Store, identity: Mapping[str, str], options: RunOptions) -> None:
    """The data and the user's code are those that the database was started with."""
    changed = sorted(name for name in {*store.identity, *identity} if store.identity.get(name) != identity.get(name))
    code = [name for name in changed if name.startswith("source of ")]
    if data := [name for name in changed if name not in code]:
        raise StudyChanged(
            f"not what {store.path} was started with: {', '.join(data)}",
            "restore the data (`hpstudy data verify`), or start again with another --storage",
        )
    if code and not options.allow_changed_code:
        raise StudyChanged(
            f"not what {store.path} was started with: {', '.join(code)}",
            "restore the file, start again with another --storage, or continue with --allow-changed-code (recorded in the database)",
        )
    if code:
        store.event("code_changed", sources={name: identity.get(name, "") for name in code})
        options.observer.note(f"continuing with changed code (--allow-changed-code): {', '.join(code)}")


def _under_way(store: Store) -> bool:
    """Whether a trial is stored as running."""
    return any(counts.running for counts in store.search_counts().values())


def _begin_session(store: Store, workers: int, options: RunOptions) -> None:
    """Record this session's environment; say when libraries differ from those of earlier sessions."""
    here = environment(workers, options.executor)
    for past in store.environments()[-1:]:
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
    return name not in ("host", "system", "cores", "executor", "command", "commit") and past[name] != here.get(name)
