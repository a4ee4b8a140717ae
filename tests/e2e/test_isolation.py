"""Whatever a trial does to its process, the other trials are as if it had not run."""

import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from pandas.testing import assert_frame_equal

HOSTILE = Path(__file__).with_name("hostile.py")

SEEN_ELSEWHERE = ["nothing", "generators"]
"""Disturbances that do not show in the state of the process: one that is none, and one that shows in the values."""


class Study:
    """A study of the hostile function, with a view for each disturbance."""

    def __init__(self, command):
        self.command = command
        shutil.copy(HOSTILE, command.folder / "hostile.py")

    def write(self, name, disturbances, searcher="random", trials=2, extra=""):
        """Write a study file; `disturbances` holds what disturbs, by view."""
        views = "".join(
            f"  {view}: {{space: {{x: {{type: float, low: 0, high: 1}}}}, fixed: {{disturb: {disturb}}}}}\n"
            for view, disturb in disturbances.items()
        )
        (self.command.folder / f"{name}.yaml").write_text(
            "version: 1\nname: hostile\ntask: {use: 'hostile:f'}\nmetric: {name: value, goal: minimize}\nreplicates: 1\n"
            f"search: {{searcher: {searcher}, trials: {trials}{extra}}}\nviews:\n{views}"
        )

    def run(self, name, workers, storage):
        code, said = self.command.run("run", f"{name}.yaml", "-j", str(workers), "--storage", storage)
        assert code == 0, said
        return self.measured(storage)

    def measured(self, storage):
        trials = self.command.measured(storage)[0]
        return trials.sort_values(["view", "replicate", "number"]).set_index(["view", "number"])


@pytest.fixture
def disturbances():
    from tests.e2e.hostile import DISTURBANCES

    return {name: name for name in DISTURBANCES}


@pytest.fixture
def study(command):
    return Study(command)


def test_every_disturbance_shows_in_its_own_process(tmp_path):
    done = subprocess.run(
        [sys.executable, str(HOSTILE)], cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True, timeout=120
    )
    psutil.Process(int((tmp_path / "left_running").read_text())).kill()
    assert done.stdout.split() == SEEN_ELSEWHERE


def test_no_trial_finds_its_process_disturbed(study, disturbances):
    study.write("all", disturbances)
    trials = study.run("all", 1, "all.sqlite")
    aspects = [name for name in trials if name.startswith("metric.") and name != "metric.value"]
    assert len(aspects) == len(disturbances) - len(SEEN_ELSEWHERE) + 1
    assert {name: count for name, count in trials[aspects].nunique().items() if count != 1} == {}
    left_running = (study.command.folder / "left_running").read_text().split()
    assert len(left_running) == 2
    assert not [pid for pid in left_running if _runs(int(pid))]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_study_is_the_same_for_any_number_of_workers_any_order_and_any_kill(study, disturbances, command, wait_until):
    study.write("all", disturbances)
    study.write("reversed", dict(reversed(disturbances.items())))
    expected = study.run("all", 1, "one.sqlite")
    assert_frame_equal(study.run("all", 2, "two.sqlite"), expected, check_exact=True)
    assert_frame_equal(study.run("reversed", 1, "reversed.sqlite"), expected, check_exact=True)
    for disturb in ("dtype", "functions", "descriptors"):
        study.write(disturb, {disturb: disturb})
        assert_frame_equal(study.run(disturb, 2, f"{disturb}.sqlite"), expected.loc[[disturb]], check_exact=True)
    for rows in (7, 20, 33):
        process = command.start("run", "all.yaml", "-j", "2", "--storage", "killed.sqlite")
        wait_until(lambda rows=rows: command.rows("killed.sqlite") >= rows, process)
        command.kill(process)
    assert_frame_equal(study.run("all", 2, "killed.sqlite"), expected, check_exact=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_trials_do_to_torch_does_not_change_the_points_that_ax_chooses(study):
    views = ("dtype", "device", "nothing")
    study.write("hostile", {view: view for view in views}, "ax", 3, ", initial: 2")
    study.write("harmless", dict.fromkeys(views, "nothing"), "ax", 3, ", initial: 2")
    expected = study.run("harmless", 1, "harmless.sqlite")
    for workers in (1, 2):
        assert_frame_equal(study.run("hostile", workers, f"{workers}.sqlite"), expected, check_exact=True)


def test_leaked_descriptors_do_not_fail_a_later_view(study, command):
    study.write("leaks", {"leaky": "descriptors", "other": "nothing"}, trials=6)
    limit = f"ulimit -n 200; exec {sys.executable} -m hpstudy run leaks.yaml -j 1 --storage leaks.sqlite"
    subprocess.run(["bash", "-c", limit], cwd=command.folder, env=command.environment, check=True, stderr=subprocess.PIPE)
    assert set(study.measured("leaks.sqlite")["state"]) == {"completed"}


def _runs(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
