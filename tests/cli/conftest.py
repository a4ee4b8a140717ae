import subprocess
import sys

import pytest

BRANIN = """\
version: 1
name: tiny
question: Does the command line work?
task: {use: branin, noise: 0.5}
metric: {name: value, goal: minimize}
views:
  both:
    space:
      x1: {type: float, low: -5, high: 10}
      x2: {type: float, low: 0, high: 15}
  one:
    space: {x1: {type: float, low: -5, high: 10}}
    fixed: {x2: 2.275}
search: {searcher: sobol, trials: 4}
replicates: 3
"""


@pytest.fixture(scope="session")
def study_text():
    return BRANIN


@pytest.fixture
def hpstudy(tmp_path):
    """Run the command line in a folder of its own; returns the finished process."""

    def call(*arguments, text=None, name="tiny.yaml", **options):
        if text is not None:
            (tmp_path / name).write_text(text)
        command = [sys.executable, "-m", "hpstudy", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120, **options)

    return call
