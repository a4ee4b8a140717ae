"""Weights & Biases: one run per trial, offline by default."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from pathlib import Path

# W&B sends error reports over the network even in offline mode. It reads this variable when it is imported.
os.environ.setdefault("WANDB_ERROR_REPORTING", "false")

import wandb

from hpstudy.observers.interface import FinishedTrial, TrialObserver
from hpstudy.study.schema import Study


class WandbObserver(TrialObserver):
    """Writes one run per trial: curves by epoch, final metrics as `final/NAME` in its summary, hyperparameters and facts as its config.

    Runs are offline unless WANDB_MODE is set. The project is WANDB_PROJECT. Default: the name of the study. A run has the ID of its trial,
    so that a run that is sent twice replaces the first one.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        super().__init__(study, folder)
        self._project = os.environ.get("WANDB_PROJECT") or study.name
        self._mode = os.environ.get("WANDB_MODE") or "offline"
        self._folder = Path(os.environ.get("WANDB_DIR") or folder.parent)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._settings = wandb.Settings(
            silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True
        )

    def log(self, trial: FinishedTrial) -> None:
        """Write a run. The files of a run that an interrupted observer has left are removed."""
        for interrupted in (self._folder / "wandb").glob(f"offline-run-*-{trial.id}"):
            shutil.rmtree(interrupted)
        run = wandb.init(
            project=self._project,
            group=trial.view,
            name=trial.name,
            id=trial.id,
            dir=self._folder,
            mode=self._mode,
            config={**trial.facts(), **trial.hyperparameters},
            settings=self._settings,
        )
        rows: defaultdict[int, dict[str, float]] = defaultdict(dict)
        for epoch, name, value in trial.curves:
            rows[epoch][name] = value
        for epoch, row in rows.items():
            run.log({"epoch": epoch, **row}, step=epoch)
        run.summary.update({f"final/{name}": value for name, value in trial.metrics.items()})
        run.finish(exit_code=0 if trial.state == "completed" else 1)

    def close(self) -> None:
        """End the process that W&B has started."""
        wandb.teardown()
