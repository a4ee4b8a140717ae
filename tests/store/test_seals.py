import shutil
import sqlite3
from contextlib import closing, suppress

import pytest
from typer.testing import CliRunner

import hpstudy
from hpstudy.cli import app
from hpstudy.errors import StoreError
from hpstudy.report import style
from hpstudy.report.document import document
from hpstudy.report.model import Paragraph
from hpstudy.report.serial import body
from hpstudy.store import Reader, Store, check
from hpstudy.store.seals import SEALED_TABLES
from hpstudy.study.confirm import Retraining
from hpstudy.study.plan import SearchKey
from hpstudy.tasks.outcome import Failure, Outcome
from tests.store.test_migrations import VERSION_1
from tests.support.alterations import alter
from tests.support.databases import example_study
from tests.support.trials import attempt, finish, start

CURVES = ((1, "loss", 1.0), (2, "loss", float("nan")), (3, "loss", -0.0), (1, "accuracy", float("inf")), (2, "accuracy", 0.25))


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """A study in two sessions: trials of every kind, learning curves, a confirmation, and events."""
    path = tmp_path_factory.mktemp("sealed") / "sealed.sqlite"
    study = example_study(trials=1, replicates=2)
    study = study.model_validate({**study.model_dump(mode="json"), "confirm": {"seeds": 1}})
    point = study.views["filter"].space.default()
    key, again = SearchKey("filter", 0), SearchKey("filter/confirm", 0)
    with Store.create(path, study, identity={"data": "abc", "source": "def"}, module_path=str(path.parent)) as store:
        store.begin_session({"machine": "first"})
        start(store, key, 0, point, 0.5)
        attempt(store, key, 0, "the worker died")
        finish(
            store, key, 0, Outcome("completed", {"accuracy": 0.25, "loss": float("nan")}, CURVES, None, 1.5, 80.0, "a.log"), 0.25
        )
    with Store.open(path) as store:
        store.begin_session({"machine": "second"})
        start(store, SearchKey("filter", 1), 0, point, 0.25)
        failure = Failure("ValueError", "no", "line 1")
        finish(store, SearchKey("filter", 1), 0, Outcome("failed", {}, (), failure, 1.0, 80.0), None)
        start(store, again, 0, point, retrained=Retraining(None, 0))
        finish(store, again, 0, Outcome("completed", {"accuracy": 0.5}, CURVES[-1:]), 0.5)
        start(store, again, 1, point, retrained=Retraining(0, 0))
        store.event("stopped")
    assert check(path) == []
    return path


@pytest.fixture
def copy(sealed, tmp_path):
    path = tmp_path / "copy.sqlite"
    shutil.copy(sealed, path)
    return path


def tables(path):
    """Columns and rows of every table except the owner's, which is empty."""
    with closing(sqlite3.connect(path)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'owner'")
        ]
        for name in names:
            cursor = connection.execute(f"SELECT * FROM {name}")
            yield name, [column[0] for column in cursor.description], cursor.fetchall()


def others(value):
    """Values that a column could hold instead."""
    if value in ("nan", "inf", "-inf"):  # the kinds of a number that is not finite
        return [kind for kind in ("nan", "inf", "-inf") if kind != value]
    if isinstance(value, str):
        return [value + "x", value[:-1] if value else " ", value.swapcase() if value.swapcase() != value else "other"]
    if isinstance(value, bytes):
        return [b"", bytes(len(value)) if any(value) else b"\1" * len(value)]
    if isinstance(value, int):
        return [value + 1, value + 1000]
    if isinstance(value, float):
        return [value + 1.0, value * (1 + 2**-52) if value else 5e-324]
    return ["2026-01-01T00:00:00.000Z", 1, 0.5]


def changes(columns, row):
    """(SET clause, its values) for every single change of a row."""
    for name, value in zip(columns, row, strict=True):
        for other in others(value) + ([None] if value is not None else []):
            yield f"{name} = ?", other


@pytest.mark.parametrize("table", ["trial", "metric_value", "curve", "retraining", "seal", *SEALED_TABLES])
def test_every_altered_value_is_found(sealed, tmp_path, table):
    columns, rows = next(content for name, *content in tables(sealed) if name == table)
    assert rows
    path, where = tmp_path / "altered.sqlite", " AND ".join(f"{name} IS ?" for name in columns)
    for row in rows:
        for change, value in changes(columns, row):
            shutil.copy(sealed, path)
            with suppress(sqlite3.IntegrityError):  # the key of another row
                alter(path, (f"UPDATE {table} SET {change} WHERE {where}", (value, *row)))
                assert check(path), f"{change} {value!r} in {row}"


