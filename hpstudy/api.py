"""hpstudy from Python: what the command line does, as functions."""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.errors import UsageError
from hpstudy.modules import module_folder, module_path
from hpstudy.store import Reader
from hpstudy.store.paths import check_output
from hpstudy.study.schema import COMMAND, MOST_SEEDS, Analysis, Confirm, Study
from hpstudy.study.shard import Shard

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hpstudy.analysis.comparisons.planning import EndpointPower
    from hpstudy.analysis.confirmed.planning import PlannedEndpoint
    from hpstudy.analysis.results import Results
    from hpstudy.bundles import Bundle
    from hpstudy.engine.forecast import Forecast
    from hpstudy.engine.options import RunOptions
    from hpstudy.engine.progress import Observer
    from hpstudy.engine.run import RunSummary
    from hpstudy.loading.bind import LoadedStudy

__all__ = [
    "WrittenReport",
    "analyze",
    "bundle",
    "check",
    "confirm",
    "default_storage",
    "export",
    "figure",
    "figure_names",
    "locate",
    "merge",
    "open",
    "open_bundle",
    "plan",
    "plan_endpoints",
    "plot_figure",
    "power",
    "resume",
    "run",
    "slurm",
    "write_report",
]

STUDY_SUFFIXES = (".yaml", ".yml")

STORAGE_VARIABLE = "HPSTUDY_STORAGE"
"""Environment variable: a folder for databases, or the database itself when it ends in .sqlite."""


def default_storage(name: str, storage: str | Path | None = None, shard: Shard | None = None) -> Path:
    """The database of the study called `name`, or of a shard of it.

    Args:
        name: the study's name.
        storage: a database (ends in .sqlite or .db), or a folder for databases; the environment variable HPSTUDY_STORAGE when None, and
            the folder runs/ where that is not set.
        shard: adds itself to the name of the database.
    """
    given = Path(storage or os.environ.get(STORAGE_VARIABLE) or "runs")
    path = given if given.suffix in (".sqlite", ".db") else given / f"{name}.sqlite"
    return path if shard is None else shard.storage(path)


def locate(study: str | Path, storage: str | Path | None = None, *, scale: str | None = None) -> Path:
    """The database of a study.

    Args:
        study: a database, a study file, or a study's name.
        storage: for a study file or a name: see `default_storage`.
        scale: for a study file or a name: the scale at which it was run.

    Raises:
        StudyError: the study file has mistakes.
        UsageError: `storage` or `scale` was given with a database.
    """
    path = Path(study)
    if path.suffix in STUDY_SUFFIXES:
        from hpstudy.loading.load import load_study

        return default_storage(load_study(path, scale).name, storage)
    if not (path.suffix or path.is_file() or len(path.parts) > 1):
        return default_storage(f"{path.name}-{scale}" if scale else path.name, storage)
    _no_scale(scale)
    if storage is not None:
        raise UsageError(f"{path} is a database itself", "leave out --storage")
    return path


def _no_scale(scale: str | None) -> None:
    if scale is not None:
        raise UsageError(
            f"--scale {scale} needs a study file or the name of a study: a database holds a study at one scale",
            "leave out --scale",
        )


