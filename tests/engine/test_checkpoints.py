import dataclasses
import json
import logging
import math
import os
import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from hpstudy.checkpoint import CHECKPOINT_S
from hpstudy.engine import checkpoints
from hpstudy.engine.checkpoints import CheckpointContents, CheckpointFile, CheckpointFolder
from hpstudy.engine.confirm import confirm_study
from hpstudy.engine.options import RunOptions
from hpstudy.engine.recorder import EvaluationCheckpoint, Recorder
from hpstudy.engine.stop import Aborted
from hpstudy.engine.trial_seeds import training_seed
from hpstudy.errors import StudyBroken
from hpstudy.loading.bind import bind
from hpstudy.modules import forget_changed_modules, module_path
from hpstudy.store import Reader, Store
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm, TaskBlock, View
from tests.support.steps import evaluate_one, evaluation

ARCHITECTURE = (Path(__file__).parents[2] / "docs/explanation/architecture.md").read_text()

KEPT = CheckpointContents(b"\x00\n{state}\n", [[(1, "loss", 0.1), (2, "loss", math.inf)]], 12.5)

FUNCTION = """
import json
from pathlib import Path

import numpy as np
from hpstudy.engine.stop import Aborted

FOLDER = Path(__file__).parent

def f(params, seed, report):
    saved = report.checkpoint.load()
    start, loss = json.loads(saved) if saved else (1, 0.0)
    for epoch in range(start, 5):
        with (FOLDER / "epochs").open("a") as log:
            print(epoch, file=log)
        if epoch == 3 and (FOLDER / "interrupt").exists():
            (FOLDER / "interrupt").unlink()
            raise Aborted
        loss += params["x1"] * np.random.default_rng([seed, epoch]).standard_normal()
        report(epoch, loss=loss)
        report.checkpoint.save(json.dumps([epoch + 1, loss]).encode())
    {end}
"""
"""Trains four epochs, saves after each, and is interrupted in the third when a file says so."""


@pytest.fixture
def file(tmp_path):
    return CheckpointFile(str(tmp_path / "study.checkpoints" / "x.checkpoint"), {"clips": "abc"})


@pytest.fixture
def function(write_module):
    """FUNCTION with the way it ends, named for a study file."""
    return lambda end="return loss": write_module(FUNCTION.replace("{end}", end))


@pytest.fixture
def interrupted(tmp_path):
    """Interrupt the next training in its third epoch."""

    def interrupted(call, *arguments, **options):
        (tmp_path / "interrupt").touch()
        with pytest.raises(Aborted):
            call(*arguments, **options)

    return interrupted


@pytest.fixture
def epochs(tmp_path):
    """The epochs that were trained, in order, by all trainings so far."""
    return lambda: [int(line) for line in (tmp_path / "epochs").read_text().split()]


@pytest.fixture
def folder(storage):
    return storage.with_name("study.sqlite.checkpoints")


@pytest.fixture
def confirm(storage, tmp_path):
    """Confirm the study in the test's database, inline, on one seed."""

    def confirm():
        with Reader.open(storage) as reader:
            loaded = bind(reader.study, str(tmp_path))
        return confirm_study(loaded, storage, RunOptions(executor="inline"), Confirm(seeds=1))

    return confirm


def measured(outcome):
    """All of an outcome but times and memory; as text, in which NaN equals itself."""
    return repr(dataclasses.replace(outcome, duration_s=0.0, peak_rss_mib=0.0))


def names(folder):
    return [path.name for path in folder.iterdir()]


def curves(path):
    with Reader.open(path) as reader:
        return reader.curves()


def warnings(caplog):
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_file_holds_what_was_written_last(file):
    file.write(dataclasses.replace(KEPT, state=b"first"))
    file.write(KEPT)
    assert file.read() == KEPT
    assert names(file.path.parent) == ["x.checkpoint"]


def test_nan_stays_nan(file):
    file.write(dataclasses.replace(KEPT, curves=[[(1, "loss", math.nan)]]))
    assert math.isnan(file.read().curves[0][0][2])


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:20],
        lambda content: content[:-1],
        lambda content: content[:-2] + b"?\n",
        lambda content: content.replace(b'"loss"', b'"less"'),
        lambda content: content.replace(b"12.5", b"12.6"),
        lambda content: os.urandom(300),
    ],
    ids=["empty", "cut in its checksum", "cut", "another state", "another metric", "another duration", "noise"],
)
def test_a_damaged_file_is_not_used_and_named_in_the_log(file, damage, caplog):
    file.write(KEPT)
    file.path.write_bytes(damage(file.path.read_bytes()))
    recorder = Recorder(file)
    assert (recorder.checkpoint.load(), recorder.curves) == (None, [])
    assert warnings(caplog) == [f"the checkpoint {file.path} is not used, the training starts over: it is damaged"]


