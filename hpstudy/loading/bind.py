"""Binding a study to its parts: its task and its searcher are made, and fill in what the study leaves open."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from hpstudy.errors import StudyError
from hpstudy.loading.check import Parts, check
from hpstudy.loading.make import make_searcher, make_task
from hpstudy.search.default import DefaultSearcher, DefaultSettings
from hpstudy.study.schema import Analysis, Control, SearchBlock, Study, TaskBlock

if TYPE_CHECKING:
    from hpstudy.search.interface import Searcher
    from hpstudy.tasks.interface import Task


def bind_task(study: Study) -> Task:
    """The study's task, made from its settings. Import a user's own within `hpstudy.study.modules.module_path`.

    Raises:
        StudyError: the task is not there, or its settings are not valid.
    """
    return make_task(study.task)


def bind_searcher(study: Study) -> Searcher:
    """The study's searcher, made from its settings.

    Raises:
        StudyError: the searcher is not there, or its settings are not valid.
    """
    return make_searcher(study.search)


def bind_control(control: Control) -> Searcher:
    """The searcher of a control's searches."""
    if control == "default":
        return DefaultSearcher(DefaultSettings())
    return make_searcher(SearchBlock(searcher=control, trials=1))


def bind(study: Study) -> Study:
    """The resolved study: with the defaults of its task, methods, searcher and analysis filled in.

    Binding a resolved study changes nothing.

    Raises:
        StudyError: with everything that is wrong.
    """
    findings = check(Parts.of(study))
    if findings.problems:
        raise StudyError(findings.problems, findings.hint)
    task, searcher = bind_task(study), bind_searcher(study)
    name, trials = study.search.searcher, study.search.trials
    complete = study.model_copy(
        update={
            "task": TaskBlock(use=study.task.use, **task.settings.model_dump(mode="json")),
            "search": SearchBlock(searcher=name, trials=trials, **searcher.settings.model_dump(mode="json")),
            "views": {name: task.complete_view(view) for name, view in study.views.items()},
            "analysis": _complete_analysis(study),
        }
    )
    # Through JSON, so that a study just read equals the same study read from a database.
    return Study.from_json(complete.to_json())


def completed(stored: Study) -> Study:
    """A study from a database, with the settings that did not exist when it was stored.

    A setting is only ever added with a default that does what was done before. A study that cannot be bound here is returned as it
    is, for instance one of a user's function that is not on this machine.
    """
    try:
        return bind(stored)
    except StudyError:
        return stored


def _complete_analysis(study: Study) -> Analysis:
    """All pairs of views when none is declared; budgets in ascending order, the last one the number of trials."""
    compare = study.analysis.compare or tuple(combinations(study.views, 2))
    budgets = tuple(sorted({*study.analysis.budgets, study.search.trials}))
    return study.analysis.model_copy(update={"compare": compare, "budgets": budgets})