def run(
    study: Study | Mapping[str, object] | str | Path,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    workers: int | None = None,
    executor: str = "processes",
    address: str | None = None,
    scheduler_file: str | Path | None = None,
    timeout_s: float | None = None,
    allow_changed_code: bool = False,
    allow_mixed: bool = False,
    shard: str | None = None,
    progress: Observer | None = None,
) -> RunSummary:
    """Run a study, resuming it if it was interrupted.

    Args:
        study: the path of a study file, a study, or a mapping with the keys of a study file.
        storage: see `default_storage`.
        scale: one of the study file's `scales`, to apply.
        workers: trials at once. When None the physical cores, with a scheduler as many as its workers have threads.
        executor: "processes", "inline", "dask" or "my_module:MyExecutor".
        address: of the scheduler of the executor, such as "tcp://10.0.0.1:8786".
        scheduler_file: instead, the file in which the scheduler wrote its address.
        timeout_s: time limit per trial in seconds; overrides the study's limits.timeout_s.
        allow_changed_code: continue even if the source file of a user's function has changed since the study began.
        allow_mixed: use workers whose library versions differ from those here; the report says so.
        shard: run only this part of the study, such as "0/3" for the first of three, in a database of its own; see `merge`.
        progress: receives events; `progress_for()` draws bars or prints lines. Silent when None.

    Returns:
        The outcome of the run: `.complete`, `.counts`, `.storage`.

    Raises:
        HpstudyError: see `hpstudy.errors`. Trials already stored are kept.
    """
    from hpstudy.engine.run import run_study
    from hpstudy.loading.bind import bind
    from hpstudy.loading.load import folder_of, read_study, study_from

    part = None if shard is None else Shard.parse(shard)
    if isinstance(study, Mapping):
        study = study_from(study)
    if isinstance(study, Study):
        _no_scale(scale)
        loaded = bind(study, folder_of(study) or _folder_for(study))
    else:
        loaded = read_study(study, scale, _comparison(storage, allow_changed_code, part))
    if timeout_s is not None:
        loaded = loaded.with_timeout(timeout_s)
    return run_study(
        loaded,
        default_storage(loaded.study.name, storage, part),
        _run_options(workers, executor, address, scheduler_file, allow_changed_code, allow_mixed, progress, part),
    )


def _folder_for(study: Study) -> str | None:
    """Where a study that came from no file finds its modules, and runs its command."""
    if study.task.use == COMMAND:
        return str(Path.cwd())
    return module_folder(use.partition(":")[0] for use in study.user_parts())


def _comparison(
    storage: str | Path | None, allow_changed_code: bool, shard: Shard | None = None
) -> Callable[[str, str], None] | None:
    """What compares a study's files with its database, given its name and folder; None if they may differ."""
    from hpstudy.engine.identity import refuse_changed_files

    if allow_changed_code:
        return None
    return lambda name, folder: refuse_changed_files(default_storage(name, storage, shard), folder)


def _stored(path: Path, allow_changed_code: bool) -> LoadedStudy:
    """The study of a database, with its parts. Its code is compared with the database before any of it is imported."""
    from hpstudy.engine.identity import refuse_changed_files
    from hpstudy.loading.bind import bind

    with Reader.open(path) as reader:
        study, folder = reader.study, reader.module_path
    if not allow_changed_code:
        refuse_changed_files(path, folder)
    return bind(study, folder)


def _run_options(
    workers: int | None,
    executor: str,
    address: str | None,
    scheduler_file: str | Path | None,
    allow_changed_code: bool,
    allow_mixed: bool,
    progress: Observer | None,
    shard: Shard | None = None,
) -> RunOptions:
    from hpstudy.engine.executors import default_workers
    from hpstudy.engine.options import RunOptions
    from hpstudy.engine.progress import Observer

    given = {"address": address, "scheduler_file": scheduler_file and str(scheduler_file)}
    scheduler = {name: value for name, value in given.items() if value}
    most = workers or (sys.maxsize if scheduler else default_workers())
    return RunOptions(most, executor, allow_changed_code, progress or Observer(), shard, scheduler, allow_mixed)


def resume(
    storage: str | Path,
    *,
    workers: int | None = None,
    executor: str = "processes",
    address: str | None = None,
    scheduler_file: str | Path | None = None,
    allow_changed_code: bool = False,
    allow_mixed: bool = False,
    progress: Observer | None = None,
) -> RunSummary:
    """Continue a study from its database alone. Arguments and errors as `run`."""
    from hpstudy.engine.run import run_study

    path = locate(storage)
    loaded = _stored(path, allow_changed_code)
    options = _run_options(workers, executor, address, scheduler_file, allow_changed_code, allow_mixed, progress)
    return run_study(loaded, path, options)


