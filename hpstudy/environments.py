"""Differences between the environments (machine and library versions) of a study's trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

ROLE = "role"
"""Key in the detail of an environment. Environments of sessions do not have it."""

WORKER = "worker"
"""Role of another host that ran steps of a session."""

IGNORED = ("cores", "executor", "command", "commit", "ax-platform", ROLE)
"""Keys that are ignored when environments are compared, because they do not affect results. Some databases have the version of Ax, of
which the searcher `ax` is independent."""

LATER = ("linear_operator",)
"""Libraries that databases of earlier versions do not record. If one is missing in an environment, its version is not known."""

SHOWN = 10
"""Maximum number of listed values of a key."""


def recorded_version(detail: Mapping[str, str], name: str) -> str | None:
    """The version of a library, or another key, in the detail of an environment; "none" without it, None if it is not known."""
    return detail.get(name, None if name in LATER else "none")


def trials_by_environment(environments: Iterable[tuple[Mapping[str, str], int]]) -> str:
    """Describe the differences between the environments of trials; "" if all trials ran in one environment.

    Args:
        environments: the detail of each environment, and the number of trials that ended there.
    """
    ran = Counter[tuple[tuple[str, str], ...]]()
    for detail, trials in environments:
        ran[tuple((name, value) for name, value in detail.items() if name not in IGNORED)] += trials
    details = [(dict(key), trials) for key, trials in ran.items() if trials]
    names = list(dict.fromkeys(name for detail, _ in details for name in detail))
    differing = dict[str, str]()
    for name in names:
        values = Counter[str]()
        for detail, trials in details:
            if (version := recorded_version(detail, name)) is not None:
                values[version] += trials
        if len(values) > 1:
            differing[name] = f"{name} {_listed(values)}"
    if not differing:
        return ""
    different = len({tuple(recorded_version(detail, name) for name in differing) for detail, _ in details})
    return f"Trials ran in {different} environments. Different: {'; '.join(differing.values())}."


def _listed(values: Counter[str]) -> str:
    shown = [f"{value} ({trials:,} trial{'s' if trials != 1 else ''})" for value, trials in list(values.items())[:SHOWN]]
    return ", ".join(shown) + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")
