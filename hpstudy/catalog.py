"""Names of the built-in and registered parts that study files and commands can use."""

from __future__ import annotations

from hpstudy.arguments import checked
from hpstudy.errors import UsageError, nearest
from hpstudy.registry import Registry

KINDS = ("tasks", "methods", "networks", "searchers", "executors", "observers", "data")


def registry(kind: str) -> Registry:
    """Return the registry of a kind of part.

    Raises:
        UsageError: `kind` is not in `KINDS`.
    """
    from hpstudy.bnn.methods import METHODS
    from hpstudy.bnn.networks import NETWORKS
    from hpstudy.data import DATASETS
    from hpstudy.engine.executors import EXECUTORS
    from hpstudy.observers import OBSERVERS
    from hpstudy.search import SEARCHERS
    from hpstudy.tasks import TASKS

    if kind not in KINDS:
        raise UsageError(f"unknown kind of part '{kind}': {nearest(kind, KINDS)}")
    return dict(zip(KINDS, (TASKS, METHODS, NETWORKS, SEARCHERS, EXECUTORS, OBSERVERS, DATASETS), strict=True))[kind]


@checked
def parts(kind: str) -> dict[str, str]:
    """Return name and description of the built-in parts of a kind. Arguments and errors as in `registry`."""
    table = registry(kind)
    return {name: table[name].description for name in table}
