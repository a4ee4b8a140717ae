"""One trial: its point, results, learning curves, traceback, and the log of its worker."""

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
from hpstudy.live.markup import end_state, moment, value
from hpstudy.live.thin import MOST_POINTS
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import around, trial_axis
from hpstudy.report.charts.marks import Hover, Line, Marker
from hpstudy.report.charts.model import Axis, Chart, Panel
from hpstudy.report.charts.spread import evenly
from hpstudy.report.interactive import text
from hpstudy.store import Reader, TrialDetail
from hpstudy.study.plan import SearchKey

LOG_BYTES = 20_000
"""Number of bytes that are shown of the end of a log. A log has the output of all trials of its worker."""

MOST_METRICS = 6
"""Maximum number of drawn learning curves, the study's metric first."""

FEW_EPOCHS = 30
"""Maximum number of epochs with a marker each."""


def read(path: Path, key: SearchKey, number: int) -> Part:
    """Return a trial as a part: `html`, and `figure` with its learning curves if it has any.

    Raises:
        UsageError: there is no such trial.
        StoreError: the database cannot be read.
    """
    with Reader.open(path) as reader, reader.snapshot():
        detail, metric = reader.trial_detail(key, number), reader.study.metric.name
        attributes = reader.trial_attributes(key, number)
    curves = {"figure": figure(_chart(detail, metric), "trial-0")} if detail.curves else {}
    return Part.of({"html": _html(detail, attributes, path), **curves})


def _html(detail: TrialDetail, attributes: Mapping[str, Any], path: Path) -> str:
    trial = detail.trial
    # Pairs, because a hyperparameter, a metric and an attribute may have the same name.
    facts = [
        ("end", end_state(trial)),
        ("value", value(trial.objective)),
        *((name, text(numbers.hyperparameter(setting))) for name, setting in detail.point.items()),
        ("started", moment(trial.started_at)),
        ("ended", moment(trial.ended_at)),
        ("training time", text(human_duration(trial.evaluate_s)) if trial.evaluate_s is not None else numbers.MISSING),
        *([("attempts", str(detail.attempts))] if detail.attempts > 1 else []),
        *((name, value(measured)) for name, measured in detail.metrics.items()),
        *((name, text(str(attribute))) for name, attribute in attributes.items()),
    ]
    rows = "".join(f"<div><dt>{text(name)}</dt><dd>{html}</dd></div>\n" for name, html in facts)
    title = f"{trial.key.view}, replicate {trial.key.replicate}, trial {trial.number}"
    return f'<h3 id="trial-title">{text(title)}</h3>\n<dl>\n{rows}</dl>\n{_failure(detail)}{_log(detail, path)}'


def _failure(detail: TrialDetail) -> str:
    if detail.error_type is None:
        return ""
    message = ": ".join(filter(None, (detail.error_type, detail.error)))
    return f'<p class="warning">{text(message)}</p>\n' + (
        _preformatted("Traceback", detail.traceback) if detail.traceback else ""
    )


def _log(detail: TrialDetail, database: Path) -> str:
    """Return the end of the log. Only a regular file in the folder of the database's logs is opened: the database may be a stranger's."""
    if detail.log_path is None:
        return ""
    log = Path(detail.log_path)
    name = f"<code>{text(str(log))}</code>"
    # The folder may be reached by a link, but must not be one itself: it would lead to any other folder.
    logs = database.parent.resolve() / f"{database.name}.logs"
    if logs not in log.resolve().parents or (log.exists() and not log.is_file()):
        return f"<p>Log of its worker: {name}</p>\n"
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LOG_BYTES))
            tail = file.read(LOG_BYTES).decode("utf-8", "replace")
    except OSError as error:
        return f"<p>Log of its worker: {name} ({text(error.strerror or str(error))})</p>\n"
    shown = "the end of the output" if size > LOG_BYTES else "the output"
    return f"<p>Log of its worker, {shown} of all its trials: {name}</p>\n{_preformatted('Log', tail)}"


def _preformatted(label: str, content: str) -> str:
    return f'<pre tabindex="0" aria-label="{label}"><code>{text(content)}</code></pre>\n'


def _chart(detail: TrialDetail, metric: str) -> Chart:
    """Return the learning curves, with a panel for each metric that has a finite value."""
    drawable = [name for name, points in detail.curves.items() if any(math.isfinite(measured) for _, measured in points)]
    drawable.sort(key=lambda name: name != metric)
    panels = tuple(_panel(name, detail.curves[name]) for name in drawable[:MOST_METRICS])
    more = len(drawable) - len(panels)
    reading = f"Not drawn: {numbers.things(more, 'more metric')}." if more else ""
    return Chart("trial_curves", panels, "Learning curves of this trial.", reading, (), 2.5)


def _panel(metric: str, curve: list[tuple[int, float]]) -> Panel:
    points = evenly(curve, MOST_POINTS)
    epochs, values = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    line = Line(
        x=epochs,
        y=values,
        color=style.color(0),
        marker=Marker(size=3.5) if len(points) <= FEW_EPOCHS else None,
        hover=Hover(tuple(f"epoch {epoch}\n{metric} {numbers.general(measured, 6)}" for epoch, measured in points)),
    )
    x_axis = trial_axis(int(epochs[-1]), int(epochs[0]), "epoch")
    return Panel(x_axis, Axis(metric, around(values), grid=True), (line,), title=metric)
