"""One trial: what it tried, what came out, its curves, its traceback and the log of its worker."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpstudy.engine.duration import human_duration
from hpstudy.live.charts import figure
from hpstudy.live.feed import Part
from hpstudy.live.markup import ended, moment, value
from hpstudy.live.thin import MOST_POINTS
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import around, trial_axis
from hpstudy.report.charts.model import Axis, Chart, Hover, Line, Mark, Marker, Panel
from hpstudy.report.charts.spread import evenly
from hpstudy.report.interactive import text
from hpstudy.store import Reader, TrialDetail
from hpstudy.study.plan import SearchKey

LOG_BYTES = 20_000
"""Of the end of a log. A log holds what all trials of its worker printed."""

MOST_METRICS = 6
"""Learning curves that are drawn, the study's metric first."""

FEW = 30
"""Epochs up to which each has a marker."""


def read(path: Path, key: SearchKey, number: int) -> Part:
    """A trial as a part: `html`, and `figure` with its learning curves where it has any.

    Raises:
        UsageError: there is no such trial.
        StoreError: the database cannot be read.
    """
    with Reader.open(path) as reader, reader.snapshot():
        found, metric = reader.trial_detail(key, number), reader.study.metric.name
        attributes = reader.attributes().get((key, number), {})
    drawn = {"figure": figure(_chart(found, metric), "trial-0")} if found.curves else {}
    return Part.of({"html": _html(found, attributes, path), **drawn})


def _html(found: TrialDetail, attributes: Mapping[str, Any], path: Path) -> str:
    trial = found.trial
    facts = {
        "end": ended(trial),
        "value": value(trial.objective),
        **{f"{name}": text(numbers.hyperparameter(tried)) for name, tried in found.point.items()},
        "began": moment(trial.started_at),
        "ended": moment(trial.ended_at),
        "trained": text(human_duration(trial.evaluate_s)) if trial.evaluate_s is not None else numbers.MISSING,
    }
    if found.attempts > 1:
        facts["attempts"] = str(found.attempts)
    facts |= {name: value(measured) for name, measured in found.metrics.items()}
    facts |= {name: text(str(kept)) for name, kept in attributes.items()}
    rows = "".join(f"<div><dt>{text(name)}</dt><dd>{shown}</dd></div>\n" for name, shown in facts.items())
    title = f"{trial.key.view}, replicate {trial.key.replicate}, trial {trial.number}"
    return f'<h3 id="trial-title">{text(title)}</h3>\n<dl>\n{rows}</dl>\n{_failure(found)}{_log(found, path)}'


def _failure(found: TrialDetail) -> str:
    if found.error_type is None:
        return ""
    told = ": ".join(part for part in (found.error_type, found.error) if part)
    trace = f'<pre tabindex="0" aria-label="Traceback"><code>{text(found.traceback)}</code></pre>\n' if found.traceback else ""
    return f'<p class="warning">{text(told)}</p>\n{trace}'


def _log(found: TrialDetail, database: Path) -> str:
    """The end of the log. A path outside the folder of the database's logs is named and not opened: the database may be a stranger's."""
    if found.log_path is None:
        return ""
    log, logs = Path(found.log_path), database.with_name(f"{database.name}.logs")
    name = f"<code>{text(str(log))}</code>"
    if logs.resolve() not in log.resolve().parents:
        return f"<p>Log of its worker: {name}</p>\n"
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LOG_BYTES))
            tail = file.read(LOG_BYTES).decode("utf-8", "replace")
    except OSError as error:
        return f"<p>Log of its worker: {name} ({text(error.strerror or str(error))})</p>\n"
    told = "the end of it; " if size > LOG_BYTES else ""
    words = f"<p>Log of its worker, {told}it holds all trials of that process: {name}</p>\n"
    return f'{words}<pre tabindex="0" aria-label="Log"><code>{text(tail)}</code></pre>\n'


def _chart(found: TrialDetail, metric: str) -> Chart:
    """The learning curves, a panel for each metric with a finite value."""
    known = (name for name, points in found.curves.items() if any(math.isfinite(measured) for _, measured in points))
    names = sorted(known, key=lambda name: name != metric)
    panels = []
    for name in names[:MOST_METRICS]:
        points = evenly(found.curves[name], MOST_POINTS)
        epochs, values = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
        marker = Marker(size=3.5) if len(points) <= FEW else None
        told = Hover(tuple(f"epoch {epoch}\n{name} {numbers.general(measured, 6)}" for epoch, measured in points))
        line: Mark = Line(x=epochs, y=values, colour=style.colour(0), marker=marker, hover=told)
        panels.append(
            Panel(
                trial_axis(int(epochs[-1]), int(epochs[0]), "epoch"), Axis(name, around(values), grid=True), (line,), title=name
            )
        )
    rest = len(names) - len(panels)
    reading = f"{rest} more metrics are not drawn." if rest else ""
    return Chart("trial_curves", tuple(panels), "Learning curves of this trial.", reading, (), 2.5)
