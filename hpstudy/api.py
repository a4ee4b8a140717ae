"""hpstudy from Python: what the command line does, as functions."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.errors import UsageError
from hpstudy.loading.bind import bind, matched
from hpstudy.loading.load import load_study, read_study
from hpstudy.store import Reader
from hpstudy.study.schema import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hpstudy.analysis.results import Results
    from hpstudy.engine.forecast import Forecast
    from hpstudy.engine.progress import Observer
    from hpstudy.engine.run import RunSummary

__all__ = [
    "Report",
    "analysed",
    "confirm",
    "default_storage",
    "figure",
    "figure_names",
    "load_study",
    "locate",
    "open",
    "plan",
    "plot_figure",
    "resume",
    "run",
    "write_report",
]

STUDY_SUFFIXES = (".yaml", ".yml")

STORAGE_VARIABLE = "HPSTUDY_STORAGE"
"""Environment variable: a folder for databases, or the database itself when it ends in .sqlite."""


def default_storage(name: str, storage: str | Path | None = None) -> Path:
    """The database of the study called `name`.

    Args:
        name: the study's name.
        storage: a database (ends in .sqlite or .db), or a folder for databases; the environment variable HPSTUDY_STORAGE when None, and
            the folder runs/ where that is not set.
    """
    given = Path(storage or os.environ.get(STORAGE_VARIABLE) or "runs")
    return given if given.suffix in (".sqlite", ".db") else given / f"{name}.sqlite"


def locate(study: str | Path, scale: str | None = None) -> Path:
    """The database that a user means: the path of a database, a study file (at a scale), or a study's name.

    Raises:
        StudyError: a study file with mistakes.
    """
    path = Path(study)
    if path.suffix in STUDY_SUFFIXES:
        return default_storage(load_study(path, scale).name)
    _no_scale(scale)
    if path.suffix or path.exists() or len(path.parts) > 1:
        return path
    return default_storage(path.name)


def _no_scale(scale: str | None) -> None:
    if scale is not None:
        raise UsageError(f"--scale {scale} needs a study file; a database holds a study at one scale already")


def run(
    study: Study | str | Path,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    workers: int | None = None,
    executor: str = "processes",
    timeout_s: float | None = None,
    allow_changed_code: bool = False,
    progress: Observer | None = None,
) -> RunSummary:
    """Run a study, or what is left of it.

    Args:
        study: a study, or the path of a study file.
        storage: see `default_storage`.
        scale: one of the study file's `scales`, to apply.
        workers: worker processes; the physical cores when None.
        executor: processes or inline.
        timeout_s: stands for the study's limits.timeout_s.
        allow_changed_code: go on although a user's function changed since the study began.
        progress: is told what happens; `hpstudy.engine.progress.progress_for()` draws bars or prints lines. Silent when None.

    Returns:
        How it went; `.complete`, `.counts`, `.storage`.

    Raises:
        HpstudyError: see `hpstudy.errors`; nothing that was stored is lost.
    """
    from hpstudy.engine.run import run_study

    if isinstance(study, Study):
        _no_scale(scale)
        loaded = bind(study, _module_folder(study))
    else:
        loaded = read_study(study, scale)
    if timeout_s is not None:
        loaded = loaded.with_timeout(timeout_s)
    return run_study(
        loaded,
        default_storage(loaded.study.name, storage),
        workers=workers,
        executor=executor,
        allow_changed_code=allow_changed_code,
        observer=progress,
    )


def _module_folder(study: Study) -> str | None:
    """The folder that holds the user's module of a study that was loaded before; None for a built-in task."""
    name, _, function = study.task.use.partition(":")
    if not function:
        return None
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return str(Path.cwd())
    path = Path(file).resolve()
    return str(path.parents[name.count(".") + (path.name == "__init__.py")])


