"""One trial: its point, results, learning curves, traceback, and the log of its worker."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from hpstudy.live.charts import figure
from hpstudy.live.feed import Part
from hpstudy.live.markup import PARTS
from hpstudy.live.thin import MOST_POINTS
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import around, trial_axis
from hpstudy.report.charts.marks import Hover, Line, Marker
from hpstudy.report.charts.model import Axis, Chart, Panel
from hpstudy.report.charts.spread import evenly
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
    log = None if detail.log_path is None else _log(Path(detail.log_path), path)
    return Part.of({"html": PARTS.trial(detail, attributes, log), **curves})


def _log(log: Path, database: Path) -> tuple[str, str, str | None]:
    """Return a title, a problem ("" for none), and the end of the log; None if it is not opened.

    Only a regular file in the folder of the database's logs is opened: the database may be a stranger's.
    """
    title = "Log of its worker"
    # The folder may be reached by a link, but must not be one itself: it would lead to any other folder.
    logs = database.parent.resolve() / f"{database.name}.logs"
    if logs not in log.resolve().parents or (log.exists() and not log.is_file()):
        return title, "", None
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LOG_BYTES))
            tail = file.read(LOG_BYTES).decode("utf-8", "replace")
    except OSError as error:
        return title, error.strerror or str(error), None
    shown = "the end of the output" if size > LOG_BYTES else "the output"
    return f"{title}, {shown} of all its trials", "", tail


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
