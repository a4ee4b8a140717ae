"""A trial that is killed in the middle goes on from its checkpoint, and the study holds what one that ran through holds."""

from pandas.testing import assert_frame_equal

TASK = """\
import json
import time
from pathlib import Path

import numpy as np


def train(params, seed, report):
    saved = report.checkpoint.load()
    epoch, loss = json.loads(saved) if saved else (0, params["x"])
    while epoch < 6:
        epoch += 1
        with open("epochs", "a") as log:
            print(seed, params, epoch, file=log)
        if epoch == 4 and Path("wait").exists():
            Path("reached").touch()
            time.sleep(60)
        loss += 0.1 * np.random.default_rng([seed, epoch]).standard_normal()
        report(epoch, loss=loss)
        report.checkpoint.save(json.dumps([epoch, loss]).encode())
    return loss
"""


def test_a_trial_that_was_killed_goes_on_from_its_checkpoint(command, wait_until):
    command.write()
    (command.folder / "mine.py").write_text(TASK)
    log = command.folder / "epochs"
    assert command.run("run", "killed.yaml", "-j", "1", "--storage", "whole.sqlite")[0] == 0
    whole = log.read_text().splitlines()
    log.unlink()

    (command.folder / "wait").touch()
    process = command.start("run", "killed.yaml", "-j", "1", "--storage", "killed.sqlite")
    wait_until((command.folder / "reached").exists, process)
    command.kill(process)
    assert len(list((command.folder / "killed.sqlite.checkpoints").iterdir())) == 1
    (command.folder / "wait").unlink()
    code, said = command.run("resume", "killed.sqlite", "-j", "1")
    assert code == 0, said

    # Only the epoch that was under way is run twice.
    lines = log.read_text().splitlines()
    assert lines == [*whole[:4], *whole[3:]]
    for killed, ran_through in zip(command.measured("killed.sqlite"), command.measured("whole.sqlite"), strict=True):
        assert_frame_equal(killed, ran_through, check_exact=True)
    assert not (command.folder / "killed.sqlite.checkpoints").exists()