def resume(
    storage: str | Path,
    *,
    workers: int | None = None,
    executor: str = "processes",
    allow_changed_code: bool = False,
    progress: Observer | None = None,
) -> RunSummary:
    """Continue a study from its database alone. Arguments and errors as `run`."""
    from hpstudy.engine.run import run_study

    path = locate(storage)
    with Reader.open(path) as reader:
        loaded = bind(reader.study, reader.module_path)
    return run_study(
        loaded,
        path,
        workers=workers,
        executor=executor,
        allow_changed_code=allow_changed_code,
        observer=progress,
    )


def confirm(
    study: str | Path,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    seeds: int | None = None,
    workers: int | None = None,
    executor: str = "processes",
    allow_changed_code: bool = False,
    progress: Observer | None = None,
) -> RunSummary:
    """Train what each complete search chose, and each view's default point, again on fresh seeds, as far as that is not done.

    The study in the database asks for these confirmations from then on: `run` and `resume` run those of searches that end later.

    Args:
        study: a database, a study file, or a study's name.
        storage: of a study file or a name: see `default_storage`.
        scale: one of the study file's `scales`, when it was run at that.
        seeds: fresh seeds of each point; when None those of the study, or 5. A larger number later adds to the smaller one.
        workers: worker processes; the physical cores when None.
        executor: processes or inline.
        allow_changed_code: go on although a user's function changed since the study began.
        progress: as in `run`.

    Returns:
        How it went, of the confirmations of complete searches. The values are in `open(study).confirmations()`.

    Raises:
        UsageError: a sweep, or a study without a complete search.
        HpstudyError: see `hpstudy.errors`; nothing that was stored is lost.
    """
    from hpstudy.engine.confirm import confirm_study

    path, folder = Path(study), None
    if seeds is not None and seeds < 1:
        raise UsageError(f"{seeds} fresh seeds train nothing", "give --seeds 1 or more")
    if path.suffix in STUDY_SUFFIXES:
        loaded = read_study(path, scale)
        folder, where = loaded.module_path, default_storage(loaded.study.name, storage)
        with Reader.open(where) as reader:
            matched(reader.study, loaded.study, where)
        if seeds is None and loaded.study.confirm is not None:
            seeds = loaded.study.confirm.seeds
    elif storage is not None and (path.suffix or path.exists() or len(path.parts) > 1):
        raise UsageError(f"{path} is a database itself", "leave out --storage")
    else:
        where = locate(path, scale) if storage is None else default_storage(path.name, storage)
    return confirm_study(
        where,
        seeds=seeds,
        folder=folder,
        workers=workers,
        executor=executor,
        allow_changed_code=allow_changed_code,
        observer=progress,
    )


def open(study: str | Path, scale: str | None = None) -> Reader:
    """A read-only look at a study's database: `.trials()` and `.curves()` are pandas DataFrames. Arguments as `locate`.

    Raises:
        StoreError: there is no sound hpstudy database.
    """
    return Reader.open(locate(study, scale))


def plan(
    study: str | Path,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    workers: int | None = None,
    pilot: bool = False,
) -> Forecast:
    """What a run of the study file would do, and how long it would take. Arguments as `run`; `pilot` trains every view once.

    Raises:
        HpstudyError: the study is invalid, or its database is that of another study.
    """
    from hpstudy.engine.forecast import forecast

    loaded = read_study(study, scale)
    where = default_storage(loaded.study.name, storage)
    return forecast(loaded, where, workers=workers, pilot=pilot)


@dataclass(frozen=True)
class Report:
    """A written report.

    Attributes:
        files: what was written, the documents first.
        headline: the answer in words.
        outdated: documents of earlier reports beside them, in other formats, that show other numbers.
    """

    files: tuple[Path, ...]
    headline: str
    outdated: tuple[Path, ...] = ()


