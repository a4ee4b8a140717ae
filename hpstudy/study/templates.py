"""Study templates: a study file and its code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hpstudy.drafts import write_new
from hpstudy.errors import UsageError, nearest

_VIEWS = """\
views:                            # what is compared: sets of hyperparameters with their ranges
  one:
    space:
      learning_rate: {type: float, low: 1e-3, high: 1, log: true}
    fixed: {momentum: 0}
  two:
    space:
      learning_rate: {type: float, low: 1e-3, high: 1, log: true}
      momentum: {type: float, low: 0, high: 0.99}
search: {searcher: ax, trials: 10}
replicates: 10                    # independent searches of every view; 6 or more can show a difference
analysis: {compare: [[two, one]]}
"""

_HEAD = """\
version: 1
name: my_study
question: Is the learning rate with momentum harder to tune than alone?
"""

FUNCTION = {
    "my_study.yaml": f"""\
{_HEAD}task: {{use: "my_module:train"}}
metric: {{name: loss, goal: minimize}}
{_VIEWS}""",
    "my_module.py": '''\
import random


def train(params, seed):
    """Replace this by your training. Returns the study's metric, and anything else to keep."""
    noise = random.Random(seed).gauss(0, 0.01)
    loss = (params["learning_rate"] - 0.1) ** 2 + (params["momentum"] - 0.5) ** 2 + noise
    return {"loss": loss}
''',
}

SCRIPT = {
    "my_study.yaml": f"""\
{_HEAD}task:
  command: "python train.py --learning_rate {{learning_rate}} --momentum {{momentum}} --seed {{seed}}"
metric: {{name: loss, goal: minimize}}
{_VIEWS}""",
    "train.py": '''\
"""Replace this by your program, in any language. The last JSON line that it prints has the study's metric."""

import argparse
import json
import random

parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float)
parser.add_argument("--momentum", type=float)
parser.add_argument("--seed", type=int)
args = parser.parse_args()
noise = random.Random(args.seed).gauss(0, 0.01)
print(json.dumps({"loss": (args.learning_rate - 0.1) ** 2 + (args.momentum - 0.5) ** 2 + noise}))
''',
}

OPTUNA = {
    "my_study.yaml": f"""\
{_HEAD}task: {{use: "my_objective:objective", style: optuna}}
metric: {{name: loss, goal: minimize}}
{_VIEWS}""",
    "my_objective.py": '''\
import random


def objective(trial):
    """Replace this by your objective. Every view tunes or fixes what it suggests."""
    learning_rate = trial.suggest_float("learning_rate", 1e-3, 1.0, log=True)
    momentum = trial.suggest_float("momentum", 0.0, 0.99)
    return (learning_rate - 0.1) ** 2 + (momentum - 0.5) ** 2 + random.gauss(0, 0.01)
''',
}

BNN = {
    "my_study.yaml": """\
version: 1
name: my_study
question: Is the gradient filter easier to tune than latent weights?
task:                             # a binary network on embedded spoken digits: `hpstudy data fetch speech_digits` first
  use: audio_mlp
  train_clips: 2000
  widths: [24, 64]
  epochs: 2
metric: {name: val_accuracy, goal: maximize}
views:
  latent:
    method: latent_sgd
    space:
      learning_rate: {type: float, low: 1e-4, high: 10, log: true}
      weight_decay: {type: float, low: 1e-7, high: 1e-1, log: true}
  filter:
    method: filter
    space:
      alpha: {type: float, low: 1e-5, high: 1e-1, log: true}
search: {searcher: ax, trials: 10}
replicates: 5
analysis: {compare: [[latent, filter]]}
""",
}

TEMPLATES: Mapping[str, Mapping[str, str]] = {"function": FUNCTION, "script": SCRIPT, "optuna": OPTUNA, "bnn": BNN}
"""The text of each file, by the name of the template."""


def write_template(name: str, folder: Path) -> list[Path]:
    """Write the files of a template into `folder`, which is created if needed. Overwrites nothing: see `write_new`.

    Returns:
        The files that did not exist.

    Raises:
        UsageError: there is no such template, or a file with different content exists.
        OutputError: the folder cannot be written.
    """
    if name not in TEMPLATES:
        raise UsageError(f"no template is called '{name}': {nearest(name, TEMPLATES)}")
    return write_new({folder / file: text.encode() for file, text in TEMPLATES[name].items()})
