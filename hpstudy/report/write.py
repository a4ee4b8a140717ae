"""Write a report: the PDF, the page or the LaTeX source, the JSON file, and the CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.analysis.results import Results
from hpstudy.drafts import write_file
from hpstudy.errors import UsageError, nearest
from hpstudy.report import csvs, serial
from hpstudy.report.files import DOCUMENTS, ReportPaths, claim, form_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hpstudy.analysis.cross_study import Several
    from hpstudy.report.document import Document

FORMS = ("pdf", "svg", "png", "pgf")
"""File formats of a single figure."""

MIN_WIDTH, MOST_WIDTH = 2, 20
"""Limits of the width of a figure in inches. Narrower: labels leave no space for the panels."""

MIN_DPI = 20
"""Minimum resolution of a figure. Lower: letters are smaller than a pixel, which the font library refuses."""

MOST_DPI = 2_400
"""Maximum resolution of a figure. Its image then has about 300 million pixels."""


def write(
    results: Results | Several, output: str | Path, formats: Sequence[str] | None = None, *, force: bool = False
) -> list[Path]:
    """Write NAME.pdf, NAME.html or NAME.tex, NAME.json and NAME/*.csv; for NAME.tex also the figures NAME/*.pdf.

    The same results always give the same bytes. An earlier report of the same study at the same path is replaced, except for documents
    in formats that are not requested (`hpstudy.report.files.outdated`). Any other existing file is kept.

    Args:
        results: results of `hpstudy.analysis.analyze`, or the joint analysis of `hpstudy.analysis.cross_study.several`.
        output: path of the document if it ends in .pdf, .html or .tex; else its folder, where NAME is the name of the study or of all
            studies.
        formats: any of pdf, html and latex; by default the ending of `output`, or pdf for a folder.
        force: overwrite existing files.

    Returns:
        The files written, the documents first.

    Raises:
        UsageError: there is no such format, or another file of that name exists.
        OutputError: a file cannot be written.
    """
    from hpstudy.report import several, style
    from hpstudy.report.document import document

    forms = check_formats(output, formats)
    with style.applied():
        contents = document(results) if isinstance(results, Results) else several.document(results)
    body = serial.body(results) if isinstance(results, Results) else several.body(results)
    paths = ReportPaths.at(Path(output), body["study"])
    earlier = claim(paths, body, force=force)
    with style.applied():
        documents = {paths.document(form): _compiled(form, contents, paths) for form in forms}
        companions = _companions(contents, paths) if "latex" in forms else {}
    tables = {paths.folder / f"{table}.csv": csvs.text(rows()) for table, rows in contents.tables.items()}
    shown = dict.fromkeys([*documents, *companions, *earlier.documents(body), *tables])
    files = [path.relative_to(paths.json.parent).as_posix() for path in shown]
    # The JSON file is written first: it identifies the other files even if this process dies before all are written.
    write_file(paths.json, serial.text({**body, "files": files}))
    for path, text in tables.items():
        write_file(path, text)
    for path, content in (companions | documents).items():
        write_file(path, content)
    for path in set(earlier.tables()) - set(tables):
        path.unlink(missing_ok=True)
    return [*documents, paths.json, *companions, *tables]


def check_formats(output: str | Path, formats: Sequence[str] | None) -> tuple[str, ...]:
    """The formats given by `formats` or the ending of `output`, without duplicates, in the order of `DOCUMENTS`.

    Raises:
        UsageError: there is no such format, or `output` has the ending of another one.
    """
    ending = form_of(Path(output))
    selected = formats or (ending or "pdf",)
    for form in selected:
        if form not in DOCUMENTS:
            raise UsageError(f"a report has no format '{form}': {nearest(form, DOCUMENTS)}")
    if ending is not None and ending not in selected:
        raise UsageError(
            f"the output {output} ends in .{DOCUMENTS[ending]}, but the format asked for is {' and '.join(selected)}",
            f"end it in .{DOCUMENTS[selected[0]]}, add --format {ending}, or name a folder",
        )
    return tuple(form for form in DOCUMENTS if form in selected)


def _compiled(form: str, contents: Document, paths: ReportPaths) -> bytes:
    """The document in the given format."""
    if form == "latex":
        from hpstudy.report import latex

        return latex.source(contents, paths.folder.name)
    if form == "html":
        from hpstudy.report import html

        return html.compile_html(contents)
    from hpstudy.report import pdf

    return pdf.compile_pdf(contents)


def _companions(contents: Document, paths: ReportPaths) -> dict[Path, bytes]:
    """The files that NAME.tex requires."""
    from hpstudy.report import latex

    return {paths.folder / name: content for name, content in latex.companions(contents).items()}


def save_figure(results: Results, name: str, path: str | Path, *, dpi: int = 160, width: float | None = None) -> Path:
    """Save one figure of the report as PDF, SVG, PNG or PGF, for instance for a README or a paper.

    Args:
        results: results of `hpstudy.analysis.analyze`.
        name: name of a figure of the report, for instance best_so_far, difference, trials_to_target, budgets; sweep or heat_map of a
            sweep.
        path: path of the file, whose ending selects the format. An existing file is replaced.
        dpi: resolution in dots per inch of a PNG, and of images in the other formats.
        width: see `draw_figure`.

    Raises:
        UsageError: there is no such figure, format, resolution or width, the results have nothing to draw, or LaTeX is missing for PGF.
        OutputError: the file cannot be written.
    """
    from hpstudy.report import pgf, style
    from hpstudy.report.pdf import figure_bytes

    path = Path(path)
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise UsageError(
            f"a figure cannot be saved as '{path.name}': {nearest(form, FORMS)}", "end the file name in .pdf, .svg, .png or .pgf"
        )
    if not MIN_DPI <= dpi <= MOST_DPI:
        raise UsageError(f"dpi is {dpi}, not between {MIN_DPI} and {MOST_DPI:,}", "160 is the default; paper needs 300 to 600")
    with style.applied(pgf.SETTINGS if form == "pgf" else None):
        drawn = _drawn(results, name, width)
        write_file(path, pgf.source(drawn) if form == "pgf" else figure_bytes(drawn, form, dpi))
    return path


def draw_figure(results: Results, name: str, width: float | None = None) -> Figure:
    """One figure of the report as a matplotlib figure.

    Args:
        results: results of `hpstudy.analysis.analyze`.
        name: see `save_figure`.
        width: in inches; that of the report when None. Letters keep their size.

    Raises:
        UsageError: there is no such figure or width, or the results have nothing to draw.
    """
    from hpstudy.report import style

    with style.applied():
        return _drawn(results, name, width)


def _drawn(results: Results, name: str, width: float | None) -> Figure:
    from hpstudy.report import style
    from hpstudy.report.document import document
    from hpstudy.report.pens import matplotlib as pen

    width = style.WIDTH if width is None else width
    if not MIN_WIDTH <= width <= MOST_WIDTH:
        raise UsageError(
            f"the width is {width:g} inches, not between {MIN_WIDTH} and {MOST_WIDTH}", "a column of a paper has about 3.3 inches"
        )
    charts = {chart.name: chart for chart in document(results).charts}
    if name not in charts:
        known = nearest(name, charts) if charts else "the study has nothing to draw yet"
        raise UsageError(f"the report of {results.study.name} has no figure '{name}': {known}")
    return pen.figure(charts[name], width)
