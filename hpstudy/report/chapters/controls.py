"""What the searches are worth: against random search, and against the default point."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hpstudy.analysis.baselines.controls import Controls, DefaultControl, RandomControl, ViewControls
from hpstudy.analysis.results import Results
from hpstudy.goal import Goal
from hpstudy.report import numbers
from hpstudy.report.charts import controls as charts
from hpstudy.report.csvs import Row
from hpstudy.report.model import Block, Paragraph, Section, Table
from hpstudy.report.tables import interval

ABOVE_DEFAULT = "the best of a search is above one training of the default, part of it by the luck of the best draw"
BELOW_DEFAULT = "the default is better than what the search finds"
"""What is said of tuned minus default."""


def chapter(results: Results) -> Iterator[Section]:
    """Search, random search and no search; nothing for a study without controls."""
    found = results.controls
    if found is None:
        return
    begun = [view for view in found.views if _begun(view)]
    if not begun:
        yield Section("Controls", (Paragraph("The control searches have not begun."),))
        return
    blocks: list[Block] = [Paragraph(text) for text in sentences(results, found)]
    blocks += charts.charts(results, begun)
    blocks += [
        table for table in (_against_random(results, begun), _good_points(results, found), _tunability(results, begun)) if table
    ]
    yield Section("Controls", tuple(blocks))


def sentences(results: Results, found: Controls) -> Iterator[str]:
    """What the controls say of every view, in sentences to quote."""
    for view in found.views:
        parts = []
        if view.random is not None and view.random.gap is not None:
            parts.append(_random_sentence(results, view.view, view.random))
        if view.default is not None and view.default.gain is not None:
            parts.append(_default_sentence(results, view.view, view.default))
        if parts:
            yield " ".join(parts)


def control_points(results: Results) -> Iterator[Row]:
    """Random points near the best known value, and the trials that random search needs to match the searches."""
    yield "view", "points", "good", "share", "low", "high", "trials_to_match"
    for view in results.controls.views if results.controls else ():
        if view.random is not None:
            easy = view.random.easy
            shares = (easy.points, easy.good, easy.share, easy.low, easy.high) if easy else (None,) * 5
            yield view.view, *shares, view.random.matching


TABLES = {function.__name__: function for function in (charts.control_curves, charts.control_defaults, control_points)}


def _begun(view: ViewControls) -> bool:
    random = view.random is not None and bool(np.isfinite(view.random.curve.mean).any())
    return random or (view.default is not None and not math.isnan(view.default.mean))


def _random_sentence(results: Results, view: str, random: RandomControl) -> str:
    gap, trials = random.gap, results.study.search.trials
    assert gap is not None
    mean, low, high = float(gap.mean[-1]), float(gap.low[-1]), float(gap.high[-1])
    verdict = _verdict(results, low, high, "the search beats random search", "random search beats the search")
    text = (
        f"{view}: after {trials} trials, search minus random search is {_with_interval(results, mean, low, high)}, over "
        f"{_paired(len(random.replicates))}: {verdict}."
    )
    if random.expected is None:
        return text
    needed = f"about {random.matching} trial{'s' if random.matching > 1 else ''}" if random.matching is not None else ""
    if not needed:
        half = int(random.searches.complete.sum()) * trials // 2
        needed = f"more than {half} trials, half of those at hand,"
    return f"{text} Random search needs {needed} to find what the search finds in {trials}."


def _default_sentence(results: Results, view: str, default: DefaultControl) -> str:
    assert default.gain is not None
    _, low, high = default.gain
    return (
        f"{view}: tuned minus default is {_with_interval(results, *default.gain)}, over {_paired(len(default.replicates))}: "
        f"{_verdict(results, low, high, ABOVE_DEFAULT, BELOW_DEFAULT)}."
    )


def _with_interval(results: Results, mean: float, low: float, high: float) -> str:
    decimals, level = numbers.decimals_of(results), numbers.percent(results.study.analysis.confidence)
    value = f"{numbers.metric(mean, decimals)} in {results.study.metric.name}"
    if math.isnan(low):
        return value
    return f"{value} ({level} CI {numbers.metric(low, decimals)} to {numbers.metric(high, decimals)})"


def _paired(replicates: int) -> str:
    return f"{replicates} paired replicate{'s' if replicates > 1 else ''}"


def _verdict(results: Results, low: float, high: float, better: str, worse: str) -> str:
    """What an interval of a difference says."""
    if math.isnan(low):
        return "one replicate has no spread to judge it by"
    if results.study.metric.goal is Goal.MINIMIZE:
        low, high = -high, -low
    return better if low > 0 else worse if high < 0 else "the trials do not tell the two apart"


def _against_random(results: Results, views: list[ViewControls]) -> Table | None:
    decimals, level = numbers.decimals_of(results), numbers.percent(results.study.analysis.confidence)
    rows = []
    for view in views:
        random = view.random
        if random is None:
            continue
        for budget in results.budgets:
            at = budget - 1
            gap, expected = random.gap, random.expected
            rows.append(
                (
                    view.view if budget == results.budgets[0] else "",
                    str(budget),
                    numbers.metric(float(view.curve.mean[at]), decimals),
                    numbers.metric(float(random.curve.mean[at]), decimals),
                    numbers.metric(float(expected.mean[at]) if expected else None, decimals),
                    str(len(random.replicates)),
                    numbers.metric(float(gap.mean[at]) if gap else None, decimals),
                    interval(float(gap.low[at]), float(gap.high[at]), decimals) if gap else numbers.MISSING,
                )
            )
    if not rows:
        return None
    head = ("view", "trials", "search", "random", "expected", "n", "search − random", f"{level} CI")
    better = results.study.metric.goal.better_side
    note = (
        "Random: mean of random searches of the same space. Expected: the same from all their trials in whatever order, unbiased and less "
        "noisy (Tang et al. 2020). "
        f"Differences are paired, over n replicates; {better} 0 the search is better."
    )
    return Table(f"Best {results.study.metric.name} so far of search and random search.", head, tuple(rows), note=note)


def _good_points(results: Results, found: Controls) -> Table | None:
    decimals, level = numbers.decimals_of(results), numbers.percent(results.study.analysis.confidence)
    rows = [
        (
            view.view,
            numbers.count(easy.points),
            numbers.count(easy.good),
            numbers.percent(round(easy.share, 3)),
            f"{numbers.percent(round(easy.low, 3))} to {numbers.percent(round(easy.high, 3))}",
        )
        for view in found.views
        if view.random is not None and (easy := view.random.easy) is not None and easy.points
    ]
    if not rows or math.isnan(found.best_known):
        return None
    head = ("view", "random points", "good", "share", f"{level} CI")
    best = numbers.metric(found.best_known, decimals)
    note = (
        f"Good: within the margin of {numbers.general(results.study.analysis.margin or 0)} of {best}, the best "
        f"{results.study.metric.name} of any trial of the study. The larger the share, the easier the view is to tune. The best known "
        "value is the luckiest of many and taken as it is (Wilson interval)."
    )
    return Table("How much of each space is good.", head, tuple(rows), note=note)


def _tunability(results: Results, views: list[ViewControls]) -> Table | None:
    decimals, level = numbers.decimals_of(results), numbers.percent(results.study.analysis.confidence)
    rows = []
    for view in views:
        if (default := view.default) is None:
            continue
        mean, low, high = default.gain or (math.nan,) * 3
        rows.append(
            (
                view.view,
                numbers.metric(default.mean, decimals),
                interval(default.low, default.high, decimals),
                str(len(default.replicates)),
                numbers.metric(mean, decimals),
                interval(low, high, decimals),
            )
        )
    if not rows:
        return None
    head = ("view", "default", f"{level} CI", "n", "tuned − default", f"{level} CI")
    note = (
        f"Tuned: the best of {results.study.search.trials} trials of a search, of which one part is the luck of the best draw; the "
        "default point is trained once per replicate, with the seed of the search's first trial, and has no such luck. The comparison "
        "with random search is free of this, since both choose from as many trials."
    )
    return Table(f"What tuning gains in {results.study.metric.name} on the default point.", head, tuple(rows), note=note)
