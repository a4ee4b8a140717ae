"""Texts of a chart with a substitute for fonts that lack one of their characters."""

from __future__ import annotations

from textwrap import fill

from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.labels import LONGEST, ROW_LABEL, SHORTEST, cut


class Words(str):
    """A text with a substitute, which a pen writes if its font lacks a character of the text.

    Attributes:
        instead: the substitute.
    """

    instead: str

    def __new__(cls, text: str, instead: str) -> Words:
        """Create a text with its substitute."""
        made = super().__new__(cls, text)
        made.instead = instead
        return made


def filled(template: str, *parts: str) -> Words:
    """Fill the braces of the template with texts, and those of its substitute with the substitutes of the texts."""
    return Words(template.format(*parts), template.format(*(getattr(part, "instead", part) for part in parts)))


def difference(a: str, b: str) -> str:
    """The difference of two views for the label of an axis or a row; long names are on two lines."""
    a, b = cut(a, SHORTEST), cut(b, SHORTEST)
    return f"{a} −{' ' if len(a) + len(b) <= SHORTEST else chr(10)}{b}"


def wrapped(text: str) -> str:
    """A label on lines of at most `ROW_LABEL` characters, where it has spaces."""
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
