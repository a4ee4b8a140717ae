"""From a study file to a study: read, check everything, complete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from hpstudy.errors import Problem, StudyError
from hpstudy.study.bind import bind, module_path, part_problems
from hpstudy.study.explain import explain
from hpstudy.study.schema import SearchBlock, Study, TaskBlock, View
from hpstudy.study.source import Source, read_source

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class LoadedStudy:
    """A resolved study and where it came from.

    Attributes:
        study: all includes read, all defaults filled.
        module_path: the study file's folder, where a user's module is looked for first.
        files: every file read.
    """

    study: Study
    module_path: str
    files: tuple[Path, ...]


def load_study(path: str | Path) -> Study:
    """The resolved study in the file at `path`.

    Raises:
        StudyError: with every mistake, each with file, line and key.
    """
    return read_study(path).study


def read_study(path: str | Path) -> LoadedStudy:
    """The resolved study in the file at `path`, with what is known of its origin. Raises as `load_study`."""
    path = Path(path)
    source = read_source(path)
    folder = str(path.parent.resolve())
    if not isinstance(source.tree, Mapping):
        raise StudyError([Problem((), "a study file holds keys such as 'name', 'task' and 'views'; this one does not", path, 1)])
    with module_path(folder):
        study = _checked(source)
    return LoadedStudy(study, folder, tuple(source.files))


def _checked(source: Source) -> Study:
    problems = list(source.problems)
    try:
        study = Study.model_validate_json(json.dumps(source.tree), strict=True)
    except ValidationError as error:
        problems += [source.problem(key, text) for key, text in explain(error, source.tree)]
        problems += [_placed(source, problem) for problem in _problems_of_parts(source.tree)]
        raise StudyError(_in_order(problems)) from None
    try:
        bound = bind(study)
    except StudyError as error:
        problems += [_placed(source, problem) for problem in error.problems]
    if problems:
        raise StudyError(_in_order(problems))
    return bound


def _problems_of_parts(tree: Mapping[str, Any]) -> list[Problem]:
    """What the parts of a study find wrong in those blocks that hold on their own."""
    views = tree.get("views")
    valid = {name: view for name, block in views.items() if (view := _valid(View, block))} if isinstance(views, Mapping) else {}
    return part_problems(_valid(TaskBlock, tree.get("task")), _valid(SearchBlock, _with_trials(tree.get("search"))), valid)


def _with_trials(block: Any) -> Any:
    """A search block whose number of trials cannot be what makes it invalid."""
    return {**block, "trials": 1} if isinstance(block, Mapping) else block


def _valid(model: type[Model], block: Any) -> Model | None:
    try:
        return model.model_validate_json(json.dumps(block), strict=True)
    except ValidationError:
        return None


def _placed(source: Source, problem: Problem) -> Problem:
    return source.problem(problem.key, problem.message)


def _in_order(problems: list[Problem]) -> list[Problem]:
    """In the order of the files and lines, without repeats."""
    unique = {(str(p.file), p.line or 0, p.key, p.message): replace(p) for p in problems}
    return [unique[where] for where in sorted(unique, key=lambda w: (w[0], w[1], str(w[2])))]
