"""Studies of the task `command`: failures, time-outs, scripts that change, and checkpoints that survive a kill."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from hpstudy.engine.executors import OutOfResources
from hpstudy.engine.options import RunOptions
from hpstudy.engine.run import run_study
from hpstudy.errors import StudyBroken, StudyChanged
from hpstudy.loading.load import read_study
from hpstudy.store import Reader

STUDY = """\
name: s
task: {{command: "sh train.sh {{rate}} {{seed}} {more}"}}
metric: {{name: loss, goal: minimize}}
views: {{v: {{space: {{rate: {{type: float, low: 0, high: 1}}}}}}}}
search: {{searcher: random, trials: {trials}}}
replicates: 1
limits: {limits}
"""
PRINTS = 'echo "{\\"loss\\": $1}"\n'


@pytest.fixture
def run(tmp_path):
    """Run a study of a shell script: run(script, trials=2, limits="{}")."""

    def run(script, *, trials=2, limits="{}", more="", executor="processes"):
        (tmp_path / "train.sh").write_text(script)
        (tmp_path / "s.yaml").write_text(STUDY.format(trials=trials, limits=limits, more=more))
        storage = tmp_path / "s.sqlite"
        run_study(read_study(tmp_path / "s.yaml"), storage, RunOptions(workers=1, executor=executor))
        with Reader.open(storage) as reader:
            return reader.trials(), reader.curves()

    return run


@pytest.mark.parametrize("executor", ["processes", "inline"])
def test_the_values_that_a_script_prints_are_stored(run, executor):
    trials, _ = run(PRINTS, executor=executor)
    assert list(trials["objective"]) == list(trials["point.rate"])
    assert set(trials["state"]) == {"completed"}


def test_a_failed_script_is_a_failed_trial_without_a_traceback(run):
    trials, _ = run(f'echo \'{{"epoch": 1, "loss": 2}}\'; [ -e ok ] || {{ touch ok; echo too large >&2; exit 3; }}\n{PRINTS}')
    assert list(trials["state"]) == ["failed", "completed"]
    assert trials["error_type"][0] == "TrialFailed"
    assert trials["error"][0].startswith("the command ended with exit code 3: too large\n")


@pytest.mark.parametrize(
    ("number", "error", "states"), [(errno.EAGAIN, OutOfResources, ["running"]), (errno.EACCES, StudyBroken, ["failed"] * 5)]
)
def test_a_program_for_which_the_machine_lacks_resources_is_no_failed_trial(run, monkeypatch, tmp_path, number, error, states):
    monkeypatch.setattr(subprocess, "Popen", Mock(side_effect=OSError(number, "not now")))
    with pytest.raises(error, match="sh cannot be run: not now"):
        run(PRINTS, executor="inline", trials=9, limits="{max_failures: 5}")
    with Reader.open(tmp_path / "s.sqlite") as reader:
        assert reader.trials()["state"].tolist() == states


def test_a_value_that_is_not_finite_is_a_diverged_trial(run):
    trials, _ = run("echo '{\"loss\": NaN}'", trials=1)
    assert list(trials["state"]) == ["diverged"]


def test_a_script_may_delete_its_folder_for_checkpoints(run):
    script = f'echo \'{{"epoch": 1, "loss": 2}}\'; rm -r "$3"; echo \'{{"epoch": 2, "loss": 1}}\'\n{PRINTS}'
    trials, curves = run(script, more="{checkpoint}")
    assert list(trials["objective"]) == list(trials["point.rate"])
    assert list(curves["value"]) == [2, 1] * 2


def test_a_time_limit_ends_all_processes_of_a_command(run, tmp_path):
    trials, _ = run("sleep 300 & echo $! > pid; wait", trials=1, limits="{timeout_s: 2}")
    assert list(trials["state"]) == ["timed_out"]
    deadline = time.monotonic() + 30
    process = Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")
    while process.exists() and " Z " not in process.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_time_limit_ends_a_program_that_ignores_sigterm_and_its_children(run, tmp_path):
    """Grandchildren too, and children that ignore SIGTERM and SIGHUP."""
    script = (
        "trap '' TERM INT HUP\n(trap '' TERM; sleep 300) & echo $! > child\nsh -c '(sleep 300) & echo $! > grandchild; wait' &\n"
    )
    started = time.monotonic()
    trials, _ = run(script + "while :; do sleep 300; done", trials=1, limits="{timeout_s: 2}")
    assert list(trials["state"]) == ["timed_out"]
    assert time.monotonic() - started < 100
    deadline = time.monotonic() + 30
    for name in ("child", "grandchild"):
        process = Path("/proc", (tmp_path / name).read_text().strip(), "stat")
        while process.exists() and " Z " not in process.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_script_that_changes_during_a_run_ends_it(run):
    with pytest.raises(StudyChanged, match=r"train\.sh changed while the study was running"):
        run(f"{PRINTS}echo '# a comment' >> train.sh\n")


def test_a_script_that_disappears_during_a_run_ends_it_and_fails_no_trial(run, tmp_path):
    with pytest.raises(StudyChanged, match=r"train\.sh changed while the study was running"):
        run(f"{PRINTS}[ -e once ] && rm train.sh; touch once\n", trials=5)
    with Reader.open(tmp_path / "s.sqlite") as reader:
        assert reader.trials()["state"].tolist() == ["completed", "running"]


def test_a_script_that_changed_is_refused_before_anything_runs(run):
    run(PRINTS)
    with pytest.raises(StudyChanged, match=r"source of train\.sh"):
        run(PRINTS + "# changed\n", trials=3)


KEEPS = """\
from=$(cat "$3/epoch" 2>/dev/null || echo 0)
for epoch in 1 2 3; do
  [ $epoch -gt $from ] || continue
  echo $epoch > "$3/epoch"
  echo "{\\"epoch\\": $epoch, \\"loss\\": $epoch}"
  [ $epoch -lt 2 ] || touch two
  [ $epoch -lt 2 ] || while [ ! -e go ]; do sleep 0.1; done