def test_every_deleted_row_is_found(sealed, tmp_path):
    for table, columns, rows in tables(sealed):
        for row in rows:
            path = tmp_path / "deleted.sqlite"
            shutil.copy(sealed, path)
            alter(path, (f"DELETE FROM {table} WHERE {' AND '.join(f'{name} IS ?' for name in columns)}", row))
            assert check(path), f"{table}: {row}"


ADDED = {
    "identity": ("more", "x"),
    "view": (99, "other", "other"),
    "search": (99, 1, 77, bytes(32)),
    "environment": (99, "2026-01-01T00:00:00.000Z", None, "{}"),
    "metric": (99, "more"),
    "metric_value": (2, 1, 0.5, "finite"),
    "curve": (1, 1, 99, 0.5, "finite"),
    "retraining": (1, None, 5),
    "event": (99, "2026-01-01T00:00:00.000Z", "stopped", "{}"),
    "seal": ("trial", bytes(32)),
}


@pytest.mark.parametrize("table", ADDED)
def test_an_added_row_is_found(copy, table):
    row = ADDED[table]
    alter(copy, (f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row))
    assert check(copy)


@pytest.mark.parametrize("seal", ["seal", f"x'{'00' * 32}'", "x''"])
def test_an_added_trial_is_found(copy, seal):
    columns = "search_id, state, point, attempts, started_at, ended_at, ask_s, error_type"
    alter(copy, f"INSERT INTO trial (number, {columns}, seal) SELECT 1, {columns}, {seal} FROM trial WHERE id = 2")
    assert check(copy)


def test_values_that_were_swapped_are_found(copy):
    names = dict(next(rows for name, _, rows in tables(copy) if name == "metric"))
    swapped = [
        ("UPDATE metric SET name = ? WHERE id = ?", (name, number)) for number, name in ((1, "x"), (2, names[1]), (1, names[2]))
    ]
    alter(copy, *swapped)
    assert "table metric: does not match its seal" in check(copy)
    alter(
        copy,
        ("UPDATE metric SET name = 'x' WHERE id = 1", ()),
        *(("UPDATE metric SET name = ? WHERE id = ?", (names[n], n)) for n in (2, 1)),
    )
    assert check(copy) == []


def test_trials_that_were_swapped_with_their_searches_seals_are_found(copy):
    with closing(sqlite3.connect(copy)) as connection:
        first, second = [
            connection.execute(
                "SELECT id, seal FROM search WHERE id = (SELECT search_id FROM trial WHERE id = ?)", (n,)
            ).fetchone()
            for n in (1, 2)
        ]
    alter(
        copy,
        ("UPDATE trial SET search_id = ?, number = 1 WHERE id = 1", (second[0],)),
        ("UPDATE trial SET search_id = ? WHERE id = 2", (first[0],)),
        "UPDATE trial SET number = 0 WHERE id = 1",
        ("UPDATE search SET seal = ? WHERE id = ?", (second[1], first[0])),
        ("UPDATE search SET seal = ? WHERE id = ?", (first[1], second[0])),
    )
    found = check(copy)
    assert found[:2] == [f"filter/{replicate} trial 0: does not match its seal" for replicate in (1, 0)]


def test_a_check_names_what_does_not_match(copy):
    alter(
        copy,
        "UPDATE metric_value SET value = 0.26 WHERE trial_id = 1 AND metric_id = 1",
        "UPDATE event SET at = ended_at FROM environment",
    )
    found = check(copy)
    assert "filter/0 trial 0: does not match its seal" in found
    assert "table event: does not match its seal" in found


def test_every_table_but_the_owners_is_sealed(sealed):
    assert {name for name, *_ in tables(sealed)} == {*SEALED_TABLES, "trial", "metric_value", "curve", "retraining", "seal"}


def test_a_broken_seal_is_one_line(copy):
    alter(copy, "UPDATE trial SET ask_s = 9.0 WHERE id IN (1, 2)")
    with Reader.open(copy) as reader:
        assert str(reader.broken_seals()) == "2 trials do not match their seals: see `hpstudy db check`"
    alter(copy, "UPDATE trial SET ask_s = 0.25 WHERE id = 2")
    with Reader.open(copy) as reader:
        assert str(reader.broken_seals()) == "1 trial does not match its seal: see `hpstudy db check`"


