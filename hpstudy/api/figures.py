"""Single figures of a report."""

from __future__ import annotations

from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.databases import AnyStudy, default_storage
from hpstudy.api.results import analyze
from hpstudy.arguments import checked
from hpstudy.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hpstudy.analysis.results import Results


@checked
def figure(
    study: AnyStudy | Results,
    name: str,
    *,
    storage: str | Path | None = None,
    scale: str | None = None,
    width: float | None = None,
) -> Figure:
    """One figure of the report as a matplotlib figure, for instance for a notebook.

    Args:
        study: see `analyze`, or the results of `analyze`.
        name: name of the figure; `figure_names` lists them.
        storage: see `locate`.
        scale: see `locate`.
        width: in inches, such as 3.3 for a column of a paper; that of the report when None. Letters keep their size.

    Raises:
        UsageError: the figure is unknown, or the width cannot be drawn.
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.report import draw_figure

    return draw_figure(_results_with(study, name, storage, scale), name, width)


@checked
def figure_names(
    study: AnyStudy | Results, storage: str | Path | None = None, *, scale: str | None = None, thorough: bool = True
) -> tuple[str, ...]:
    """Names of the figures of a study's report, in its order. Arguments and errors as `figure`."""
    from hpstudy.analysis.results import Results

    if isinstance(study, Results):
        _check_alone(storage, scale)
        return _figures(study)
    return _figures(analyze(study, storage, scale=scale, thorough=thorough))


@checked
def plot_figure(
    study: AnyStudy | Results,
    name: str,
    output: str | Path,
    *,
    storage: str | Path | None = None,
    scale: str | None = None,
    dpi: int = 160,
    width: float | None = None,
) -> Path:
    """Save one figure of a study's report.

    Args:
        study: see `figure`.
        name: name of the figure; `figure_names` lists them.
        output: the file to write; its suffix (.pdf, .svg, .png, .pgf) selects the format. An existing file is replaced.
            A .pgf file needs LaTeX here, and the package pgf in the document that reads it.
        storage: see `locate`.
        scale: see `locate`.
        dpi: dots per inch of a PNG.
        width: see `figure`.

    Raises:
        UsageError: the figure or the format is unknown, or the resolution or the width cannot be drawn.
        OutputError: the file cannot be written.
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.report import save_figure

    return save_figure(_results_with(study, name, storage, scale), name, output, dpi=dpi, width=width)


def _results_with(study: AnyStudy | Results, name: str, storage: str | Path | None, scale: str | None) -> Results:
    """The results of a study, analyzed as far as the figure needs. Errors as `figure`."""
    from hpstudy.analysis.results import Results

    if isinstance(study, Results):
        _check_alone(storage, scale)
        return study
    check_order(study, name, storage)
    # The thorough analysis adds figures and changes none, so it is needed only for a figure that the quick one lacks.
    results = analyze(study, storage, scale=scale, thorough=False)
    return results if name in _figures(results) else analyze(study, storage, scale=scale)


def _check_alone(storage: str | Path | None, scale: str | None) -> None:
    """Raise UsageError if a database or a scale is given with results, which need neither."""
    if storage is not None or scale is not None:
        raise UsageError("results are given, and they need no storage and no scale", "leave these arguments out")


def check_order(study: object, name: str, storage: str | Path | None) -> None:
    """Raise UsageError if the figure is given as the study, and the study as the figure."""
    if isinstance(study, str) and _is_study(name, storage) and not _is_study(study, storage):
        raise UsageError(f"'{study}' is given as the study, and the study as the figure", "give the study first, then the figure")


def _is_study(text: str, storage: str | Path | None) -> bool:
    """Whether a text is the path or the name of an existing study."""
    return isfile(text) or isfile(default_storage(text, storage))


def _figures(results: Results) -> tuple[str, ...]:
    from hpstudy.report import style
    from hpstudy.report.document import document

    with style.applied():
        return tuple(chart.name for chart in document(results).charts)
