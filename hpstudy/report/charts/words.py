"""Texts of a chart: labels with a substitute for fonts that lack one of their characters, and hover texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.charts.marks import Hover
from hpstudy.report.csvs import listed
from hpstudy.report.labels import LONGEST, ROW_LABEL, SHORTEST, cut


class Words(str):
    """A text with a substitute, which a pen writes if its font lacks a character of the text.

    Attributes:
        instead: the substitute.
    """

    instead: str

    def __new__(cls, text: str, instead: str) -> Words:
        """Create a text with its substitute."""
        words = super().__new__(cls, text)
        words.instead = instead
        return words


def filled(template: str, *parts: str) -> Words:
    """Fill the braces of the template with texts, and those of its substitute with the substitutes of the texts."""
    return Words(template.format(*parts), template.format(*(getattr(part, "instead", part) for part in parts)))


def difference(a: str, b: str) -> str:
    """The difference of two views for a label; long names are on two lines."""
    a, b = cut(a, LONGEST), cut(b, LONGEST)
    return f"{a} −{' ' if len(a) + len(b) <= SHORTEST else chr(10)}{b}"


def wrapped(text: str) -> str:
    """A label on lines of at most `ROW_LABEL` characters, divided at spaces where possible."""
    return Words(fill(text, ROW_LABEL), fill(getattr(text, "instead", text), ROW_LABEL))


def confidence(results: Results) -> str:
    """The level of the study's intervals, for instance "95%"."""
    return numbers.percent(results.study.analysis.confidence)


def label(results: Results, view: str, longest: int = LONGEST) -> Words:
    """The view's label; its name if it has no label or the font lacks a character of it."""
    return Words(cut(results.study.views[view].label or view, longest), cut(view, longest))


def metric(results: Results, longest: int | None = None) -> Words:
    """The study's metric, or "value"."""
    name = results.study.metric.name
    return Words(name if longest is None else cut(name, longest), "value")


def interval(results: Results, low: float, high: float) -> str:
    """An interval on a separate line; "" without an interval."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"\n{confidence(results)} CI {numbers.general(low, 6)} to {numbers.general(high, 6)}"


def estimated(results: Results, value: float, low: float, high: float) -> str:
    """A value, with its interval on the next line if it has one."""
    return numbers.general(value, 6) + interval(results, low, high)


def position(number: int) -> str:
    """A trial as the command line names it, with its place in the search: "trial 7 (8th)"."""
    count = number + 1
    ending = "th" if count % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"trial {number} ({count}{ending})"


def along(results: Results, curve: str | Sequence[str], mean: Floats, low: Floats, high: Floats) -> Hover:
    """The mean and its interval after each number of trials.

    Args:
        results: of the study.
        curve: its name, or (trials,) texts.
        mean: (trials,) values after 1, 2, ... trials.
        low: (trials,) lower ends of their intervals; NaN for none.
        high: (trials,) upper ends.
    """
    heads = [curve] * len(mean) if isinstance(curve, str) else curve
    rows = enumerate(zip(heads, *listed(mean, low, high), strict=True), 1)
    return Hover(
        tuple(f"{head}\nafter {numbers.things(count, 'trial')}: {estimated(results, *ends)}" for count, (head, *ends) in rows)
    )


def tried(texts: Sequence[str], points: Sequence[Mapping[str, Any] | None]) -> Hover:
    """A text for each point, followed by a line for every hyperparameter of the point.

    Args:
        texts: (points,) texts.
        points: (points,) tried points, all with the same hyperparameters; None for a missing one.
    """
    names = next((tuple(point) for point in points if point is not None), ())
    return Hover(
        tuple(texts), names, tuple(tuple(numbers.hyperparameter((point or {}).get(name)) for name in names) for point in points)
    )
