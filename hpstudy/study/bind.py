"""Binding a study to its parts: what only a task, a method or a searcher can know is checked and completed by them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from hpstudy.errors import PluginError, Problem, StudyError, UsageError, nearest
from hpstudy.search import SEARCHERS
from hpstudy.study.explain import explain
from hpstudy.study.schema import Analysis, SearchBlock, Study, TaskBlock, View
from hpstudy.study.source import Key
from hpstudy.tasks import TASKS

if TYPE_CHECKING:
    from hpstudy.search.interface import Searcher
    from hpstudy.tasks.interface import Task


@contextmanager
def module_path(folder: str | None) -> Iterator[None]:
    """Look for a user's module in `folder` first, while the body runs."""
    if folder is None or folder in sys.path:
        yield
        return
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def bind_task(study: Study) -> Task:
    """The study's task. The study is bound already, so its settings hold."""
    return _make_task(study.task)


def bind_searcher(study: Study) -> Searcher:
    """The study's searcher. The study is bound already, so its settings hold."""
    return _make_searcher(study.search)


def bind(study: Study) -> Study:
    """The study with all defaults of its task, methods and searcher filled in.

    Raises:
        StudyError: with everything that the parts find wrong.
    """
    problems = [*part_problems(study.task, study.search, study.views), *reference_problems(study)]
    if problems:
        raise StudyError(problems)
    task, searcher = bind_task(study), bind_searcher(study)
    analysis = study.analysis.model_dump()
    names = list(study.views)
    compare = study.analysis.compare or tuple((a, b) for i, a in enumerate(names) for b in names[i + 1 :])
    analysis["compare"] = compare
    analysis["budgets"] = tuple(sorted({*study.analysis.budgets, study.search.trials}))
    return study.model_copy(
        update={
            "task": TaskBlock(use=study.task.use, **task.settings.model_dump(mode="json")),
            "search": SearchBlock(
                searcher=study.search.searcher, trials=study.search.trials, **searcher.settings.model_dump(mode="json")
            ),
            "views": {name: task.complete_view(view) for name, view in study.views.items()},
            "analysis": Analysis.model_validate(analysis),
        }
    )


def part_problems(task: TaskBlock | None, search: SearchBlock | None, views: dict[str, View]) -> list[Problem]:
    """What the task finds wrong with its settings and with the views, and the searcher with its settings."""
    problems: list[Problem] = []
    if search is not None:
        _, found = _attempt(_make_searcher, search, ("search",), "searcher")
        problems += found
    if task is not None:
        made, found = _attempt(_make_task, task, ("task",), "use")
        problems += found
        if made is not None:
            for name, view in views.items():
                problems += [Problem(("views", name, *p.key), p.message) for p in made.check_view(view)]
    return problems


def reference_problems(study: Study) -> list[Problem]:
    """Keys of a study that name something else in it, and do not find it."""
    problems = []
    task, _ = _attempt(_make_task, study.task, ("task",), "use")
    known = task.objectives() if task is not None else None
    if known is not None and study.metric.name not in known:
        reason = "a search never sees the test set: " if study.metric.name.startswith("test_") else ""
        problems.append(Problem(("metric", "name"), f"{reason}not an objective of the task: {nearest(study.metric.name, known)}"))
    for index, pair in enumerate(study.analysis.compare):
        for view in pair:
            if view not in study.views:
                problems.append(Problem(("analysis", "compare", index), f"no view '{view}': {nearest(view, study.views)}"))
        if pair[0] == pair[1]:
            problems.append(Problem(("analysis", "compare", index), "compares a view with itself"))
    for index, budget in enumerate(study.analysis.budgets):
        if not 1 <= budget <= study.search.trials:
            problems.append(
                Problem(
                    ("analysis", "budgets", index),
                    f"must be a number of trials between 1 and {study.search.trials}, not {budget}",
                )
            )
    target = study.analysis.target
    if target is not None and target.view is not None and target.view not in study.views:
        problems.append(Problem(("analysis", "target", "view"), f"no view '{target.view}': {nearest(target.view, study.views)}"))
    initial = study.search.settings.get("initial")
    if isinstance(initial, int) and initial > study.search.trials:
        problems.append(Problem(("search", "initial"), f"{initial} initial trials do not fit into {study.search.trials} trials"))
    return problems


def _make_task(block: TaskBlock) -> Task:
    if ":" in block.use:
        from hpstudy.tasks.python import user_task

        return user_task(block.use, block.settings)
    kind = TASKS.load(block.use)
    return kind(_settings(kind.Settings, block.settings))  # type: ignore[no-any-return]


def _make_searcher(block: SearchBlock) -> Searcher:
    kind = SEARCHERS.load(block.searcher)
    return kind(_settings(kind.Settings, block.settings))  # type: ignore[no-any-return]


def _settings(model: type[BaseModel], given: dict[str, Any]) -> BaseModel:
    # JSON mode is strict about types and takes a list where a tuple is meant.
    return model.model_validate_json(json.dumps(given), strict=True)


def _attempt(make: Any, block: Any, key: Key, name_key: str) -> tuple[Any, list[Problem]]:
    try:
        return make(block), []
    except ValidationError as error:
        model = _settings_model(block)
        return None, [Problem(k, text) for k, text in explain(error, block.settings, key, model)]
    except UsageError as error:
        return None, [Problem((*key, name_key), error.message)]
    except PluginError as error:
        return None, [Problem((*key, name_key), str(error))]


def _settings_model(block: Any) -> type[BaseModel] | None:
    if isinstance(block, SearchBlock):
        return SEARCHERS.load(block.searcher).Settings  # type: ignore[no-any-return]
    if ":" not in block.use:
        return TASKS.load(block.use).Settings  # type: ignore[no-any-return]
    from hpstudy.tasks.python import PythonSettings

    return PythonSettings
