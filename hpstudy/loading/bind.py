"""Binds a study to its parts: creates and checks its task and searcher, and fills in defaults."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.errors import StudyError, UsageError
from hpstudy.loading.check import check
from hpstudy.loading.parts import Parts
from hpstudy.modules import forget_changed_modules, module_path
from hpstudy.plugins import methods_of
from hpstudy.study.changes import changes, grown, refuse_changes
from hpstudy.study.declaration import Analysis
from hpstudy.study.schema import OtherSearcher, SearchBlock, Study, TaskBlock, View

if TYPE_CHECKING:
    from hpstudy.search.interface import Searcher
    from hpstudy.tasks.interface import Task


@dataclass(frozen=True)
class LoadedStudy:
    """A study that is ready to run.

    It is passed from the command line to the scheduler, so that the study is checked and its parts are created once in this process. Each
    worker creates the parts again from the study.

    Attributes:
        study: the resolved study, with all includes and defaults.
        task: created from the study's settings.
        searcher: created from the study's settings.
        module_path: folder that is searched first for a user's modules; None if the study was not read from a file.
        files: every file read, the study file first.
        scales: names of the study's overlays.
    """

    study: Study
    task: Task
    searcher: Searcher
    module_path: str | None = None
    files: tuple[Path, ...] = ()
    scales: tuple[str, ...] = ()

    def with_timeout(self, timeout_s: float) -> LoadedStudy:
        """The same study with a different time limit per trial, in seconds. Raises UsageError unless it is above 0."""
        if timeout_s <= 0:
            raise UsageError(f"--timeout is {timeout_s:g}, not above 0", "leave it out for no limit")
        limits = self.study.limits.model_copy(update={"timeout_s": timeout_s})
        return replace(self, study=self.study.model_copy(update={"limits": limits}))


def bind(study: Study, folder: str | None = None) -> LoadedStudy:
    """The study with the defaults of its task, methods, searcher and analysis filled in, and with its parts.

    Binding a resolved study leaves it unchanged.

    Args:
        study: a study with a valid schema.
        folder: folder that is searched first for a user's modules.

    Raises:
        StudyError: the study has mistakes; the error lists all of them.
    """
    forget_changed_modules()
    with module_path(folder):
        findings = check(Parts.of(study))
        if findings.problems or findings.task is None or findings.searcher is None:
            raise StudyError(findings.problems, findings.hint)
        resolved = complete(study, findings.task, findings.searcher, findings.others)
        return LoadedStudy(resolved, findings.task, findings.searcher, folder)


def complete(study: Study, task: Task, searcher: Searcher, others: Sequence[Searcher]) -> Study:
    """A checked study with the defaults of its parts and its analysis. `others` are its other searchers, in order."""
    search = study.search
    completed = [
        OtherSearcher(searcher=block.searcher, **other.settings.model_dump(mode="json"))
        for block, other in zip(search.others, others, strict=True)
    ]
    with methods_of(study.task.use):
        views = {name: _completed(task, view) for name, view in study.views.items()}
    resolved = study.model_copy(
        update={
            "task": TaskBlock(use=study.task.use, **task.settings.model_dump(mode="json")),
            "search": SearchBlock(
                searcher=search.searcher,
                trials=search.trials,
                lockstep=search.lockstep,
                others=tuple(completed),
                **searcher.settings.model_dump(mode="json"),
            ),
            "views": views,
            "analysis": _complete_analysis(study),
        }
    )
    # Via JSON, so that a study read from a file equals the same study read from a database.
    return Study.from_json(resolved.to_json())


def _completed(task: Task, view: View) -> View:
    completed = task.complete_view(view)
    if not isinstance(completed, View):  # of a user's task
        raise TypeError(f"complete_view returned {type(completed).__name__}, not a View")
    return completed


def matched(stored: Study, requested: Study, storage: Path, folder: str | None = None) -> Study:
    """The study of a database with the defaults of newer settings, after checking that it is part of `requested`.

    The default of a new setting always keeps the previous behavior. A study that cannot be bound here, for instance because its function is
    not on this machine, is compared as stored.

    Args:
        stored: the study of the database.
        requested: the requested study, resolved.
        storage: the database, for the message.
        folder: folder that is searched first for a user's modules.

    Raises:
        StudyChanged: a setting that can change a number differs; the message lists all of them.
    """
    requested = grown(stored, requested)
    if changes(stored, requested):
        with suppress(StudyError):
            stored = bind(stored, folder).study
    refuse_changes(stored, requested, storage)
    return stored


def _complete_analysis(study: Study) -> Analysis:
    """The analysis with all pairs of views if none is declared, and budgets in ascending order that end with the number of trials."""
    compare = study.analysis.compare or tuple(combinations(study.views, 2))
    budgets = tuple(sorted({*study.analysis.budgets, study.search.trials}))
    return study.analysis.model_copy(update={"compare": compare, "budgets": budgets})
