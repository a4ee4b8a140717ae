"""Observers of a run: what they receive, and that a study never depends on them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

import hpstudy
from hpstudy.engine import observing
from hpstudy.engine.options import RunOptions
from hpstudy.engine.progress import Observer
from hpstudy.engine.run import run_study
from hpstudy.engine.trial_seeds import training_seed
from hpstudy.errors import PluginError, StoreError, UsageError
from hpstudy.loading.load import read_study
from hpstudy.store import Reader
from hpstudy.study.plan import SearchKey

STUDY = """\
name: s
task: {use: "mine:train"}
metric: {name: value, goal: minimize}
views:
  v: {space: {a: {type: float, low: 0, high: 1}}, fixed: {b: 2}}
  w: {space: {a: {type: float, low: 0, high: 1}}, fixed: {b: 3}}
search: {searcher: random, trials: TRIALS}
replicates: 2
"""
TASK = """\
import random, time

def train(params, seed, report):
    time.sleep(DURATION)
    report(1, loss=params["a"])
    report(2, loss=params["a"] / 2)
    if params["a"] > 0.8:
        raise ValueError("too large")
    return {"value": params["a"] + random.random(), "note": "x"}
"""
OBSERVERS = """\
import dataclasses, json, os, time
from hpstudy import TrialObserver

class Lines(TrialObserver):
    def log(self, trial):
        with open(self.folder.with_name("lines"), "a") as file:
            file.write(json.dumps(dataclasses.asdict(trial)) + "\\n")
    def close(self):
        self.folder.with_name("closed").touch()

class Slow(Lines):
    def log(self, trial):
        super().log(trial)
        time.sleep(0.3)

class Broken(Lines):
    def log(self, trial):
        super().log(trial)
        print("printed")
        raise RuntimeError("no space on device")

class Stuck(TrialObserver):
    def log(self, trial):
        time.sleep(1000)

class Ending(TrialObserver):
    def log(self, trial):
        os._exit(7)
