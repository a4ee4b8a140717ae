"""Runs every command that takes a database on altered databases, and reports tracebacks and hangs.

    PYTHONPATH=. python -m benchmarks.fuzz_databases --calls 100000 --seed 0 --results fuzz.jsonl

Each round takes one of five small databases (a study, one with confirmations, controls and a dead owner, a sweep, one of two shards, and
one of version 1), alters a copy, and calls the commands in this process, each with a time limit. An alteration is one of

- `value`: one to three values replaced: NULL, another type, huge and special numbers, text, invalid JSON and UTF-8, a value of another row;
- `row`: rows deleted or copied;
- `file`: bits flipped, or the end cut off;
- `schema`: a table, view, index or column dropped or renamed, a trigger added, another `user_version`.

A call fails when it ends in anything but its output or an error of hpstudy, or takes longer than --limit seconds. The alteration of round n
depends on --seed and n alone, so that `--first n --rounds 1` repeats it. SIGTERM ends the program after the present round.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

import hpstudy
from hpstudy.cli import app
from hpstudy.errors import HpstudyError
from hpstudy.report import write
from hpstudy.store import Reader
from hpstudy.study.schema import Study
from tests.support.alterations import alter
from tests.support.databases import example_study

COMMAND_LINE = get_command(app)
"""Made once: typer makes it from the functions' signatures at every call of `app`, which takes longer than most commands."""

OLD = Path(__file__).parents[1] / "tests" / "store" / "data" / "version_1.sqlite"

VALUES: Sequence[object] = (
    *(None, 0, 1, -1, 2**31, 2**62, 2**63 - 1, -(2**63), 0.0, -1.5, 1e308, -1e308, 5e-324, float("inf"), "", "x", "filter", "running"),
    *("completed", "nan", "inf", "-0", "finite", "2999-01-01T00:00:00.000Z", "2026-01-01", "0001-01-01T00:00:00+00:00", "{}", "[]", "null"),
    *('{"rate": NaN}', '{"rate": 1e999}', "{", '{"a": ' * 2000, '{"changes": 3}', "9" * 5000, b"", b"\xff\x00", b"x" * 10**5),
    *("\0", "é" * 1000),
)  # fmt: skip
"""Values that replace others."""

SCHEMA = (
    *("DROP VIEW trial_result", "DROP VIEW confirmation_result", "DROP TABLE curve", "DROP TABLE owner", "DROP TABLE event"),
    *("ALTER TABLE trial RENAME TO trials", "ALTER TABLE trial RENAME COLUMN state TO status", "DROP TABLE seal"),
    *("ALTER TABLE view RENAME COLUMN name TO title", "DROP INDEX sqlite_autoindex_trial_1"),
    *("CREATE TRIGGER t BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'no'); END", "CREATE TABLE more (a)", "DROP TABLE retraining"),
    *("PRAGMA user_version = 0", "PRAGMA user_version = 1", "PRAGMA user_version = 3", "PRAGMA user_version = 99"),
    "PRAGMA application_id = 5",
)  # fmt: skip
"""Changes of the schema."""


class Hang(BaseException):
    """A call took too long."""


def bases(folder: Path) -> list[Path]:
    """The databases that are altered, each with its study in a file of the same name."""

    def made(name: str, **changes: Any) -> Path:
        tree = example_study(trials=4, replicates=2).model_dump(mode="json")
        study = Study.model_validate({**tree, "analysis": {**tree["analysis"], "resamples": 1000}, **changes, "name": name})
        hpstudy.run(study, folder, executor="inline")
        return folder / f"{name}.sqlite"

    function = {"task": {"use": "hartmann6", "noise": 0.1}, "metric": {"name": "value", "goal": "minimize"}}
    space = {f"x{i}": {"type": "float", "low": 0, "high": 1} for i in range(1, 7)}
    views = {"latent": {"space": space}, "filter": {"space": space}}
    paths = [
        made("plain", **function, views=views),
        made("whole", **function, views=views, controls=["default", "random"], confirm={"seeds": 2}),
    ]
    swept = {"one": {"space": {"x1": space["x1"]}, "fixed": {f"x{i}": 0.5 for i in range(2, 7)}}}
    paths.append(made("sweep", **function, views=swept, search={"searcher": "grid", "trials": 4, "levels": {"x1": 4}}))
    moment = "2026-01-01T00:00:00.000Z"
    alter(paths[1], ("INSERT INTO owner VALUES (1, 'elsewhere', '', 4, 5.0, 'token', ?, ?)", (moment, moment)))
    study = paths[0].with_suffix(".json")
    with Reader.open(paths[0]) as reader:
        study.write_text(reader.study.model_dump_json())
    hpstudy.run(study, folder / "shard.sqlite", shard="0/2", executor="inline")
    paths.append(Path(shutil.move(folder / "shard.shard-0-of-2.sqlite", folder / "shard.sqlite")))
    paths.append(Path(shutil.copy(OLD, folder / "old.sqlite")))
    for path in paths:
        with Reader.open(path) as reader:
            path.with_suffix(".yaml").write_text(reader.study.model_dump_json())
    return paths


