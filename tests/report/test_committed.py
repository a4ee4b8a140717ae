"""Every report.json in reports/ is what the code computes from the database beside it.

The last digits depend on the machine: BLAS adds in another order with another number of threads or another kernel (20 numbers of audio.json
differ in the 16th digit between one thread and two). So floats are compared to a relative 1e-9, and everything else exactly.
"""

import json
import math
from pathlib import Path

import pytest

from hpstudy.api.reports import write_report
from hpstudy.report import serial

REPORTS = Path(__file__).parents[2] / "reports"
NAMES = [*sorted(path.stem for path in REPORTS.glob("*.sqlite")), "audio-large+audio_fsdd-large"]


def differences(committed, rendered, at=""):
    """Where two JSON values differ: a line for each place."""
    if isinstance(committed, dict) and isinstance(rendered, dict) and list(committed) == list(rendered):
        for key in committed:
            yield from differences(committed[key], rendered[key], f"{at}.{key}")
    elif isinstance(committed, list) and isinstance(rendered, list) and len(committed) == len(rendered):
        for index, pair in enumerate(zip(committed, rendered, strict=True)):
            yield from differences(*pair, f"{at}[{index}]")
    elif isinstance(committed, float) and isinstance(rendered, float):
        if not math.isclose(committed, rendered, rel_tol=1e-9, abs_tol=1e-12):
            yield f"{at}: {committed} -> {rendered}"
    elif isinstance(committed, dict) or type(committed) is not type(rendered) or committed != rendered:
        yield f"{at}: {str(committed)[:100]} -> {str(rendered)[:100]}"


@pytest.mark.slow
@pytest.mark.usefixtures("without_pdf")
@pytest.mark.parametrize("name", NAMES)
def test_report_json_is_computed_from_the_database(name, tmp_path):
    """Written as `make reports` does, as PDF into an empty folder: "files" lists the PDF and the CSV files."""
    write_report([REPORTS / f"{study}.sqlite" for study in name.split("+")], tmp_path)
    committed, rendered = (json.loads((folder / f"{name}.json").read_text()) for folder in (REPORTS, tmp_path))
    found = list(differences(committed, rendered))
    assert not found, f"`make reports` writes reports/{name}.json again; {len(found)} differences, the first: {found[:5]}"
    assert (REPORTS / f"{name}.json").read_text() == serial.text(committed)


def test_every_csv_file_of_these_reports_is_documented():
    page = (REPORTS.parent / "docs/reference/statistics.md").read_text()
    files = {file for name in NAMES for file in json.loads((REPORTS / f"{name}.json").read_text())["files"]}
    tables = {Path(file).name for file in files if file.endswith(".csv")}
    assert len(tables) > 30
    assert not [table for table in sorted(tables) if f"`{table}`" not in page]


@pytest.mark.parametrize(
    ("committed", "rendered"),
    [
        ({"a": 1.0}, {"a": 1.0 + 1e-8}),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": True}, {"a": 1}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1], [1, 2]),
        ("holds", "does not hold"),
        (0.5, None),
    ],
)
def test_what_counts_as_a_difference(committed, rendered):
    assert len(list(differences(committed, rendered))) == 1
    assert not list(differences(committed, committed))
