"""The built-in observers, against the offline modes of their libraries: what is logged, and that nothing is logged twice."""

import math
import struct

import pytest

import hpstudy
from hpstudy.engine.progress import Observer

STUDY = """\
name: s
task: {use: "mine:train"}
metric: {name: accuracy, goal: maximize}
views: {v: {space: {a: {type: float, low: 0, high: 1}, kernel: {type: choice, values: [rbf, linear]}}, fixed: {b: true}}}
search: {searcher: random, trials: 2}
replicates: 1
"""
TASK = """\
def train(params, seed, report):
    report(1, loss=0.5)
    report(10, loss=0.25, **{"odd:name": 1.0})
    if seed == train.seeds.setdefault("first", seed):
        return {"accuracy": 0.75, "other": float("nan"), "note": "ä", "deep": [1]}
    raise ValueError("too large")

train.seeds = {}
"""


class Notes(Observer):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the study with an observer, twice: the second time with nothing known of what was logged."""
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "WANDB_MODE", "WANDB_DIR", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "s.yaml").write_text(STUDY)
    (tmp_path / "mine.py").write_text(TASK)

    def observed(name):
        for _ in range(2):
            notes = Notes()
            hpstudy.run(tmp_path / "s.yaml", tmp_path / "s.sqlite", executor="inline", progress=notes, observers=[name])
            assert not [note for note in notes.notes if "observer '" in note and "to log" not in note]
            (tmp_path / f"s.sqlite.observers/{name}.jsonl").unlink()
        return tmp_path

    return observed


def test_tensorboard(run):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    root = run("tensorboard") / "s.sqlite.observers/tensorboard"
    assert sorted(path.parent.relative_to(root).as_posix() for path in root.rglob("events*")) == [
        "v/replicate-000/trial-0000",
        "v/replicate-000/trial-0001",
    ]
    events = EventAccumulator(str(root / "v/replicate-000/trial-0000"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 0.5), (10, 0.25)]
    assert [event.value for event in events.Scalars("final/accuracy")] == [0.75]
    assert math.isnan(events.Scalars("final/other")[0].value)
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    known = HParamsPluginData.FromString(content).session_start_info.hparams
    assert 0 < known["a"].number_value < 1
    assert known["kernel"].string_value in ("rbf", "linear")
    assert known["b"].bool_value
    assert known["hpstudy.state"].string_value == "completed"
    (text,) = events.Tensors("trial")[0].tensor_proto.string_val
    assert '"hpstudy.attribute.note": "ä"' in text.decode()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, about MLflow
def test_mlflow(run):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{run('mlflow')}/mlflow.db")
    experiment = client.get_experiment_by_name("s")
    runs = {each.data.tags["hpstudy.number"]: each for each in client.search_runs([experiment.experiment_id])}
    assert len(client.search_runs([experiment.experiment_id])) == 2
    assert [runs[number].info.status for number in "01"] == ["FINISHED", "FAILED"]
    assert runs["0"].info.run_name == "v/0/0"
    history = client.get_metric_history(runs["0"].info.run_id, "loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.5), (10, 0.25)]
    assert runs["0"].data.metrics["final/accuracy"] == 0.75
    assert runs["0"].data.metrics["odd_name"] == 1
    assert math.isnan(runs["0"].data.metrics["final/other"])
    assert runs["0"].data.params.keys() == {"a", "b", "kernel"}
    tags = {name: value for name, value in runs["1"].data.tags.items() if name.startswith("hpstudy.")}
    assert tags["hpstudy.error"] == "ValueError: too large"
    assert {"hpstudy.view", "hpstudy.replicate", "hpstudy.seed", "hpstudy.trial"} <= tags.keys()


@pytest.mark.slow
def test_wandb_without_a_mode_stays_on_this_machine(run):
    pytest.importorskip("wandb")
    root = run("wandb") / "s.sqlite.observers/wandb"
    files = sorted(root.glob("*run-*/*.wandb"))
    assert len(files) == len({path.stem for path in files}) == 2
    assert all(path.parent.name.startswith("offline-run-") for path in files)
    by_number = {}
    for file in files:
        found = list(wandb_records(file))
        (started,) = [record.run for record in found if record.WhichOneof("record_type") == "run"]
        config = {item.key: item.value_json for item in started.config.update}
        by_number[config["hpstudy.number"]] = started, config, found
    started, config, found = by_number["0"]
    assert (started.project, started.run_group, started.display_name) == ("s", "v", "v/0/0")
    assert config["kernel"] in ('"rbf"', '"linear"')
    assert config["hpstudy.attribute.note"] in ('"ä"', r'"\u00e4"')
    rows = [
        {item.nested_key[0]: item.value_json for item in record.history.item}
        for record in found
        if record.WhichOneof("record_type") == "history"
    ]
    assert [(row["_step"], row["epoch"], row["loss"]) for row in rows] == [("1", "1", "0.5"), ("10", "10", "0.25")]
    summary = {
        (item.nested_key or [item.key])[0]: item.value_json
        for record in found
        if record.WhichOneof("record_type") == "summary"
        for item in record.summary.update
    }
    assert summary["final/accuracy"] == "0.75"
    assert [record.exit.exit_code for record in by_number["1"][2] if record.WhichOneof("record_type") == "exit"] == [1]


def wandb_records(path):
    """The records of a file of W&B, which is a log of LevelDB after a header of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, parts = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if (room := 32768 - at % 32768) < 7:
            at += room
            continue
        _, size, kind = struct.unpack_from("<IHB", data, at)
        parts += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(parts)
            parts = b""
