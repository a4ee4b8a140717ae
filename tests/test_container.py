"""The build context of the container and the source archive have every file of the wheel."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TARGETS = PROJECT["tool"]["hatch"]["build"]["targets"]
FOLDERS = {*TARGETS["wheel"]["packages"], *TARGETS["wheel"]["force-include"]}


def test_dockerignore_leaves_what_the_wheel_is_built_from():
    needed = {*FOLDERS, PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {*needed, "pyproject.toml", "constraints.txt"}


def test_the_source_archive_has_no_folder_but_those_of_the_wheel():
    included = TARGETS["sdist"]["only-include"]
    assert all((ROOT / name).exists() for name in included)
    assert {name for name in included if (ROOT / name).is_dir()} == FOLDERS
