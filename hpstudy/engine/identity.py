"""The identity of a run: checksums of the data and user code that determine its numbers, compared with those in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from hpstudy.engine.progress import Observer
from hpstudy.errors import StudyChanged
from hpstudy.modules import current_digest, digest_of, module_file, module_path, study_folder
from hpstudy.plugins import methods_of
from hpstudy.sources import FUNCTION, MODULE, SOURCE, earlier_checksum, is_earlier, source_file, source_identity, user_sources
from hpstudy.store import CODE_CHANGED, Counts, Reader, Store
from hpstudy.store.paths import database_exists
from hpstudy.study.controls import arms
from hpstudy.study.schema import Study
from hpstudy.tasks.interface import Task

RESTORE = "restore the file, or start again in another database (`hpstudy run STUDY.yaml --storage DATABASE`)"

MOVED = f"if the folder of the study has moved, run the study file there (`hpstudy run STUDY.yaml --storage DATABASE`); otherwise {RESTORE}"
"""Hint for files that are missing. `resume` looks for them in the folder that the database records."""

ALLOW = "; --allow-changed-code continues with the change, and the database records it"
"""Addition to both hints for a command that has this option."""

RESTORE_FUNCTION = "restore the function and the values that it refers to, or start again with another storage"

ALLOW_FUNCTION = "; allow_changed_code=True continues with the change, and the database records it"


class KnownSources:
    """The user's code that a run may use: the code recorded in the database, and code that is imported later.

    Args:
        study: the study.
        sources: checksums by name.
    """

    def __init__(self, study: Study, sources: Mapping[str, str]) -> None:
        self._sources = dict(sources)
        self._required = set(source_identity(study.task.use) if study.task.use in study.user_parts() else ())

    def require(self, names: Iterable[str]) -> None:
        """Every evaluation must report these sources too."""
        self._required.update(names)

    def check_task(self, loaded: Mapping[str, str]) -> dict[str, str]:
        """As `check`, for a process that evaluated a trial: its sources must include the task's code."""
        return self.check({**dict.fromkeys(self._required, ""), **loaded})

    def changed(self, loaded: Mapping[str, str]) -> list[str]:
        """The known sources whose checksum differs in `loaded`, sorted."""
        return sorted(name for name, digest in loaded.items() if self._sources.get(name, digest) != digest)

    def check(self, loaded: Mapping[str, str]) -> dict[str, str]:
        """The sources that were not known before. They are known from now on.

        Args:
            loaded: checksums of the sources that a process has loaded.

        Raises:
            StudyChanged: a known source has a different checksum.
        """
        if changed := self.changed(loaded):
            files = ", ".join(name.removeprefix(SOURCE) for name in changed)
            raise StudyChanged(
                f"{files} changed while the study was running; a trial that used it was not stored", RESTORE + ALLOW
            )
        new = {name: digest for name, digest in loaded.items() if name not in self._sources}
        self._sources |= new
        return new


def identity_of(study: Study, task: Task) -> dict[str, str]:
    """Checksums of what determines numbers besides the study: the data, and the user's code that this process has loaded.

    Call it within the study's `module_path`.
    """
    with methods_of(study.task.use):
        return {**task.identity(), **user_sources(study.user_parts())}


def prepared_identity(study: Study, task: Task) -> dict[str, str]:
    """Prepare the task, and return `identity_of`. Raises DataError if its data are missing."""
    with methods_of(study.task.use):
        task.prepare()
    return identity_of(study, task)


def refuse_changed_files(storage: Path, folder: str | None, *, can_allow: bool) -> None:
    """Check the files of a user's code against an existing database, without importing them.

    Args:
        storage: the database; nothing is compared if it does not exist.
        folder: folder of the user's modules.
        can_allow: whether the command has the option --allow-changed-code.

    Raises:
        StudyChanged: a file is missing, has changed, or does not belong to the code in the database. The message lists all such files.
        StoreError: the database cannot be read.
    """
    if not database_exists(storage):
        return
    with Reader.open(storage) as reader:
        if not Counts.total(reader.counts().values()).completed:
            return  # a study without a value starts over with the new code
        recorded, parts = reader.accepted_identity(), _used_parts(reader)
    with module_path(folder):
        on_disk = {name: _on_disk(file, folder) for name in recorded if (file := source_file(name))}
        digests = {name: digest for name, digest in on_disk.items() if digest != recorded[name]}
        changed = [name for name, digest in digests.items() if digest]
        missing = [f"{name} (not found in {folder})" for name, digest in digests.items() if not digest]
        earlier = [name.removeprefix(SOURCE) for name in recorded if is_earlier(name)]
        changed += [name for use in {*parts, *earlier} for name in _unrecorded(use, recorded, folder)]
    if changed or missing:
        raise _changed(storage, changed + missing, (MOVED if missing else RESTORE) + (ALLOW if can_allow else ""))


