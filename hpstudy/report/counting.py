"""Summary of many comparisons in two sentences: how many show a difference, and which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpstudy.analysis.comparisons.margin import Side
from hpstudy.analysis.results import Results
from hpstudy.report import overview


@dataclass(frozen=True)
class _Verbs:
    """The predicate of each kind of comparison, in the plural: the verb, a space, and the rest."""

    below: str
    above: str
    either: str


_NEED = _Verbs("need fewer trials", "need more", "need fewer or more trials")
_END = _Verbs("end worse", "end better", "end better or worse")
_FAVOUR = "favour the first view", "favour the second", "favour either view"


def counted(results: Results, target: str, named: int | None) -> str:
    """The numbers of comparisons that show a difference in trials-to-target and in the final best.

    Args:
        results: results of a study with comparisons.
        target: the target as a condition.
        named: maximum number of comparisons to name for each kind, with none named that shows no difference; None to name all.
    """
    standings = overview.standings(results)
    if overview.one_reference(results):
        of, need, end = f"of {len(standings)} views compared with {results.pairs[0].b}", _NEED, _END
    else:
        first, second, either = _FAVOUR
        of, need, end = f"of {len(standings)} comparisons", _Verbs(first, second, either), _Verbs(second, first, either)
    trials = _kinds([(one.name, one.trials_side) for one in standings], need, (-1, 1), of, named)
    finals = _kinds([(one.name, one.final_side) for one in standings], end, (1, -1), "", named)
    return f"To reach {target}, {trials}. After all {results.study.search.trials} trials, {finals}."


def _kinds(
    sides: Sequence[tuple[str, Side | None]],
    verbs: _Verbs,
    order: tuple[Side, Side],
    of: str,
    named: int | None,
) -> str:
    """The comparisons by kind, those with a shown difference first: "of 2 views 1 needs more and 1 is not shown to differ"."""
    kinds = {kind: [name for name, side in sides if side == kind] for kind in (*order, 0, None)}
    none = f"none {of}".strip()
    if len(kinds[None]) == len(sides):
        return f"{none} can be compared"
    if len(kinds[0]) == len(sides):
        return f"{none} is shown to {verbs.either}"
    told = {-1: verbs.below, 1: verbs.above}
    parts = [_shown(kinds[kind], told[kind], named) for kind in order]
    quiet = None if named is None else 0
    if kinds[0]:
        parts.append(_several(kinds[0], "is not shown to differ", "are not shown to differ", quiet))
    if kinds[None]:
        parts.append(_several(kinds[None], "cannot be compared", "cannot be compared", quiet))
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
    return f"{len(names)} {one if len(names) == 1 else more}{which}"
