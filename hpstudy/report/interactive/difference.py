"""The paired difference of two best-so-far curves."""

from __future__ import annotations

import numpy as np

from hpstudy.analysis.results import PairResult, Results
from hpstudy.report import numbers
from hpstudy.report.figures import PANELS
from hpstudy.report.interactive.spec import (
    INK,
    Entry,
    Interactive,
    Panel,
    Trace,
    band,
    faded,
    hover,
    interval,
    trial_axis,
    words,
)
from hpstudy.report.labels import LONGEST, cut


def difference(results: Results, part: int) -> Interactive | None:
    """The interactive form of `figures.draw_differences`: part number `part` of its comparisons."""
    pairs = [pair for pair in results.pairs if pair.curve is not None][part * PANELS : (part + 1) * PANELS]
    if not pairs:
        return None
    level = numbers.percent(results.study.analysis.confidence)
    legend = [Entry("mean difference", dash="solid", symbol="circle")]
    if any(pair.curve is not None and pair.curve.band is not None for pair in pairs):
        legend += [Entry(f"pointwise {level} interval"), Entry(f"simultaneous {level} band")]
    return Interactive(tuple(_panel(results, pair, level) for pair in pairs), tuple(legend))


def _panel(results: Results, pair: PairResult, level: str) -> Panel:
    curve = pair.curve
    assert curve is not None
    trial = np.arange(1, len(curve.mean) + 1, dtype=np.float64)
    a, b = (words(cut(name, LONGEST)) for name in (pair.a, pair.b))
    traces: list[Trace] = []
    if curve.band is not None:
        traces += [
            band(trial, curve.band.low, curve.band.high, faded(INK, 0.14), (2,)),
            band(trial, curve.low, curve.high, faded(INK, 0.28), (1,)),
        ]
    columns = zip(curve.mean.tolist(), curve.low.tolist(), curve.high.tolist(), strict=True)
    texts = [
        f"{a} − {b}, {len(pair.replicates)} replicates<br>trial {place + 1}: {numbers.general(mean, 6)}{interval(low, high, level)}"
        for place, (mean, low, high) in enumerate(columns)
    ]
    line: Trace = {
        "type": "scatter",
        "mode": "lines+markers" if len(trial) <= 60 else "lines",
        "x": trial,
        "y": curve.mean,
        "line": {"width": 2, "color": INK},
        "marker": {"size": 6, "color": INK},
        "meta": [0],
    }
    traces.append(hover(line, texts))
    above, below = (a, b) if results.study.metric.goal == "maximize" else (b, a)
    sides = [(above, 1, "top"), (below, 0, "bottom")]
    return Panel(
        f"{pair.a} minus {pair.b}",
        tuple(traces),
        trial_axis(len(trial)),
        {"title": {"text": f"{a} − {b}"}, "zeroline": True, "rangemode": "tozero"},
        annotations=tuple(
            {
                "text": f"<i>{text} better</i>",
                "xref": "paper",
                "yref": "paper",
                "x": 1,
                "y": y,
                "xanchor": "right",
                "yanchor": side,
                "showarrow": False,
            }
            for text, y, side in sides
        ),
    )
