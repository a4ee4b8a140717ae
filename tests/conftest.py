"""One thread per test process, since several share a few cores; no deadline for examples of Hypothesis."""

import os

import pytest
from hypothesis import settings

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A test that waits for a core is not a slow test: Hypothesis's limit of 200 ms per example fails on a busy machine.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")


@pytest.fixture
def without_pdf(monkeypatch):
    """Typeset nothing: the PDF is a few bytes."""
    monkeypatch.setattr("hpstudy.report.pdf.compile_pdf", lambda document: b"%PDF")
