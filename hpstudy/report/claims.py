"""The results of the declared claims, as sentences and as a chapter with a table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from functools import partial

from hpstudy.analysis.claims.judgment import Contrast, CriterionResult, Verdict
from hpstudy.analysis.comparisons.margin import ENOUGH
from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.model import Section, Table, section

ORDER: tuple[Verdict, ...] = ("holds", "does not hold", "inconclusive", "no data")
"""Verdicts in the order of the count."""

SEVERITY: tuple[Verdict, ...] = ("no data", "does not hold", "inconclusive", "holds")
"""Verdicts on comparisons in the order of precedence for the verdict on a claim."""

IN_TABLE = 8
"""Maximum number of comparisons of a claim in the table; the JSON file has all."""

UNATTAINABLE = "*"
"""Mark of a claimed bound outside the attainable range."""

NOTE = (
    "n: replicates. A claim holds if every interval lies within the claimed bounds; with two bounds, the interval is that of two one-sided "
    "tests. It does not hold if an interval, at a level corrected for their number (Bonferroni), lies entirely outside the bounds. "
    "Otherwise it is inconclusive."
)
"""The note below the table."""


NOT_YET = "not judged yet"
"""Verdict on a claim before the study is complete."""


def counted(results: Results) -> str:
    """The number of claims with each verdict: "Of 3 claims 2 hold, 1 is inconclusive.", "All 3 claims hold."; "" without claims."""
    total = len(results.criteria)
    if not total:
        return ""
    if results.provisional:
        return f"{numbers.things(total, 'claim')} {NOT_YET}."
    counts = Counter(result.verdict for result in results.criteria)
    if len(counts) == 1 and (total == 1 or "does not hold" not in counts):  # "All claims do not hold" would be ambiguous
        which = {1: "The claim", 2: "Both claims"}.get(total, f"All {numbers.count(total)} claims")
        return f"{which} {_verb(results.criteria[0].verdict, total)}."
    parts = [f"{counts[verdict]} {_verb(verdict, counts[verdict])}" for verdict in ORDER if counts[verdict]]
    return f"Of {numbers.things(total, 'claim')} {', '.join(parts)}."


def _verb(verdict: Verdict, count: int) -> str:
    one, more = {
        "holds": ("holds", "hold"),
        "does not hold": ("does not hold", "do not hold"),
        "inconclusive": ("is inconclusive", "are inconclusive"),
        "no data": ("has no data", "have no data"),
    }[verdict]
    return numbers.plural(count, one, more)


def deciding(result: CriterionResult, most: int) -> list[Contrast]:
    """The at most `most` comparisons with the strongest evidence against a claim, in their original order."""

    def rank(index: int) -> tuple[int, float]:
        return SEVERITY.index(result.contrasts[index].verdict), slack(result.contrasts[index])

    return [result.contrasts[index] for index in sorted(sorted(range(len(result.contrasts)), key=rank)[:most])]


def slack(contrast: Contrast) -> float:
    """The distance of the interval from the claimed bounds; negative if it extends beyond them."""
    if math.isnan(contrast.low):
        return -math.inf
    distances = [contrast.low - contrast.above] if contrast.above is not None else []
    if contrast.below is not None:
        distances.append(contrast.below - contrast.high)
    return min(distances, default=math.inf)


def verdict(results: Results, result: CriterionResult) -> str:
    """The verdict on a claim, as in the table."""
    return NOT_YET if results.provisional and result.contrasts else result.verdict


def sentence(results: Results, result: CriterionResult) -> str:
    """The verdict, the claim, and its estimate; of several comparisons, the one with the strongest evidence against the claim."""
    evidence = ""
    if result.contrasts:
        weakest, total = deciding(result, 1)[0], len(result.contrasts)
        name = f"the weakest of {numbers.count(total)} comparisons, {weakest.what}: " if total > 1 else ""
        why = "" if results.provisional else _withheld(weakest)
        evidence = "" if math.isnan(weakest.mean) else f" ({name}{_estimate(weakest)}{why}{_unattainable(weakest)})"
    opening = verdict(results, result)
    return f"{opening[:1].upper()}{opening[1:]}: {result.claim.strip().rstrip('.')}{evidence}."


def _estimate(contrast: Contrast) -> str:
    ci = "" if math.isnan(contrast.low) else f", {numbers.percent(round(contrast.level, 4))} CI {_interval(contrast)}"
    return f"{number(contrast, contrast.mean)}{ci}; claimed {bound(contrast)}"


def _withheld(contrast: Contrast) -> str:
    """The reason for a withheld verdict although the interval lies within the bounds, with a leading semicolon."""
    if not contrast.withheld:
        return ""
    return (
        f"; within the bounds, but not judged to hold with fewer than {ENOUGH} replicates: a large loss in a tenth of the searches may be "
        f"absent from these {contrast.replicates}"
    )


def _unattainable(contrast: Contrast) -> str:
    """The statement that the claimed difference cannot be observed with this target, with a leading semicolon."""
    if not contrast.unattainable or contrast.attainable is None:
        return ""
    reach = numbers.interval(*contrast.attainable, numbers.trials)
    return f", but only {reach} can be observed"


def number(contrast: Contrast, value: float) -> str:
    """A number of a comparison: two significant digits of half its interval's width, or four digits without an interval.

    The interval has enough digits to show on which side of the claimed bounds its ends are.
    """
    half = (contrast.high - contrast.low) / 2
    if not math.isfinite(half) or half <= 0:
        return numbers.MISSING if math.isnan(value) else numbers.general(value)
    limits = [limit for limit in (contrast.above, contrast.below) if limit is not None]
    decimals = max(0, 1 - math.floor(math.log10(half)))
    return numbers.metric(value, numbers.telling_decimals(decimals, (contrast.low, contrast.high), limits))


def _interval(contrast: Contrast) -> str:
    return numbers.interval(contrast.low, contrast.high, partial(number, contrast))


def bound(contrast: Contrast) -> str:
    """The claimed bounds of the number: "> 0.01", "< 3", "0 to 1"."""
    if contrast.above is not None and contrast.below is not None:
        return f"{numbers.general(contrast.above)} to {numbers.general(contrast.below)}"
    if contrast.above is not None:
        return f"> {numbers.general(contrast.above)}"
    return numbers.MISSING if contrast.below is None else f"< {numbers.general(contrast.below)}"


def chapter(results: Results) -> Iterator[Section]:
    """The table of all claims; empty without claims."""
    yield from section("Claims", table(results))


def table(results: Results) -> Table:
    """Every declared claim and the comparisons that determine its verdict."""
    rows = _rows(results)
    head: tuple[str, ...] = ("claim", "verdict", "what is compared", "estimate", "CI", "claimed", "verdict on it", "n")
    if not any(row[6] for row in rows):
        head, rows = (*head[:6], *head[7:]), tuple((*row[:6], *row[7:]) for row in rows)
    return Table("Claims that the study declares.", head, rows, left=3, note=_note(results))


def _rows(results: Results) -> tuple[tuple[str, ...], ...]:
    """One row for each comparison; claim and verdict are in the first row of a claim."""
    rows: list[tuple[str, ...]] = []
    for result in results.criteria:
        nothing = (*(numbers.MISSING,) * 4, "", "0")
        alone = len(result.contrasts) == 1 or results.provisional
        lines = [_line(contrast, alone=alone) for contrast in deciding(result, IN_TABLE)] or [nothing]
        openings = [(result.claim, verdict(results, result)), *[("", "")] * (len(lines) - 1)]
        rows.extend((*opening, *line) for opening, line in zip(openings, lines, strict=True))
    return tuple(rows)


def _note(results: Results) -> str:
    """The explanation of the table, and what it omits."""
    note = NOTE
    if not results.provisional and any(contrast.withheld for result in results.criteria for contrast in result.contrasts):
        note += (
            f" With fewer than {ENOUGH} replicates, no claim with two bounds is judged to hold: a rare large loss may be absent from "
            "them."
        )
    if any(contrast.unattainable for result in results.criteria for contrast in result.contrasts):
        note += (
            f" {UNATTAINABLE}: cannot be observed, since the difference is at most the trials of a search minus the mean of the faster "
            "view."
        )
    if all(len(result.contrasts) <= IN_TABLE for result in results.criteria):
        return note
    return f"{note} Of each claim, the table has the {IN_TABLE} comparisons with the strongest evidence against it; the JSON file has all."


def _line(contrast: Contrast, *, alone: bool) -> tuple[str, ...]:
    return (
        contrast.what,
        number(contrast, contrast.mean),
        numbers.MISSING if math.isnan(contrast.low) else f"{numbers.percent(round(contrast.level, 4))}: {_interval(contrast)}",
        bound(contrast) + (UNATTAINABLE if contrast.unattainable else ""),
        "" if alone else contrast.verdict,
        str(contrast.replicates),
    )
