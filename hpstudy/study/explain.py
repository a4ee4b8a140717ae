"""Turns pydantic errors into sentences for the author of a study file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from hpstudy.described import description
from hpstudy.errors import nearest
from hpstudy.study.models import choose, inside, keys_of, literals
from hpstudy.study.yaml import FLOAT

Key = tuple[str | int, ...]

KINDS = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a block of 'key: value'",
    "model_type": "a block of 'key: value'",
    "none_required": "null",
}
"""The expected kind of value, by pydantic's error type."""

BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
"""The comparison of a bound, and the name of its value in pydantic's error context."""

SHOWN = 60
"""Maximum characters of a wrong value in a message."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in a study file.

    Attributes:
        key: path of the value.
        sentence: the mistake, and what is valid.
        at_key: whether the key itself is wrong, not its value.
    """

    key: Key
    sentence: str
    at_key: bool = False


@dataclass(frozen=True)
class _LocatedError:
    """A pydantic error with the key as written in the file."""

    kind: str
    key: Key
    value: Any
    context: Mapping[str, Any]
    text: str
    owner: Any  # the type of the block that holds the key
    keys: tuple[str, ...]  # the valid keys of that block
    expected: Any  # the type of the key's value
    at_key: bool


def explain(error: ValidationError, tree: object, model: type[BaseModel], other_keys: tuple[str, ...] = ()) -> list[Mistake]:
    """The mistakes in `error`, one per key, without mistakes that follow from another one.

    Args:
        error: raised by the validation of `tree` as a `model`.
        tree: plain values.
        model: the expected model.
        other_keys: valid keys at the top of the tree that are not in the model.
    """
    groups: dict[tuple[Key, bool], list[_LocatedError]] = {}
    for detail in error.errors(include_url=False):
        located = _located(detail, tree, model, other_keys)
        groups.setdefault((located.key, located.at_key), []).append(located)
    misspelled = {
        (*key[:-1], close)
        for (key, _), group in groups.items()
        for f in group
        if f.kind == "extra_forbidden" and (close := _close(f))
    }
    blocks = {key[:length] for key, _ in groups for length in range(len(key))}
    mistakes = []
    for (key, _), group in groups.items():
        consequence = key in blocks and all(f.kind in ("too_short", "too_long") for f in group)
        missing = all(f.kind == "missing" for f in group)
        if not consequence and not (missing and key in misspelled):
            mistakes.append(_mistake(group))
    return mistakes


def _located(detail: Any, tree: object, model: type[BaseModel], other_keys: tuple[str, ...]) -> _LocatedError:
    """An error with its real key, because pydantic's location also includes the alternatives of a union."""
    key: list[str | int] = []
    location = list(detail["loc"])
    at_key = bool(location) and location[-1] == "[key]"
    node, owner, expected = tree, None, choose(model, tree)
    for index, part in enumerate(location):
        exists = (isinstance(node, Mapping) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and part < len(node)
        )
        last = index == len(location) - 1
        if not exists and not (last and detail["type"] in ("missing", "extra_forbidden")):
            continue
        key.append(part)
        node = node[part] if exists else None  # type: ignore[index]  # `exists` implies a container
        owner, expected = expected, inside(expected, part)
        if node is not None and not (last and detail["type"] in ("literal_error", "enum")):
            expected = choose(expected, node)
    keys = (*(other_keys if len(key) == 1 else ()), *(keys_of(owner) or ()))
    return _LocatedError(
        detail["type"], tuple(key), detail["input"], detail.get("ctx", {}), detail["msg"], owner, keys, expected, at_key
    )


def _close(error: _LocatedError) -> str:
    """The valid key that is nearest to an unknown key; "" if none is near."""
    return next(iter(difflib.get_close_matches(str(error.key[-1]), error.keys, n=1, cutoff=0.6)), "")


def _mistake(group: list[_LocatedError]) -> Mistake:
    first = group[0]
    if len(group) > 1 and all(error.kind in KINDS or error.kind == "literal_error" for error in group):
        kinds = dict.fromkeys(KINDS.get(error.kind) or str(error.context.get("expected", "")) for error in group)
        if kinds.keys() & {KINDS["float_type"], KINDS["finite_number"]}:
            kinds.pop(KINDS["int_type"], None)
        return Mistake(first.key, f"must be {' or '.join(kinds)}, not {shown(first.value)}")
    sentences = dict.fromkeys(_sentence(error) for error in group)
    return Mistake(first.key, "; ".join(sentences), first.at_key or first.kind == "extra_forbidden")


def _sentence(error: _LocatedError) -> str:
    value, context = error.value, error.context
    if error.kind in KINDS:
        return f"must be {KINDS[error.kind]}, not {shown(value)}{_fix(error)}"
    if error.kind in BOUNDS:
        comparison, name = BOUNDS[error.kind]
        return f"must be {comparison} {shown(_whole(context[name]))}, not {shown(value)}"
    match error.kind:
        case "extra_forbidden":
            return f"unknown key: {nearest(str(error.key[-1]), error.keys)}"
        case "missing" if isinstance(error.key[-1], int):
            return "this list is too short"
        case "missing":
            text = description(error.owner, str(error.key[-1]))
            return f"this key is missing. {text}" if text else "this key is missing"
        case "value_error" | "assertion_error":
            return str(context["error"])
        case "literal_error" | "enum":
            return f"{shown(value)} is not valid here: {nearest(str(value), literals(error.expected) or [context['expected']])}"
        case "union_tag_not_found":
            return f"needs a 'type': {_tags(error)}"
        case "union_tag_invalid":
            return f"no parameter has the type {shown(context['tag'])}: {nearest(str(context['tag']), _tags(error).split(', '))}"
        case "string_pattern_mismatch" if "[A-Za-z0-9]" in str(context.get("pattern")):
            return f"{shown(value)} cannot be a name: use letters, digits, '.', '_' and '-', and start with a letter or digit"
        case "string_too_long":
            return f"must have at most {context['max_length']} characters, not {len(value)}"
        case "too_short":
            return f"must have {context['min_length']} or more entries, not {context['actual_length']}"
        case "too_long":
            return f"must have at most {context['max_length']} entries, not {context['actual_length']}"
    text = error.text
    if text.startswith("Input should be "):
        return f"must be {text.removeprefix('Input should be ')}, not {shown(value)}"
    return f"{text[:1].lower()}{text[1:]}, not {shown(value)}"


def _tags(error: _LocatedError) -> str:
    return str(error.context.get("expected_tags", "'float', 'int', 'choice'")).replace("'", "")


def _whole(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _fix(error: _LocatedError) -> str:
    """The fix for a value that would be valid in another notation; "" if there is none."""
    value = error.value
    if error.kind in ("float_type", "int_type") and isinstance(value, str):
        return ": remove the quotes" if FLOAT.fullmatch(value) else ""
    if error.kind == "bool_type" and isinstance(value, str) and value.lower() in ("yes", "no", "on", "off", "y", "n"):
        return " (in YAML 1.2 only true and false are truth values)"
    if error.kind == "string_type" and isinstance(value, bool | int | float):
        return ": put it in quotes"
    if error.kind in ("int_type", "int_from_float") and isinstance(value, float) and value.is_integer():
        return f": write {int(value)}"
    return ""


def shown(value: object) -> str:
    """A value in the notation of a study file, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "a block"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