def refuse_changed_function(storage: Path, task: Task, *, can_allow: bool) -> None:
    """Check a function that was passed to `hpstudy.run` against that of an existing database.

    Args:
        storage: the database; nothing is compared if it does not exist.
        task: the task of the study, as passed.
        can_allow: whether the call has the argument `allow_changed_code`.

    Raises:
        StudyChanged: the function, or a value that it refers to, has changed, and a trial has completed.
        StoreError: the database cannot be read.
    """
    functions = {name: digest for name, digest in task.sources().items() if name.startswith(FUNCTION)}
    if not functions or not database_exists(storage):
        return
    with Reader.open(storage) as reader:
        completed, recorded = Counts.total(reader.counts().values()).completed, reader.accepted_identity()
    changed = [name.removeprefix(SOURCE) for name, digest in functions.items() if recorded.get(name, digest) != digest]
    if completed and changed:
        raise _changed(storage, changed, RESTORE_FUNCTION + (ALLOW_FUNCTION if can_allow else ""))


def check_identity(store: Store, current: Mapping[str, str], observer: Observer, *, allow_changed_code: bool) -> KnownSources:
    """Compare data and code with those in the database, and record code that is new.

    Args:
        store: the database.
        current: `identity_of` its study in this process.
        observer: as `check_code`.
        allow_changed_code: as `check_code`.

    Raises:
        StudyChanged: the data have changed, or as `check_code`.
    """
    recorded = store.identity
    data = {name for name in {*recorded, *current} if not name.startswith(SOURCE)}
    if changed := [name for name in data if recorded.get(name) != current.get(name)]:
        raise _changed(
            store.path,
            changed,
            "restore the data (`hpstudy data verify`), or start again in another database (`hpstudy run STUDY.yaml --storage DATABASE`)",
        )
    sources = {name: digest for name, digest in current.items() if name.startswith(SOURCE)}
    return check_code(store, sources, observer, allow_changed_code=allow_changed_code)


def check_code(store: Store, sources: Mapping[str, str], observer: Observer, *, allow_changed_code: bool) -> KnownSources:
    """Compare the code with that in the database, and record code that is new.

    Call it within the study's `module_path`, after its parts have been imported.

    Args:
        store: the database.
        sources: `hpstudy.sources.user_sources` of its study, and the sources of its task, in this process.
        observer: notified of changed code.
        allow_changed_code: continue with changed code.

    Raises:
        StudyChanged: the code has changed since it was last accepted, a trial has completed, and `allow_changed_code` is false.
    """
    recorded = store.accepted_identity()
    code = _changed_sources(recorded, sources, _used_parts(store))
    if code and not Counts.total(store.search_counts().values()).completed:
        removed = store.start_over(code)
        names = ", ".join(name.removeprefix(SOURCE) for name in code)
        observer.note(
            f"{names} changed before a trial completed: the study starts over ({removed:,} trials without a value removed)"
        )
    elif code and not allow_changed_code:
        raise _changed(store.path, code, RESTORE + ALLOW)
    elif code:
        store.event(CODE_CHANGED, sources={name: {"old": recorded.get(name, ""), "new": new} for name, new in code.items()})
        observer.note(f"continuing with changed code (--allow-changed-code): {', '.join(code)}")
    store.add_identity({name: digest for name, digest in sources.items() if name not in store.identity})
    return KnownSources(store.study, {**recorded, **code, **sources})


def _used_parts(database: Reader | Store) -> list[str]:
    """The parts from a user's own modules, without additional searchers that have no trial: their code is not recorded yet."""
    named = arms(database.study)
    used = {named[key.view].searcher for key, counts in database.search_counts().items() if counts.running or counts.finished}
    return [use for use in database.study.user_parts() if use in used or use not in database.study.others]


def _changed_sources(recorded: Mapping[str, str], current: Mapping[str, str], parts: Iterable[str]) -> dict[str, str]:
    """The current checksum of every source that differs from its record, or that one of the parts newly uses; "" for a missing one."""
    digests: dict[str, str] = {}
    for name in recorded:
        if file := source_file(name):
            digests[name] = current_digest(file)
        elif name.startswith(MODULE):
            # A module that a function imports is loaded by trials only.
            digests[name] = current.get(name) or digest_of(Path(module_file(name.removeprefix(MODULE), study_folder())))
        elif name.startswith(FUNCTION):
            digests[name] = current.get(name, "")
        elif name.startswith(SOURCE):
            digests[name] = earlier_checksum(name.removeprefix(SOURCE))
    for use in parts:
        if SOURCE + use not in recorded:
            digests |= source_identity(use)
    return {name: digests[name] for name in sorted(digests) if recorded.get(name) != digests[name]}


def _unrecorded(use: str, recorded: Mapping[str, str], folder: str | None) -> list[str]:
    """The source that a part of the study would be imported from, if it is in the folder and not recorded in the database.

    For a database of an earlier version: the name under which the part was recorded, if no file in the folder has its checksum.
    """
    file = module_file(use.partition(":")[0], folder)
    if folder is None or not Path(file).is_relative_to(folder):
        return []  # compared when it has been imported
    if (earlier := recorded.get(SOURCE + use)) is None:
        name = SOURCE + Path(file).relative_to(folder).as_posix()
        return [] if name in recorded else [name]
    candidates = (Path(file), *Path(folder).rglob("*.py"))
    return [] if any(digest_of(path) == earlier for path in candidates) else [SOURCE + use]


def _on_disk(path: str, folder: str | None) -> str:
    return "" if folder is None else digest_of(Path(folder, path))


def _changed(storage: Path, names: Iterable[str], hint: str) -> StudyChanged:
    return StudyChanged(f"changed since the last run of {storage}: {', '.join(sorted(names))}", hint)
