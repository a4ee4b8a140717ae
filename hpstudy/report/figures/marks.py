"""What figures of a sweep share: bands within the axes, one legend for all panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpstudy.analysis.arrays import Floats
from hpstudy.report import style


def fill(axes: Axes, x: Any, low: Floats, high: Floats, **looks: Any) -> None:
    """A band within the axes' limits: the end of an interval that is not positive has no place on a logarithmic axis.

    Args:
        axes: with their final scale and limits.
        x: (points,) where the band is.
        low: (points,) its lower end.
        high: (points,) its upper end.
        **looks: of `Axes.fill_between`.
    """
    bottom = axes.get_ylim()[0]
    axes.fill_between(x, np.maximum(low, bottom), np.maximum(high, bottom), linewidth=0, **looks)


def legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend for all panels, above them; none for a single line."""
    found: dict[str, Artist] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    if len(found) > 1:
        columns = style.legend_columns([f"{name}  " for name in found])
        figure.legend(found.values(), found.keys(), loc="outside upper left", ncols=columns)
