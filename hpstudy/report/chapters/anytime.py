"""Budget-free statistics of whole searches: ratios of trials-to-target, and anytime scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from hpstudy.analysis.curves.anytime import TARGETS
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.report import numbers
from hpstudy.report.charts import anytime
from hpstudy.report.model import Section, Table, section
from hpstudy.report.notation import Notation

ROUNDED = 1e-12
"""Relative width below which an interval is one value, apart from rounding."""


def chapter(results: Results) -> Iterator[Section]:
    """Ratios of trials-to-target; the runtime ECDF and the anytime scores."""
    if (supplement := results.supplement) is None:
        return
    yield from section("Ratios of trials-to-target", _runtimes(results, supplement), _ratios(results, supplement))
    if supplement.scale is None or not any(view.anytime for view in supplement.views):
        return
    tables = (_scores(results, supplement), _differences(results, supplement))
    yield from section("Anytime performance", *anytime.charts(results, supplement), *tables)


def _runtimes(results: Results, supplement: Supplement) -> Table:
    rows = tuple(
        (view.name, *numbers.estimate_cells(runtime, _runtime))
        for view in supplement.views
        if (runtime := view.runtime) is not None
    )
    note = (
        "Trials of all complete searches over the number of searches that reached the target: the mean number of trials until "
        "success if a search without success is restarted. ∞: no search reached it."
    )
    return Table("Average runtime to the target.", ("view", "aRT, trials", Notation(results).ci), rows, note=note)


def _ratios(results: Results, supplement: Supplement) -> Table:
    rows = tuple(
        (
            f"{pair.a} / {pair.b}",
            *_ratio(pair.ratio),
            *_ratio(pair.runtime_ratio),
            numbers.p_cell(pair.log_rank),
        )
        for pair in supplement.pairs
        if pair.ratio is not None and pair.runtime_ratio is not None
    )
    ci = Notation(results).ci
    note = (
        "× 2 means that A needs twice the trials of B. Restricted means count a search without the target as "
        f"{numbers.things(results.study.search.trials, 'trial')}, which pulls their ratio toward 1; average runtimes do not. Intervals: "
        "paired bootstrap, with the target's level taken as given; with fewer than 10 replicates they are too short. Log-rank: "
        "p of the unpaired test over all searches, as a check; "
        "with fewer than 10 replicates it is too small."
    )
    head = ("A / B", "restricted means", ci, "average runtimes", ci, "log-rank p")
    return Table("Trials-to-target as a ratio.", head, rows, note=note)


def _scores(results: Results, supplement: Supplement) -> Table:
    rated = [(view.name, view.anytime) for view in supplement.views if view.anytime is not None]
    areas, scores = _decimals([more.ecdf_area for _, more in rated]), _decimals([more.score for _, more in rated])
    rows = tuple(
        (view, str(more.replicates), *numbers.metric_cells(more.ecdf_area, areas), *numbers.metric_cells(more.score, scores))
        for view, more in rated
    )
    scale, notation = supplement.scale, Notation(results)
    assert scale is not None, "there is no rating without a scale"
    note = (
        f"0 is {notation.value(scale.first)}, the median first trial of all searches, and 1 is {notation.value(scale.known)}, the best "
        f"value of any trial; both are taken as given. ECDF area: mean over the trials of the share of {TARGETS} targets, at equal "
        "distances between the two, that a search has reached. Score: mean over the trials of the best so far on that scale, 1 minus the "
        "normalized regret; below 0 where it was worse than the median first trial."
    )
    head = ("view", "searches", "ECDF area", notation.ci, "score", notation.ci)
    return Table("Anytime scores.", head, rows, note=note)


def _differences(results: Results, supplement: Supplement) -> Table:
    rated = [(f"{pair.a} − {pair.b}", pair.anytime) for pair in supplement.pairs if pair.anytime is not None]
    areas, scores = _decimals([more.ecdf_area for _, more in rated]), _decimals([more.score for _, more in rated])
    notation = Notation(results)
    rows = tuple(
        (
            pair,
            *numbers.metric_cells(more.ecdf_area, areas),
            *numbers.metric_cells(more.score, scores),
            *numbers.metric_cells(more.metric, notation.decimals),
        )
        for pair, more in rated
    )
    metric, ci = notation.metric, notation.ci
    head = ("A − B", "ECDF area", ci, "score", ci, metric, ci)
    note = (
        f"Paired replicates. Above 0 the scores favor the first view. {metric}: mean over the trials of the difference of the "
        "best so far, which needs no scale."
    )
    return Table("Differences of anytime scores.", head, rows, note=note)


def _ratio(ratio: Estimate) -> tuple[str, str]:
    if math.isnan(ratio.value):
        return numbers.MISSING, numbers.MISSING
    return f"× {_times(ratio.value)}", numbers.interval(ratio.low, ratio.high, _times)


def _times(value: float) -> str:
    return "∞" if math.isinf(value) else numbers.general(value, 2 if value < 10 else 3)


def _runtime(trials: float) -> str:
    return numbers.trials(trials) if math.isfinite(trials) else "∞"


def _decimals(means: Sequence[Estimate]) -> int:
    """Decimals that show two significant digits of the standard error of the narrowest interval, about a quarter of its width."""
    widths = [mean.high - mean.low for mean in means if mean.high - mean.low > ROUNDED * max(abs(mean.low), abs(mean.high))]
    return max(0, 1 - math.floor(math.log10(min(widths) / 4))) if widths else 2
