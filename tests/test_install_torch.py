"""`make setup` says in one line that the index of torch's build cannot be reached, and ends with pip's exit code."""

import runpy
import sys
from pathlib import Path

import pytest

RUN = runpy.run_path(str(Path(__file__).parents[1] / "tools/install_torch.py"))["run"]


@pytest.mark.parametrize("code", [0, 1])
def test_warnings_of_failed_connections_become_one_line(code, capfd):
    lines = ["WARNING: Retrying (Retry(total=0)) after connection broken", "ERROR: No matching distribution"]
    pip = f"import sys; print({lines[0]!r}, {lines[0]!r}, {lines[1]!r}, sep='\\n', file=sys.stderr); sys.exit({code})"
    assert RUN([sys.executable, "-c", pip], "The index does not answer.") == code
    assert capfd.readouterr().err == f"The index does not answer.\n{lines[1]}\n"