def test_a_file_of_another_library_is_not_used(file, monkeypatch, caplog):
    monkeypatch.setattr(checkpoints, "library_versions", lambda: {"hpstudy": "1", "torch": "1", "numpy": "1"})
    file.write(KEPT)
    monkeypatch.setattr(checkpoints, "library_versions", lambda: {"hpstudy": "2", "torch": "1"})
    assert Recorder(file).checkpoint.load() is None
    assert "it was made with another hpstudy, numpy" in warnings(caplog)[0]


def test_the_versions_are_those_of_the_environment(file):
    file.write(KEPT)
    made_with = json.loads(file.path.read_bytes().split(b"\n")[1])["made_with"]
    assert {"hpstudy", "torch", "python", "clips"} <= set(made_with)


def test_a_file_of_other_data_or_code_is_not_used(file, caplog):
    file.write(KEPT)
    assert Recorder(dataclasses.replace(file, identity={"clips": "xyz"})).checkpoint.load() is None
    assert "it was made with another clips" in warnings(caplog)[0]


def test_a_file_is_used_only_with_the_modules_that_were_loaded_when_it_was_written(file, tmp_path, caplog):
    late = tmp_path / "imported_late.py"
    late.write_text("K = 1")
    with module_path(str(tmp_path)):
        import_module("imported_late")
        file.write(KEPT)
    forget_changed_modules()
    with module_path(str(tmp_path)):
        assert Recorder(file).checkpoint.load() == KEPT.state
    late.write_text("K = 2")
    forget_changed_modules()
    with module_path(str(tmp_path)):
        assert Recorder(file).checkpoint.load() is None
    assert "it was made with another source of imported_late.py" in warnings(caplog)[0]


def test_a_program_with_other_files_gets_another_folder(file):
    first = file.folder({"train.sh": "abc"})
    assert file.folder({"train.sh": "abc"}) == first
    assert file.folder({"train.sh": "def"}) != first


def test_a_file_that_cannot_be_read_is_not_used(file, caplog):
    file.path.mkdir(parents=True)
    assert Recorder(file).checkpoint.load() is None
    assert "Is a directory" in warnings(caplog)[0]


def test_a_first_start_finds_nothing_and_says_nothing(file, caplog):
    assert Recorder(file).checkpoint.load() is None
    assert (warnings(caplog), file.path.parent.exists()) == ([], False)


def test_loading_puts_the_curves_and_the_seconds_back(file):
    file.write(dataclasses.replace(KEPT, duration_s=1e6))
    recorder = Recorder(file)
    recorder(1, loss=0.5)
    assert recorder.checkpoint.load() == KEPT.state
    recorder(3, loss=0.25)
    assert recorder.curves == [*KEPT.curves[0], (3, "loss", 0.25)]
    assert 1e6 <= recorder.checkpoint.duration_s < 1.1e6


def test_saving_keeps_the_state_with_all_that_was_reported(file):
    file.write(CheckpointContents(b"", [[(1, "loss", 1.0)]], 1e6))
    recorder = Recorder(file)
    recorder.checkpoint.load()
    recorder(2, loss=0.5)
    recorder.checkpoint.save(b"state")
    kept = file.read()
    assert (kept.state, kept.curves) == (b"state", [[(1, "loss", 1.0), (2, "loss", 0.5)]])
    assert 1e6 <= kept.duration_s < 1.1e6


def test_a_disk_that_refuses_costs_the_checkpoint_and_not_the_training(file, monkeypatch, caplog):
    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    file.write(KEPT)
    monkeypatch.setattr(checkpoints.os, "fsync", refuse)
    Recorder(file).checkpoint.save(b"new")
    assert "No space left on device" in warnings(caplog)[0]
    assert file.read() == KEPT
    assert names(file.path.parent) == ["x.checkpoint"]


@pytest.mark.parametrize("with_file", [True, False])
def test_a_state_that_is_not_bytes_is_refused(file, with_file):
    with pytest.raises(TypeError, match=r"must be bytes, not dict: for instance json\.dumps"):
        Recorder(file if with_file else None).checkpoint.save({"epoch": 3})


