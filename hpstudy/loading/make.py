"""Creates the task and the searchers that a study names, and checks their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from hpstudy.errors import HpstudyError, PluginError, Problem, StudyError, UsageError, text_of
from hpstudy.plugins import is_plugin
from hpstudy.search import SEARCHERS
from hpstudy.search.default import DefaultSearcher
from hpstudy.study.blocks import OpenBlock
from hpstudy.study.controls import DEFAULT
from hpstudy.study.explain import Key, explain
from hpstudy.study.models import validated
from hpstudy.study.schema import OtherSearcher, SearchBlock, Study, TaskBlock
from hpstudy.tasks import TASKS

if TYPE_CHECKING:
    from hpstudy.search.interface import Searcher
    from hpstudy.tasks.interface import Task


Made = TypeVar("Made")


def make_task(block: TaskBlock) -> Task:
    """Create the task of a task block: one of `TASKS`, or a user's own callable ("module:name").

    For a user's own callable, call it within `hpstudy.modules.module_path`.

    Raises:
        StudyError: there is no such task, a user's module cannot be used, or a setting is invalid; keys begin with "task".
    """
    key: Key = ("task",)
    if not is_plugin(block.use):
        kind: type[Task] = _at(lambda: TASKS.load(block.use), (*key, "use"))
        return kind(_settings(kind.Settings, block, key))
    from hpstudy.tasks.python import settings_model, user_task

    model = _at(lambda: settings_model(block.use, block.settings), (*key, "use"))
    settings = _at(lambda: _settings(model, block, key), (*key, "use"))
    return _at(lambda: user_task(block.use, settings.model_dump()), (*key, "use"))


def make_searcher(block: SearchBlock | OtherSearcher, key: Key = ("search",)) -> Searcher:
    """Create the searcher of a search block, or another searcher.

    Raises:
        StudyError: there is no such searcher, or a setting is invalid; keys begin with `key`, the key of the block.
    """
    name = (*key, "searcher")
    kind: type[Searcher] = _at(lambda: _searcher_class(block.searcher), name)
    settings = _at(lambda: _settings(kind.Settings, block, key), name)
    return _at(lambda: kind(settings), name)


def _searcher_class(name: str) -> type[Searcher]:
    from hpstudy.search.interface import Searcher

    kind = SEARCHERS.load(name)
    if not (isinstance(kind, type) and issubclass(kind, Searcher)):
        raise PluginError(f"'{name}' is not a searcher", "derive it from hpstudy.Searcher: class MySearcher(hpstudy.Searcher)")
    return kind


def searcher_of(study: Study, name: str | None) -> Searcher:
    """The searcher of an arm (`hpstudy.study.controls.Arm.searcher`)."""
    if name == DEFAULT:
        return DefaultSearcher()
    return make_searcher(study.search if name is None else study.others[name])


def is_sweep(study: Study) -> bool:
    """Whether the study's searcher lists its points. A user's own searcher that cannot be imported here is assumed to search."""
    return _declared(study.search.searcher, "lists_points", False)


def reads_history(study: Study, name: str | None) -> bool:
    """Whether the searcher of an arm reads the history. A user's own searcher that cannot be imported here is assumed to read it."""
    return name != DEFAULT and _declared(name or study.search.searcher, "reads_history", True)


def _declared(searcher: str, attribute: str, otherwise: bool) -> bool:
    """The attribute of a searcher's class; `otherwise` if the class cannot be imported or does not define it."""
    try:
        return bool(getattr(SEARCHERS.load(searcher), attribute, otherwise))
    except PluginError:
        return otherwise


def _at(make: Callable[[], Made], key: Key) -> Made:
    """The result of `make`. An unknown name, or an exception in user code, is reported as a problem at `key`."""
    try:
        return make()
    except (UsageError, PluginError) as error:
        raise StudyError([Problem(key, error.message)], error.hint) from error
    except HpstudyError:
        raise
    except (Exception, SystemExit) as error:  # a user's class may raise anything
        part = "searcher" if key[0] == "search" else "task"
        raise StudyError([Problem(key, f"making the {part} failed: {type(error).__name__}: {text_of(error)}")]) from error


def _settings(model: type[BaseModel], block: OpenBlock, key: Key) -> BaseModel:
    try:
        return validated(model, block.settings)
    except ValidationError as error:
        mistakes = explain(error, block.settings, model, tuple(type(block).model_fields))
        raise StudyError([Problem((*key, *m.key), m.sentence) for m in mistakes]) from error
