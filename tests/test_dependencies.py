"""constraints.txt pins the requirements of pyproject.toml, in the ranges that pyproject.toml declares."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIRED = sorted({*PROJECT["dependencies"], *(entry for extra in EXTRAS.values() for entry in extra)})
PINNED = {
    canonicalize_name(name): version
    for name, version in (line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
}


@pytest.mark.parametrize("entry", REQUIRED)
def test_a_requirement_is_pinned_to_a_version_in_its_range(entry):
    requirement = Requirement(entry)
    assert PINNED[canonicalize_name(requirement.name)] in requirement.specifier


def test_a_library_has_one_range_in_all_extras():
    ranges = {}
    for entry in REQUIRED:
        requirement = Requirement(entry)
        ranges.setdefault(canonicalize_name(requirement.name), set()).add(requirement.specifier)
    assert {name for name, found in ranges.items() if len(found) > 1} == set()
