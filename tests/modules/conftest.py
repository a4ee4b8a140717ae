import importlib

import pytest


@pytest.fixture
def folder(tmp_path):
    """A folder for a study's modules: folder(train="...", src__net="...") writes them and returns its path."""
    place = tmp_path / "study"
    place.mkdir()

    def write(**codes):
        for name, code in codes.items():
            path = place / f"{name.replace('__', '/', 1)}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
        return str(place)

    return write


@pytest.fixture
def load():
    return importlib.import_module
