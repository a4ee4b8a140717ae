import math
import sys
from datetime import datetime

import optuna
import pytest
from typer.testing import CliRunner

from hpstudy.cli import app
from hpstudy.errors import OutputError, UsageError
from hpstudy.store import Reader
from hpstudy.store.optuna_export import distribution, export_optuna
from hpstudy.study.parameters import FloatParameter, IntParameter
from hpstudy.tasks.outcome import Failure, Outcome
from tests.support.databases import example_study, synthetic_database
from tests.support.trials import start

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def test_steps_are_steps_of_the_distribution():
    assert distribution(FloatParameter(low=0, high=1, step=0.1)) == optuna.distributions.FloatDistribution(0, 1, step=0.1)
    assert distribution(IntParameter(type="int", low=0, high=8, step=2)) == optuna.distributions.IntDistribution(0, 8, step=2)


@pytest.fixture
def load():
    """Read one Optuna study of a file."""
    storages = []

    def load(file, name):
        storages.append(optuna.storages.RDBStorage(f"sqlite:///{file}"))
        return optuna.load_study(study_name=name, storage=storages[-1])

    yield load
    for storage in storages:
        storage.remove_session()
        storage.engine.dispose()


@pytest.fixture
def reader(path):
    synthetic_database(path, example_study(trials=3, replicates=2, goal="minimize"), epochs=3)
    with Reader.open(path) as reader:
        yield reader


def test_optuna_reads_the_same_trials(reader, load, tmp_path):
    assert export_optuna(reader, tmp_path / "o.db") == ("example/latent", "example/filter")
    for view in reader.study.views:
        study, table = load(tmp_path / "o.db", f"example/{view}"), reader.trials().query("view == @view")
        assert study.direction == optuna.study.StudyDirection.MINIMIZE
        assert [trial.value for trial in study.trials] == table["objective"].tolist()
        assert study.best_value == reader.best(view).objective
        assert study.best_params == dict(reader.best(view).point)
        for trial, row in zip(study.trials, table.to_dict("records"), strict=True):
            assert trial.params == {name: row[f"point.{name}"] for name in reader.study.views[view].space.names()}
            assert (trial.user_attrs["replicate"], trial.user_attrs["number"]) == (row["replicate"], row["number"])
            assert trial.user_attrs["metric.loss"] == row["metric.loss"]


def test_ranges_keep_their_scale_and_type(reader, load, tmp_path):
    export_optuna(reader, tmp_path / "o.db")
    assert load(tmp_path / "o.db", "example/latent").trials[0].distributions == {
        "rate": optuna.distributions.FloatDistribution(1e-4, 1.0, log=True),
        "decay": optuna.distributions.FloatDistribution(0.0, 1.0),
        "width": optuna.distributions.IntDistribution(16, 256, log=True),
        "clipping": optuna.distributions.CategoricalDistribution(("none", "gradient")),
    }


def test_the_learning_curve_of_the_objective_becomes_intermediate_values(reader, load, tmp_path):
    export_optuna(reader, tmp_path / "o.db")
    own = reader.curves("accuracy").query("view == 'filter' and replicate == 1 and number == 2")
    trial = load(tmp_path / "o.db", "example/filter").trials[5]
    assert trial.intermediate_values == dict(zip(own["epoch"], own["value"], strict=True))
    assert len(trial.intermediate_values) == 3


def test_a_trial_without_a_value_fails_and_says_why(store, add, key, load, tmp_path):
    add(0, 0.25)
    add(1, outcome=Outcome("diverged", {"accuracy": math.nan}, failure=Failure("FloatingPointError", "the loss is NaN", "")))
    start(store, key, 2, {"rate": 0.1, "decay": 0.1}, 0.01)
    with Reader.open(store.path) as reader:
        export_optuna(reader, tmp_path / "o.db")
        began = reader.trials()["started_at"][0]
    completed, diverged = load(tmp_path / "o.db", "example/filter").trials
    assert completed.state.name == "COMPLETE"
    assert completed.datetime_start.astimezone().timestamp() == pytest.approx(datetime.fromisoformat(began).timestamp())
    assert diverged.state.name == "FAIL"
    assert diverged.user_attrs["state"] == "diverged"
    assert diverged.user_attrs["error"] == "the loss is NaN"
    assert diverged.user_attrs["metric.accuracy"] == "nan"


def test_a_file_is_replaced_only_when_asked(reader, tmp_path):
    (tmp_path / "o.db").write_text("mine")
    with pytest.raises(UsageError, match="already exists"):
        export_optuna(reader, tmp_path / "o.db")
    assert (tmp_path / "o.db").read_text() == "mine"
    export_optuna(reader, tmp_path / "o.db", force=True)
    assert (tmp_path / "o.db").read_bytes().startswith(b"SQLite format 3")
    assert sorted(file.name for file in tmp_path.glob("*o.db*")) == ["o.db"]


def test_a_folder_that_does_not_exist_is_refused(reader, tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        export_optuna(reader, tmp_path / "nowhere" / "o.db")


def test_without_optuna_the_message_says_how_to_get_it(reader, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match="not installed"):
        export_optuna(reader, tmp_path / "o.db")


def test_the_command_writes_the_file_and_names_the_studies(reader, tmp_path):
    done = CliRunner().invoke(app, ["export", str(reader.path), "--optuna", str(tmp_path / "o.db")])
    assert done.exit_code == 0
    assert "example/latent, example/filter" in done.output
    assert (tmp_path / "o.db").exists()


def test_the_command_refuses_two_outputs(reader, tmp_path):
    done = CliRunner().invoke(app, ["export", str(reader.path), "--optuna", str(tmp_path / "o.db"), "--curves"])
    assert isinstance(done.exception, UsageError)
    assert not (tmp_path / "o.db").exists()
