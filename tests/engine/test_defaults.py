import os

import pytest

from hpstudy.engine import executors
from hpstudy.engine.environment import LIBRARIES, library_versions
from hpstudy.engine.executors import default_workers


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs the scheduler's affinity")
def test_workers_are_no_more_than_the_cores_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert default_workers() == 1


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("200000 100000", 2),
        ("50000 100000", 1),
        ("150000 100000", 1),
        ("max 100000", executors.UNLIMITED_CORES),
        ("", executors.UNLIMITED_CORES),
    ],
)
def test_the_quota_of_a_container_limits_the_workers(tmp_path, text, cores):
    (tmp_path / "cpu.max").write_text(text)
    assert executors._granted_cores(tmp_path / "cpu.max") == cores


def test_versions_of_installed_libraries_are_known_without_importing_them():
    assert {"python", "numpy", "torch"} <= set(library_versions()) <= {"python", *LIBRARIES}