def merge(
    shards: Sequence[str | Path],
    storage: str | Path | None = None,
    *,
    partial: bool = False,
    allow_mixed: bool = False,
) -> Path:
    """Merge the shards of a study into one database, which holds the numbers of a run without shards.

    Args:
        shards: the databases of `run(study, shard="I/N")`.
        storage: the new database, or a folder for it: see `default_storage`.
        partial: merge although replicates or trials are missing; `resume` completes the new database.
        allow_mixed: merge although the shards were run with different library versions; the report says so.

    Returns:
        The new database.

    Raises:
        UsageError: shards overlap, or are missing or incomplete.
        StudyChanged: they are of different studies, or were run with different data, code or libraries.
        StoreError: a shard cannot be read, or the new database cannot be written.
    """
    from hpstudy.engine.merge import merge_shards

    databases = [Path(shard) for shard in shards]
    if not databases:
        raise UsageError("there are no shards to merge", "name the databases of all shards")
    with Reader.open(databases[0]) as reader:
        output = default_storage(reader.study.name, storage).absolute()
    merge_shards(databases, output, partial=partial, allow_mixed=allow_mixed)
    return output


def slurm(
    study: str | Path,
    storage: str | Path | None = None,
    *,
    shards: int,
    scale: str | None = None,
    options: Sequence[str] = (),
    submit: bool = False,
) -> str:
    """A Slurm array script that runs the shards of a study, each on its node's own disk, and queues them again at their time limit.

    Args:
        study: the path of a study file.
        storage: the database of the whole study, or its folder: see `default_storage`. Shards are kept in folders beside it.
        shards: how many.
        scale: one of the study file's `scales`, to apply.
        options: of sbatch, such as "--time=8:00:00".
        submit: send it with sbatch.

    Returns:
        The script, or what sbatch said.

    Raises:
        StudyError: the study file has mistakes.
        UsageError: there are more shards than replicates, or no sbatch.
        HpstudyError: sbatch refused the script.
    """
    from hpstudy.engine import slurm as scripts
    from hpstudy.loading.load import load_study

    whole = load_study(study, scale)
    where = default_storage(whole.name, storage)
    script = scripts.array_script(whole, Path(study), where, shards, scale=scale, options=options)
    return scripts.submit(script) if submit else script


def confirm(
    study: str | Path,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    seeds: int | None = None,
    incumbents: bool = False,
    workers: int | None = None,
    executor: str = "processes",
    address: str | None = None,
    scheduler_file: str | Path | None = None,
    allow_changed_code: bool = False,
    allow_mixed: bool = False,
    progress: Observer | None = None,
) -> RunSummary:
    """Train the best point of each complete search, and each view's default point, again on fresh seeds.

    The request is stored in the database: `run` and `resume` then also confirm the searches that end later.

    Args:
        study: a database, a study file, or a study's name.
        storage: of a study file or a name: see `default_storage`.
        scale: one of the study file's `scales`, when it was run at that.
        seeds: fresh seeds of each point; when None those of the study, or 5. A larger number later adds to the smaller one.
        incumbents: train every incumbent of a search, each trial that is better than all before it; also when the study asks for it.
        workers: as in `run`.
        executor: as in `run`.
        address: as in `run`.
        scheduler_file: as in `run`.
        allow_changed_code: as in `run`.
        allow_mixed: as in `run`.
        progress: as in `run`.

    Returns:
        How it went, of the confirmations of complete searches. The values are in `open(study).confirmations()`.

    Raises:
        UsageError: a sweep, or a study without a complete search.
        StudyChanged: the study has confirmations of its best trials, and `incumbents` asks for those of all incumbents.
        HpstudyError: see `hpstudy.errors`; nothing that was stored is lost.
    """
    from hpstudy.engine.confirm import confirm_study
    from hpstudy.loading.bind import matched
    from hpstudy.loading.load import read_study

    if seeds is not None and not 1 <= seeds <= MOST_SEEDS:
        raise UsageError(f"--seeds is {seeds}, not between 1 and {MOST_SEEDS:,}", "5 is usual")
    if Path(study).suffix in STUDY_SUFFIXES:
        loaded = read_study(study, scale, _comparison(storage, allow_changed_code))
        where = default_storage(loaded.study.name, storage)
        declared = loaded.study.confirm
        with Reader.open(where) as reader:
            loaded = replace(loaded, study=matched(reader.study, loaded.study, where, loaded.module_path))
    else:
        where = locate(study, storage, scale=scale)
        loaded = _stored(where, allow_changed_code)
        declared = None
    block = declared or loaded.study.confirm or Confirm()
    asked = Confirm(seeds=seeds or block.seeds, incumbents=incumbents or block.incumbents)
    options = _run_options(workers, executor, address, scheduler_file, allow_changed_code, allow_mixed, progress)
    return confirm_study(loaded, where, options, asked)


