import json
import re
import shutil
import subprocess

import pytest

from hpstudy.errors import UsageError
from hpstudy.report import latex, write
from hpstudy.report.model import Code, Table
from tests.support.reports import document_of

HOSTILE = r"\input{/etc/passwd} 100% of $a_b$ & {c}# ~^ <x> | −1 ≥ 2 … \end{document} 日本"


@pytest.mark.parametrize("letter", list(r"\{}$&#^_~%"))
def test_no_letter_of_a_text_is_a_command(letter):
    written = latex.text(f"a{letter}b")
    assert written != f"a{letter}b"
    assert re.fullmatch(r"a\\(text\w+\{\}|.)b", written)


def test_letters_that_not_every_engine_has_become_a_question_mark():
    assert latex.text("é 日") == "é ?"


def test_a_control_character_is_an_escape():
    assert latex.text("a\x07") == r"a\textbackslash{}x07"


def test_a_report_is_a_source_with_figures_and_bibtex_entries(results, tmp_path):
    written = write(results, tmp_path, ["latex"])
    assert written[:2] == [tmp_path / "small.tex", tmp_path / "small.json"]
    source = written[0].read_text()
    figures = re.findall(r"\\detokenize\{([^}]*)\}", source)
    assert len(figures) == sum(not chart.page_only for chart in document_of(results).charts) > 2
    assert all((tmp_path / figure).read_bytes().startswith(b"%PDF") for figure in figures)
    entries = (tmp_path / "small" / "references.bib").read_text()
    assert entries.startswith("@software{hpstudy,")
    assert "@inproceedings{balandat2020botorch," in entries
    assert set(json.loads((tmp_path / "small.json").read_text())["files"]) >= {*figures, "small.tex", "small/references.bib"}


def test_a_pdf_of_the_same_numbers_keeps_the_source_and_its_figures(results, tmp_path, without_pdf):
    write(results, tmp_path, ["latex"])
    write(results, tmp_path, ["pdf"])
    files = json.loads((tmp_path / "small.json").read_text())["files"]
    assert {"small.pdf", "small.tex", "small/best_so_far.pdf"} <= set(files)
    assert all((tmp_path / name).exists() for name in files)


def test_the_ending_tex_asks_for_latex(results, tmp_path):
    assert write(results, tmp_path / "mine.tex")[0] == tmp_path / "mine.tex"
    with pytest.raises(UsageError, match=r"ends in \.tex, but the format asked for is pdf"):
        write(results, tmp_path / "mine.tex", ["pdf"])


def test_a_long_table_may_break_over_pages_and_a_short_one_is_fitted():
    tables = [latex._table(Table("t", ("a", "b"), (("1", "2"),) * rows, note="n")) for rows in (3, 60)]
    assert "\\fitted" in tables[0]
    assert "\\begin{longtable}{lr}" in tables[1]


def test_code_cannot_end_its_block():
    assert latex._block(Code("x\\end{verbatim}y"), "").count("\\end{verbatim}") == 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_a_report_with_hostile_texts_compiles(make_results, ramps, tmp_path):
    study = {"question": HOSTILE, "name": "small"}
    results = make_results({"a": ramps(3), "b": ramps()}, study=study)
    write(results, tmp_path, ["latex"])
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "small.tex"], cwd=tmp_path, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stdout.decode(errors="replace")[-2000:]
    assert (tmp_path / "small.pdf").stat().st_size > 20_000
