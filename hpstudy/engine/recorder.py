"""Records what an evaluation reports during training: the learning curves of its trials, and its checkpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hpstudy.checkpoint import CHECKPOINT_S
from hpstudy.engine.checkpoints import CheckpointContents, CheckpointFile, Curves
from hpstudy.engine.measured import InvalidResult, read_epoch, read_name, read_number

log = logging.getLogger(__name__)


class Recorder:
    """Collects the reports of one trial; a `hpstudy.tasks.interface.Report`.

    Args:
        file: checkpoint file of an evaluation of this trial alone; None for no checkpoint.

    Attributes:
        curves: (epoch, metric, value) in the order reported.
        checkpoint: stores the task's state, the curves of all trials of the evaluation, and the training seconds so far.
    """

    def __init__(self, file: CheckpointFile | None = None) -> None:
        self.curves: list[tuple[int, str, float]] = []
        self._reported: set[tuple[int, str]] = set()
        self.checkpoint = EvaluationCheckpoint(file, [self])

    def restore(self, curves: Curves) -> None:
        """Restore the values that an interrupted evaluation reported."""
        self.curves[:] = curves
        self._reported = {(epoch, name) for epoch, name, _ in curves}

    def __call__(self, epoch: int, **metrics: float) -> None:
        """Record `metrics` at `epoch`.

        Raises:
            InvalidResult: the epoch is not a whole number, a metric is not a number, or was reported at this epoch before.
        """
        number = read_epoch(epoch)
        where = f"what was reported at epoch {number}"
        for key, value in metrics.items():
            name = read_name(key, where)
            if (number, name) in self._reported:
                raise InvalidResult(f"'{name}' was reported twice at epoch {number}; report each metric once per epoch")
            self.curves.append((number, name, read_number(name, value, where)))
            self._reported.add((number, name))


class EvaluationCheckpoint:
    """The checkpoint and the training time of an evaluation; a `hpstudy.checkpoint.Checkpoint`.

    Args:
        file: checkpoint file; None to store nothing.
        recorders: recorders of the evaluation's trials, which share this checkpoint from now on.
    """

    def __init__(self, file: CheckpointFile | None, recorders: Sequence[Recorder]) -> None:
        for recorder in recorders:
            recorder.checkpoint = self
        self._recorders = recorders
        self._file = file
        self._last = time.monotonic()
        self._earlier_s = 0.0
        self.begin()

    def begin(self) -> None:
        """Start counting training seconds."""
        self._began = time.perf_counter()

    @property
    def duration_s(self) -> float:
        """Wall seconds spent training, including those of interrupted evaluations from which this one continues."""
        return self._earlier_s + time.perf_counter() - self._began

    def load(self) -> bytes | None:
        """The last saved state, with curves and seconds restored; None if there is none that can be used."""
        if self._file is None:
            return None
        try:
            contents = self._file.read()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("the checkpoint %s is not used, the training starts over: %s", self._file.path, error)
            return None
        for recorder, curves in zip(self._recorders, contents.curves, strict=True):
            recorder.restore(curves)
        self._earlier_s = contents.duration_s
        return contents.state

    def folder(self, sources: Mapping[str, str]) -> Path | None:
        """The folder next to the file."""
        try:
            return None if self._file is None else self._file.folder(sources)
        except OSError as error:
            log.warning("the folder for checkpoints cannot be created; the training keeps no checkpoint: %s", error)
            return None

    def due(self) -> bool:
        """Whether CHECKPOINT_S have passed."""
        return self._file is not None and time.monotonic() - self._last >= CHECKPOINT_S

    def save(self, state: bytes) -> None:
        """Write the file."""
        if not isinstance(state, bytes):
            raise TypeError(
                f"a checkpoint's state must be bytes, not {type(state).__name__}: for instance json.dumps(state).encode(), or the "
                "getvalue() of an io.BytesIO that torch.save wrote to"
            )
        if self._file is None:
            return
        try:
            self._file.write(CheckpointContents(state, [recorder.curves for recorder in self._recorders], self.duration_s))
        except OSError as error:
            log.warning("the checkpoint %s cannot be written; the training continues without it: %s", self._file.path, error)
        self._last = time.monotonic()
