"""The report of a study, or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hpstudy.api.databases import AnyStudy
from hpstudy.api.results import analyze
from hpstudy.arguments import checked
from hpstudy.errors import UsageError


@dataclass(frozen=True)
class WrittenReport:
    """The files of a report.

    Attributes:
        files: the files written, documents first.
        headline: the main result in one or two sentences.
        outdated: documents in other formats next to them, from an earlier report, whose numbers differ.
    """

    files: tuple[Path, ...]
    headline: str
    outdated: tuple[Path, ...] = ()

    def __repr__(self) -> str:
        first, *others = self.files
        return f"<WrittenReport {first} and {len(others)} other files: {self.headline}>"


@checked
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
        formats: pdf, html or latex, or several of them. When None: by the suffix of `output`; pdf for a folder.
        scale: see `locate`.
        force: overwrite the report of another study.

    Raises:
        UsageError: no study is given, the format is unknown, or `output` holds the report of another study.
        OutputError: a file cannot be written.
        StudyChanged: the study file is not the one that was run.
    """
    from hpstudy.report import headline, write
    from hpstudy.report.files import outdated
    from hpstudy.report.write import check_formats

    check_formats(output, formats)
    studies = list(study) if isinstance(study, Sequence) and not isinstance(study, str) else [study]
    if not studies:
        raise UsageError("no study to report is given", 'give one or several: write_report("studies/quick.yaml")')
    results = [analyze(each, storage, scale=scale) for each in studies]
    if len(results) == 1:
        files, main_result = write(results[0], Path(output), formats, force=force), headline(results[0])
    else:
        from hpstudy.analysis.cross_study import several
        from hpstudy.report.several import headline as joint_headline

        joint = several(results)
        files, main_result = write(joint, Path(output), formats, force=force), joint_headline(joint)
    return WrittenReport(tuple(files), main_result, tuple(outdated(files)))
