"""The commands that write, and the folders in which they start."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.crashes.commands import forked

FUNCTION = """\
import time

import numpy as np


def train(params, seed, report):
    loss = float("nan") if params["x"] > 0.9 else sum(params.values())
    for epoch in range(1, 4):
        report(epoch, loss=loss + np.random.rand())
        time.sleep(0.01)
    return loss
"""

STUDY = """\
version: 1
name: crashed
task: {use: "mine:train"}
metric: {name: loss, goal: minimize}
views:
  two: {space: {x: {type: float, low: 0, high: 1}, y: {type: float, low: 0, high: 1}}}
  one: {space: {x: {type: float, low: 0, high: 1}}}
search: {searcher: random, trials: TRIALS}
replicates: 2
analysis: {resamples: 1000}
"""

NETWORK = """\
version: 1
name: crashed
task:
  {use: audio_mlp, dataset: fsdd, split: {by: repetition, fold: 0}, features: {kind: log_mel, n_mels: 8, n_fft: 512, hop: 2000},
   widths: [16, 16], epochs: 2, batch_size: 50, train_clips: 100}
metric: {name: val_accuracy, goal: maximize}
views:
  filter: {method: filter, space: {alpha: {type: float, low: 1e-5, high: 1e-1, log: true}}}
search: {searcher: ax, trials: 4, initial: 2}
replicates: 1
"""


@dataclass(frozen=True)
class Case:
    """One command.

    Attributes:
        name: of the case.
        command: the arguments of hpstudy.
        prepare: makes the folder in which the command starts.
        output: what it writes: the database `study.sqlite`, or every file of a folder.
        again: the arguments after a crash that left a database, if they differ.
    """

    name: str
    command: tuple[str, ...]
    prepare: Callable[[Path], None]
    output: str = "study.sqlite"
    again: tuple[str, ...] = ()

    @property
    def database(self) -> bool:
        """Whether the output is a database."""
        return self.output == "study.sqlite"


def empty(folder: Path) -> None:
    """Nothing."""


def begun(folder: Path, trials: int = 4) -> None:
    """A study of a user's own function."""
    (folder / "mine.py").write_text(FUNCTION)
    (folder / "study.yaml").write_text(STUDY.replace("TRIALS", str(trials)))


def finished(folder: Path) -> None:
    """The study, complete."""
    begun(folder)
    forked(folder, "run", "study.yaml", "--storage", "study.sqlite", "-q")


def confirmed(folder: Path) -> None:
    """The study, complete and confirmed."""
    finished(folder)
    forked(folder, "confirm", "study.sqlite", "--seeds", "2", "-q")


def reported(folder: Path) -> None:
    """The study, complete, reported, and confirmed since."""
    finished(folder)
    forked(folder, *REPORT)
    forked(folder, "confirm", "study.sqlite", "--seeds", "2", "-q")


def grown(folder: Path) -> None:
    """The study, complete, and a study file that asks for more trials."""
    finished(folder)
    begun(folder, trials=7)


def shards(folder: Path) -> None:
    """The study in two shards, each complete."""
    begun(folder)
    for number in range(2):
        forked(folder, "run", "study.yaml", "--storage", "study.sqlite", "--shard", f"{number}/2", "-q")


def of_version_1(folder: Path) -> None:
    """A database of the first schema."""
    shutil.copy(Path(__file__).parents[2] / "tests/store/data/version_1.sqlite", folder / "study.sqlite")


def recordings(folder: Path) -> None:
    """Recordings to import as the data set fsdd: noise, a tenth of a second each. They lie beside the folder, which links to them."""
    import numpy as np
    from scipy.io import wavfile

    from hpstudy.data.fsdd import DIGITS, SPEAKERS

    source = folder.with_name("source")
    (source / "recordings").mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for name in (f"{digit}_{speaker}_{index}.wav" for speaker in SPEAKERS for digit in range(DIGITS) for index in range(50)):
        wavfile.write(source / "recordings" / name, 8000, generator.integers(-9000, 9000, 800).astype(np.int16))
    (folder / "source").symlink_to(source)


def network(folder: Path, text: str = NETWORK) -> None:
    """A study of a binary network on these recordings, which lie beside the folder as well."""
    importer = folder.with_name("importer")
    importer.mkdir()
    recordings(importer)
    forked(importer, "data", "import", "fsdd", "--from", "source")
    (folder / "data").symlink_to(importer / "data")
    (folder / "study.yaml").write_text(text)


def stack(folder: Path) -> None:
    """The study of a binary network with two replicates in lockstep, whose networks are trained together."""
    network(folder, NETWORK.replace("initial: 2}\nreplicates: 1", "initial: 2, lockstep: 2}\nreplicates: 2\nconfirm: {seeds: 2}"))


SHARDS = ("study.shard-0-of-2.sqlite", "study.shard-1-of-2.sqlite")
RUN = ("run", "study.yaml", "--storage", "study.sqlite", "-j", "2", "-q")
CONFIRM = ("confirm", "study.sqlite", "--seeds", "3")
INLINE = ("--executor", "inline", "-q")
REPORT = ("report", "study.sqlite", "-o", "out", "--format", "pdf", "--format", "html", "--force")
CURVES = ("export", "study.sqlite", "--curves", "--format", "parquet", "-o", "out/curves.parquet", "--force")
CASES = {
    case.name: case
    for case in (
        Case("run", RUN, begun, again=(*RUN[:4], *INLINE)),
        Case("run in one process", (*RUN[:4], *INLINE), begun),
        Case("run, then resume", RUN, begun, again=("resume", "study.sqlite", "-j", "1", "-q")),
        Case("run of a network", (*RUN[:4], "-j", "1", "-q"), network),
        Case("run in lockstep", (*RUN[:4], "-j", "1", "-q"), stack),
        Case("grow", (*RUN[:4], "-j", "1", "-q"), grown, again=(*RUN[:4], *INLINE)),
        Case("confirm", (*CONFIRM, "-j", "1", "-q"), finished, again=(*CONFIRM, *INLINE)),
        Case("confirm in one process", (*CONFIRM, *INLINE), finished),
        Case("migrate", (*CONFIRM, "-j", "1", "-q"), of_version_1, again=(*CONFIRM, *INLINE)),
        Case("merge", ("merge", *SHARDS, "-o", "study.sqlite"), shards, again=("db", "check", "study.sqlite")),
        Case("report", REPORT, reported, "out"),
        Case("plot", ("plot", "study.sqlite", "best_so_far", "-o", "out/figure.pdf"), confirmed, "out"),
        Case("export", ("export", "study.sqlite", "-o", "out/trials.csv", "--force"), confirmed, "out"),
        Case("export curves", CURVES, confirmed, "out"),
        Case("export Optuna", ("export", "study.sqlite", "--optuna", "out/optuna.db", "--force"), confirmed, "out"),
        Case("init", ("init", "out"), empty, "out"),
        Case("data import", ("data", "import", "fsdd", "--from", "source"), recordings, "data"),
    )
}
