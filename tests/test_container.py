"""The build context of the container has every file of the wheel."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_dockerignore_leaves_what_the_wheel_is_built_from():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"], *project["project"]["license-files"]}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {*needed, "pyproject.toml", "constraints.txt"}