def test_a_checkpoint_is_due_when_its_time_has_passed_since_the_beginning_or_the_last_one(file, monkeypatch):
    now = [50.0]
    monkeypatch.setattr("hpstudy.engine.recorder.time", SimpleNamespace(monotonic=lambda: now[0], perf_counter=lambda: 0.0))
    checkpoint = Recorder(file).checkpoint
    due = []
    for now[0] in (50.0, 49.0 + CHECKPOINT_S, 50.0 + CHECKPOINT_S):
        due.append(checkpoint.due())
    checkpoint.save(b"")
    for now[0] in (51.0 + CHECKPOINT_S, 50.0 + 2 * CHECKPOINT_S):
        due.append(checkpoint.due())
    assert due == [False, False, True, False, True]


def test_without_a_file_nothing_is_ever_due_found_or_kept(monkeypatch):
    monkeypatch.setattr("hpstudy.engine.recorder.CHECKPOINT_S", 0.0)
    checkpoint = Recorder().checkpoint
    checkpoint.save(b"state")
    assert (checkpoint.due(), checkpoint.load()) == (False, None)


TASK = TaskBlock(use="branin", noise=0.5)
VIEW = View(method="filter", space={"a": {"type": "float", "low": 0.0, "high": 1.0}}, fixed={"b": 2})


def path_of(task=TASK, view=VIEW, name="one/0/0", point=None, seed=7):
    return CheckpointFolder(Path("study.sqlite"), {}).file(task, view, [(name, point or {"a": 0.5}, seed)]).path


@pytest.mark.parametrize(
    "other",
    [
        {"task": TaskBlock(use="hartmann6", noise=0.5)},
        {"task": TaskBlock(use="branin", noise=0.25)},
        {"view": VIEW.model_copy(update={"method": "latent_sgd"})},
        {"view": VIEW.model_copy(update={"fixed": {"b": 3}})},
        {"name": "one/random/0/0"},
        {"point": {"a": math.nextafter(0.5, 1)}},
        {"seed": 8},
    ],
    ids=["task", "task's settings", "method", "fixed", "trial", "point", "seed"],
)
def test_another_evaluation_has_another_file(other):
    assert path_of(**other) != path_of()


def test_what_does_not_train_does_not_change_the_file():
    other = {"label": "x", "note": "y", "space": View(space={"a": {"type": "float", "low": 0.0, "high": 9.0}}).space}
    assert path_of(view=VIEW.model_copy(update=other)) == path_of()
    assert path_of().parent == Path("study.sqlite.checkpoints").absolute()


@pytest.mark.parametrize("end", ["return loss", "return float('nan')", "raise LookupError('at the end')"])
def test_an_interrupted_training_goes_on_and_ends_as_if_nothing_had_happened(
    make_study, function, interrupted, epochs, file, tmp_path, end
):
    study = make_study(use=function(end)).to_json()
    request = evaluation(study, SearchKey("both", 1), 0, {"x1": 1.0, "x2": 2.0}, str(tmp_path), file)
    whole = evaluate_one(dataclasses.replace(request, checkpoint=None))
    interrupted(evaluate_one, request)
    assert measured(evaluate_one(request)) == measured(whole)
    assert epochs() == [1, 2, 3, 4, 1, 2, 3, 3, 4]
    assert [epoch for epoch, _, _ in whole.curves] == [1, 2, 3, 4]


def test_a_training_on_a_fresh_seed_goes_on_too(make_study, function, interrupted, epochs, file, tmp_path):
    study = make_study(use=function()).model_copy(update={"confirm": Confirm()}).to_json()
    request = evaluation(study, SearchKey("both/confirm", 1), 3, {"x1": 1.0, "x2": 2.0}, str(tmp_path), file, seed_number=0)
    whole = measured(evaluate_one(dataclasses.replace(request, checkpoint=None)))
    interrupted(evaluate_one, request)
    assert measured(evaluate_one(request)) == whole
    assert epochs() == [1, 2, 3, 4, 1, 2, 3, 3, 4]


def test_trials_that_are_trained_together_share_a_checkpoint_with_the_curves_of_each(file):
    recorders = [Recorder(), Recorder()]
    checkpoint = EvaluationCheckpoint(file, recorders)
    assert {recorder.checkpoint for recorder in recorders} == {checkpoint}
    for slot, recorder in enumerate(recorders):
        recorder(1, loss=slot)
    checkpoint.save(b"both")
    again = [Recorder(), Recorder()]
    EvaluationCheckpoint(file, again)
    again[1](1, loss=0.5)
    assert again[0].checkpoint.load() == b"both"
    assert [recorder.curves for recorder in again] == [[(1, "loss", 0.0)], [(1, "loss", 1.0)]]