def alter_values(path: Path, draw: random.Random) -> str:
    """Replace one to three values."""
    done = []
    for _ in range(draw.randint(1, 3)):
        with closing(sqlite3.connect(path)) as connection:
            names = [
                name
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
                )
            ]
            table = draw.choice(names)
            cursor = connection.execute(f"SELECT * FROM {table}")
            columns, rows = [column[0] for column in cursor.description], cursor.fetchall()
        if rows:
            position, row = draw.randrange(len(columns)), draw.choice(rows)
            value = draw.choice(rows)[position] if draw.random() < 0.2 else draw.choice(VALUES)
            if isinstance(row[position], str) and draw.random() < 0.2:
                value = row[position].replace(draw.choice(row[position] or " "), draw.choice("0x{-"), 1)
            where = " AND ".join(f"{name} IS ?" for name in columns)
            with suppress(sqlite3.Error):
                alter(path, (f"UPDATE {table} SET {columns[position]} = ? WHERE {where}", (value, *row)))
            done.append(f"{table}.{columns[position]} = {value!r:.60}")
    return "; ".join(done)


def alter_rows(path: Path, draw: random.Random) -> str:
    """Delete or copy rows."""
    table = draw.choice(
        ("study", "identity", "owner", "view", "search", "environment", "trial", "metric", "metric_value", "curve", "event")
    )
    condition = draw.choice(("1", "random() % 3 = 0", "random() % 10 = 0"))
    statement = f"DELETE FROM {table} WHERE {condition}"
    if draw.random() < 0.3:
        statement = f"INSERT OR IGNORE INTO event SELECT id + 50, at, kind, detail FROM event WHERE {condition}"
    with suppress(sqlite3.Error):
        alter(path, statement)
    return statement


def alter_file(path: Path, draw: random.Random) -> str:
    """Flip bits, or cut the file."""
    content = bytearray(path.read_bytes())
    if draw.random() < 0.2:
        size = draw.randrange(len(content))
        path.write_bytes(content[:size])
        return f"cut to {size} bytes"
    places = [draw.randrange(len(content)) for _ in range(draw.choice((1, 3, 30)))]
    for place in places:
        content[place] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    return f"bits flipped at {places[:5]}"


def alter_schema(path: Path, draw: random.Random) -> str:
    """Change the schema."""
    statement = draw.choice(SCHEMA)
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
    return statement


ALTERATIONS: dict[str, tuple[Callable[[Path, random.Random], str], int]] = {
    "value": (alter_values, 6),
    "row": (alter_rows, 1),
    "file": (alter_file, 2),
    "schema": (alter_schema, 1),
}
"""How a database is altered, and how often beside the others."""


def command(*words: str) -> Callable[[Path], None]:
    """A call of the command line; DB, OUT and STUDY stand for the database, a path for output and the study's file."""

    def call(path: Path) -> None:
        names = {"DB": path, "STUDY": path.parents[1] / f"{path.stem}.yaml", "OUT": path.parent / "out"}
        arguments = [str(names.get(word, word.replace("OUT", str(names["OUT"])))) for word in words]
        with CliRunner().isolation(), suppress(SystemExit):
            COMMAND_LINE.main(arguments, prog_name="hpstudy")

    return call


def report(path: Path) -> None:
    """Compute and write a whole report."""
    results = hpstudy.analyze(path)
    write(results, path.parent / "out", ["html"], force=True)


