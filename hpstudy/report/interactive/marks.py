"""What the interactive figures of a sweep share: the axes, the words of a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView
from hpstudy.report.charts.swept import text_of
from hpstudy.report.interactive.spec import label, words


def scaled(limits: tuple[float, float], title: str, *, log: bool) -> dict[str, Any]:
    """An axis between two values, of which a logarithmic one wants the powers of ten."""
    ends = [float(np.log10(end)) for end in limits] if log else list(limits)
    looks = {"type": "log", "exponentformat": "power", "dtick": _decades(ends)} if log else {"type": "linear"}
    return {"title": {"text": words(title)}, "range": ends, "zeroline": False, **looks}


def _decades(ends: Sequence[float]) -> int:
    return max(1, round((ends[1] - ends[0]) / 6))


def point_words(results: Results, view: SweepView, number: int) -> str:
    """View, number and hyperparameters of a point, for a hover text."""
    point: Mapping[str, Any] = view.points[number]
    values = "".join(f"<br>{words(text_of({name: value}))}" for name, value in point.items())
    return f"{words(label(results, view.name))}, point {number}{values}"