def open(study: str | Path, storage: str | Path | None = None, *, scale: str | None = None) -> Reader:
    """Open a study's database for reading: `.trials()` and `.curves()` are pandas DataFrames. Arguments and errors as `locate`.

    Raises:
        StoreError: the file is missing, damaged, or not an hpstudy database.
    """
    return Reader.open(locate(study, storage, scale=scale))


def check(study: str | Path, storage: str | Path | None = None, *, scale: str | None = None) -> list[str]:
    """Check a study's database: the file, its structure, and that its trials fit the study. Arguments and errors as `locate`.

    Returns:
        The problems, one sentence each; empty when there are none.
    """
    from hpstudy.store import check as problems_of

    return problems_of(locate(study, storage, scale=scale))


def export(
    study: str | Path,
    output: str | Path | None = None,
    *,
    storage: str | Path | None = None,
    format: str = "csv",
    curves: bool = False,
    scale: str | None = None,
    force: bool = False,
) -> str | None:
    """Write all trials, or all learning curves, as one table.

    Args:
        study: see `locate`.
        output: the file to write. When None, the text is returned; Parquet needs a file.
        storage: see `locate`.
        format: csv, parquet or json.
        curves: write a row per trial, metric and epoch instead of a row per trial.
        scale: see `locate`.
        force: replace an existing file.

    Raises:
        UsageError: the format is unknown, or the file exists.
        StoreError: the database cannot be read, or the file cannot be written.
    """
    from hpstudy.store import export as write

    with open(study, storage, scale=scale) as reader:
        return write(reader, format, output, curves=curves, force=force)


def plan(
    study: str | Path,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    workers: int | None = None,
    pilot: bool = False,
) -> Forecast:
    """Forecast the work and the time of a run. Arguments as `run`; `pilot` times one trial of every view.

    Raises:
        HpstudyError: the study is invalid, or its database is that of another study.
    """
    from hpstudy.engine.forecast import forecast
    from hpstudy.loading.load import read_study

    loaded = read_study(study, scale)
    where = default_storage(loaded.study.name, storage)
    return forecast(loaded, where, workers=workers, pilot=pilot)


@dataclass(frozen=True)
class WrittenReport:
    """The files of a report.

    Attributes:
        files: the files written, documents first.
        headline: the main result in one or two sentences.
        outdated: documents in other formats beside them, from an earlier report, whose numbers differ.
    """

    files: tuple[Path, ...]
    headline: str
    outdated: tuple[Path, ...] = ()


