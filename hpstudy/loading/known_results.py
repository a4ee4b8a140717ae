"""Reads known results of a view from a CSV file: one row per point, with its hyperparameters and the value of the study's metric."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hpstudy.errors import Problem, StudyError, UsageError, nearest
from hpstudy.loading.spaces import point_problems
from hpstudy.search.values import describe_domain, point_of
from hpstudy.study.parameters import AnyParameter, ChoiceParameter, IntParameter, Value, same_value
from hpstudy.study.schema import Study, View
from hpstudy.study.space import Point

KnownResult = tuple[Point, float]
"""A point, and its value of the metric."""


def read_known_results(file: Path, study: Study, view: str) -> list[KnownResult]:
    """The results in a file, in order.

    The columns are the hyperparameters that the view tunes, and the study's metric. The cell of an absent hyperparameter is empty.

    Args:
        file: a CSV file with a line of column names.
        study: the study.
        view: the view of the points.

    Raises:
        UsageError: the file cannot be read, or has no results.
        StudyError: a column is unknown or missing, or a value is missing, not a number, or outside the space. The error lists the line of
            every mistake.
    """
    try:
        rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig")), strict=True))
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not a CSV file", "write a line of column names, and a line for each point") from None
    except (OSError, csv.Error) as error:
        raise UsageError(f"{file} cannot be read as CSV: {getattr(error, 'strerror', None) or error}") from None
    header, *lines = rows or [[]]
    body = [(number, cells) for number, cells in enumerate(lines, 2) if any(cells)]
    if not body:
        raise UsageError(f"{file} has no results", "write a line of column names, and a line for each point")
    space, metric = study.views[view].space, study.metric.name
    problems = [Problem((), text, file, 1) for text in _header_problems(header, [*space.names(), metric])]
    results = []
    for line, cells in () if problems else body:
        items = list(_read_line(dict(zip(header, cells, strict=False)), len(cells) - len(header), study.views[view], metric))
        problems += [Problem((), text, file, line) for text in items if isinstance(text, str)]
        results += [item for item in items if not isinstance(item, str)]
    if problems:
        raise StudyError(problems)
    return results


def _header_problems(header: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    unknown = list(dict.fromkeys(name for name in header if name not in names))
    if len(unknown) == 1:
        yield f"unknown column '{unknown[0]}': {nearest(unknown[0], names)}"
    elif unknown:
        yield f"unknown columns {', '.join(map(repr, unknown))}: valid: {', '.join(names)}"
    yield from (f"the column '{name}' appears twice" for name in names if header.count(name) > 1)
    yield from (f"the column '{name}' is missing" for name in names if name not in header)


def _read_line(cells: Mapping[str, str], extra: int, view: View, metric: str) -> Iterator[str | KnownResult]:
    """Yield the problems of a line, or its result if there are none."""
    if extra:
        yield f"the line has {abs(extra)} cells {'more' if extra > 0 else 'fewer'} than there are columns"
        return
    texts = {name: cells[name].strip() for name in view.space.names()}
    parsed = {name: _value(view.space.root[name], text) for name, text in texts.items() if text}
    values = {name: value for name, value in parsed.items() if value is not None}
    problems = [
        f"'{name}' must be {describe_domain(view.space.root[name])}, not '{texts[name]}'" for name in parsed if name not in values
    ] or [
        f"'{problem.key[0]}' {problem.message}" if problem.message.startswith("must be") else problem.message
        for problem in point_problems(view, values)
    ]
    yield from problems
    value = _number(cells[metric].strip())
    if value is None:
        yield f"'{metric}' must be a finite number, not '{cells[metric]}'"
    elif not problems:
        yield point_of(view.space, values), value


def _value(parameter: AnyParameter, text: str) -> Value | None:
    """The value in a cell; None if it is not a possible value of the hyperparameter.

    Other programs write 0.30000000000000004 for 0.3, and 16.0 for 16 in a column with empty cells.
    """
    number = _number(text)
    if isinstance(parameter, ChoiceParameter):
        by_text = {"true" if value is True else "false" if value is False else str(value): value for value in parameter.values}
        named = by_text.get(text.lower() if text.lower() in ("true", "false") else text)
        equal = (value for value in parameter.values if number is not None and same_value(value, number))
        return next(equal, None) if named is None else named
    if number is None or (isinstance(parameter, IntParameter) and not number.is_integer()):
        return None
    if isinstance(parameter, IntParameter):
        return int(number)
    if parameter.step is None:
        return number
    near = parameter.value(parameter.index(number))
    return near if math.isclose(near, number, rel_tol=1e-9, abs_tol=1e-9 * parameter.step) else number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
