"""A cache of its own for every test, and originals small enough to write in a moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from hpstudy.data.cache import VARIABLE
from hpstudy.data.fsdd import Fsdd
from tests.support.originals import write_wav
from tests.support.permissions import as_nobody

SPEAKERS = ("george", "jackson", "lucas")
REPETITIONS = 2


@pytest.fixture(autouse=True)
def cache_root(tmp_path, monkeypatch) -> Path:
    """The root of this test's cache; the user's own is never touched."""
    root = tmp_path / "cache"
    monkeypatch.setenv(VARIABLE, str(root))
    return root


@pytest.fixture
def small_fsdd(monkeypatch) -> None:
    """`fsdd` is 3 speakers x 10 digits x 2 repetitions."""
    monkeypatch.setattr(Fsdd.__init__, "__defaults__", (SPEAKERS, REPETITIONS))


@pytest.fixture
def recordings(tmp_path) -> Path:
    """A folder with the originals of the small fsdd."""
    folder = tmp_path / "originals" / "recordings"
    rng = np.random.default_rng(0)
    for speaker in SPEAKERS:
        for digit in range(10):
            for repetition in range(REPETITIONS):
                samples = rng.integers(-3000, 3000, int(rng.integers(800, 2000)))
                write_wav(folder / f"{digit}_{speaker}_{repetition}.wav", samples, 8000)
    return folder


@pytest.fixture
def small_files_only():
    """`with small_files_only():` no file can become longer than 1 KiB, as on a full disk."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def small_files_only() -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return small_files_only


@pytest.fixture
def forbidden():
    """`with forbidden(folder):` the folder may be neither read nor entered, not even by root."""
    return partial(as_nobody, permissions=0)
