"""A study that is killed and resumed holds the same numbers, bit for bit, as one that ran through."""

import os
import random
import shutil
import signal
import time

import pytest
from pandas.testing import assert_frame_equal

ROWS_BETWEEN_KILLS = 8
"""At most, of 32; every session of `ax` costs its workers some seconds of imports."""


@pytest.mark.slow
@pytest.mark.timeout(900)  # on two busy cores; a quarter of it on quiet ones
@pytest.mark.parametrize(("searcher", "kills"), [("sobol", 3), ("ax", 2)])
def test_a_study_that_was_killed_again_and_again_equals_one_that_ran_through(command, wait_until, searcher, kills):
    command.write(searcher=searcher)
    assert command.run("run", "killed.yaml", "-j", "2", "--storage", "whole.sqlite")[0] == 0
    moments = random.Random(0)
    for _ in range(kills):
        goal = command.rows("killed.sqlite") + moments.randint(1, ROWS_BETWEEN_KILLS)
        process = command.start("run", "killed.yaml", "-j", "2", "--storage", "killed.sqlite")
        wait_until(lambda goal=goal: command.rows("killed.sqlite") >= goal, process)
        time.sleep(moments.uniform(0, 0.05))
        command.kill(process)
    code, said = command.run("resume", "killed.sqlite", "-j", "2")
    assert code == 0, said
    for killed, whole in zip(command.measured("killed.sqlite"), command.measured("whole.sqlite"), strict=True):
        assert_frame_equal(killed, whole, check_exact=True)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_confirmation_that_was_killed_again_and_again_equals_one_that_ran_through(command, wait_until, workers):
    command.write()
    assert command.run("run", "killed.yaml", "-j", "2", "--storage", "whole.sqlite")[0] == 0
    shutil.copy(command.folder / "whole.sqlite", command.folder / "killed.sqlite")
    confirm = ("confirm", "killed.yaml", "--seeds", "3", "-j", workers, "--storage")
    assert command.run(*confirm, "whole.sqlite")[0] == 0
    for rows in (4, 11):
        process = command.start(*confirm, "killed.sqlite")
        wait_until(lambda rows=rows: command.rows("killed.sqlite") >= 32 + rows, process)
        command.kill(process)
        assert command.run("db", "check", "killed.sqlite")[0] == 0
    code, said = command.run("resume", "killed.sqlite", "-j", workers)
    assert code == 0, said
    for killed, whole in zip(command.measured("killed.sqlite"), command.measured("whole.sqlite"), strict=True):
        assert_frame_equal(killed, whole, check_exact=True)
    trials, curves = command.measured("killed.sqlite")
    assert trials["view"].value_counts().to_dict() == {"two": 16, "one": 16, "two/confirm": 9, "one/confirm": 9}
    assert len(curves) == 3 * len(trials)
    confirmed = [command.confirmed(storage) for storage in ("killed.sqlite", "whole.sqlite")]
    assert_frame_equal(*confirmed, check_exact=True)


def test_confirmations_of_incumbents_that_were_killed_among_searches_equal_those_of_a_whole_run(command, wait_until):
    command.write(confirm="{seeds: 2, incumbents: true}")
    run = ("run", "killed.yaml", "-j", "2", "--storage")
    assert command.run(*run, "whole.sqlite")[0] == 0
    for rows in (9, 30, 37):
        process = command.start(*run, "killed.sqlite")
        wait_until(lambda rows=rows: command.rows("killed.sqlite") >= rows, process)
        command.kill(process)
        assert command.run("db", "check", "killed.sqlite")[0] == 0
    assert command.run(*run, "killed.sqlite")[0] == 0
    # Confirmations are numbered in the order in which they began; everything else is the same.
    confirmed = [command.confirmed(storage) for storage in ("killed.sqlite", "whole.sqlite")]
    assert_frame_equal(*confirmed, check_exact=True)
    searched = [command.measured(storage)[0].query("seed_number.isna()") for storage in ("killed.sqlite", "whole.sqlite")]
    assert_frame_equal(*searched, check_exact=True)


@pytest.mark.parametrize(("function", "kills"), [("train", (7, 26)), ("Stacked", (7, 26, 42))])
def test_replicates_in_lockstep_that_were_killed_equal_those_of_a_whole_run(command, wait_until, function, kills):
    command.write(function=function, confirm="{seeds: 2, incumbents: true}", lockstep=2)
    run = ("run", "killed.yaml", "-j", "2", "--storage")
    assert command.run("run", "killed.yaml", "-j", "1", "--storage", "whole.sqlite")[0] == 0
    for rows in kills:
        process = command.start(*run, "killed.sqlite")
        wait_until(lambda rows=rows: command.rows("killed.sqlite") >= rows, process)
        command.kill(process)
        assert command.run("db", "check", "killed.sqlite")[0] == 0
    assert command.run("resume", "killed.sqlite", "-j", "2")[0] == 0
    confirmed = [command.confirmed(storage) for storage in ("killed.sqlite", "whole.sqlite")]
    assert_frame_equal(*confirmed, check_exact=True)
    searched = [command.measured(storage)[0].query("seed_number.isna()") for storage in ("killed.sqlite", "whole.sqlite")]
    assert_frame_equal(*searched, check_exact=True)


def test_a_killed_database_has_no_problems(command, wait_until):
    command.write()
    process = command.start("run", "killed.yaml", "-j", "2", "--storage", "killed.sqlite")
    wait_until(lambda: command.rows("killed.sqlite") >= 3, process)
    command.kill(process)
    assert command.run("db", "check", "killed.sqlite")[0] == 0


def test_a_second_run_at_the_same_time_is_refused(command, wait_until):
    command.write(function="wait")
    first = command.start("run", "killed.yaml", "-j", "1", "--storage", "killed.sqlite")
    wait_until((command.folder / "started").exists, first)
    code, said = command.run("run", "killed.yaml", "-j", "1", "--storage", "killed.sqlite")
    assert code == 5
    assert f"process {first.pid}" in said


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_first_signal_awaits_the_running_trial_and_leaves_with_130(command, wait_until, name):
    command.write(function="wait")
    process = command.start("run", "killed.yaml", "-j", "1", "--storage", "killed.sqlite")
    wait_until((command.folder / "started").exists, process)
    process.send_signal(signal.Signals[name])
    assert "waiting for running trials" in _said(process, "running trials")
    (command.folder / "go").touch()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "hpstudy resume" in said) == (130, True)
    assert list(command.measured("killed.sqlite")[0].state) == ["completed"]


def test_the_second_signal_leaves_at_once(command, wait_until):
    command.write(function="wait")
    process = command.start("run", "killed.yaml", "-j", "1", "--storage", "killed.sqlite")
    wait_until((command.folder / "started").exists, process)
    process.send_signal(signal.SIGTERM)
    _said(process, "running trials")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert list(command.measured("killed.sqlite")[0].state) == ["running"]


def test_ctrl_c_in_a_terminal_does_not_end_the_workers(command, wait_until):
    command.write(function="wait")
    process = command.start("run", "killed.yaml", "-j", "1", "--storage", "killed.sqlite")
    wait_until((command.folder / "started").exists, process)
    os.killpg(process.pid, signal.SIGINT)
    _said(process, "running trials")
    (command.folder / "go").touch()
    process.communicate(timeout=60)
    assert list(command.measured("killed.sqlite")[0].state) == ["completed"]


def _said(process, words):
    """What a process says on stderr up to the line with these words."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError("".join(lines))
