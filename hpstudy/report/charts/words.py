"""Texts of a chart that have a substitute for fonts that lack a letter of them."""

from __future__ import annotations

from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.labels import LONGEST, cut


class Words(str):
    """A text with a substitute, which a pen writes where its font lacks a letter of the text.

    Attributes:
        instead: the substitute.
    """

    instead: str

    def __new__(cls, text: str, instead: str) -> Words:
        """A text and what is written instead where it cannot be."""
        made = super().__new__(cls, text)
        made.instead = instead
        return made


def filled(template: str, *parts: str) -> Words:
    """The template with texts in its braces; its substitute has those of the texts."""
    return Words(template.format(*parts), template.format(*(getattr(part, "instead", part) for part in parts)))


def confidence(results: Results) -> str:
    """The level of the study's intervals: "95%", say."""
    return numbers.percent(results.study.analysis.confidence)


def label(results: Results, view: str, longest: int = LONGEST) -> Words:
    """The view's label, with its name where it has none or the font lacks a letter of it."""
    return Words(cut(results.study.views[view].label or view, longest), cut(view, longest))


def metric(results: Results, longest: int | None = None) -> Words:
    """The study's metric, or "value"."""
    name = results.study.metric.name
    return Words(name if longest is None else cut(name, longest), "value")
