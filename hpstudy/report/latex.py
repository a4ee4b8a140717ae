"""A report as LaTeX source, from which tables, figures and text can be copied into a paper.

NAME.tex compiles on its own with pdfLaTeX or any newer engine. It includes the figures NAME/FIGURE.pdf. NAME/references.bib has the BibTeX
entries. All user text is escaped, so it cannot contain LaTeX commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from hpstudy.report.charts.model import Chart
from hpstudy.report.document import Document
from hpstudy.report.model import Block, Code, Facts, Paragraph, References, Section, Table
from hpstudy.report.pdf import figure_bytes, files_of
from hpstudy.report.pens import matplotlib as pen
from hpstudy.report.tex import text

PREAMBLE = r"""\documentclass[a4paper,10pt]{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[margin=25mm]{geometry}
\usepackage{amsmath,booktabs,graphicx,longtable}
% A table as wide as it is, or as the text where it is wider.
\newcommand{\fitted}[1]{\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{#1}}
\setlength{\emergencystretch}{3em}
\begin{document}
"""

LONG_TABLE = 40
"""Number of rows above which a table may break across pages."""


def source(document: Document, folder: str) -> bytes:
    """The content of NAME.tex.

    Args:
        document: the report.
        folder: folder of the figures, relative to NAME.tex.
    """
    parts = [PREAMBLE, rf"\section*{{{text(document.name)}}}" + "\n\n"]
    if document.question:
        parts.append(rf"\emph{{{text(document.question)}}}" + "\n\n")
    parts.append(f"{text(document.design)}\n\n")
    if document.provisional:
        parts.append(rf"\textbf{{PROVISIONAL.}} {text(document.provisional)}" + "\n\n")
    parts += [_section(section, folder) for section in document.sections]
    parts.append("\\end{document}\n")
    return "".join(parts).encode()


def companions(document: Document) -> Mapping[str, bytes]:
    """The files of the folder: figures as PDF, and BibTeX entries. Call it within `style.applied()`."""
    figures = {f"{chart.name}.pdf": figure_bytes(pen.figure(chart), "pdf") for chart in document.charts if not chart.page_only}
    codes = [block.text for section in document.sections for block in section.blocks if isinstance(block, Code)]
    entries = [code for code in codes if code.lstrip().startswith("@")]
    return {**figures, "references.bib": ("\n\n".join(entries) + "\n").encode()}


def _section(section: Section, folder: str) -> str:
    command = "section" if section.level == 1 else "subsection"
    blocks = "".join(_block(block, folder) for block in section.blocks if not (isinstance(block, Chart) and block.page_only))
    return rf"\{command}*{{{text(section.title)}}}" + f"\n\n{blocks}"


def _block(block: Block, folder: str) -> str:
    match block:
        case Paragraph():
            return (rf"\textbf{{{text(block.text)}}}" if block.strong else text(block.text)) + "\n\n"
        case Table():
            return _table(block)
        case Chart():
            return _figure(block, folder)
        case Facts():
            rows = "".join(f"\\item[{{{text(name)}}}] {text(value)}\n" for name, value in block.rows)
            return f"\\begin{{description}}\n{rows}\\end{{description}}\n\n"
        case References():
            return "\\begin{itemize}\n" + "".join(f"\\item {text(item)}\n" for item in block.items) + "\\end{itemize}\n\n"
        case Code():
            shown = re.sub(r"[^\x20-\x7e\n]", "?", block.text).replace("\\end{verbatim}", "")
            return f"\\begin{{verbatim}}\n{shown}\n\\end{{verbatim}}\n\n"


def _table(table: Table) -> str:
    columns = "l" * table.left + "r" * (len(table.head) - table.left)
    head, *rows = (" & ".join(map(text, row)) + r" \\" + "\n" for row in (table.head, *table.rows))
    note = f"\n\\par\\smallskip{{\\footnotesize {text(table.note)}\\par}}\n" if table.note else ""
    if len(rows) > LONG_TABLE:
        body = f"\\caption{{{text(table.caption)}}}\\\\\n\\toprule\n{head}\\midrule\n\\endhead\n{''.join(rows)}\\bottomrule\n"
        return f"{{\\footnotesize\n\\begin{{longtable}}{{{columns}}}\n{body}\\end{{longtable}}}}{note}\n"
    body = f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head}\\midrule\n{''.join(rows)}\\bottomrule\n\\end{{tabular}}"
    caption = f"\\caption{{{text(table.caption)}}}"
    return f"\\begin{{table}}[htbp]\n\\centering\\footnotesize\n{caption}\n\\fitted{{{body}}}\n{note}\\end{{table}}\n\n"


def _figure(chart: Chart, folder: str) -> str:
    path = PurePosixPath(folder, f"{chart.name}.pdf")
    words = f"{text(chart.caption)} {text(chart.reading)} Data: {text(files_of(chart))}."
    graphic = f"\\includegraphics[width=\\linewidth]{{\\detokenize{{{path}}}}}"
    return f"\\begin{{figure}}[htbp]\n\\centering\n{graphic}\n\\caption{{{words}}}\n\\end{{figure}}\n\n"
