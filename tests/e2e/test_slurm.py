"""The script for Slurm, run by bash with Slurm's variables: it keeps its shard between jobs and queues itself at its time limit."""

import os
import shutil
import signal
import subprocess

import pytest
from pandas.testing import assert_frame_equal

import hpstudy
from hpstudy.engine import slurm
from hpstudy.errors import HpstudyError, UsageError

CHECKPOINTED = """\
import time
from pathlib import Path


def train(params, seed, report):
    saved = report.checkpoint.load()
    if not Path("started").exists():
        report.checkpoint.save(b"half")
        Path("started").write_text("x")
        time.sleep(600)
    return {"loss": 1.0, "resumed": saved == b"half"}
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def node(command):
    """A folder with a study of 4 replicates, and programs of Slurm that note how they are called."""
    command.write()
    study = command.folder / "killed.yaml"
    study.write_text(study.read_text().replace("replicates: 2", "replicates: 4"))
    (command.folder / "bin").mkdir()
    (command.folder / "disk").mkdir()
    for name, code in (("scontrol", 'echo "$@" >> called'), ("sbatch", "cat > sent && echo Submitted batch job 7")):
        program = command.folder / "bin" / name
        program.write_text(f"#!/bin/sh\n{code}\n")
        program.chmod(0o755)
    command.environment |= {
        "PATH": f"{command.folder / 'bin'}:{os.environ['PATH']}",
        "TMPDIR": str(command.folder / "disk"),
        "SLURM_ARRAY_JOB_ID": "7",
        "SLURM_CPUS_PER_TASK": "1",
    }
    return command


def script(command, shards=2, **options):
    return hpstudy.slurm(command.folder / "killed.yaml", command.folder / "kept", shards=shards, **options)


def job(command, text, shard):
    """Start the task of a shard."""
    (command.folder / "job.sh").write_text(text)
    return subprocess.Popen(
        ["bash", "job.sh"],
        cwd=command.folder,
        env=command.environment | {"SLURM_ARRAY_TASK_ID": str(shard)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def database(command, shard):
    return command.folder / f"kept/killed.shard-{shard}-of-2/killed.shard-{shard}-of-2.sqlite"


def test_options_are_passed_on_and_come_last(command):
    command.write()
    lines = script(command, shards=2, options=["--time=1:00:00", "--mem", "4G", "--comment=two words"]).splitlines()
    directives = [line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH")]
    assert directives[-3:] == ["--time=1:00:00", "--mem 4G", "'--comment=two words'"]
    assert {"--array=0-1", "--requeue", "--signal=B:USR1@300"} <= set(directives)


@pytest.mark.parametrize("options", [["8:00:00"], ["--time=1\nrm -rf ~"]])
def test_what_is_no_option_is_refused(command, options):
    command.write()
    with pytest.raises(UsageError, match="is not an option of sbatch"):
        script(command, options=options)


def test_more_shards_than_replicates_are_refused(command):
    command.write()
    with pytest.raises(
        UsageError, match=r"(?s)killed has 2 replicates, which cannot be divided into 3 shards.*choose 1 to 2 shards"
    ):
        script(command, shards=3)


def test_a_script_is_submitted(node, monkeypatch):
    monkeypatch.setenv("PATH", node.environment["PATH"])
    monkeypatch.chdir(node.folder)
    assert script(node, submit=True) == "Submitted batch job 7"
    assert (node.folder / "sent").read_text() == script(node)
    (node.folder / "bin/sbatch").write_text("#!/bin/sh\necho no such partition >&2; exit 1\n")
    with pytest.raises(HpstudyError, match="sbatch refused the script: no such partition"):
        script(node, submit=True)
    monkeypatch.setenv("PATH", str(node.folder))
    with pytest.raises(UsageError, match="there is no sbatch"):
        script(node, submit=True)


def test_tasks_that_reach_their_time_limit_are_queued_again_and_merge_to_the_run_on_one_machine(node, wait_until):
    assert node.run("run", "killed.yaml", "-j", "2", "--storage", "whole.sqlite")[0] == 0
    text = script(node)
    first = job(node, text, 0)
    disk = node.folder / "disk"
    wait_until(lambda: sum(node.rows(path) for path in disk.glob("*/*.sqlite")) >= 5, first)
    first.send_signal(signal.SIGUSR1)
    said, _ = first.communicate(timeout=120)
    assert (node.folder / "called").read_text() == "requeue 7_0\n", said
    merge = f"hpstudy merge {node.folder}/kept/killed.shard-*-of-2/*.sqlite"
    continues = "The same script continues shards that are not complete; then"
    assert said.endswith(f"shard 0 is saved in {node.folder}/kept/killed.shard-0-of-2. {continues}: {merge}\n")
    assert str(disk) not in said
    assert list(disk.iterdir()) == []
    assert 5 <= node.rows(database(node, 0)) < 32
    for shard in (0, 1):
        task = job(node, text, shard)
        said, _ = task.communicate(timeout=240)
        assert task.returncode == 0, said
        assert str(disk) not in said
    assert (node.folder / "called").read_text() == "requeue 7_0\n"
    assert node.run("merge", str(database(node, 0)), str(database(node, 1)), "-o", "merged.sqlite")[0] == 0
    for ours, whole in zip(node.measured("merged.sqlite"), node.measured("whole.sqlite"), strict=True):
        assert_frame_equal(ours, whole, check_exact=True)


def test_a_trial_that_does_not_end_in_time_is_given_up_and_kept_as_running(node, wait_until, monkeypatch):
    monkeypatch.setattr(slurm, "GRACE_S", 1)
    node.write(function="wait")
    task = job(node, script(node), 0)
    wait_until((node.folder / "started").exists, task)
    task.send_signal(signal.SIGUSR1)
    said, _ = task.communicate(timeout=120)
    assert (node.folder / "called").read_text() == "requeue 7_0\n", said
    with hpstudy.open(database(node, 0)) as reader:
        assert [count.running for count in reader.counts().values()] == [1, 0]
        assert reader.owner() is None


def test_a_trial_that_was_given_up_continues_from_its_checkpoint_in_the_next_job(node, wait_until, monkeypatch):
    monkeypatch.setattr(slurm, "GRACE_S", 1)
    (node.folder / "mine.py").write_text(CHECKPOINTED)
    task = job(node, script(node), 0)
    wait_until((node.folder / "started").exists, task)
    task.send_signal(signal.SIGUSR1)
    task.communicate(timeout=120)
    again = job(node, script(node), 0)
    said, _ = again.communicate(timeout=240)
    assert again.returncode == 0, said
    with hpstudy.open(database(node, 0)) as reader:
        assert reader.trials()["metric.resumed"].tolist() == [1.0] + [0.0] * 31


def test_a_cancelled_task_keeps_its_shard_and_is_not_queued_again(node, wait_until):
    task = job(node, script(node), 0)
    wait_until(lambda: sum(node.rows(path) for path in (node.folder / "disk").glob("*/*.sqlite")) >= 3, task)
    task.send_signal(signal.SIGTERM)
    task.communicate(timeout=120)
    assert task.returncode == 130
    assert not (node.folder / "called").exists()
    assert node.rows(database(node, 0)) >= 3


def test_a_save_that_was_interrupted_leaves_the_shard_as_it_was(node):
    kept = node.folder / "kept/killed.shard-0-of-2"
    task = job(node, script(node), 0)
    task.communicate(timeout=240)
    kept.rename(f"{kept}.old")
    (node.folder / f"{kept}.new").mkdir()
    task = job(node, script(node), 0)
    said, _ = task.communicate(timeout=240)
    assert task.returncode == 0
    assert "0 in this run" in said
    assert sorted(path.name for path in kept.parent.iterdir()) == [kept.name]


def test_a_study_that_is_broken_is_not_queued_again(node):
    (node.folder / "mine.py").write_text("def train(params, seed, report):\n    raise ValueError('broken')\n")
    task = job(node, script(node), 0)
    said, _ = task.communicate(timeout=240)
    assert task.returncode == 1
    assert str(node.folder / "disk") not in said
    assert not (node.folder / "called").exists()
