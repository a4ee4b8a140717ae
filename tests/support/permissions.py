"""Folders that a test may not use."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@contextmanager
def as_nobody(folder: Path, permissions: int) -> Iterator[None]:
    """Give a folder these permissions, which then hold for this process, also if root runs it. Skips the test elsewhere than on Linux."""
    if sys.platform != "linux":
        pytest.skip("needs POSIX permissions")
    before, user = folder.stat().st_mode, os.geteuid()
    folder.chmod(permissions)
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(before)
