"""The modules that hpstudy needs: those of its dependencies, and of their dependencies."""

from __future__ import annotations

import re
from functools import cache

FOR_DEVELOPMENT = "dev"
"""The extra with packages for development, which hpstudy does not need to run."""


@cache
def needed_modules() -> frozenset[str]:
    """Return the top-level names of the installed modules that hpstudy needs. The first call takes about half a second."""
    from importlib.metadata import packages_distributions  # at module level it would double the import time of hpstudy.modules

    needed = _distributions()
    return frozenset(
        module
        for module, owners in packages_distributions().items()
        if any(_normal(owner) in needed for owner in filter(None, owners))  # pip can leave a package without a name
    )


def _distributions() -> set[str]:
    """Return the normalized names of hpstudy's distribution and all its requirements, including its extras."""
    from importlib.metadata import PackageNotFoundError, requires

    names, waiting = set[str](), ["hpstudy"]
    while waiting:
        name = _normal(waiting.pop())
        if name in names:
            continue
        names.add(name)
        try:
            requirements = requires(name) or []
        except PackageNotFoundError:  # an extra that is not installed, or hpstudy running from a source tree
            continue
        for requirement in requirements:
            extra = re.search(r"extra == ['\"]([^'\"]*)", requirement)
            if extra is None or (name == "hpstudy" and extra[1] != FOR_DEVELOPMENT):
                waiting += re.findall(r"^[\w.-]+", requirement)
    return names


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
