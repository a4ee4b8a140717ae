"""A chart as JSON for plotly: one object for each panel, to which `page.js` adds the colors of the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.display import visible
from hpstudy.report import style
from hpstudy.report.charts.marks import Band, Bars, Dots, Heat, Hover, Labels, Line, Mark, Marker, Rule, Steps
from hpstudy.report.charts.model import Axis, Chart, ColorScale, Panel

Trace: TypeAlias = "dict[str, Any]"
"""One plotly trace. Its `meta` lists its legend entries; it is drawn while all of them are switched on."""

PIXELS = 1.6
"""Pixels on the page per printed point."""

SYMBOLS = {"tick-up": "line-ns", "tick-across": "line-ew"}
"""Plotly's names of the markers, where they differ."""


def panels(chart: Chart) -> list[dict[str, Any]]:
    """Title, traces, axes and annotations of every panel, in plotly's JSON format."""
    return [
        {
            "title": escaped(panel.title.replace("\n", " ")),  # the page breaks it into lines itself
            "data": [
                {**trace, "meta": list(mark.groups)}
                for mark in panel.marks
                if mark.media in ("both", "page")
                for trace in _KINDS[type(mark)](chart, panel, mark)
            ],
            "x": _axis(panel.x),
            "y": _axis(panel.y),
            "annotations": [one for mark in panel.marks if mark.media in ("both", "page") for one in _annotations(mark)],
        }
        for panel in chart.shown("page")
    ]


def escaped(text: str) -> str:
    """User text escaped so that plotly shows it literally, without tags, entities or templates; a line feed starts a new line."""
    shown = visible(text)
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("%{", "&#37;{"), ("\n", "<br>")):
        shown = shown.replace(letter, entity)
    return shown


def plain(value: Any) -> Any:
    """A value for JSON: arrays as lists, and null for a number that is not finite."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


FEW_INTEGERS = 15
"""Longest axis of integers with a tick at each. On a longer one plotly's own ticks are integers too, up to the width of a screen."""


def _axis(panel_axis: Axis) -> dict[str, Any]:
    ends = [float(np.log10(end)) for end in panel_axis.limits] if panel_axis.log else list(panel_axis.limits)
    axis: dict[str, Any] = {
        "title": {"text": escaped(panel_axis.label)},
        "range": ends,
        "type": "log" if panel_axis.log else "linear",
        "showgrid": panel_axis.grid,
        "showline": panel_axis.line,
        "zeroline": False,
    }
    if panel_axis.ticks == "given":
        axis |= {"tickvals": list(panel_axis.at), "ticktext": [escaped(text) for text in panel_axis.texts]}
    elif panel_axis.ticks == "integers":
        # Ticks can be fractions after zooming in; "d" would round their labels, so that numbers appear twice.
        axis |= {"tickformat": "~r"} | ({"dtick": 1} if abs(ends[1] - ends[0]) <= FEW_INTEGERS else {})
    elif panel_axis.ticks == "none":
        axis["tickvals"] = []
    elif panel_axis.log:
        axis |= {"exponentformat": "power", "dtick": max(1, round(abs(ends[1] - ends[0]) / 6))}
    return axis


def _faded(color: str, alpha: float) -> str:
    """A color #rrggbb with an opacity, as #rrggbbaa."""
    return color if alpha == 1 else f"{color}{round(255 * alpha):02x}"


def _hovered(trace: Trace, hover: Hover | None) -> Trace:
    if hover is None:
        return {**trace, "hoverinfo": "skip"}
    lines = "".join(f"<br>{escaped(name)} %{{customdata[{index}]}}" for index, name in enumerate(hover.names))
    texts = [escaped(text) for text in hover.texts]
    hovered = {**trace, "text": texts, "hovertemplate": f"%{{text}}{lines}<extra></extra>"}
    return {**hovered, "customdata": [[escaped(one) for one in row] for row in hover.values]} if hover.names else hovered


