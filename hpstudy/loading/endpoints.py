"""Checks of endpoints: their values must be confirmed, and the views of their plateaus must exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpstudy.errors import Problem, nearest
from hpstudy.loading.parts import Parts
from hpstudy.search.interface import Searcher
from hpstudy.study.declaration import Analysis

MIN_JUDGED = 2
"""Minimum replicates that remain if others are held out; fewer give no interval."""


def check_endpoints(analysis: Analysis, parts: Parts, searcher: Searcher | None) -> Iterator[Problem]:
    """Problems of the endpoints of an analysis and of their plateaus. Keys are those of the study."""
    if not analysis.endpoints:
        return
    if searcher is not None and searcher.lists_points:
        yield Problem(
            ("analysis", "endpoints"), "a sweep has no searches whose endpoint could be compared: declare claims (criteria)"
        )
        return
    for index, endpoint in enumerate(analysis.endpoints):
        if endpoint.use != "trials_to_target" and not parts.incumbents:
            text = f"'{endpoint.use}' needs the confirmed value of every incumbent: add 'confirm: {{seeds: 8, incumbents: true}}'"
            yield Problem(("analysis", "endpoints", index), text)
    first, replicates = analysis.first_replicates, parts.replicates
    if first is not None and replicates is not None and first > replicates:
        yield Problem(("analysis", "first_replicates"), f"must be at most {replicates}, the replicates of the study, not {first}")
    if analysis.plateaus is not None:
        yield from _plateau_problems(analysis.plateaus.values, parts.names)
        held_out = analysis.plateaus.held_out
        if held_out is not None and replicates is not None and held_out > replicates - MIN_JUDGED:
            text = f"must leave at least {MIN_JUDGED} of the {replicates} replicates to judge, so it must be at most "
            yield Problem(("analysis", "plateaus", "held_out"), f"{text}{max(0, replicates - MIN_JUDGED)}, not {held_out}")


def _plateau_problems(values: dict[str, float], names: Sequence[str]) -> Iterator[Problem]:
    key = ("analysis", "plateaus", "values")
    for name in values:
        if name not in names:
            yield Problem((*key, name), f"no view is called '{name}': {nearest(name, names)}")
    if values and (missing := [name for name in names if name not in values]):
        yield Problem(key, f"has no plateau of {', '.join(map(repr, missing))}: name every view")
