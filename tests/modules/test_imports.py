"""The imports of a module are read from its source."""

import importlib
import sys

import pytest

from hpstudy.modules import imported_by


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Import a module of a package from its source."""

    def load(source):
        (tmp_path / "parcel").mkdir()
        (tmp_path / "parcel/__init__.py").write_text("")
        (tmp_path / "parcel/inner.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module("parcel.inner")

    yield load
    for name in ("parcel", "parcel.inner"):
        sys.modules.pop(name, None)


def test_absolute_relative_and_late_imports_are_found(package):
    module = package(
        "import json.decoder as d\nfrom os import path\nfrom . import __doc__\ndef f():\n    from .later import x\n    import z.y\n"
    )
    relative = {"parcel", "parcel.__doc__", "parcel.later", "parcel.later.x"}
    assert imported_by(module) == {"json.decoder", "os", "os.path", "z.y"} | relative


def test_an_import_outside_the_package_that_cannot_work_is_left_out(package):
    assert imported_by(package("def f():\n    from ... import x\n")) == set()


def test_a_module_without_a_source_file_imports_nothing():
    assert imported_by(importlib.import_module("_thread")) == set()
