"""Single figures of a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.databases import AnyStudy
from hpstudy.api.results import analyze

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hpstudy.analysis.results import Results


def figure(name: str, study: AnyStudy | Results, storage: str | Path | None = None, *, scale: str | None = None) -> Figure:
    """One figure of the report as a matplotlib figure, for instance for a notebook.

    Args:
        name: name of the figure; `figure_names` lists them.
        study: see `analyze`, or the results of `analyze`.
        storage: see `locate`.
        scale: see `locate`.

    Raises:
        UsageError: the figure is unknown.
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.analysis.results import Results
    from hpstudy.report import draw_figure

    return draw_figure(name, study if isinstance(study, Results) else analyze(study, storage, scale=scale))


def figure_names(
    study: AnyStudy | Results, storage: str | Path | None = None, *, scale: str | None = None, thorough: bool = True
) -> tuple[str, ...]:
    """Names of the figures of a study's report, in its order. Arguments and errors as `figure`."""
    from hpstudy.analysis.results import Results

    return _figures(study if isinstance(study, Results) else analyze(study, storage, scale=scale, thorough=thorough))


def plot_figure(
    study: AnyStudy,
    figure: str,
    path: str | Path,
    *,
    storage: str | Path | None = None,
    scale: str | None = None,
    dpi: int = 160,
) -> Path:
    """Save one figure of a study's report.

    Args:
        study: see `analyze`.
        figure: its name; `figure_names` lists them.
        path: the file to write; its suffix (.pdf, .svg, .png, .pgf) selects the format. An existing file is replaced.
            A .pgf file needs LaTeX here, and the package pgf in the document that reads it.
        storage: see `locate`.
        scale: see `locate`.
        dpi: dots per inch of a PNG.

    Raises:
        UsageError: the figure or the format is unknown.
        OutputError: the file cannot be written.
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.report import save_figure

    # The thorough analysis adds figures and changes none, so it is needed only for a figure that the quick one lacks.
    results = analyze(study, storage, scale=scale, thorough=False)
    if figure not in _figures(results):
        results = analyze(study, storage, scale=scale)
    return save_figure(figure, results, path, dpi=dpi)


def _figures(results: Results) -> tuple[str, ...]:
    from hpstudy.report import style
    from hpstudy.report.document import document

    with style.applied():
        return tuple(chart.name for chart in document(results).charts)