def test_a_writer_refuses_an_altered_database_and_writes_nothing(copy):
    alter(copy, "UPDATE trial SET objective = 0.9 WHERE id = 1")
    before = copy.read_bytes()
    with pytest.raises(StoreError, match="1 trial does not match its seal: see `hpstudy db check`"):
        Store.open(copy)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM owner").fetchone() == (0,)
    assert copy.read_bytes()[100:] == before[100:]


def test_seals_change_in_the_transaction_of_their_values(store, key, point, monkeypatch):
    monkeypatch.setattr("hpstudy.store.trial_writer.seal_trial", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        start(store, key, 0, point)
    assert store.history(key) == []
    assert check(store.path) == []


def test_a_database_is_sound_after_every_write(store, key, point):
    store.begin_session({"machine": "here"})
    start(store, key, 0, point, 0.1)
    assert check(store.path) == []
    attempt(store, key, 0, "stopped")
    assert check(store.path) == []
    finish(store, key, 0, Outcome("completed", {"accuracy": 0.5, "loss": 1.0}, CURVES), 0.5)
    assert check(store.path) == []
    store.grow(example_study(trials=5, replicates=3))
    assert check(store.path) == []


def test_a_database_of_an_older_version_is_sealed_by_its_migration(path):
    shutil.copy(VERSION_1, path)
    with Reader.open(path) as reader:
        assert reader.broken_seals() is None
        assert reader.seal_note() == "database version 1 has no seals: altered values of the right type cannot be detected"
    Store.open(path).close()
    assert check(path) == []
    with Reader.open(path) as reader:
        assert str(reader.broken_seals()) == ""
        assert reader.seal_note().endswith("by migration from version 3: earlier changes cannot be detected")
    alter(path, "UPDATE trial SET evaluate_s = evaluate_s + 1 WHERE id = 3")
    assert len(check(path)) == 1


def test_a_new_database_needs_no_note(sealed):
    with Reader.open(sealed) as reader:
        assert reader.seal_note() == ""


def digest(path):
    with Reader.open(path) as reader:
        return reader.content_digest()


def test_the_digest_of_the_contents_is_that_of_the_values_and_not_of_the_file(sealed, copy):
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    assert copy.read_bytes() != sealed.read_bytes()
    assert digest(copy) == digest(sealed)


def test_every_write_changes_the_digest_of_the_contents(store, key, point):
    seen = [digest(store.path)]
    for write in (
        lambda: start(store, key, 0, point),
        lambda: finish(store, key, 0, Outcome("completed", {"accuracy": 0.5}), 0.5),
        lambda: store.event("noticed"),
        lambda: store.begin_session({"machine": "here"}),
        lambda: store.add_identity({"code": "a"}),
    ):
        write()
        seen.append(digest(store.path))
    assert len(set(seen)) == 6


def test_a_report_and_a_check_have_the_digest_of_the_contents(sealed):
    results = hpstudy.analyze(sealed)
    assert body(results)["database_digest"] == digest(sealed)
    assert "seal_note" not in body(results)
    done = CliRunner().invoke(app, ["db", "check", str(sealed)])
    assert done.exit_code == 0
    assert f"digest of the contents: {digest(sealed)}" in done.output


def test_an_export_warns_in_one_line(copy, caplog):
    alter(copy, "UPDATE trial SET ask_s = 9.0 WHERE id = 1")
    assert hpstudy.export(copy)
    assert caplog.messages == [f"{copy}: 1 trial does not match its seal: see `hpstudy db check`"]


def test_a_report_says_first_what_does_not_match(copy):
    alter(copy, "UPDATE trial SET ask_s = 9.0 WHERE id = 1")
    results = hpstudy.analyze(copy)
    sentence = "The database was altered: 1 trial does not match its seal: see `hpstudy db check`."
    with style.applied():
        first = document(results).sections[0]
    assert first.blocks[0] == Paragraph(sentence, strong=True)
    assert body(results)["broken_seals"] == "1 trial does not match its seal: see `hpstudy db check`"


def test_the_report_of_a_sealed_study_says_nothing_of_seals(sealed):
    results = hpstudy.analyze(sealed)
    assert results.broken_seals == ""
    assert "broken_seals" not in body(results)


def test_code_that_is_recorded_later_is_sealed(store, key, point):
    store.add_identity({"code": "a"})
    start(store, key, 0, point, identity={"code of a trial": "b"})
    finish(store, key, 0, Outcome("completed", {"accuracy": 0.5}), 0.5, identity={"more code": "c"})
    assert check(store.path) == []
