import shutil
import sqlite3

import pytest

from hpstudy.errors import StoreTooNew
from hpstudy.store import Store, check
from hpstudy.store.migrations import LATEST
from tests.store.test_migrations import VERSION_1
from tests.support.alterations import alter
from tests.support.databases import example_study, synthetic_database
from tests.support.trials import start


@pytest.fixture
def tampered(path):
    """The problems found after some SQL was run on a sound database."""

    def tampered(*statements):
        synthetic_database(path, example_study(), epochs=2)
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)
        connection.close()
        return check(path)

    return tampered


def test_a_sound_database_has_no_problems(tampered):
    assert tampered() == []


def test_failures_are_no_problems(path):
    synthetic_database(path, example_study(trials=20), diverged=0.5)
    assert check(path) == []


def test_an_unfinished_study_has_no_problems(store, add, key, point):
    add(0)
    start(store, key, 1, point, 0.0)
    assert check(store.path) == []


def test_a_missing_file_is_the_problem(path):
    assert check(path) == [f"{path} does not exist"]


TAMPERINGS = {
    "latent/0: trial numbers have gaps (4 trials, the last is number 4)": "DELETE FROM trial WHERE id = 2",
    "latent/0 trial 7: its number is not below the study's 5 trials": "UPDATE trial SET number = 7 WHERE id = 5",
    "latent/0 trial 1: is running although a later trial of its search exists": (
        "UPDATE trial SET state = 'running' WHERE id = 2"
    ),
    "latent/0 trial 1: is running but has results": "UPDATE trial SET state = 'running' WHERE id = 2",
    "latent/0 trial 0: is completed but has no objective": (
        "UPDATE trial SET objective = NULL, objective_kind = NULL WHERE id = 1"
    ),
    "latent/0 trial 0: its objective differs from its metric accuracy": "UPDATE trial SET objective = 7 WHERE id = 1",
    "latent/0 trial 0: failed without an error": "UPDATE trial SET state = 'failed' WHERE id = 1",
    "latent/0 trial 0: has ended but has no end time": "UPDATE trial SET ended_at = NULL WHERE id = 1",
    "2 values of metrics belong to no trial": "UPDATE metric_value SET trial_id = 999 WHERE trial_id = 1",
    "4 values of curves belong to no trial": "UPDATE curve SET trial_id = 999 WHERE trial_id = 1",
    "the study in the database was altered: its fingerprint differs from the recorded one": "UPDATE study SET fingerprint = 'x'",
    "the columns of table study differ from its definition": "UPDATE study SET trials = 99",
    "latent/2: the search is missing": "DELETE FROM search WHERE id = 3",
    "filter/9: the search is not part of the study": "INSERT INTO search (view_id, replicate) VALUES (2, 9)",
    "latent/0 trial 0: its point is not JSON": "UPDATE trial SET point = '{' WHERE id = 1",
    'latent/0 trial 0: its point {"rate": 7} is outside the view\'s search space': (
        "UPDATE trial SET point = '{\"rate\": 7}' WHERE id = 1"
    ),
}


@pytest.mark.parametrize("problem", TAMPERINGS)
def test_a_check_finds_what_was_tampered_with(tampered, problem):
    assert problem in tampered(TAMPERINGS[problem])


def test_a_check_counts_what_it_does_not_list(tampered):
    problems = tampered("UPDATE trial SET ended_at = NULL")
    assert problems[-1] == "... and 10 more of this kind"


def test_a_broken_index_is_found(path):
    synthetic_database(path, example_study(trials=100))
    connection = sqlite3.connect(path, isolation_level=None)
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_trial_1'").fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    with path.open("r+b") as file:
        file.seek(root * size - 200)
        file.write(b"\xff" * 200)
    assert check(path)


def test_a_newer_database_is_not_called_damaged(path, study):
    Store.create(path, study).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA user_version = {LATEST + 1}")
    connection.close()
    with pytest.raises(StoreTooNew):
        check(path)


def test_every_value_that_cannot_be_decoded_is_listed(tampered):
    problems = tampered("UPDATE trial SET state = 'ended' WHERE id IN (1, 3)", "UPDATE event SET detail = '7'")
    assert [problem[:40] for problem in problems[:3]] == [
        "table trial, row 1, column state: 'ended",
        "table trial, row 3, column state: 'ended",
        "table event, row 1, column detail: '7' i",
    ]


def test_a_value_of_another_type_is_named_with_its_row(path):
    synthetic_database(path, example_study())
    alter(path, "UPDATE search SET replicate = 'x' WHERE id = 1")
    assert check(path) == [
        "the file is damaged: non-INTEGER value in search.replicate",
        "table search, row 1, column replicate: 'x' is not a whole number",
    ]


def test_a_value_of_another_type_in_an_older_database_is_named(path):
    shutil.copy(VERSION_1, path)
    alter(path, "UPDATE search SET replicate = 'x' WHERE id = 1")
    (problem,) = check(path)
    assert "INTEGER column search.replicate" in problem
