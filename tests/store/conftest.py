import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from hpstudy.store import Store
from hpstudy.study.plan import SearchKey
from hpstudy.tasks.outcome import Outcome
from tests.support.databases import example_study
from tests.support.permissions import as_nobody
from tests.support.trials import finish, start

KEY = SearchKey("filter", 0)
POINT = {"rate": 0.01, "decay": 0.5}
REPOSITORY = Path(__file__).parents[2]

HOLD = """
import sys
from hpstudy.store import Store
store = Store.open(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
store.close()
"""


@pytest.fixture
def study():
    return example_study(trials=4, replicates=2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "example.sqlite"


@pytest.fixture
def store(path, study):
    with Store.create(path, study, identity={"data": "abc"}) as store:
        yield store


@pytest.fixture
def key():
    return KEY


@pytest.fixture
def point():
    return dict(POINT)


@pytest.fixture
def add(store):
    """Record a whole trial of one search: add(0, 0.9), or add(0, outcome=...)."""

    def add(number=0, objective=0.5, *, key=KEY, point=POINT, outcome=None):
        start(store, key, number, point, 0.01)
        outcome = outcome or Outcome("completed", {"accuracy": objective})
        finish(store, key, number, outcome, objective if outcome.state == "completed" else None)

    return add


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen]:
    """A live process that owns the database."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    try:
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def held():
    """`with held(path) as process`: another process owns the database meanwhile."""
    return another_process


@pytest.fixture
def abandoned(path, store, held):
    """The path of a database whose owner was killed."""
    store.close()
    with held(path) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return path


@pytest.fixture
def public_folder():
    """A folder that other users may enter and read."""
    folder = Path(tempfile.mkdtemp(prefix="hpstudy-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def unprivileged():
    """`with unprivileged(folder)`: the folder cannot be written, not even by root."""
    return partial(as_nobody, permissions=0o555)
