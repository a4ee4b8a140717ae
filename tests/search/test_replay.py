"""Any process can ask for any trial of a search again, in any order, and gets the same bits: what makes resume exact."""

import json
import os
import random
import subprocess
import sys

import pytest

from hpstudy.search.ax import AxSearcher, BoTorchSettings
from hpstudy.testing.searchers import SPACES, objective, play

SPACE = SPACES["mixed"]
TRIALS = 8

# Run in a fresh process: [seed of the draws in between, trial numbers, history] -> the points' exact text, by trial number.
REPLAY = """
import json, random, sys
import numpy as np
from hpstudy.goal import Goal
from hpstudy.search.ax import AxSearcher, BoTorchSettings
from hpstudy.search.interface import Observation
from hpstudy.testing.searchers import SPACES

draws, numbers, rows = json.load(sys.stdin)
history = [Observation(*row) for row in rows]
searcher, points = AxSearcher(BoTorchSettings(initial=3)), {}
for number in numbers:
    junk = [np.random.default_rng(draws).random(draws * 1000 + number)]
    random.seed(draws)
    np.random.seed(draws)
    points[number] = repr(searcher.ask(SPACES["mixed"], history[:number], goal=Goal.MAXIMIZE, seed=5, number=number))
print(json.dumps(points))
"""


@pytest.fixture(scope="module")
def history():
    """A search in this process; one of its trials has no value."""

    def value(number, point):
        return None if number == 4 else objective(SPACE, point)

    return play(AxSearcher(BoTorchSettings(initial=3)), SPACE, trials=TRIALS, value=value, seed=5)


@pytest.mark.parametrize("hash_seed", [1, 2])
def test_a_fresh_process_asked_in_another_order_gives_the_same_bits(history, hash_seed):
    numbers = random.Random(hash_seed).sample(range(TRIALS), TRIALS)
    rows = [(past.number, past.point, past.value) for past in history]
    answer = subprocess.run(
        [sys.executable, "-c", REPLAY],
        input=json.dumps([hash_seed, numbers, rows]),
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    points = {int(number): point for number, point in json.loads(answer.stdout).items()}
    assert points == {past.number: repr(past.point) for past in history}
