import math
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hpstudy.engine.options import RunOptions
from hpstudy.engine.run import run_study
from hpstudy.loading.bind import bind
from hpstudy.store import Reader, Store, check
from hpstudy.store.connection import create_file
from hpstudy.store.migrations import LATEST, MIGRATIONS, Migration, migrate, version
from hpstudy.study.confirm import Retraining
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm
from tests.support.databases import example_study, synthetic_database

VERSION_1 = Path(__file__).parent / "data" / "version_1.sqlite"
"""A study that was interrupted after 11 of 16 trials, written by the first version of the schema."""

REPORTS = Path(__file__).parents[2] / "reports"

SAME = (
    "state, point, objective, objective_kind, attempts, started_at, ended_at, evaluate_s, peak_rss_mib, error_type, error, "
    "traceback, log_path, environment_id"
)
"""What version 2 kept of a training on a fresh seed, beside its seed and its metrics."""

GOOD = Migration(LATEST + 1, "a table of notes", ("CREATE TABLE note (text TEXT) STRICT", "INSERT INTO note VALUES ('a')"))
BAD = Migration(LATEST + 2, "half a step", ("CREATE TABLE half (text TEXT) STRICT", "INSERT INTO nowhere VALUES (1)"))


@pytest.fixture
def connection(path):
    connection = create_file(path)
    yield connection
    connection.close()


def tables(connection):
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def test_versions_count_from_one_without_gaps():
    assert [migration.version for migration in MIGRATIONS] == list(range(1, LATEST + 1))


def test_a_new_file_takes_every_step(connection):
    assert migrate(connection) == list(MIGRATIONS)
    assert version(connection) == LATEST


def test_steps_taken_before_are_not_taken_again(connection):
    migrate(connection)
    assert migrate(connection) == []


def test_an_older_database_takes_the_new_steps_only(connection):
    migrate(connection)
    assert migrate(connection, (*MIGRATIONS, GOOD)) == [GOOD]


def test_a_failed_step_leaves_no_trace(connection):
    migrate(connection)
    before = tables(connection)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (*MIGRATIONS, GOOD, BAD))
    assert tables(connection) == before | {"note"}
    assert version(connection) == GOOD.version


def test_a_step_of_an_existing_study_leaves_an_event_in_its_transaction(path, study, connection):
    migrate(connection)
    assert connection.execute("SELECT count(*) FROM event").fetchone() == (0,)
    connection.close()
    path.unlink()
    Store.create(path, study).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as existing:
        with pytest.raises(sqlite3.OperationalError):
            migrate(existing, (*MIGRATIONS, GOOD, BAD))
        events = existing.execute("SELECT kind, detail FROM event WHERE kind = 'migrated'").fetchall()
    assert events == [("migrated", f'{{"from": {LATEST}, "to": {LATEST + 1}}}')]


@pytest.fixture
def first(path):
    """A copy of a database of version 1."""
    shutil.copy(VERSION_1, path)
    return path


def test_a_database_of_version_1_is_read_as_it_is(first):
    content = first.read_bytes()
    with Reader.open(first) as reader:
        trials = reader.trials()
        assert (len(trials), reader.study.confirm, [event.kind for event in reader.events()]) == (11, None, ["created"])
        assert reader.confirmations().empty
        assert list(reader.confirmations().columns)[:4] == ["view", "replicate", "number", "seed_number"]
        values = {(row.view, row.replicate, row.number): row.objective for row in trials.itertuples()}
    with closing(sqlite3.connect(first)) as connection:
        rows = connection.execute("SELECT view, replicate, number, objective FROM trial_result").fetchall()
    assert values == {(view, replicate, number): objective for view, replicate, number, objective in rows}
    assert check(first) == []
    assert first.read_bytes() == content


def test_a_database_of_version_1_is_migrated_with_events_when_it_is_opened_for_writing(first):
    with Reader.open(first) as reader:
        before = reader.trials()
    Store.open(first).close()
    with Reader.open(first) as reader, reader.snapshot() as connection:
        assert reader.trials().equals(before)
        assert version(connection) == LATEST
        migrated = [event.detail for event in reader.events() if event.kind == "migrated"]
    assert migrated == [{"from": number, "to": number + 1} for number in range(1, LATEST)]
    assert check(first) == []