done
echo "{\\"loss\\": $1, \\"from\\": $from}"
"""


def test_a_killed_run_continues_in_the_folder_for_checkpoints(run, tmp_path):
    (tmp_path / "train.sh").write_text(KEEPS)
    (tmp_path / "s.yaml").write_text(STUDY.format(trials=1, limits="{}", more="{checkpoint}"))
    command = [sys.executable, "-m", "hpstudy", "run", str(tmp_path / "s.yaml"), "--storage", str(tmp_path / "s.sqlite"), "-j1"]
    runner = subprocess.Popen(command, env=os.environ, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (tmp_path / "two").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.5)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    time.sleep(2)
    (tmp_path / "go").touch()
    trials, curves = run(KEEPS, trials=1, more="{checkpoint}")
    assert trials["metric.from"][0] == 2
    assert trials["attempts"][0] == 2
    assert list(zip(curves["epoch"], curves["value"], strict=True)) == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert not (tmp_path / "s.sqlite.checkpoints").exists()


def test_trials_of_two_searches_at_the_same_point_do_not_share_a_folder(tmp_path):
    """Points that the view enqueues are those of each searcher, with the same training seed."""
    (tmp_path / "train.sh").write_text(
        'echo $$ > "$2/mine"; touch "ran-$$"; i=0\n'
        "while [ $(ls | grep -c ran-) -lt 2 ] && [ $i -lt 200 ]; do sleep 0.1; i=$((i + 1)); done\n"
        f'[ "$(cat "$2/mine")" = $$ ] || exit 3\n{PRINTS}'
    )
    (tmp_path / "s.yaml").write_text(
        STUDY.replace("{{seed}} {more}", "{{checkpoint}}")
        .replace("high: 1}}}}", "high: 1}}}}, enqueue: [{{rate: 0.5}}]")
        .replace("trials: {trials}", "trials: 1, others: [sobol]")
        .format(limits="{}")
    )
    summary = run_study(read_study(tmp_path / "s.yaml"), tmp_path / "s.sqlite", RunOptions(workers=2))
    assert (summary.counts.completed, summary.counts.failed) == (2, 0)
