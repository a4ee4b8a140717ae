"""Figures as PGF source: the same bytes twice, and a document that reads them compiles."""

import re
import shutil
import subprocess

import pytest

from hpstudy.errors import UsageError
from hpstudy.report import pgf, save_figure, style
from hpstudy.report.pens import matplotlib as pen
from tests.report.test_charts import MARKS, chart_of
from tests.report.test_latex import HOSTILE

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
PAPER = r"""
\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp,pgf}
\begin{document}
\input{one.pgf}
\input{two.pgf}
\end{document}
"""


@needs_latex
def test_a_paper_with_hostile_labels_compiles(make_results, ramps, tmp_path):
    if not subprocess.run(["kpsewhich", "pgf.sty"], capture_output=True, check=False).stdout:
        pytest.skip("needs the LaTeX package pgf")
    results = make_results({"a": ramps(3), "b_1": ramps()}, labels={"a": HOSTILE, "b_1": r"50 % of #1 & {x}^2 \end"})
    written = save_figure(results, "best_so_far", tmp_path / "one.pgf")
    with style.applied(pgf.SETTINGS):
        (tmp_path / "two.pgf").write_bytes(pgf.source(pen.figure(chart_of(*MARKS.values(), title=HOSTILE))))
    (tmp_path / "paper.tex").write_text(PAPER)
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"], cwd=tmp_path, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stdout.decode(errors="replace")[-2000:]
    source = written.read_text()
    assert r"\pgfqpoint{6.500000in}" in source
    assert set(re.findall(r"\\fontsize\{([\d.]+)\}", source.partition(r"\begingroup")[2])) == {"7.500000", "8.000000"}
    assert "png" not in source


@needs_latex
def test_a_figure_written_twice_has_the_same_bytes(results, tmp_path):
    first, second = (save_figure(results, "best_so_far", tmp_path / name).read_bytes() for name in ("a.pgf", "b.pgf"))
    assert first == second


def test_without_latex_the_message_says_what_to_install(results, tmp_path, monkeypatch):
    monkeypatch.setattr(pgf.shutil, "which", lambda _: None)
    with pytest.raises(UsageError, match=r"needs pdflatex to measure its text.*\n.*install TeX Live"):
        save_figure(results, "best_so_far", tmp_path / "a.pgf")


@needs_latex
def test_a_package_that_latex_lacks_is_named(results, tmp_path, monkeypatch):
    monkeypatch.setattr(pgf, "SETTINGS", {**pgf.SETTINGS, "pgf.preamble": r"\usepackage{nosuchpackage}"})
    with pytest.raises(UsageError, match=r"nosuchpackage\.sty' not found"):
        save_figure(results, "best_so_far", tmp_path / "a.pgf")
