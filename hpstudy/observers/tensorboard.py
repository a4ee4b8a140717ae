"""TensorBoard: one folder of event files per trial."""

from __future__ import annotations

import json
import shutil
from datetime import datetime

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.text.metadata import create_summary_metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from hpstudy.observers.interface import FinishedTrial, TrialObserver


class TensorBoardObserver(TrialObserver):
    """Writes FOLDER/VIEW/replicate-R/trial-N: curves by epoch, final metrics as `final/NAME`, hyperparameters, and facts as text.

    TensorBoard stores values in 32 bits.
    """

    def log(self, trial: FinishedTrial) -> None:
        """Write the events to a draft folder and rename it, so that the folder of a trial is complete or does not exist."""
        folder = self.folder / trial.view / f"replicate-{trial.replicate:03d}" / f"trial-{trial.number:04d}"
        draft = self.folder.with_name(f"{self.folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        writer = EventFileWriter(str(draft))
        started, ended = (datetime.fromisoformat(at).timestamp() for at in (trial.started_at, trial.ended_at))
        facts = trial.facts()
        values = [(epoch, Summary.Value(tag=name, simple_value=value)) for epoch, name, value in trial.curves]
        values += [(0, Summary.Value(tag=f"final/{name}", simple_value=value)) for name, value in trial.metrics.items()]
        values.append((0, _text("trial", json.dumps(facts, indent=2, ensure_ascii=False))))
        for step, value in values:
            writer.add_event(Event(wall_time=ended, step=step, summary=Summary(value=[value])))
        hyperparameters = {**facts, **trial.hyperparameters}
        writer.add_event(Event(wall_time=ended, summary=hparams_pb(hyperparameters, trial_id=trial.id, start_time_secs=started)))
        writer.close()
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(folder)


def _text(tag: str, text: str) -> Summary.Value:
    """Return a text as Markdown code."""
    code = "\n".join(f"    {line}" for line in text.splitlines())
    metadata = create_summary_metadata(display_name=tag, description="")
    return Summary.Value(tag=tag, metadata=metadata, tensor=TensorProto(dtype=DT_STRING, string_val=[code.encode()]))