"""


class Notes(Observer):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path)
    return tmp_path


def write(folder, *, trials=3, duration_s=0.0):
    (folder / "s.yaml").write_text(STUDY.replace("TRIALS", str(trials)))
    (folder / "mine.py").write_text(TASK.replace("DURATION", str(duration_s)))
    (folder / "watch.py").write_text(OBSERVERS)


def run(folder, *observers, executor="inline", storage="s.sqlite"):
    """Run the study; returns its summary and notes."""
    notes = Notes()
    return (
        hpstudy.run(folder / "s.yaml", folder / storage, executor=executor, progress=notes, observers=observers),
        [note for note in notes.notes if note.startswith("observer ")],
    )


def logged(folder, storage="s.sqlite"):
    """The trials that were logged, in order."""
    lines = folder / f"{storage}.observers/lines"
    return [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []


def measured(path):
    with Reader.open(path) as reader:
        return {key: reader.history(key) for key in reader.search_counts()}


def test_an_observer_receives_every_trial_once_with_all_that_it_measured(folder):
    summary, notes = run(folder, "watch:Lines")
    assert summary.complete
    assert not notes
    found = {(trial["view"], trial["replicate"], trial["number"]): trial for trial in logged(folder)}
    assert len(found) == len(logged(folder)) == 12
    with Reader.open(folder / "s.sqlite") as reader:
        for (view, replicate, number), trial in found.items():
            row = reader.history(SearchKey(view, replicate))[number]
            assert trial["hyperparameters"] == {"b": {"v": 2, "w": 3}[view], **row.point}
            assert trial["seed"] == training_seed(reader.study, replicate, number, None)
            assert trial["state"] == row.state
            assert trial["curves"] == [[1, "loss", row.point["a"]], [2, "loss", row.point["a"] / 2]]
            failed = row.state == "failed"
            assert trial["metrics"] == ({} if failed else {"value": row.objective})
            assert trial["attributes"] == ({} if failed else {"note": "x"})
            assert trial["error"] == ("ValueError: too large" if failed else "")
    assert {trial["state"] for trial in found.values()} == {"completed", "failed"}
    assert len({trial["id"] for trial in found.values()}) == 12
    assert (folder / "s.sqlite.observers/closed").exists()


def test_an_observer_changes_no_number(folder):
    run(folder, storage="alone.sqlite")
    run(folder, "watch:Lines", "watch:Broken")
    assert measured(folder / "alone.sqlite") == measured(folder / "s.sqlite")
    with Reader.open(folder / "s.sqlite") as reader:
        assert list(reader.identity) == ["source of mine.py"]


def test_a_study_that_grows_logs_only_what_is_new_with_the_same_ids(folder):
    run(folder, "watch:Lines")
    write(folder, trials=4)
    run(folder, "watch:Lines")
    assert len(logged(folder)) == len({trial["id"] for trial in logged(folder)}) == 16
    run(folder, "watch:Lines", storage="other.sqlite")
    assert {trial["id"] for trial in logged(folder, "other.sqlite")} == {trial["id"] for trial in logged(folder)}


def test_a_complete_study_is_logged_by_a_further_run(folder):
    run(folder)
    assert run(folder, "watch:Lines")[0].ran == 0
    assert len(logged(folder)) == 12
    hpstudy.resume(folder / "s.sqlite", observers=["watch:Lines"])
    assert len(logged(folder)) == 12


def test_confirmations_are_logged_with_their_seeds(folder):
    run(folder, "watch:Lines")
    hpstudy.confirm(folder / "s.sqlite", seeds=2, executor="inline", observers=["watch:Lines"])
    confirmations = [trial for trial in logged(folder) if trial["view"].endswith("/confirm")]
    with Reader.open(folder / "s.sqlite") as reader:
        assert len(confirmations) == len(reader.confirmations()) > 0
        assert {trial["seed"] for trial in confirmations} == {training_seed(reader.study, 0, 0, seed) for seed in (0, 1)}


def test_an_observer_that_fails_is_switched_off_with_one_note(folder):
    summary, notes = run(folder, "watch:Broken")
    assert summary.complete
    (note,) = notes
    assert note.startswith("observer 'watch:Broken' is switched off: RuntimeError: no space on device; see ")
    assert len(logged(folder)) == 1
    log = (folder / "s.sqlite.observers/watch.Broken.log").read_text()
    assert "printed" in log
    assert "Traceback" in log
    run(folder, "watch:Lines")
    assert len(logged(folder)) == 13


@pytest.mark.parametrize(
    ("observer", "message"),
    [("watch:Ending", "its process ended with exit code 7"), ("watch:Lanes", "has no function 'Lanes': did you mean 'Lines'?")],
)
def test_an_observer_that_ends_is_one_note(folder, observer, message):
    summary, (note,) = run(folder, observer)
    assert summary.complete
    assert message in note


def test_a_stuck_observer_is_ended(folder, monkeypatch):
    monkeypatch.setattr(observing, "PATIENCE_S", 0.5)
    started = time.monotonic()
    summary, (note,) = run(folder, "watch:Stuck")
    assert summary.complete
    assert note.startswith("observer 'watch:Stuck' was ended: it logged nothing for 0.5 s")
    assert time.monotonic() - started < 30


def test_a_slow_observer_delays_no_trial_and_logs_all_at_the_end(folder, monkeypatch):
    monkeypatch.setattr(observing, "SHORT_WAIT_S", 0.0)
    summary, notes = run(folder, "watch:Slow")
    assert len(logged(folder)) == 12
    assert any("trials to log; Ctrl-C ends the wait" in note for note in notes)
    assert summary.duration_s < 3


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("tensorbord", UsageError, "no observer is called 'tensorbord': did you mean 'tensorboard'?"),
        ("nowhere:Lines", PluginError, "there is no module 'nowhere' for the observer 'nowhere:Lines'"),
    ],
)
def test_an_unknown_observer_is_refused_before_the_study_begins(folder, name, error, message):
    with pytest.raises(error, match=message.replace("?", r"\?")):
        run(folder, name)
    assert not (folder / "s.sqlite").exists()


def test_a_log_that_cannot_be_written_is_named(folder):
    (folder / "s.sqlite.observers/watch.Lines.log").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"watch\.Lines\.log cannot be written: Is a directory") as caught:
        run(folder, "watch:Lines")
    assert caught.value.hint == "run without --observer"


def test_the_observer_of_the_page_runs(folder):
    page = Path(__file__).parents[2] / "docs/how-to/observers.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "my_module.py").write_text(code)
    assert run(folder, "my_module:Table")[1] == []
    lines = (folder / "s.sqlite.observers/table.txt").read_text().splitlines()
    assert len(lines) == 12
    assert [line for line in lines if line.startswith('v/0/0 completed {"value": ')]


def test_a_missing_library_is_refused_with_what_to_install(folder, monkeypatch):
    monkeypatch.setattr(observing, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'hpstudy\[wandb\]'"):
        run(folder, "wandb")


def test_a_process_of_an_earlier_run_that_still_logs_is_waited_for(folder):
    (folder / "s.sqlite.observers").mkdir()
    with FileLock(folder / "s.sqlite.observers/watch.Lines.jsonl.lock"):
        options = RunOptions(executor="inline", observers=("watch:Lines",))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(observing, "PATIENCE_S", 1.0)
            run_study(read_study(folder / "s.yaml"), folder / "s.sqlite", options)
        assert logged(folder) == []
    run(folder, "watch:Lines")
    assert len(logged(folder)) == 12


def test_the_observer_of_a_study_that_is_killed_and_resumed_logs_no_trial_twice(folder):
    """The run is killed at several moments, its observer once."""
    write(folder, trials=8, duration_s=0.15)
    command = [sys.executable, "-m", "hpstudy", "run", "s.yaml", "--storage", "s.sqlite", "-j", "2", "--observer", "watch:Slow"]
    for kill_at in (2, 5):
        process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        while len(logged(folder)) < kill_at:
            assert process.poll() is None
            time.sleep(0.05)
        if kill_at == 5:
            (observer,) = (pid for pid in processes() if "observer_process" in pid[1] and str(folder) in pid[1])
            os.kill(observer[0], signal.SIGKILL)
        process.kill()
        process.wait()
    done = subprocess.run([*command[:-1], "watch:Lines"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    slow = logged_lines(folder, "watch.Slow")
    assert len(slow) == len(set(slow)) == 32
    with Reader.open(folder / "s.sqlite") as reader:
        assert {tuple(line[:3]) for line in map(json.loads, slow)} == {
            (key.view, key.replicate, row.number) for key in reader.search_counts() for row in reader.history(key)
        }


def logged_lines(folder, name):
    return (folder / f"s.sqlite.observers/{name}.jsonl").read_text().splitlines()


def processes():
    """Number and command line of every process."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield int(path.parent.name), path.read_bytes().decode(errors="replace")
        except OSError:
            continue
