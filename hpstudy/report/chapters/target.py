"""Trials-to-target."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import distances as along
from hpstudy.report import numbers, wording
from hpstudy.report.charts import trials_to_target as charts
from hpstudy.report.model import Facts, Section, Table, grouped, section
from hpstudy.report.notation import Notation
from hpstudy.report.overview import many_comparisons


def chapter(results: Results) -> Iterator[Section]:
    """Trials until the searches reach the target, and the distances of the views; many comparisons in words."""
    if any(view.trials for view in results.views):
        figures = [charts.chart(results)] if results.has_values else []
        tables = (trials_to_target(results), trials_differences(results), distances(results))
        yield from section("Trials-to-target", *figures, *tables)
    if many_comparisons(results) and not results.declared:
        texts = (" ".join((wording.needs(results, pair), *wording.remarks(results, pair))) for pair in results.pairs)
        names = (f"{pair.a} − {pair.b}" for pair in results.pairs)
        yield Section("Every comparison in words", (Facts(tuple(zip(names, texts, strict=True))),))


def trials_to_target(results: Results) -> Table:
    """The number of trials that each view needs."""
    trials = results.study.search.trials
    rows = tuple(
        (
            view.name,
            f"{times.reached} of {times.complete}",
            numbers.interval(*times.rate, numbers.whole_percent) if times.complete else numbers.MISSING,
            "not reached" if times.survival.median is None else str(times.survival.median),
            numbers.trials(times.survival.restricted_mean),
        )
        for view in results.views
        if (times := view.trials) is not None
    )
    share = f"{Notation(results).ci} of the share"
    head = ("view", "searches that reached it", share, "median trials", f"mean trials within {trials}")
    note = (
        "Trials count from 1. Median and mean are read from the Kaplan-Meier curve of all searches; the mean is restricted: a search "
        f"that does not reach the target counts as {trials}."
    )
    if any(view.completeness.complete < view.completeness.searches for view in results.views):
        note += f" {numbers.MISSING}: not known before more searches finish."
    return Table(f"Trials until {wording.level_text(results)}, {wording.level_origin(results)}.", head, rows, note=note)


def trials_differences(results: Results) -> Table:
    """The difference in trials-to-target of each comparison."""
    compared = [(pair, pair.trials) for pair in results.pairs if pair.trials is not None]
    rows = tuple(
        (
            f"{pair.a} − {pair.b}",
            str(t.replicates),
            numbers.trials(t.mean_a),
            numbers.trials(t.mean_b),
            *numbers.restricted(t.difference, t.low, t.high, (t.reached_a, t.reached_b), t.replicates),
            numbers.interval(t.lowest, t.highest, numbers.trials),
            numbers.restricted(t.difference, t.resampled_low, t.resampled_high, (t.reached_a, t.reached_b), t.replicates)[1],
            numbers.p_cell(t.adjusted),
        )
        for pair, t in compared
    )
    head = ("A − B", "n", "mean A", "mean B", "difference", Notation(results).ci, "attainable", "CI, target resampled", "Holm")
    note = (
        "Restricted mean trials-to-target over paired replicates; above 0 the first view needs more trials. Attainable: the difference if "
        "one view never reached the target and the other kept its mean. Holm: sign-flip p"
        f"{numbers.plural(len(rows), '; one comparison needs no adjustment.', ', adjusted over the comparisons.')}"
    )
    if not all(math.isnan(t.resampled_low) for _, t in compared):
        note += (
            " The target is itself a statistic of this study. The first interval takes its level as given; the second computes it in "
            "every resample."
        )
    return Table("Trials-to-target compared.", head, rows, note=note)


def distances(results: Results) -> Table:
    """The horizontal distances of the mean curves, in trials."""
    notation, budget = Notation(results), results.study.search.trials
    rows = grouped(
        (
            f"{pair.a} − {pair.b}",
            "target" if d.budget is None else f"{pair.b} after {d.budget}",
            notation.value(d.level),
            *(f"> {budget}" if trial is None else str(trial) for trial in (d.trial_a, d.trial_b)),
            along.value(d, budget),
            along.interval(d, budget),
        )
        for pair in results.pairs
        for d in pair.distances
    )
    head = ("A − B", "level", notation.metric, "A at trial", "B at trial", "distance", notation.ci)
    note = (
        "Trial at which the mean best-so-far curve of A first reaches the level, minus that of B. "
        f"“> {budget}”: not within {numbers.things(budget, 'trial')} (censored); a distance is then a bound."
    )
    return Table("Horizontal distance of the mean curves.", head, rows, left=2, note=note)
