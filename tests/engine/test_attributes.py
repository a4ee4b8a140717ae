"""Results that are no numbers are stored with their trial, and come back in every form."""

import io
import json

import pandas as pd
import pytest

import hpstudy
from hpstudy.cli import app
from hpstudy.engine.merge import merge_shards
from hpstudy.engine.options import RunOptions
from hpstudy.engine.run import run_study
from hpstudy.loading.bind import bind
from hpstudy.store import Reader, check
from hpstudy.study.shard import Shard

CODE = """
def f(params, seed):
    return {"value": params["x1"], "note": "a, b", "layers": {"sizes": [1, 2]}, **({"odd": True, "why": "odd"} if seed % 2 else {})}
"""


@pytest.fixture
def ran(run, make_study, write_module, storage):
    run(make_study(use=write_module(CODE), trials=4))
    return storage


def test_each_trial_has_its_attributes_in_a_column_each(ran):
    with Reader.open(ran) as reader:
        frame = reader.trials()
    assert set(frame["state"]) == {"completed"}
    assert set(frame["attribute.note"]) == {"a, b"}
    assert {text and json.loads(text)["sizes"] == [1, 2] for text in frame["attribute.layers"]} == {True}
    assert [why == "odd" for why in frame["attribute.why"]] == [odd == 1 for odd in frame["metric.odd"]]


def test_an_export_has_them(ran, tmp_path):
    frame = pd.read_csv(io.StringIO(hpstudy.export(ran)))
    assert set(frame["attribute.note"]) == {"a, b"}
    hpstudy.export(ran, tmp_path / "trials.parquet", format="parquet")
    assert set(pd.read_parquet(tmp_path / "trials.parquet")["attribute.note"]) == {"a, b"}
    assert {row["attribute.note"] for row in json.loads(hpstudy.export(ran, format="json"))} == {"a, b"}


def test_the_best_trial_is_shown_with_them(ran, capsys):
    app(["best", str(ran), "--view", "one"], standalone_mode=False)
    assert 'attributes: note=a, b  layers={"sizes": [1, 2]}' in " ".join(capsys.readouterr().out.split("\n"))


def test_only_those_of_the_best_trial_are_read(ran, capsys, monkeypatch):
    monkeypatch.setattr(Reader, "attributes", None)
    app(["best", str(ran), "--format", "json"], standalone_mode=False)
    assert [row["attributes"]["note"] for row in json.loads(capsys.readouterr().out)] == ["a, b"] * 2


def test_their_seals_match(ran):
    assert check(ran) == []


def test_they_are_merged_from_shards(make_study, write_module, tmp_path):
    study = make_study(use=write_module(CODE), trials=2)
    parts = [tmp_path / f"{index}.sqlite" for index in range(2)]
    for index, part in enumerate(parts):
        run_study(bind(study, str(tmp_path)), part, RunOptions(executor="inline", shard=Shard(index, 2)))
    merge_shards(parts, tmp_path / "whole.sqlite")
    with Reader.open(tmp_path / "whole.sqlite") as reader:
        assert list(reader.trials()["attribute.note"]) == ["a, b"] * 8