def _marker(marker: Marker, color: str, alpha: float) -> dict[str, Any]:
    symbol, shade = SYMBOLS.get(marker.symbol, marker.symbol), _faded(color, alpha)
    properties: dict[str, Any] = {"symbol": symbol, "size": round(PIXELS * 1.1 * marker.size, 1), "color": shade}
    if marker.symbol in SYMBOLS:
        return {**properties, "line": {"width": PIXELS * marker.edge_width, "color": marker.edge or shade}}
    if marker.fill == "color":
        return {**properties, "line": {"width": PIXELS * marker.edge_width, "color": marker.edge}} if marker.edge else properties
    edge = marker.edge or shade
    properties["line"] = {"width": PIXELS * marker.edge_width, "color": edge}
    return properties | ({"color": style.PAPER} if marker.fill == "paper" else {"symbol": f"{symbol}-open", "color": edge})


def _line(_: Chart, __: Panel, line: Any) -> list[Trace]:
    shape = {"shape": "hv"} if isinstance(line, Steps) else {}
    mode = "+".join(part for part, there in (("lines", line.width), ("markers", line.marker)) if there)
    trace: Trace = {
        "type": "scatter",
        "mode": mode,
        "x": line.x,
        "y": line.y,
        "connectgaps": False,
        "line": {"width": round(PIXELS * line.width, 1), "color": _faded(line.color, line.alpha), "dash": line.dash, **shape},
    }
    if line.marker is not None:
        count = -(-len(line.x) // line.every[1])
        trace["marker"] = {**_marker(line.marker, line.color, line.alpha), "maxdisplayed": 0 if line.every[1] == 1 else count}
    return [_hovered(trace, line.hover)]


def _band(_: Chart, __: Panel, band: Any) -> list[Trace]:
    """One closed outline for each unbroken part of the band."""
    x, low, high = _stepped(band) if band.stepped else (band.x, band.low, band.high)
    finite = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.r_[False, finite, False]))
    xs: list[float] = []
    ys: list[float] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        part = slice(start, end)
        xs += [*x[part].tolist(), *x[part][::-1].tolist(), math.nan]
        ys += [*low[part].tolist(), *high[part][::-1].tolist(), math.nan]
    area = {"mode": "none", "fill": "toself", "fillcolor": _faded(band.color, band.alpha), "hoverinfo": "skip"}
    return [{"type": "scatter", "x": xs[:-1], "y": ys[:-1], **area}]


def _stepped(band: Band) -> tuple[Floats, Floats, Floats]:
    """(2 points - 1,) corners of a stepped band."""
    return np.repeat(band.x, 2)[1:], np.repeat(band.low, 2)[:-1], np.repeat(band.high, 2)[:-1]


def _dots(chart: Chart, _: Panel, dots: Any) -> list[Trace]:
    marker = _marker(dots.marker, dots.color, dots.alpha)
    if dots.values is not None:
        assert chart.scale is not None, "values need a scale"
        marker |= {"color": dots.values, "opacity": dots.alpha, "cmin": chart.scale.low, "cmax": chart.scale.high}
        marker |= {"showscale": True, **_colors(chart.scale)}
    trace: Trace = {"type": "scatter", "mode": "markers", "x": dots.x, "y": dots.y, "marker": marker, "cliponaxis": dots.clipped}
    return [_hovered(trace, dots.hover)]


def _rule(_: Chart, panel: Panel, rule: Any) -> list[Trace]:
    along, across = ("x", "y") if rule.axis == "y" else ("y", "x")
    ends = panel.x.limits if rule.axis == "y" else panel.y.limits
    hover = rule.hover and Hover(rule.hover.texts * 2)
    line = {"width": PIXELS * rule.width, "color": rule.color, "dash": rule.dash}
    return [_hovered({"type": "scatter", "mode": "lines", along: list(ends), across: [rule.at] * 2, "line": line}, hover)]


def _bars(_: Chart, __: Panel, bars: Any) -> list[Trace]:
    middle, width = (bars.left + bars.right) / 2, bars.right - bars.left
    looks = (
        {"color": "#00000000", "line": {"width": PIXELS * bars.frame, "color": bars.color}}
        if bars.frame
        else {"color": _faded(bars.color, bars.alpha), "line": {"width": 0}}
    )
    sides = {"x": middle, "width": width, "base": bars.bottom, "y": bars.top - bars.bottom}
    return [_hovered({"type": "bar", **sides, "marker": looks, "textposition": "none"}, bars.hover)]