def test_the_file_of_several_trials_is_named_after_the_names_points_and_seeds_of_all():
    def path(*trials):
        return CheckpointFolder(Path("study.sqlite"), {}).file(TASK, VIEW, trials).path

    one, two = ("one/0/0", {"a": 0.5}, 7), ("one/1/0", {"a": 0.25}, 8)
    others = [("one/1/0", {"a": 0.25}, 9), ("one/1/0", {"a": 0.5}, 8), ("one/2/0", {"a": 0.25}, 8)]
    assert path(one) == path_of()
    assert len({path(one), path(one, two), path(two, one), *(path(one, other) for other in others)}) == 6


def test_a_file_of_an_earlier_version_is_not_used(file, caplog):
    file.write(KEPT)
    _, header, state = file.path.read_bytes().split(b"\n", 2)
    header = header.replace(b"curves of trials", b"curves")
    file.path.write_bytes(b"\n".join((checkpoints._checksum(header, state), header, state)))
    assert Recorder(file).checkpoint.load() is None
    assert "it was made by an earlier version of hpstudy" in warnings(caplog)[0]


def test_a_task_that_never_loads_starts_over(make_study, write_module, file, tmp_path):
    file.write(KEPT)
    study = make_study(use=write_module("def f(params, seed, report):\n    report(1, loss=1.0)\n    return 1.0"))
    outcome = evaluate_one(evaluation(study.to_json(), SearchKey("both", 1), 0, {"x1": 1.0}, str(tmp_path), file))
    assert (outcome.curves, outcome.duration_s < KEPT.duration_s) == (((1, "loss", 1.0),), True)


def test_a_trial_goes_on_in_the_next_session(run, make_study, function, interrupted, epochs, measured, storage, folder):
    study = make_study(use=function(), trials=2, replicates=1)
    run(study)
    whole = measured(storage), curves(storage)
    storage.unlink()
    interrupted(run, study)
    assert len(names(folder)) == 1
    assert run(study).complete
    assert (measured(storage), curves(storage).equals(whole[1])) == (whole[0], True)
    assert epochs() == 4 * [1, 2, 3, 4] + [1, 2, 3, 3, 4] + 3 * [1, 2, 3, 4]
    assert not folder.exists()


def test_a_confirmation_goes_on_in_the_next_session(run, confirm, make_study, function, interrupted, epochs, folder):
    run(make_study(use=function(), trials=1, replicates=1))
    interrupted(confirm)
    assert len(names(folder)) == 1
    assert confirm().complete
    assert epochs() == 2 * [1, 2, 3, 4] + [1, 2, 3, 3, 4] + 3 * [1, 2, 3, 4]
    assert not folder.exists()


def test_changed_code_starts_over(run, make_study, function, interrupted, epochs):
    study = make_study(use=function(), trials=1, replicates=1)
    interrupted(run, study)
    function("return 2 * loss")
    run(study, allow_changed_code=True)
    assert epochs() == [1, 2, 3] + 2 * [1, 2, 3, 4]


@pytest.mark.parametrize("end", ["return loss", "raise Diverged", "raise LookupError"])
def test_a_file_is_kept_until_the_outcome_is_stored(run, make_study, function, monkeypatch, folder, end):
    files = []
    finish = Store.finish_trials
    monkeypatch.setattr(Store, "finish_trials", lambda *a, **k: (files.append(len(names(folder))), finish(*a, **k)))
    use = function(f"from hpstudy.errors import Diverged\n    {end}")
    run(make_study(use=use, trials=2, replicates=1))
    assert (files, folder.exists()) == ([1, 1, 1, 1], False)


def test_a_file_is_kept_until_a_fresh_training_is_stored(run, confirm, make_study, function, monkeypatch, folder):
    files = []
    finish = Store.finish_trials
    run(make_study(use=function(), trials=1, replicates=1))
    monkeypatch.setattr(Store, "finish_trials", lambda *a, **k: (files.append(len(names(folder))), finish(*a, **k)))
    confirm()
    assert (files, folder.exists()) == ([1, 1, 1, 1], False)


