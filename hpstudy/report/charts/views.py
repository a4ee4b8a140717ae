"""Shared parts of charts of views: legend, markers of curves, and the target line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.report import style
from hpstudy.report.charts.marks import Band, Hover, Labels, Mark, Media, Rule
from hpstudy.report.charts.model import Entry
from hpstudy.report.charts.words import Words, label
from hpstudy.report.wording import level_text


def entries(results: Results, *, line: bool = True, symbol: bool = True, media: Media = "both") -> list[Entry]:
    """Legend entries of the views in the order of the study; `line` and `symbol` are whether an entry shows them."""
    return [
        Entry(
            label(results, view.name),
            style.color(index),
            style.dash(index) if line else "",
            style.symbol(index) if symbol else "",
            media=media,
        )
        for index, view in enumerate(results.views)
    ]


def index_of(results: Results, view: str) -> int:
    """Index of the view in the study, which determines its color."""
    return list(results.study.views).index(view)


def every(index: int, views: int, points: int) -> tuple[int, int]:
    """The points of a curve with the marker of view number `index`, as in `Line.every`: about 12, different for each view."""
    step = max(1, points // 12)
    return step * index // max(1, views), step


def bands_first(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """The marks in their order, with all bands below the others."""
    return tuple(sorted(marks, key=lambda mark: not isinstance(mark, Band)))


def target(results: Results, limits: tuple[float, float], groups: tuple[int, ...] = ()) -> tuple[Rule, ...]:
    """The line of the target; empty if the target lies outside the limits."""
    level = results.level.value if results.level is not None else None
    if level is None or not limits[0] <= level <= limits[1]:
        return ()
    hover = Hover((f"target: {level_text(results)}",))
    return (Rule(axis="y", at=level, color=style.gray(0.35), dash="dot", groups=groups, hover=hover),)


def target_entry(results: Results) -> Entry:
    """The legend entry of the target."""
    return Entry(Words(f"target: {level_text(results)}", "target: the target level"), style.INK, "dot", width=0.8)


def aside(
    text: str,
    x: float,
    y: float,
    align: Literal["left", "center", "right"],
    anchor: Literal["top", "middle", "bottom"],
    up: float = 0.0,
) -> Labels:
    """A note in gray italics on the meaning of one side, at fractions of the panel, shifted up by `up` points."""
    return Labels(
        x=np.array([x]),
        y=np.array([y]),
        texts=(text,),
        color=style.gray(0.25),
        align=align,
        anchor=anchor,
        italic=True,
        boxed=True,
        frame="panel",
        shift=(0.0, up),
    )