def report_data(path: Path) -> None:
    """Compute a report without its second opinions."""
    hpstudy.analyze(path, thorough=False)


def optuna(path: Path) -> None:
    """Export to Optuna."""
    from hpstudy.store.optuna_export import export_optuna

    with Reader.open(path) as reader:
        export_optuna(reader, path.parent / "out.optuna", force=True)


CALLS: dict[str, tuple[Callable[[Path], None], float]] = {
    "status": (command("status", "DB"), 1),
    "trials": (command("trials", "DB", "--format", "csv"), 1),
    "best": (command("best", "DB", "--format", "json"), 1),
    "export csv": (command("export", "DB"), 1),
    "export json": (command("export", "DB", "--format", "json"), 1),
    "export curves": (command("export", "DB", "--curves"), 1),
    "export parquet": (command("export", "DB", "--format", "parquet", "-o", "OUT.parquet", "--force"), 1),
    "export optuna": (optuna, 0.02),
    "db check": (command("db", "check", "DB"), 1),
    "power": (command("power", "DB", "--difference", "0.1"), 0.2),
    "report data": (report_data, 0.3),
    "report": (report, 0.01),
    "plot": (command("plot", "DB", "best_so_far", "-o", "OUT.svg"), 0.02),
    "plan": (command("plan", "STUDY", "--storage", "DB"), 0.3),
    "run": (command("run", "STUDY", "--storage", "DB", "--executor", "inline", "--quiet"), 0.2),
    "merge": (command("merge", "DB", "--partial", "-o", "OUT.sqlite"), 0.3),
    "confirm": (command("confirm", "DB", "--seeds", "1", "--executor", "inline", "--quiet"), 0.3),
    "resume": (command("resume", "DB", "--executor", "inline", "--quiet"), 1),
}
"""What is called in each round, and with which probability."""


def _hang(*_: object) -> None:
    raise Hang


def failure(call: Callable[[Path], None], path: Path, limit_s: float) -> str:
    """How a call failed; "" when it ended as it should."""
    signal.signal(signal.SIGALRM, _hang)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        call(path)
    except HpstudyError:
        return ""
    except Hang:
        return f"hang: {''.join(traceback.format_stack(limit=1))}"
    except BaseException:  # any other exception that leaves a command is a finding
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ""


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000, help="end after this many calls")
    parser.add_argument("--seed", type=int, default=0, help="of the alterations")
    parser.add_argument("--first", type=int, default=0, help="the first round")
    parser.add_argument("--rounds", type=int, help="end after this many rounds")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for a call")
    parser.add_argument("--results", type=Path, help="append failures, and at the end the counts, as lines of JSON")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    counts, failed, began = Counter[str](), Counter[str](), time.monotonic()

    def tell(**line: object) -> None:
        text = json.dumps(line)
        print(
            text if "counts" in line else json.dumps({**line, "error": str(line["error"])[-1500:]}), file=sys.stderr, flush=True
        )
        if options.results:
            with options.results.open("a", encoding="utf-8") as file:
                file.write(text + "\n")

    with tempfile.TemporaryDirectory() as folder:
        sources = bases(Path(folder))
        number = options.first
        while (
            not stopped
            and sum(counts.values()) < options.calls
            and (options.rounds is None or number < options.first + options.rounds)
        ):
            draw = random.Random(f"{options.seed} {number}")
            source, name = (
                draw.choice(sources),
                draw.choices(list(ALTERATIONS), [weight for _, weight in ALTERATIONS.values()])[0],
            )
            workplace = Path(folder) / "round"
            shutil.rmtree(workplace, ignore_errors=True)
            workplace.mkdir()
            altered = workplace / source.name
            shutil.copy(source, altered)
            what = ALTERATIONS[name][0](altered, draw)
            for call, (function, share) in CALLS.items():
                if draw.random() < share:
                    error = failure(function, altered, options.limit)
                    counts[call] += 1
                    if error:
                        failed["hang" if error.startswith("hang") else "traceback"] += 1
                        tell(round=number, call=call, database=source.name, alteration=f"{name}: {what}", error=error)
            number += 1
    took = round(time.monotonic() - began)
    tell(seed=options.seed, first=options.first, rounds=number - options.first, counts=counts, failed=failed, seconds=took)


if __name__ == "__main__":
    main()
