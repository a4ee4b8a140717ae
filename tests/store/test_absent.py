"""An absent hyperparameter is absent in everything that a database gives out."""

import csv
import io
import json

import optuna
import pytest

from hpstudy.store import Reader
from hpstudy.store.export import export
from hpstudy.store.optuna_export import export_optuna
from hpstudy.study.schema import Study
from hpstudy.testing.searchers import SPACES
from tests.support.databases import synthetic_database

SPACE = SPACES["conditional"]


@pytest.fixture
def reader(tmp_path):
    study = Study.model_validate(
        {
            "name": "kernels",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": "maximize"},
            "views": {"kernels": {"space": SPACE.model_dump(mode="json")}},
            "search": {"searcher": "sobol", "trials": 20},
            "replicates": 2,
        }
    )
    with Reader.open(synthetic_database(tmp_path / "kernels.sqlite", study)) as reader:
        yield reader


@pytest.fixture
def points(reader):
    """The stored points."""
    found = [row.point for key in reader.search_counts() for row in reader.history(key)]
    assert {len(point) for point in found} >= {1, 2, 4}
    return found


def test_a_csv_file_has_no_value_of_it(reader, points):
    rows = list(csv.DictReader(io.StringIO(export(reader, "csv", None))))
    found = [{name for name in SPACE.names() if row[f"point.{name}"] != ""} for row in rows]
    assert found == [set(point) for point in points]


def test_a_json_file_has_null(reader, points):
    rows = json.loads(export(reader, "json", None))
    found = [{name for name in SPACE.names() if row[f"point.{name}"] is not None} for row in rows]
    assert found == [set(point) for point in points]


def test_the_best_trial_lacks_it(reader, points):
    assert reader.best("kernels").point in points


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_an_optuna_trial_has_no_parameter_of_it(reader, points, tmp_path):
    export_optuna(reader, tmp_path / "optuna.db")
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'optuna.db'}")
    trials = optuna.load_study(study_name="kernels/kernels", storage=storage).trials
    storage.engine.dispose()
    assert [trial.params for trial in trials] == points
