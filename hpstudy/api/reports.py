"""The report of a study, or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.databases import AnyStudy
from hpstudy.api.results import analyze

if TYPE_CHECKING:
    from hpstudy.analysis.results import Results


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
    study: AnyStudy | Sequence[AnyStudy],
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
    if isinstance(study, Sequence) and not isinstance(study, str):
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
