"""Objective values whose squares are no floats, and ranges that this version refuses: numbers or one message, no traceback."""

import json
import sqlite3

import pytest
from typer.testing import CliRunner

from hpstudy.cli import app

COMMANDS = [
    "status {0}",
    "trials {0}",
    "best {0}",
    "power {0} --difference 1",
    "power {0} --difference 1e300",
    "export {0} -o {1}/all.csv",
    "plot {0}",
    "plot {0} best_so_far -o {1}/best.png",
    "report {0} -o {1} --format pdf --format html",
]


@pytest.fixture
def study_of(hpstudy, study_text, tmp_path):
    """Run the tiny study with a function that returns values of a given size; returns the database."""

    def call(size):
        (tmp_path / "sized.py").write_text(f"def run(params, seed):\n    return (1 + params['x1'] ** 2 + seed % 7) * {size}\n")
        text = study_text.replace("{use: branin, noise: 0.5}", "{use: 'sized:run'}")
        done = hpstudy("run", "tiny.yaml", "--storage", "tiny.sqlite", "--executor", "inline", text=text)
        assert done.returncode == 0, done.stderr
        return tmp_path / "tiny.sqlite"

    return call


@pytest.mark.parametrize("size", ["1e300", "1e154", "1e-300"])
def test_every_command_shows_values_whose_squares_are_no_floats(study_of, tmp_path, size):
    database = study_of(size)
    for command in COMMANDS:
        # Warnings are errors here, so a sum that overflows fails the test.
        done = CliRunner().invoke(app, command.format(database, tmp_path).split())
        assert (done.exit_code, done.exception) == (0, None), command
    done = CliRunner().invoke(app, ["power", str(database), "--difference", size, "--format", "json"])
    final = json.loads(done.stdout)[0]
    assert 0.1 < final["sd"] / float(size) < 100
    assert final["needed"] >= 2


def test_a_range_that_an_earlier_version_accepted_is_named(study_of):
    database = study_of("1")
    with sqlite3.connect(database) as connection:
        study = json.loads(connection.execute("SELECT definition FROM study").fetchone()[0])
        study["views"]["both"]["space"]["x2"]["high"] = 1e100
        connection.execute("UPDATE study SET definition = ?", [json.dumps(study)])
    connection.close()
    for command in ("status", "report"):
        error = CliRunner().invoke(app, [command, str(database)]).exception
        assert "view 'both', hyperparameter 'x2': low and high must be between -1e+60 and 1e+60" in str(error)
        assert str(error).count("\n") == 1  # the hint
