"""MLflow: a run for each trial, where MLflow's own settings say."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

# MLflow reports its use over the network by default. It reads this when it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from hpstudy.observers.interface import FinishedTrial, TrialObserver
from hpstudy.study.schema import Study

METRICS_PER_CALL = 1000
"""MLflow's own limit, as are the next two."""

PARAMETERS_PER_CALL = 100

TAG_CHARACTERS = 5000

ID = "hpstudy.trial"
"""The tag with a trial's id, by which its run is found again."""


class MlflowObserver(TrialObserver):
    """Creates a run for each trial: curves by epoch, final metrics as `final/NAME`, hyperparameters as parameters, facts as tags.

    The experiment is MLFLOW_EXPERIMENT_NAME, or else has the name of the study.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        super().__init__(study, folder)
        self._client = MlflowClient()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or study.name
        found = self._client.get_experiment_by_name(name)
        self._experiment = self._client.create_experiment(name) if found is None else found.experiment_id

    def log(self, trial: FinishedTrial) -> None:
        """Delete the run that an interrupted observer has left, and create another."""
        for left in self._client.search_runs([self._experiment], f"tags.`{ID}` = '{trial.id}'"):
            self._client.delete_run(left.info.run_id)
        started, ended = (round(datetime.fromisoformat(at).timestamp() * 1000) for at in (trial.started_at, trial.ended_at))
        tags = {ID: trial.id, **{_key(name): str(value)[:TAG_CHARACTERS] for name, value in trial.facts().items()}}
        run = self._client.create_run(self._experiment, start_time=started, tags=tags, run_name=trial.name).info.run_id
        parameters = [Param(_key(name), str(value)) for name, value in trial.hyperparameters.items()]
        metrics = [Metric(_key(name), value, ended, epoch) for epoch, name, value in trial.curves]
        metrics += [Metric(_key(f"final/{name}"), value, ended, 0) for name, value in trial.metrics.items()]
        for first in range(0, len(parameters), PARAMETERS_PER_CALL):
            self._client.log_batch(run, params=parameters[first : first + PARAMETERS_PER_CALL])
        for first in range(0, len(metrics), METRICS_PER_CALL):
            self._client.log_batch(run, metrics=metrics[first : first + METRICS_PER_CALL])
        self._client.set_terminated(run, "FINISHED" if trial.state == "completed" else "FAILED", ended)


def _key(name: str) -> str:
    """A name with the characters that MLflow accepts."""
    return re.sub(r"[^\w\-. /]", "_", name)