def test_a_study_of_version_1_is_continued_and_confirmed(first):
    with Reader.open(first) as reader:
        study, before = reader.study, reader.trials()
    summary = run_study(bind(study.model_copy(update={"confirm": Confirm(seeds=1)})), first, RunOptions(executor="inline"))
    assert (summary.complete, summary.counts.planned, summary.ran) == (True, 16 + 6, 5 + 6)
    with Reader.open(first) as reader:
        after = reader.trials().merge(before[["view", "replicate", "number"]], on=["view", "replicate", "number"])
    assert after[list(before)].equals(before)
    assert check(first) == []


@pytest.fixture
def second(path, monkeypatch):
    """A database of version 2 with confirmations in every state: of the default point and of trial 1, latent, replicate 0."""
    with monkeypatch.context() as patch:
        patch.setattr("hpstudy.store.create.migrate", lambda connection: migrate(connection, MIGRATIONS[:2]))
        synthetic_database(path, example_study())
    with closing(sqlite3.connect(path)) as connection, connection:
        (point,) = connection.execute("SELECT point FROM trial WHERE id = 1").fetchone()
        for index, (trial, view, seed, state, objective, kind) in enumerate(
            [
                (None, 1, 0, "completed", 0.5, "finite"),
                (1, None, 0, "diverged", None, "-inf"),
                (None, 1, 1, "failed", None, None),
                (1, None, 1, "running", None, None),
            ]
        ):
            times = (f"2026-01-0{index + 1}", "2026-02-01", 1.5, 2.5)
            failure = ("ValueError", "bad", "line 1", "x.logs/worker-7.log", 1)
            connection.execute(
                f"INSERT INTO confirmation (trial_id, view_id, seed_number, {SAME}) VALUES (?, ?, ?{', ?' * 14})",
                (trial, view, seed, state, point, objective, kind, index + 1, *times, *failure),
            )
        connection.execute("INSERT INTO confirmation_value VALUES (1, 1, 0.5, 'finite'), (2, 1, NULL, '-inf'), (2, 2, 0.0, '-0')")
    return path


def test_unfinished_and_failed_confirmations_of_version_2_are_moved_as_they_are(second):
    with closing(sqlite3.connect(second)) as old:
        before = old.execute(f"SELECT {SAME} FROM confirmation ORDER BY id").fetchall()
        values = old.execute("SELECT * FROM confirmation_value ORDER BY 1, 2").fetchall()
    with Store.open(second) as store:
        rows = store.history(SearchKey("latent/confirm", 0))
        assert store.study.confirm == Confirm(seeds=2)
    assert [(row.number, row.retrained, row.state, row.objective, row.attempts) for row in rows] == [
        (0, Retraining(None, 0), "completed", 0.5, 1),
        (1, Retraining(0, 0), "diverged", -math.inf, 2),
        (2, Retraining(None, 1), "failed", None, 3),
        (3, Retraining(0, 1), "running", None, 4),
    ]
    with Reader.open(second) as reader, reader.snapshot() as new:
        moved = new.execute(f"SELECT {SAME} FROM trial JOIN retraining ON trial_id = trial.id ORDER BY trial.id").fetchall()
        first = new.execute("SELECT min(trial_id) FROM retraining").fetchone()[0]
        found = new.execute(
            "SELECT trial_id - ? + 1, metric_id, value, kind FROM metric_value WHERE trial_id >= ? ORDER BY 1, 2", (first, first)
        ).fetchall()
    assert (moved, found) == (before, values)


