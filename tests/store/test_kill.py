import subprocess
import sys
from pathlib import Path

import pytest

from hpstudy.store import Reader, Store, check
from tests.support.databases import example_study

WRITER = """
import sys
from hpstudy.store import Store
from tests.support.trials import finish, start
from hpstudy.study.plan import SearchKey
from hpstudy.tasks.outcome import Outcome
key = SearchKey("filter", 0)
curves = tuple((epoch, "loss", 1 / epoch) for epoch in range(1, 200))
with Store.open(sys.argv[1]) as store:
    for number in range(10_000):
        start(store, key, number, {"rate": 0.1, "decay": 0.5}, 0.0)
        finish(store, key, number, Outcome("completed", {"accuracy": 0.5}, curves), 0.5)
        print(number, flush=True)
"""


@pytest.mark.parametrize("trials", [1, 7, 40])
def test_a_killed_writer_loses_no_finished_trial_and_leaves_none_half(path, trials):
    Store.create(path, example_study(trials=10_000)).close()
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    for _ in range(trials):
        assert process.stdout.readline()
    process.kill()
    process.communicate()
    with Reader.open(path) as reader:
        completed = reader.counts()["filter"].completed
        lengths = reader.curves("loss").groupby("number").size()
    assert completed >= trials
    assert lengths.tolist() == [199] * completed
    assert check(path) == []
