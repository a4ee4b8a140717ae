"""In which environments (machine and library versions) the trials of a study ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

ROLE = "role"
"""Key in the detail of an environment. Sessions do not have it."""

WORKER = "worker"
"""The role of a host that ran steps of a session elsewhere."""

OF_SESSION = ("cores", "executor", "command", "commit", ROLE)
"""Keys that do not tell two environments apart: they change no number."""

SHOWN = 10
"""Values of a key that the sentence lists."""


def trials_by_environment(environments: Iterable[tuple[Mapping[str, str], int]]) -> str:
    """Where trials ran, in words; "" when all ran in one environment.

    Args:
        environments: the detail of each, and how many trials ended there.
    """
    ran = Counter[tuple[tuple[str, str], ...]]()
    for detail, trials in environments:
        ran[tuple((name, value) for name, value in detail.items() if name not in OF_SESSION)] += trials
    details = [(dict(key), trials) for key, trials in ran.items() if trials]
    names = list(dict.fromkeys(name for detail, _ in details for name in detail))
    differing = []
    for name in names:
        values = Counter[str]()
        for detail, trials in details:
            values[detail.get(name, "none")] += trials
        if len(values) > 1:
            differing.append(f"{name} {_listed(values)}")
    if not differing:
        return ""
    return f"Trials ran in {len(details)} environments. Different: {'; '.join(differing)}."


def _listed(values: Counter[str]) -> str:
    shown = [f"{value} ({trials:,} trial{'s' if trials != 1 else ''})" for value, trials in list(values.items())[:SHOWN]]
    return ", ".join(shown) + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")