def test_a_migration_that_fails_leaves_the_database_as_it_was(second, monkeypatch):
    monkeypatch.setattr("hpstudy.store.migrations.write_event", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Store.open(second)
    with closing(sqlite3.connect(second)) as connection:
        assert version(connection) == 2
        assert connection.execute("SELECT count(*) FROM confirmation").fetchone() == (4,)
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'retraining'").fetchone() == (0,)


@pytest.mark.parametrize("name", ["audio", "audio_fsdd"])
@pytest.mark.parametrize("writing", [True, False])
def test_confirmations_of_version_2_become_trials_row_by_row(name, writing, path):
    """Every value, state, attempt, time, environment and log path of the published databases."""
    shutil.copy(REPORTS / f"{name}.sqlite", path)
    with closing(sqlite3.connect(path)) as old:
        assert version(old) == 2
        confirmations = old.execute(
            f"""
            SELECT view.name, search.replicate, number, seed_number, {", ".join(f"c.{column}" for column in SAME.split(", "))}
            FROM confirmation AS c LEFT JOIN trial ON trial.id = c.trial_id LEFT JOIN search ON search.id = search_id
            JOIN view ON view.id = coalesce(c.view_id, search.view_id) ORDER BY c.id
            """
        ).fetchall()
        metrics = old.execute(
            """
            SELECT view, replicate, number, seed_number, metric, value, kind FROM confirmed_metric
            ORDER BY confirmation_id, metric
            """
        ).fetchall()
        results = old.execute("SELECT * FROM confirmation_result ORDER BY confirmation_id").fetchall()
        others = {
            table: old.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("trial", "metric_value", "search", "view", "event", "environment", "identity", "metric")
        }
        curves = old.execute("SELECT count(*), sum(value) FROM curve").fetchall()
        definition = old.execute("SELECT definition FROM study").fetchone()[0]
    if writing:
        Store.open(path).close()
    assert check(path) == []
    with Reader.open(path) as reader, reader.snapshot() as new:
        assert version(new) == LATEST
        assert (
            new.execute(
                f"""
            SELECT substr(view.name, 1, length(view.name) - 8), iif(of_trial_id IS NULL, NULL, search.replicate),
                original.number, seed_number, {", ".join(f"trial.{column}" for column in SAME.split(", "))}
            FROM retraining JOIN trial ON trial.id = retraining.trial_id JOIN search ON search.id = trial.search_id
            JOIN view ON view.id = search.view_id LEFT JOIN trial AS original ON original.id = of_trial_id
            WHERE view.name LIKE '%/confirm' ORDER BY trial.id
            """
            ).fetchall()
            == confirmations
        )
        assert (
            new.execute(
                """
            SELECT view, replicate, number, seed_number, metric, value, kind FROM confirmed_metric
            ORDER BY confirmation_id, metric
            """
            ).fetchall()
            == metrics
        )
        found = new.execute("SELECT * FROM confirmation_result ORDER BY confirmation_id").fetchall()
        assert [row[1:] for row in found] == [row[1:] for row in results]
        for table, rows in others.items():
            found = new.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()[: len(rows)]
            sealed = table in ("trial", "search")  # a column more
            assert [row[:-1] if sealed else row for row in found] == rows
        assert new.execute("SELECT count(*), sum(value) FROM curve").fetchall() == curves
        added = [event.detail for event in reader.events()[len(others["event"]) :]]
        assert added == ([{"from": number, "to": number + 1} for number in range(2, LATEST)] if writing else [])
        assert reader.study.confirm == Confirm(seeds=5)
        assert reader.study.model_copy(update={"confirm": None}).to_json() == reader.study.from_json(definition).to_json()
        counts = reader.counts()
    assert sum(counts[name].planned for name in ("latent/confirm", "filter/confirm")) == len(confirmations) == 210
    assert not any(counts[name].planned - counts[name].completed for name in ("latent/confirm", "filter/confirm"))


def test_confirmations_of_several_searchers_have_the_names_of_their_searches():
    with Reader.open(REPORTS / "kernels.sqlite") as reader, reader.snapshot() as connection:
        trainings = connection.execute(
            """
            SELECT fresh.view, count(*), count(DISTINCT fresh.replicate || '/' || fresh.number || '/' || seed_number), count(trial_id)
            FROM confirmation_result AS fresh LEFT JOIN trial_result USING (view, replicate, number)
            WHERE fresh.replicate IS NOT NULL GROUP BY fresh.view
            """
        ).fetchall()
        stored = connection.execute("SELECT count(*) FROM retraining WHERE of_trial_id IS NOT NULL").fetchone()[0]
        metrics = {view for (view,) in connection.execute("SELECT DISTINCT view FROM confirmed_metric")}
    names = {f"{view}{other}" for view in ("flat", "conditional") for other in ("", "/tpe", "/random")}
    assert {view for view, *_ in trainings} == metrics == names
    assert all(rows == distinct == joined for _, rows, distinct, joined in trainings)
    assert sum(rows for _, rows, *_ in trainings) == stored
