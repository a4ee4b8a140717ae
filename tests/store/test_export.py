import csv
import io
import json
import math
import random

import pandas as pd
import pytest

from hpstudy.errors import OutputError, UsageError
from hpstudy.store import Reader, export
from hpstudy.study.schema import Study
from hpstudy.tasks.outcome import Outcome
from tests.support.databases import example_study, synthetic_database


def names(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def reader(path):
    awkward = random.Random(0)
    synthetic_database(path, example_study(), objective=lambda *_: awkward.random() / 3e7, epochs=2)
    with Reader.open(path) as reader:
        yield reader


@pytest.mark.parametrize("curves", [False, True], ids=["trials", "curves"])
def test_csv_gives_back_every_number_exactly(reader, curves):
    frame = reader.curves() if curves else reader.trials()
    records = list(csv.DictReader(io.StringIO(export(reader, "csv", None, curves=curves))))
    column = "value" if curves else "objective"
    assert [float(record[column]) for record in records] == frame[column].tolist()
    assert list(records[0]) == list(frame.columns)


@pytest.mark.parametrize("curves", [False, True], ids=["trials", "curves"])
def test_json_gives_back_every_number_exactly(reader, curves):
    frame = reader.curves() if curves else reader.trials()
    column = "value" if curves else "objective"
    assert [record[column] for record in json.loads(export(reader, "json", None, curves=curves))] == frame[column].tolist()


@pytest.mark.parametrize("curves", [False, True], ids=["trials", "curves"])
def test_parquet_gives_back_the_table(reader, tmp_path, curves):
    export(reader, "parquet", tmp_path / "x.parquet", curves=curves)
    frame = reader.curves() if curves else reader.trials()
    again = pd.read_parquet(tmp_path / "x.parquet")
    assert again.astype(object).where(again.notna(), None).equals(frame.astype(object).where(frame.notna(), None))


def test_parquet_takes_a_hyperparameter_that_is_a_number_in_one_view_and_a_word_in_another(tmp_path):
    study = example_study().model_dump()
    study["views"]["filter"]["space"]["decay"] = {"type": "choice", "values": ["none", "cosine"]}
    synthetic_database(tmp_path / "x.sqlite", Study.model_validate(study))
    with Reader.open(tmp_path / "x.sqlite") as reader:
        export(reader, "parquet", tmp_path / "x.parquet")
        points = reader.trials()["point.decay"].tolist()
    assert [json.loads(text) for text in pd.read_parquet(tmp_path / "x.parquet")["point.decay"]] == points


def test_json_is_strict_where_numbers_are_not_finite(store, add):
    add(outcome=Outcome("completed", {"a": math.inf, "b": -math.inf, "c": math.nan}))
    with Reader.open(store.path) as reader:
        (record,) = json.loads(export(reader, "json", None), parse_constant=pytest.fail)
    assert [record[f"metric.{name}"] for name in "abc"] == ["inf", "-inf", None]


@pytest.mark.parametrize("format", ["csv", "json"])
def test_a_file_holds_the_text(reader, tmp_path, format):
    assert export(reader, format, tmp_path / "x") is None
    assert (tmp_path / "x").read_text() == export(reader, format, None)


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_a_database_without_trials_can_be_exported(store, tmp_path, format):
    with Reader.open(store.path) as reader:
        export(reader, format, tmp_path / "x")
    assert (tmp_path / "x").stat().st_size > 0


def test_parquet_needs_a_file(reader):
    with pytest.raises(UsageError, match="needs a file"):
        export(reader, "parquet", None)


def test_a_misspelled_format_names_the_nearest(reader):
    with pytest.raises(UsageError, match="did you mean 'parquet'"):
        export(reader, "parket", None)


def test_a_file_that_exists_is_kept(reader, tmp_path):
    (tmp_path / "x").write_text("notes")
    with pytest.raises(UsageError, match="already exists"):
        export(reader, "csv", tmp_path / "x")
    assert (tmp_path / "x").read_text() == "notes"


def test_a_file_that_exists_is_replaced_by_force(reader, tmp_path):
    (tmp_path / "x").write_text("notes")
    export(reader, "csv", tmp_path / "x", force=True)
    assert (tmp_path / "x").read_text() == export(reader, "csv", None)


def test_a_missing_folder_is_named(reader, tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        export(reader, "csv", tmp_path / "nowhere" / "x.csv")


def test_a_failed_export_leaves_nothing(reader, tmp_path, monkeypatch):
    def fail(self, draft, **options):
        draft.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fail)
    before = names(tmp_path)
    with pytest.raises(OutputError, match="No space left on device"):
        export(reader, "parquet", tmp_path / "x.parquet")
    assert names(tmp_path) == before