def write_report(
    study: str | Path | Sequence[str | Path],
    output: str | Path = "reports",
    *,
    storage: str | Path | None = None,
    formats: Sequence[str] | None = None,
    scale: str | None = None,
    force: bool = False,
) -> WrittenReport:
    """Analyze a study, finished or not, and write its report.

    Args:
        study: see `analyze`. Several studies give one report that compares them.
        output: a folder, or the name of the PDF, HTML or LaTeX file.
        storage: see `locate`.
        formats: some of pdf, html and latex. When None: by the suffix of `output`; pdf for a folder.
        scale: see `locate`.
        force: overwrite the report of another study.

    Raises:
        UsageError: the format is unknown, or `output` holds the report of another study.
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.report import headline, write
    from hpstudy.report.files import outdated
    from hpstudy.report.write import check_formats

    check_formats(output, formats)
    if not isinstance(study, str | Path):
        if len(study) > 1:
            return _write_several([analyze(each, storage, scale=scale) for each in study], Path(output), formats, force)
        (study,) = study
    results = analyze(study, storage, scale=scale)
    files = write(results, Path(output), formats, force=force)
    return WrittenReport(tuple(files), headline(results), tuple(outdated(files)))


def _write_several(studies: Sequence[Results], output: Path, formats: Sequence[str] | None, force: bool) -> WrittenReport:
    from hpstudy.analysis.cross_study import several
    from hpstudy.report import write_several
    from hpstudy.report.files import outdated
    from hpstudy.report.several import headline

    results = several(studies)
    files = write_several(results, output, formats, force=force)
    return WrittenReport(tuple(files), headline(results), tuple(outdated(files)))


def bundle(
    study: str | Path,
    output: str | Path | None = None,
    *,
    storage: str | Path | None = None,
    scale: str | None = None,
    force: bool = False,
) -> Bundle:
    """Write a study's database, code, environments and report as one zip file with checksums (`hpstudy.bundles`).

    Args:
        study: see `locate`.
        output: the zip file. When None, NAME.zip in the current folder.
        storage: see `locate`.
        scale: see `locate`.
        force: replace an existing file.

    Raises:
        UsageError: the file exists, or cannot be written.
        StoreError: the database cannot be read.
    """
    from hpstudy.bundles import write_bundle
    from hpstudy.report import write

    with open(study, storage, scale=scale) as reader, tempfile.TemporaryDirectory(prefix="hpstudy-bundle-") as folder:
        path = Path(output or f"{reader.study.name}.zip")
        check_output(path, force=force)
        write(_analyzed(reader, None, thorough=True), Path(folder))
        return write_bundle(reader, path, Path(folder), force=force)


def open_bundle(bundle: str | Path, folder: str | Path | None = None) -> Path:
    """Verify a bundle's checksums and unpack it; returns the database, which all functions take.

    Args:
        bundle: a zip file of `hpstudy.bundle`.
        folder: a new or empty folder. When None, the name of the bundle without its suffix.

    Raises:
        UsageError: the file is no bundle, a checksum is wrong, or the folder has files.
    """
    from hpstudy.bundles import open_bundle as unpacked

    return unpacked(bundle, folder or Path(bundle).with_suffix(""))


def plot_figure(
    study: str | Path,
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
        path: the file to write; its suffix (.pdf, .svg, .png) selects the format. An existing file is replaced.
        storage: see `locate`.
        scale: see `locate`.
        dpi: dots per inch of a PNG.

    Raises:
        UsageError: the figure or the format is unknown.
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.report import save_figure

    # The thorough analysis adds figures and changes none, so it is needed only for a figure that the quick one lacks.
    results = analyze(study, storage, scale=scale, thorough=False)
    if figure not in _figures(results):
        results = analyze(study, storage, scale=scale)
    return save_figure(figure, results, path, dpi=dpi)


def figure(name: str, study: str | Path | Results, storage: str | Path | None = None, *, scale: str | None = None) -> Figure:
    """One figure of the report as a matplotlib figure, for instance for a notebook.

    Args:
        name: of the figure; `figure_names` lists them.
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
    study: str | Path, storage: str | Path | None = None, *, scale: str | None = None, thorough: bool = True
) -> tuple[str, ...]:
    """Names of the figures of a study's report, in its order. Arguments and errors as `analyze`."""
    return _figures(analyze(study, storage, scale=scale, thorough=thorough))


def _figures(results: Results) -> tuple[str, ...]:
    from hpstudy.report import style
    from hpstudy.report.document import document

    with style.applied():
        return tuple(chart.name for chart in document(results).charts)


