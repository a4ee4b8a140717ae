"""Comparisons of the searches with random search and with the default point."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hpstudy.analysis.baselines.controls import Controls, DefaultControl, RandomControl, ViewControls
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.deviation import deviation
from hpstudy.analysis.statistics.permutation import smallest_p
from hpstudy.report import numbers
from hpstudy.report.charts import controls as charts
from hpstudy.report.csvs import Row
from hpstudy.report.model import Block, Paragraph, Section, Table, grouped, section
from hpstudy.report.notation import Notation

ABOVE_DEFAULT = "the best trial of a search is better than one training of the default, in part because it is selected"
BELOW_DEFAULT = "the default is better than what the search finds"
"""The wording of the verdicts on tuned minus default."""


def chapter(results: Results) -> Iterator[Section]:
    """Search, random search and default point; empty for a study without controls."""
    if (controls := results.controls) is None:
        return
    begun = [view for view in controls.views if _begun(view)]
    if not begun:
        yield Section("Controls", (Paragraph("No view has values of its searches and of its controls, so nothing is compared."),))
        return
    figures: list[Block] = [*map(Paragraph, sentences(results, controls)), *charts.charts(results, begun)]
    tables = (_against_random(results, begun), _good_points(results, controls), _tunability(results, begun))
    yield from section("Controls", *figures, *tables)


def sentences(results: Results, controls: Controls) -> Iterator[str]:
    """The results of the controls for every view, in sentences."""
    for view in controls.views:
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


TABLES = (charts.control_curves, charts.control_defaults, control_points)


def _begun(view: ViewControls) -> bool:
    if not np.isfinite(view.curve.mean).any():
        return False  # without a value of the search, nothing can be compared
    random = view.random is not None and bool(np.isfinite(view.random.curve.mean).any())
    return random or (view.default is not None and not math.isnan(view.default.mean))


def _random_sentence(results: Results, view: str, random: RandomControl) -> str:
    gap, budget = random.gap, results.study.search.trials
    trials = numbers.things(budget, "trial")
    assert gap is not None
    low, high = float(gap.low[-1]), float(gap.high[-1])
    verdict = _verdict(results, "random", random, "the search beats random search", "random search beats the search")
    text = (
        f"{view}: after {trials}, search minus random search is {_with_interval(results, float(gap.mean[-1]), low, high)}, over "
        f"{numbers.things(len(random.replicates), 'paired replicate')}: {verdict}."
    )
    if random.expected is None:
        return text
    if random.matching is not None:
        needed = f"about {numbers.things(random.matching, 'trial')}"
    else:
        half = int(random.searches.complete.sum()) * budget // 2
        needed = f"more than {numbers.things(half, 'trial')} (half of its trials)"
    return f"{text} Random search needs {needed} to find what the search finds in {budget}."


def _default_sentence(results: Results, view: str, default: DefaultControl) -> str:
    assert default.gain is not None
    pairs = numbers.things(len(default.replicates), "paired replicate")
    return (
        f"{view}: tuned minus default is {_with_interval(results, *default.gain)}, over {pairs}: "
        f"{_verdict(results, 'default', default, ABOVE_DEFAULT, BELOW_DEFAULT)}."
    )


def _with_interval(results: Results, mean: float, low: float, high: float) -> str:
    notation = Notation(results)
    value = f"{notation.value(mean)} in {notation.metric}"
    return value if math.isnan(low) else f"{value} ({notation.ci} {notation.interval(low, high)})"


def _verdict(results: Results, kind: str, control: RandomControl | DefaultControl, better: str, worse: str) -> str:
    """The verdict on the difference of a view and its control; `kind` is "random" or "default"."""
    assert results.controls is not None, "there is a control"
    if results.provisional or not results.controls.complete:
        return "not judged yet"
    if control.shown is None:
        return "not judged, since one replicate has no spread"
    if control.shown == 0:
        family = [getattr(view, kind) for view in results.controls.views]
        tests, n = sum(one is not None and one.shown is not None for one in family), len(control.replicates)
        if (floor := tests * smallest_p(n)) < 1 - results.study.analysis.confidence:
            return "no difference shown"
        return f"no difference shown, and {n} replicates cannot show one (no adjusted p is below {numbers.general(min(floor, 1.0), 2)})"
    return better if control.shown * results.study.metric.goal.sign > 0 else worse


def _against_random(results: Results, views: list[ViewControls]) -> Table:
    notation = Notation(results)
    rows = []
    for view in views:
        if (random := view.random) is None:
            continue
        curves = (view.curve, random.curve, random.expected)
        for budget in results.budgets:
            at, gap = budget - 1, random.gap
            difference = (gap.mean[at], gap.low[at], gap.high[at]) if gap else (math.nan,) * 3
            rows.append(
                (
                    view.view,
                    str(budget),
                    *(notation.value(float(curve.mean[at]) if curve else None) for curve in curves),
                    str(len(random.replicates)),
                    *notation.cells(*difference),
                )
            )
    head = ("view", "trials", "search", "random", "expected", "n", "search − random", notation.ci)
    note = (
        "Random: mean of random searches of the same space. Expected: the same from all their trials in any order, unbiased and less "
        f"noisy (Tang et al. 2020). Differences are paired, over n replicates; {notation.goal.better_side} 0 the search is better."
    )
    return Table(f"Best {notation.metric} so far of search and random search.", head, grouped(rows), note=note)


def _noise(results: Results) -> float:
    """Standard deviation over trainings of the same point: on fresh seeds, else of the default points; NaN where neither is known."""
    if results.confirmation is not None:
        floors = [view.metrics[0].components.floor for view in results.confirmation.views]
    else:
        defaults = [view.default.values for view in results.controls.views if view.default] if results.controls else []
        known = [values[~np.isnan(values)] for values in defaults]
        floors = [float(deviation(values)) for values in known if values.size > 1]
    return max((floor for floor in floors if not math.isnan(floor)), default=math.nan)


def _good_points(results: Results, controls: Controls) -> Block:
    """The share of good points; the reason for its absence if the margin is below the noise of one training."""
    margin, noise = results.study.analysis.margin, _noise(results)
    if margin is not None and noise > margin:
        return Paragraph(
            f"The share of good points is not given: the margin of {numbers.general(margin)} is below the noise of one "
            f"training ({Notation(results).value(noise)}), so the share within it of the best value would count favorable seeds."
        )
    notation = Notation(results)
    rows = tuple(
        (
            view.view,
            numbers.count(easy.points),
            numbers.count(easy.good),
            *numbers.cells(easy.share, easy.low, easy.high, lambda share: numbers.percent(round(share, 3))),
        )
        for view in controls.views
        if view.random is not None
        and (easy := view.random.easy) is not None
        and easy.points
        and not math.isnan(controls.best_known)
    )
    note = (
        f"Good: within the margin of {numbers.general(margin or 0)} of {notation.value(controls.best_known)}, the best {notation.metric} "
        "of any trial of the study. The larger the share, the easier the view is to tune. The best known value is biased by selection and "
        "taken as given (Wilson interval)."
    )
    return Table("Share of good points in each space.", ("view", "random points", "good", "share", notation.ci), rows, note=note)


def _tunability(results: Results, views: list[ViewControls]) -> Table:
    notation = Notation(results)
    rows = tuple(
        (
            view.view,
            *notation.cells(default.mean, default.low, default.high),
            str(len(default.replicates)),
            *notation.cells(*(default.gain or (math.nan,) * 3)),
            *numbers.share_cells(default.below),
        )
        for view in views
        if (default := view.default) is not None
    )
    head = ("view", "default", notation.ci, "n", "tuned − default", notation.ci, "below default", notation.ci)
    note = (
        f"Tuned: the best of {results.study.search.trials} trials of a search, which is biased by selection. The default point is trained "
        "once per replicate, with the seed of the search's first trial, and does not have this bias. Nor has the comparison with random "
        "search, since both select from the same number of trials. Below default: share of the searches whose best is worse than that "
        "training of the default (ties half, Wilson interval). It is the risk of tuning, and too small for the same reason."
    )
    return Table(f"Gain in {notation.metric} of tuning over the default point.", head, rows, note=note)