def write_report(
    study: str | Path | Sequence[str | Path],
    output: str | Path = "reports",
    *,
    formats: Sequence[str] | None = None,
    scale: str | None = None,
    force: bool = False,
) -> Report:
    """Analyse a study, finished or not, and write its report.

    Args:
        study: a database, a study file, or a study's name. For a study file the analysis settings are those of the file, which may have
            been edited since the run. Several of them give one report that compares them.
        output: a folder, or the name of the PDF or of the web page.
        formats: pdf, html or both; when None, what the ending of `output` says, and pdf for a folder.
        scale: one of the study file's `scales`, when it was run at that.
        force: overwrite the report of another study.

    Raises:
        UsageError: there is no such format, or the report of another study stands there.
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.report import headline, write
    from hpstudy.report.files import outdated
    from hpstudy.report.write import check_formats

    check_formats(output, formats)
    if not isinstance(study, str | Path):
        if len(study) > 1:
            return _write_several(study, Path(output), formats, scale, force)
        (study,) = study
    results = analysed(study, scale)
    files = write(results, Path(output), formats, force=force)
    return Report(tuple(files), headline(results), tuple(outdated(files)))


def _write_several(
    studies: Sequence[str | Path], output: Path, formats: Sequence[str] | None, scale: str | None, force: bool
) -> Report:
    from hpstudy.analysis.cross_study import several
    from hpstudy.report import write_several
    from hpstudy.report.files import outdated
    from hpstudy.report.several import headline

    found = several([analysed(study, scale) for study in studies])
    files = write_several(found, output, formats, force=force)
    return Report(tuple(files), headline(found), tuple(outdated(files)))


def plot_figure(study: str | Path, figure: str, path: str | Path, *, scale: str | None = None, dpi: int = 160) -> Path:
    """Save one figure of a study's report.

    Args:
        study: as in `write_report`.
        figure: its name; `figure_names` lists them.
        path: where to; its ending (.pdf, .svg, .png) chooses the form. An existing file is replaced.
        scale: one of the study file's `scales`, when it was run at that.
        dpi: dots per inch of a PNG.

    Raises:
        UsageError: there is no such figure or form.
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.report import save_figure

    # What only the thorough analysis computes shows in figures of its own: it changes no other one.
    results = analysed(study, scale, thorough=False)
    if figure not in _figures(results):
        results = analysed(study, scale)
    return save_figure(figure, results, path, dpi=dpi)


def figure(name: str, study: str | Path | Results, *, scale: str | None = None) -> Figure:
    """One figure of the report as a matplotlib figure, for instance for a notebook.

    Args:
        name: of the figure; `figure_names` lists them.
        study: as in `write_report`, or its analysis.
        scale: one of the study file's `scales`, when it was run at that.

    Raises:
        UsageError: there is no such figure.
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.analysis.results import Results
    from hpstudy.report import draw_figure

    return draw_figure(name, study if isinstance(study, Results) else analysed(study, scale))


def figure_names(study: str | Path, *, scale: str | None = None) -> tuple[str, ...]:
    """Names of the figures of a study's report, in its order. Arguments and errors as `write_report`."""
    return _figures(analysed(study, scale=scale))


def _figures(results: Results) -> tuple[str, ...]:
    from hpstudy.report import style
    from hpstudy.report.document import document

    with style.applied():
        return tuple(drawing.name for drawing in document(results).drawings)


def analysed(study: str | Path, scale: str | None = None, *, thorough: bool = True) -> Results:
    """The analysis of a study, finished or not.

    Args:
        study: a database, a study file, or a study's name. For a study file the analysis settings are those of the file, which may have
            been edited since the run.
        scale: one of the study file's `scales`, when it was run at that.
        thorough: see `hpstudy.analysis.analyse`.

    Raises:
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.analysis import analyse

    settings = None
    with open(study, scale) as reader:
        if Path(study).suffix in STUDY_SUFFIXES:
            asked = load_study(study, scale)
            matched(reader.study, asked, reader.path)
            settings = asked.analysis
        return analyse(reader, settings, thorough=thorough)
