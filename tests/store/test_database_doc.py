import re
from pathlib import Path

import pytest

from hpstudy.store import Reader, Store
from hpstudy.store.values import KINDS, STATES
from hpstudy.study.confirm import Retraining
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm
from hpstudy.tasks.outcome import Outcome
from tests.support.databases import example_study, synthetic_database
from tests.support.trials import finish, start

TEXT = (Path(__file__).parents[2] / "docs/reference/database.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    study = example_study(trials=7, replicates=4)
    path = synthetic_database(tmp_path_factory.mktemp("doc") / "x.sqlite", study, epochs=3, diverged=0.2)
    with Store.open(path) as store:
        point = next(row.point for row in store.history(SearchKey("filter", 0)) if row.number == 1)
        store.grow(study.model_copy(update={"confirm": Confirm()}))
        for number, of in enumerate((None, 1)):
            key = SearchKey("filter/confirm", 0)
            start(store, key, number, point, retrained=Retraining(of, 0))
            finish(store, key, number, Outcome("completed", {"accuracy": 0.5}), 0.5)
    with Reader.open(path) as reader, reader.snapshot() as connection:
        yield connection


def columns(connection, table):
    return {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def row_of(name):
    """The last cell of the table row about `name`."""
    return next(line.rsplit("|", 2)[1] for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.split("FROM")[0].strip()[:40])
def test_every_example_query_finds_something(connection, query):
    assert connection.execute(query).fetchall()


def test_every_table_and_view_is_documented(connection):
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")}
    assert {name for name in names if f"| `{name}` |" not in TEXT} == set()


def test_every_column_is_documented(connection):
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")]
    missing = {
        f"{table}.{column}"
        for table in names
        for column in columns(connection, table)
        if not re.search(rf"\b{column}\b", row_of(table))
    }
    assert missing <= {"study.id", "owner.id"}


@pytest.mark.parametrize("word", [*STATES, *KINDS])
def test_every_state_and_kind_is_documented(word):
    assert f"`{word}`" in TEXT


def test_the_median_curve_of_the_documentation_is_the_median(connection):
    import pandas as pd

    query = next(query for query in QUERIES if "median_best" in query)
    best = pd.read_sql_query("SELECT * FROM best_so_far", connection)
    expected = best.groupby(["view", "number"])["best"].median().dropna()
    assert [row[2] for row in connection.execute(query)] == pytest.approx(expected.tolist(), abs=0)


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_best_so_far_is_the_running_best_of_completed_trials(tmp_path, goal):
    study = example_study(trials=9, replicates=2, goal=goal)
    path = synthetic_database(tmp_path / "x.sqlite", study, diverged=0.3)
    with Reader.open(path) as reader, reader.snapshot() as connection:
        rows = connection.execute("SELECT best FROM best_so_far WHERE view = 'latent' AND replicate = 1 ORDER BY number")
        found = [value for (value,) in rows]
        trials = reader.trials().query("view == 'latent' and replicate == 1")
    running = trials["objective"].cummax() if goal == "maximize" else trials["objective"].cummin()
    assert found == [None if value != value else value for value in running.ffill()]
