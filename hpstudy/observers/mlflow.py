"""MLflow: one run per trial, at the destination that MLflow's own settings define."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

# MLflow sends usage reports over the network by default. It reads this variable when it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from hpstudy.observers.interface import FinishedTrial, TrialObserver
from hpstudy.study.schema import Study

METRICS_PER_CALL = 1000
"""A limit of MLflow, as are the next two."""

PARAMETERS_PER_CALL = 100

TAG_CHARACTERS = 5000

ID = "hpstudy.trial"
"""Name of the tag that holds the ID of a trial."""


class MlflowObserver(TrialObserver):
    """Creates one run per trial: curves by epoch, final metrics as `final/NAME`, hyperparameters as parameters, facts as tags.

    The experiment is MLFLOW_EXPERIMENT_NAME. Default: the name of the study.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        super().__init__(study, folder)
        self._client = MlflowClient()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or study.name
        experiment = self._client.get_experiment_by_name(name)
        self._experiment_id = self._client.create_experiment(name) if experiment is None else experiment.experiment_id

    def log(self, trial: FinishedTrial) -> None:
        """Create a run. A run that an interrupted observer has left is deleted."""
        for interrupted in self._client.search_runs([self._experiment_id], f"tags.`{ID}` = '{trial.id}'"):
            self._client.delete_run(interrupted.info.run_id)
        started, ended = (round(datetime.fromisoformat(at).timestamp() * 1000) for at in (trial.started_at, trial.ended_at))
        tags = {ID: trial.id, **{_key(name): str(value)[:TAG_CHARACTERS] for name, value in trial.facts().items()}}
        run = self._client.create_run(self._experiment_id, start_time=started, tags=tags, run_name=trial.name).info.run_id
        parameters = [Param(_key(name), str(value)) for name, value in trial.hyperparameters.items()]
        metrics = [Metric(_key(name), value, ended, epoch) for epoch, name, value in trial.curves]
        metrics += [Metric(_key(f"final/{name}"), value, ended, 0) for name, value in trial.metrics.items()]
        for first in range(0, len(parameters), PARAMETERS_PER_CALL):
            self._client.log_batch(run, params=parameters[first : first + PARAMETERS_PER_CALL])
        for first in range(0, len(metrics), METRICS_PER_CALL):
            self._client.log_batch(run, metrics=metrics[first : first + METRICS_PER_CALL])
        self._client.set_terminated(run, "FINISHED" if trial.state == "completed" else "FAILED", ended)


def _key(name: str) -> str:
    """Replace the characters of a name that MLflow does not accept."""
    return re.sub(r"[^\w\-. /]", "_", name)