def _heat(chart: Chart, _: Panel, heat: Any) -> list[Trace]:
    assert chart.scale is not None, "a heat map needs a scale"
    columns = heat.values.shape[1]
    trace: Trace = {
        "type": "heatmap",
        "x": heat.x_edges,
        "y": heat.y_edges,
        "z": heat.values,
        "zmin": chart.scale.low,
        "zmax": chart.scale.high,
        "xgap": int(heat.parted),
        "ygap": int(heat.parted),
        "hoverongaps": False,
        "hoverinfo": "skip",
        **_colors(chart.scale),
    }
    texts = [escaped(text) for text in heat.hover.texts] if heat.hover else []
    if texts:
        rows = [texts[start : start + columns] for start in range(0, len(texts), columns)]
        trace |= {"hovertext": rows, "hovertemplate": "%{hovertext}<extra></extra>"}
    if heat.written:
        trace |= {"text": [[escaped(text) for text in row] for row in heat.written], "texttemplate": "%{text}"}
    gaps = np.argwhere(np.isnan(heat.values) & heat.parted)
    if not len(gaps):
        return [trace]
    x, y = ((edges[1:] + edges[:-1]) / 2 for edges in (heat.x_edges, heat.y_edges))
    marker = {"symbol": "x-thin-open", "size": 16, "color": style.INK}
    crosses: Trace = {"type": "scatter", "mode": "markers", "x": x[gaps[:, 1]], "y": y[gaps[:, 0]], "marker": marker}
    hover = Hover(tuple(heat.hover.texts[row * columns + column] for row, column in gaps.tolist())) if heat.hover else None
    return [trace, _hovered(crosses, hover)]


def _labels(_: Chart, __: Panel, labels: Any) -> list[Trace]:
    """Texts at data coordinates; texts at fractions of the panel are annotations."""
    if labels.frame == "panel":
        return []
    upright = {"top": "bottom", "middle": "middle", "bottom": "top"}[labels.anchor]  # plotly names the side of the point
    across = {"left": "right", "center": "center", "right": "left"}[labels.align]
    texts = [_italic(escaped(text), labels.italic) for text in labels.texts]
    font = {"size": round(PIXELS * labels.size), "color": labels.color}
    looks = {"textposition": f"{upright} {across}", "textfont": font, "cliponaxis": False, "hoverinfo": "skip"}
    return [{"type": "scatter", "mode": "text", "x": labels.x, "y": labels.y, "text": texts, **looks}]


def _annotations(mark: Mark) -> list[dict[str, Any]]:
    if not isinstance(mark, Labels) or mark.frame != "panel":
        return []
    return [
        {
            "text": _italic(escaped(text), mark.italic),
            "xref": "paper",
            "yref": "paper",
            "x": x,
            "y": y,
            "xanchor": mark.align,
            "yanchor": mark.anchor,
            "xshift": PIXELS * mark.shift[0],
            "yshift": PIXELS * mark.shift[1],
            "align": mark.align,
            "showarrow": False,
            "font": {"color": mark.color, "size": round(PIXELS * mark.size)},
        }
        for x, y, text in zip(mark.x.tolist(), mark.y.tolist(), mark.texts, strict=True)
    ]


def _italic(text: str, italic: bool) -> str:
    return f"<i>{text}</i>" if italic else text


def _colors(scale: ColorScale) -> dict[str, Any]:
    bar = {"title": {"text": escaped(scale.label), "side": "right"}, "thickness": 14, "outlinewidth": 0}
    return {"colorscale": "Viridis", "reversescale": scale.reverse, "colorbar": bar}


_KINDS: dict[type[Mark], Callable[[Chart, Panel, Any], list[Trace]]] = {
    Line: _line,
    Steps: _line,
    Band: _band,
    Dots: _dots,
    Rule: _rule,
    Bars: _bars,
    Heat: _heat,
    Labels: _labels,
}
