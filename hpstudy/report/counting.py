"""Summary of many comparisons in two sentences: how many show a difference, and which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hpstudy.analysis.comparisons.margin import Side
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, overview


def counted(results: Results, target: str, named: int | None) -> str:
    """The numbers of comparisons that show a difference in trials-to-target and in the final best.

    Args:
        results: results of a study with comparisons.
        target: the target as a condition.
        named: maximum number of comparisons to name for each kind, with none named that shows no difference; None to name all.
    """
    standings = overview.standings(results)
    needs: Mapping[Side, str] = {-1: "favor the first view", 1: "favor the second"}
    ends: Mapping[Side, str] = {1: "favor the first view", -1: "favor the second"}
    of, needs_either, ends_either = f"of {len(standings)} comparisons", "favor either view", "favor either view"
    if overview.one_reference(results):
        of = f"of {len(standings)} views compared with {results.pairs[0].b}"
        needs, needs_either = {-1: "need fewer trials", 1: "need more"}, "need fewer or more trials"
        ends, ends_either = {1: "end better", -1: "end worse"}, "end better or worse"
    trials = _kinds([(one.name, one.trials_side) for one in standings], needs, needs_either, of, named)
    finals = _kinds([(one.name, one.final_side) for one in standings], ends, ends_either, "", named)
    return f"To reach {target}, {trials}. After {numbers.all_things(results.study.search.trials, 'trial')}, {finals}."


def _kinds(sides: Sequence[tuple[str, Side | None]], verbs: Mapping[Side, str], either: str, of: str, named: int | None) -> str:
    """The comparisons by kind, those with a shown difference first: "of 2 views 1 needs more and 1 is not shown to differ".

    Args:
        sides: name and shown side of each comparison.
        verbs: the predicate of each side, in the plural: the verb, a space, and the rest.
        either: the predicate of both sides together.
        of: the comparisons that are counted; "" if they are already named.
        named: as for `counted`.
    """
    kinds = {kind: [name for name, side in sides if side == kind] for kind in (*verbs, 0, None)}
    none = f"none {of}".strip()
    if len(kinds[None]) == len(sides):
        return f"{none} can be compared"
    if len(kinds[0]) == len(sides):
        return f"{none} is shown to {either}"
    parts = [_shown(kinds[side], verb, named) for side, verb in verbs.items()]
    others = None if named is None else 0
    if kinds[0]:
        parts.append(_several(kinds[0], "is not shown to differ", "are not shown to differ", others))
    if kinds[None]:
        parts.append(_several(kinds[None], "cannot be compared", "cannot be compared", others))
    return f"{of} {', '.join(parts[:-1])} and {parts[-1]}".strip()


def _shown(names: Sequence[str], verb: str, named: int | None) -> str:
    if not names:
        return f"none is shown to {verb}"
    first, _, rest = verb.partition(" ")
    return _several(names, f"{first}s {rest}", verb, named)


def _several(names: Sequence[str], one: str, more: str, named: int | None) -> str:
    """The number of comparisons, their predicate, and the first `named` of their names."""
    shown = names[:named]
    rest = len(names) - len(shown)
    which = f" ({', '.join(shown)}{f' and {rest} more' if rest else ''})" if shown else ""
    return f"{len(names)} {numbers.plural(len(names), one, more)}{which}"
