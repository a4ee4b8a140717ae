"""The formats of a report, and single figures."""

import pytest


@pytest.fixture
def finished(hpstudy, study_text, tmp_path):
    done = hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text)
    assert done.returncode == 0, done.stderr
    return tmp_path / "runs/tiny.sqlite"


def test_a_report_is_written_in_the_formats_asked_for(hpstudy, finished, tmp_path):
    done = hpstudy("report", "tiny", "--format", "html", "--format", "pdf")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == ["reports/tiny.pdf", "reports/tiny.html", "reports/tiny.json"]
    assert (tmp_path / "reports/tiny.html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert (tmp_path / "reports/tiny.pdf").read_bytes().startswith(b"%PDF")


def test_the_ending_of_the_output_chooses_the_format(hpstudy, finished, tmp_path):
    done = hpstudy("report", "tiny", "-o", "page.html")
    assert done.stdout.splitlines()[:2] == ["page.html", "page.json"]
    assert not (tmp_path / "page.pdf").exists()


def test_an_unknown_format_names_the_valid_ones_before_any_work(hpstudy):
    done = hpstudy("report", "nothing", "--format", "docx")
    assert done.returncode == 2
    assert "a report has no format 'docx': valid: pdf, html" in done.stderr
    assert "Traceback" not in done.stderr


def test_plot_saves_one_figure_and_lists_them_all(hpstudy, finished, tmp_path):
    done = hpstudy("plot", "tiny", "best_so_far", "-o", "figures/best.svg")
    assert (done.returncode, done.stdout) == (0, "figures/best.svg\n"), done.stderr
    assert "<svg" in (tmp_path / "figures/best.svg").read_text()
    listed = hpstudy("plot", "tiny").stdout.split()
    assert listed[:2] == ["best_so_far", "difference"]
    wrong = hpstudy("plot", "tiny", "best_so_fat", "-o", "best.svg")
    assert wrong.returncode == 2
    assert "did you mean 'best_so_far'?" in wrong.stderr
    assert all(name in wrong.stderr for name in listed)


def test_a_figure_without_a_file_or_with_an_unknown_ending_is_refused(hpstudy, finished):
    missing = hpstudy("plot", "tiny", "budgets")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "add -o budgets.pdf" in missing.stderr
    wrong = hpstudy("plot", "tiny", "budgets", "-o", "budgets.jpeg")
    assert wrong.returncode == 2
    assert "end the file name in .pdf, .svg, .png or .pgf" in wrong.stderr


def test_several_studies_give_one_report(hpstudy, finished, study_text, tmp_path):
    other = study_text.replace("name: tiny", "name: other\nseed: 1")
    assert other != study_text
    assert hpstudy("run", "other.yaml", "--executor", "inline", text=other, name="other.yaml").returncode == 0
    done = hpstudy("report", "tiny", "other")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["reports/tiny+other.pdf", "reports/tiny+other.json"]
    assert "mean of 2 studies" in done.stderr
    again = hpstudy("report", "tiny", "tiny")
    assert again.returncode == 2
    assert "is given twice" in again.stderr
    copy = study_text.replace("name: tiny", "name: copy")
    assert hpstudy("run", "copy.yaml", "--executor", "inline", text=copy, name="copy.yaml").returncode == 0
    refused = hpstudy("report", "tiny", "copy")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "tiny and copy have the same seed, task and data" in refused.stderr
    assert "run one of them with another seed" in refused.stderr


def test_a_page_of_an_earlier_state_is_named_when_only_the_pdf_is_written(hpstudy, finished, study_text, tmp_path):
    assert hpstudy("report", "tiny", "--format", "html").returncode == 0
    again = hpstudy("report", "tiny")
    assert "earlier" not in again.stderr
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text.replace("trials: 4", "trials: 5")).returncode == 0
    assert hpstudy("report", "tiny").stderr.startswith(
        "reports/tiny.html is from an earlier report; `--format html` writes it again\n"
    )
