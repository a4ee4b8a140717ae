"""The modules that hpstudy itself needs: those of its dependencies, and of their dependencies."""

from __future__ import annotations

import re
from functools import cache

FOR_DEVELOPMENT = "dev"
"""The extra whose packages hpstudy does not need to run."""


@cache
def needed_modules() -> frozenset[str]:
    """Top-level names of the installed modules that hpstudy needs. Takes about half a second, once."""
    from importlib.metadata import packages_distributions  # half of the time that `import hpstudy.modules` would take

    needed = _distributions()
    return frozenset(
        module for module, owners in packages_distributions().items() if any(_normal(owner) in needed for owner in owners)
    )


def _distributions() -> set[str]:
    """Normalised names of hpstudy's distribution and of all that it requires, its extras included."""
    from importlib.metadata import PackageNotFoundError, requires

    found, waiting = set[str](), ["hpstudy"]
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        found.add(name)
        try:
            requirements = requires(name) or []
        except PackageNotFoundError:  # an extra that is not installed, or hpstudy run from its sources
            continue
        for requirement in requirements:
            extra = re.search(r"extra == ['\"]([^'\"]*)", requirement)
            if extra is None or (name == "hpstudy" and extra[1] != FOR_DEVELOPMENT):
                waiting += re.findall(r"^[\w.-]+", requirement)
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