def test_a_trial_that_ran_out_of_time_leaves_no_file(run, make_study, write_module, folder):
    code = "import time\ndef f(params, seed, report):\n    report.checkpoint.save(b'x')\n    time.sleep(60)"
    study = make_study(use=write_module(code), trials=1, replicates=1, limits={"timeout_s": 0.5, "max_failures": 1})
    with pytest.raises(StudyBroken):
        run(study, executor="processes", workers=1)
    assert not folder.exists()


def test_a_trial_whose_worker_was_killed_goes_on_in_the_same_session(run, make_study, function, epochs, tmp_path, folder):
    use = function().partition(":")[0]
    module = tmp_path / f"{use}.py"
    module.write_text(module.read_text().replace("raise Aborted", "import os; os.kill(os.getpid(), 9)"))
    (tmp_path / "interrupt").touch()
    assert run(make_study(use=f"{use}:f", trials=1, replicates=1), executor="processes", workers=1).counts.completed == 2
    assert epochs() == [1, 2, 3, 3, 4, 1, 2, 3, 4]
    assert not folder.exists()


def test_short_trials_write_nothing(run, make_study, write_module, monkeypatch, folder):
    monkeypatch.setattr(CheckpointFile, "write", lambda *_: pytest.fail("a short trial wrote a checkpoint"))
    code = """
def f(params, seed, report):
    report(1, found=report.checkpoint.load() is not None)
    if report.checkpoint.due():
        report.checkpoint.save(b"x")
    return 1.0
"""
    assert run(make_study(use=write_module(code), trials=1)).counts.completed == 4
    assert not folder.exists()


def test_what_a_killed_process_left_goes_with_the_last_trial(run, make_study, folder):
    folder.mkdir()
    (folder / "0123.checkpoint").write_bytes(b"")
    (folder / "0123.checkpoint.tmp").write_bytes(b"")
    run(make_study())
    assert not folder.exists()


def test_what_is_not_a_checkpoint_stays(run, make_study, folder):
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    run(make_study())
    assert names(folder) == ["notes.txt"]


def test_files_of_trials_that_are_under_way_stay(run, make_study, function, interrupted, folder):
    study = make_study(use=function(), trials=1, replicates=1)
    interrupted(run, study)
    kept = names(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpstudy.engine.scheduler.Scheduler.run", lambda self: None)
        run(study)
    assert names(folder) == kept != []


def test_files_of_fresh_trainings_that_are_under_way_stay(run, confirm, make_study, function, interrupted, folder):
    run(make_study(use=function(), trials=1, replicates=1))
    interrupted(confirm)
    kept = names(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpstudy.engine.scheduler.Scheduler.run", lambda self: None)
        confirm()
    assert names(folder) == kept != []


def test_a_file_is_that_of_the_training_seed(run, confirm, make_study, monkeypatch):
    seen = set()
    file = CheckpointFolder.file
    monkeypatch.setattr(
        CheckpointFolder, "file", lambda self, *given: (seen.update(seed for *_, seed in given[-1]), file(self, *given))[1]
    )
    run(study := make_study(trials=2))
    assert seen == {training_seed(study, replicate, number) for replicate in range(2) for number in range(2)}
    seen.clear()
    confirm()
    assert seen == {training_seed(study, 0, 0, 0)}


@pytest.mark.parametrize("last", [1, 50, 90])
def test_the_example_of_the_documentation_goes_on(make_study, write_module, file, tmp_path, monkeypatch, last):
    (example,) = re.findall(r"```python\n(.*?)```", ARCHITECTURE, flags=re.DOTALL)
    use = write_module(example.replace("def train", "def f"))
    request = evaluation(make_study(use=use).to_json(), SearchKey("both", 1), 0, {"rate": 0.1}, str(tmp_path), file)
    whole = measured(evaluate_one(dataclasses.replace(request, checkpoint=None)))
    monkeypatch.setattr("hpstudy.engine.recorder.CHECKPOINT_S", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(CheckpointFile, "write", interrupt_after(last))
        with pytest.raises(Aborted):
            evaluate_one(request)
    with module_path(str(tmp_path)):
        assert [epoch for epoch, _, _ in file.read().curves[0]] == list(range(1, last + 1))
    assert measured(evaluate_one(request)) == whole


def interrupt_after(epoch):
    """A write that is followed by an interruption once this epoch was reported."""
    write = CheckpointFile.write

    def write_and_interrupt(self, kept):
        write(self, kept)
        if kept.curves[0][-1][0] == epoch:
            raise Aborted

    return write_and_interrupt
