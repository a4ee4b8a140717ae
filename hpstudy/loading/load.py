"""Reads a study file, checks it completely, and fills in the defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os.path import isfile
from pathlib import Path

from pydantic import ValidationError

from hpstudy.arguments import checked
from hpstudy.errors import PluginError, Problem, StudyError, UsageError, shell_command
from hpstudy.loading.bind import LoadedStudy, complete
from hpstudy.loading.check import Findings, check
from hpstudy.loading.parts import Parts
from hpstudy.modules import forget_changed_modules, function_folder, module_path
from hpstudy.study.declaration import Analysis
from hpstudy.study.explain import Mistake, explain
from hpstudy.study.include import Source, read_source
from hpstudy.study.models import Model, validated
from hpstudy.study.schema import MAIN, PICKLED, Metric, SearchBlock, Study, TaskBlock, View


@checked
def load_study(path: str | Path, scale: str | None = None) -> Study:
    """Load the study file at `path`: resolve includes, fill in defaults, and check everything.

    Args:
        path: the study file.
        scale: one of the study's `scales` to apply; None for none.

    Raises:
        UsageError: there is no such file.
        StudyError: the study has mistakes; the error lists each with file, line and key.
    """
    loaded = read_study(path, scale)
    return loaded.study.in_folder(loaded.module_path)


def study_from(tree: Mapping[str, object]) -> Study:
    """The study in a mapping with the keys of a study file. Only its schema is checked; `bind` checks the rest.

    Args:
        tree: the mapping. `task` or `task.use` may be a function, or a class of a module.

    Raises:
        StudyError: the mapping violates the schema (the error lists every mistake), or the function cannot be stored in a study.
    """
    tree, folder = _with_named_task(tree)
    try:
        return validated(Study, tree).in_folder(folder)
    except ValidationError as error:
        raise StudyError([Problem(mistake.key, mistake.sentence) for mistake in explain(error, tree, Study)]) from None
    except TypeError as error:
        raise StudyError([Problem((), f"{error}: use numbers, text, booleans, lists and mappings")]) from None


def _with_named_task(tree: Mapping[str, object]) -> tuple[Mapping[str, object], str | None]:
    """The mapping with a function or class replaced by its name. A function without a module is also stored in it.

    Also the folder of the modules that such a function refers to; None for any other task.
    """
    task = tree.get("task")
    block = task if isinstance(task, Mapping) else {"use": task}
    part = block.get("use")
    if not callable(part):
        return tree, None
    from hpstudy.tasks.notebook.digest import digested
    from hpstudy.tasks.notebook.pickled import imported_name, pickled

    if name := imported_name(part):
        return {**tree, "task": {**block, "use": name}}, None
    try:
        function = pickled(part)
    except PluginError as error:
        raise StudyError([Problem(("task",), error.message)], error.hint) from error
    folder = function_folder(digested(part).modules)
    return {**tree, "task": {**block, "use": MAIN + function.name, PICKLED: function.model_dump()}}, folder


def read_study(
    path: str | Path, scale: str | None = None, before_import: Callable[[str, str], None] | None = None
) -> LoadedStudy:
    """The study in the file at `path`, with its parts and its files.

    Args:
        path: the study file.
        scale: one of the study's `scales` to apply; None for none.
        before_import: called with the study's name and its folder before a user's module is imported.

    Raises:
        UsageError: there is no such file.
        StudyError: the study has mistakes; the error lists each with file, line and key.
    """
    path = Path(path)
    source = read_source(path, scale)
    if not source.files:
        resume = f"`{shell_command('hpstudy', 'resume', path)}` continues its study"
        hint = resume if isfile(path) else "`hpstudy init DIR` creates a folder with example studies"
        raise UsageError(source.problems[0].message, hint)
    if source.root is None:
        raise StudyError(source.problems)
    folder = str(path.resolve().parent)
    tree = source.root.plain()
    if before_import is not None and isinstance(tree, Mapping) and isinstance(name := tree.get("name"), str):
        before_import(name, folder)
    forget_changed_modules()
    with module_path(folder):
        return _bound(source, tree, folder)


def _bound(source: Source, tree: object, folder: str) -> LoadedStudy:
    """The study of a tree. Raises StudyError with all mistakes: of reading, of the schema, and of later checks."""
    study = None
    mistakes: list[Mistake] = []
    try:
        study = validated(Study, tree)
        findings = check(Parts.of(study))
    except ValidationError as error:
        mistakes = [mistake for mistake in explain(error, tree, Study) if not source.is_broken(mistake.key)]
        findings = check(_sound_parts(tree)) if isinstance(tree, Mapping) else Findings()
    found = [source.problem(mistake.key, mistake.sentence, at_key=mistake.at_key) for mistake in mistakes]
    found += [source.problem(problem.key, problem.message) for problem in findings.problems]
    problems = [*source.problems, *(each for each in found if not any(_follows(each, unread) for unread in source.problems))]
    task, searcher = findings.task, findings.searcher
    if problems or study is None or task is None or searcher is None:
        raise StudyError(_in_order(problems), findings.hint)
    resolved = complete(study, task, searcher, findings.others)
    return LoadedStudy(resolved, task, searcher, folder, tuple(source.files), source.scales)


def _sound_parts(tree: Mapping[str, object]) -> Parts:
    """The blocks of a tree that are valid by themselves."""
    search = tree.get("search")
    trials = _positive_integer(search.get("trials")) if isinstance(search, Mapping) else None
    if isinstance(search, Mapping) and trials is None:
        # The searcher and its settings can be checked even if the number of trials is invalid.
        search = {**search, "trials": 1}
    views = tree.get("views")
    blocks = views if isinstance(views, Mapping) else {}
    sound = {name: view for name, block in blocks.items() if (view := _sound(View, block)) is not None}
    return Parts(
        task=_sound(TaskBlock, tree.get("task")),
        metric=_sound(Metric, tree.get("metric")),
        search=_sound(SearchBlock, search),
        analysis=_sound(Analysis, tree.get("analysis", {})) if blocks else None,
        views=sound,
        names=tuple(blocks),
        trials=trials,
        replicates=_positive_integer(tree.get("replicates")),
        controls=tuple(map(str, controls)) if isinstance(controls := tree.get("controls"), list) else (),
        confirm=tree.get("confirm") is not None,
        incumbents=isinstance(confirm := tree.get("confirm"), Mapping) and confirm.get("incumbents") is True,
    )


def _positive_integer(value: object) -> int | None:
    """The value if it is an integer of at least 1, otherwise None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else None


def _sound(model: type[Model], block: object) -> Model | None:
    try:
        return validated(model, block)
    except ValidationError:
        return None


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Problems sorted by file, in the order of reading, and by line, without duplicates."""
    files = {file: index for index, file in enumerate(dict.fromkeys(problem.file for problem in problems))}
    return sorted(dict.fromkeys(problems), key=lambda problem: (files[problem.file], problem.line or 0))


def _follows(problem: Problem, unread: Problem) -> bool:
    """Whether a problem is that of a value that could not be read, or of a block on the same line that contains it."""
    depth = len(problem.key)
    return (problem.file, problem.line, problem.key) == (unread.file, unread.line, unread.key[:depth])