def power(
    study: str | Path,
    storage: str | Path | None = None,
    *,
    difference: float,
    trials: float | None = None,
    wanted: float = 0.8,
    alpha: float = 0.05,
    scale: str | None = None,
) -> tuple[EndpointPower, ...]:
    """Replicates that each comparison needs to detect a difference, from the spread of a study that was run.

    Args:
        study: see `analyze`.
        storage: see `locate`.
        difference: difference of the final best to detect, in units of the metric.
        trials: difference of trials-to-target to detect; not computed when None.
        wanted: power, the probability of detecting it.
        alpha: level of the two-sided paired test.
        scale: see `locate`.

    Returns:
        For each comparison the final best and, if the study has a target, trials-to-target.

    Raises:
        UsageError: a number is out of range, or no two views have 2 complete replicates in common.
    """
    for name, value in (("difference", difference), ("trials", trials)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UsageError(f"the difference to detect must be above 0: --{name} is {value:g}")
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha is {alpha:g}, not between 0 and 1", "0.05 is usual")
    if not alpha < wanted < 1:
        raise UsageError(f"--power is {wanted:g}, not between alpha ({alpha:g}) and 1", "0.8 or 0.9 is usual")
    from hpstudy.analysis.comparisons.planning import study_power

    results = analyze(study, storage, scale=scale, thorough=False)
    most = max((pair.trials.most for pair in results.pairs if pair.trials is not None), default=math.inf)
    if trials is not None and trials > most:
        raise UsageError(
            f"{results.study.name}: with this target a difference of at most {most:.3g} trials can be observed, below --trials {trials:g}",
            "choose a smaller difference, or a study with more trials or an easier target",
        )
    endpoints = study_power(results, difference, trials, wanted=wanted, alpha=alpha)
    if not any(each.power.replicates >= 2 for each in endpoints):
        raise UsageError(
            f"{results.study.name}: no two views have 2 complete replicates in common, so there is no spread to use",
            "run more replicates, or choose another study",
        )
    return endpoints


def plan_endpoints(
    pilot: str | Path,
    study: str | Path | Study,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    replicates: Sequence[int] = (10, 20, 40),
    seeds: Sequence[int] = (2, 4, 8),
    resamples: int = 400,
) -> tuple[PlannedEndpoint, ...]:
    """Power of the declared endpoints of a study, by resampling a pilot that was run.

    Args:
        pilot: see `locate`; with every view of the study, the same metric and as many trials. A pilot that does not confirm all incumbents
            has its observed values in place of confirmed ones, which flatters them.
        study: a study, or the path of a study file, with `analysis.endpoints`.
        storage: of the pilot; see `locate`.
        scale: one of the study file's `scales`, to apply.
        replicates: sizes of the study.
        seeds: fresh seeds of every incumbent.
        resamples: of each size.

    Returns:
        For every size, endpoint and comparison: the pilot's difference, the half width of its interval, and the power to show it.

    Raises:
        UsageError: the study declares no endpoints, the pilot is of another kind, or no 2 replicates of it are complete in all views.
    """
    from hpstudy.analysis.confirmed.planning import plan_endpoints as planned
    from hpstudy.analysis.confirmed.planning import read_pilot
    from hpstudy.loading.load import read_study

    if isinstance(study, Study):
        _no_scale(scale)
    planned_study = study if isinstance(study, Study) else read_study(study, scale).study
    with open(pilot, storage) as reader:
        known, level = read_pilot(reader, planned_study)
    return tuple(planned(known, planned_study, level, replicates, seeds, resamples=resamples))


def analyze(study: str | Path, storage: str | Path | None = None, *, scale: str | None = None, thorough: bool = True) -> Results:
    """Analyze a study, finished or not.

    Args:
        study: a database, a study file, or a study's name. With a study file, the analysis settings are read from the file, so they
            can be edited after the run.
        storage: for a study file or a name: see `default_storage`.
        scale: for a study file: the scale at which it was run.
        thorough: see `hpstudy.analysis.analyse`.

    Raises:
        StudyChanged: the study file is not the one that was run.
    """
    if Path(study).suffix not in STUDY_SUFFIXES:
        with open(study, storage, scale=scale) as reader:
            return _analyzed(reader, None, thorough)
    from hpstudy.loading.bind import matched
    from hpstudy.loading.load import read_study

    loaded = read_study(study, scale)
    with Reader.open(default_storage(loaded.study.name, storage)) as reader:
        matched(reader.study, loaded.study, reader.path, loaded.module_path)
        with module_path(loaded.module_path):
            return _analyzed(reader, loaded.study.analysis, thorough)


def _analyzed(reader: Reader, settings: Analysis | None, thorough: bool) -> Results:
    from hpstudy.analysis import analyse as analyse_trials

    with reader.snapshot():
        results = analyse_trials(reader, settings, thorough=thorough)
        if not thorough:
            return results
        broken, digest, note = reader.warn_of_broken_seals(), reader.content_digest(), reader.seal_note()
        return replace(results, broken_seals=broken, database_digest=digest, seal_note=note)
