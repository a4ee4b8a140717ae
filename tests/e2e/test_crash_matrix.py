"""The program of docs/explanation/reliability.md works: it crashes commands and notices what is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def matrix(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.crash_matrix", "--results", "crashes.jsonl", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_a_crash_at_a_point_and_one_at_a_random_moment_lose_nothing(tmp_path):
    done = matrix(tmp_path, "--kills", "2", "--cases", "run", "init")
    assert done.returncode == 0, done.stderr
    crashes = [json.loads(line) for line in (tmp_path / "crashes.jsonl").read_text().splitlines()]
    assert [(crash["case"], crash["kind"] == "point", crash["lost"]) for crash in crashes] == [
        ("run", True, ""),
        ("run", False, ""),
        ("init", True, ""),
        ("init", False, ""),
    ]
    assert done.stdout.splitlines()[-1].endswith("| 4 | 0 |")


def test_results_are_continued_and_not_repeated(tmp_path):
    matrix(tmp_path, "--kills", "1", "--cases", "init")
    matrix(tmp_path, "--kills", "2", "--cases", "init")
    assert len((tmp_path / "crashes.jsonl").read_text().splitlines()) == 2
    assert "crashes to do" not in matrix(tmp_path, "--kills", "2", "--cases", "init").stdout


def test_output_that_differs_after_a_crash_counts_as_lost(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.crashes.cases import CASES
    from benchmarks.crashes.commands import Lost
    from benchmarks.crashes.disturbances import Crash
    from benchmarks.crashes.outcome import crash_and_compare

    (tmp_path / "out").mkdir()
    crash = Crash("init", "point", "command", 1)
    with pytest.raises(Lost, match=r"studies/quick\.yaml"):
        crash_and_compare(tmp_path, CASES["init"], crash, {"studies/quick.yaml": b"another"})
