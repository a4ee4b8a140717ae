"""What the searches chose, on fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.analysis.retraining.confirmation import Confirmation, ConfirmedMetric, ConfirmedView, PairedDifference
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.report import numbers
from hpstudy.report.charts import confirmation
from hpstudy.report.labels import long_name
from hpstudy.report.model import Block, Paragraph, Section, Table
from hpstudy.report.tables import interval

BELOW = "*"
"""Marks a difference that is smaller than the noise floor."""

FLOOR_NOTE = f"{BELOW} smaller than the noise floor, the standard deviation of one training of the same point from seed to seed."

SHARED = 0.1
"""Share of the noise that points share on a seed, above which the report speaks of it."""


TABLES = {function.__name__: function for function in (confirmation.confirmations, confirmation.confirmed_means)}


def chapter(results: Results) -> Iterator[Section]:
    """The bias of tuning scores, tunability, the noise of training, and the views compared on fresh seeds."""
    found = results.confirmation
    if found is None:
        return
    blocks: list[Block] = [Paragraph(summary(results, found)), confirmation.chart(results, found)]
    blocks += [_scores(results, found), _values(results, found), _noise(results, found)]
    if found.pairs:
        blocks.append(_pairs(results, found))
    yield Section("Confirmation on fresh seeds", tuple(blocks))


def summary(results: Results, found: Confirmation) -> str:
    """The chapter in a paragraph."""
    seeds = f"{found.seeds} fresh seeds" if found.seeds > 1 else "one fresh seed"
    sentences = [
        f"The best trial of every complete search, and every view's default point, was trained again on {seeds} that no search has seen."
    ]
    sentences += [_of_view(results, found, view) for view in found.views]
    sentences += [_of_pair(found, pair.a, pair.b, pair.differences[-1]) for pair in found.pairs]
    if lost := sum(view.data.lost for view in found.views):
        trainings = (
            f"{numbers.count(lost)} training{'s' if lost > 1 else ''} on fresh seeds gave no value and {_are(lost)} in no mean."
        )
        sentences.append(trainings)
    shares = [share for view in found.views if (share := _shared(view.metrics[0])) > SHARED]
    if shares:
        sentences.append(
            f"Points share up to {numbers.percent(round(max(shares), 2))} of the noise on a seed: it cancels in differences on the same "
            "seeds, while the intervals of means over searches take these seeds as given."
        )
    return " ".join(sentences)


def _of_view(results: Results, found: Confirmation, view: ConfirmedView) -> str:
    objective, last = view.metrics[0], view.metrics[-1]
    decimals = _decimals(found, objective.metric)
    name, searches = view.data.view, objective.tuned.n
    flattering = results.study.metric.goal.sign * view.gap.value
    side = "better" if flattering > 0 else "worse"
    text = (
        f"In {name} ({searches} search{'es' if searches > 1 else ''}) the tuning score, "
        f"{numbers.metric(float(view.data.tuning.mean()), decimals)}, is {numbers.metric(abs(view.gap.value), decimals)} {side} than "
        f"{objective.metric} on fresh seeds{_ends(view.gap, decimals, 'gap')}"
    )
    if last is not objective:
        text += f"; {last.metric} is {numbers.metric(last.tuned.value, _decimals(found, last.metric))}" + _ends(
            last.tuned, _decimals(found, last.metric)
        )
    if last.gain is not None:
        places = _decimals(found, last.metric)
        below = ", less than the noise of one training" if _below(last, last.gain) else ""
        text += f"; tuned minus default {numbers.metric(last.gain.value, places)}{_ends(last.gain, places)}{below}"
    return text + "."


def _of_pair(found: Confirmation, a: str, b: str, difference: PairedDifference) -> str:
    places = _decimals(found, difference.metric)
    floor = numbers.metric(difference.floor, places)
    relation = (
        "" if math.isnan(difference.floor) else f", {'below' if difference.below_floor else 'above'} the noise floor of {floor}"
    )
    return (
        f"On fresh seeds {difference.metric} of {a} minus {b} is {numbers.metric(difference.mean.value, places)}"
        f"{_ends(difference.mean, places)}{relation}."
    )


def _scores(results: Results, found: Confirmation) -> Table:
    """Tuning score against score on fresh seeds."""
    objective, level = found.metrics[0], numbers.percent(results.study.analysis.confidence)
    decimals = _decimals(found, objective)
    rows = [
        (
            long_name(results, view.data.view),
            str(view.metrics[0].tuned.n),
            numbers.metric(float(view.data.tuning.mean()), decimals),
            *_cells(view.metrics[0].tuned, decimals),
            *_cells(view.gap, decimals),
        )
        for view in found.views
    ]
    optimistic = results.study.metric.goal.better_side
    return Table(
        f"{objective} of what the searches chose: tuning score, and mean on {found.seeds} fresh seeds.",
        ("view", "searches", "tuning", "fresh", f"{level} interval", "gap", f"{level} interval"),
        tuple(rows),
        note=f"The gap is tuning minus fresh; {optimistic} 0 the tuning score flatters. Intervals: BCa over "
        "searches (fresh), t of the crossed means over searches and seeds (gap).",
    )


def _values(results: Results, found: Confirmation) -> Table:
    """Tuned against default."""
    level = numbers.percent(results.study.analysis.confidence)
    rows = []
    for name in found.metrics:
        for view in found.views:
            metric = next(metric for metric in view.metrics if metric.metric == name)
            decimals = _decimals(found, name)
            nothing = (numbers.MISSING, numbers.MISSING)
            rows.append(
                (
                    name if view is found.views[0] else "",
                    view.data.view,
                    *_cells(metric.tuned, decimals),
                    *(_cells(metric.default, decimals) if metric.default else nothing),
                    *(_cells(metric.gain, decimals, mark=_below(metric, metric.gain)) if metric.gain else nothing),
                )
            )
    ci = f"{level} interval"
    return Table(
        f"Tuned and default point on the same {found.seeds} fresh seeds.",
        ("metric", "view", "tuned", ci, "default", ci, "tuned − default", ci),
        tuple(rows),
        left=2,
        note="Intervals: BCa over searches (tuned), Student's t over seeds (default), t of the crossed means over searches and seeds "
        f"(tuned − default). {FLOOR_NOTE}",
    )


def _noise(results: Results, found: Confirmation) -> Table:
    """Variance components."""
    rows = []
    for name in found.metrics:
        for view in found.views:
            metric = next(metric for metric in view.metrics if metric.metric == name)
            parts, decimals = metric.components, _decimals(found, name)
            total = parts.between + parts.noise
            rows.append(
                (
                    name if view is found.views[0] else "",
                    long_name(results, view.data.view),
                    numbers.metric(math.sqrt(parts.between), decimals),
                    numbers.metric(parts.floor, decimals),
                    numbers.MISSING if not total > 0 else numbers.percent(round(parts.between / total, 2)),
                    numbers.MISSING if math.isnan(_shared(metric)) else numbers.percent(round(_shared(metric), 2)),
                    numbers.count(view.data.lost),
                )
            )
    return Table(
        "Where differences between trainings come from: standard deviations between searches and between seeds.",
        ("metric", "view", "between searches", "noise floor", "share of searches", "noise shared", "without value"),
        tuple(rows),
        left=2,
        note="Random effects of searches and seeds by the method of moments. The noise floor is the standard deviation of the same point "
        "from seed to seed; share of searches: of the variance of a single training; noise shared: by all points on a seed.",
    )


def _pairs(results: Results, found: Confirmation) -> Table:
    """Views compared on fresh seeds."""
    level = numbers.percent(results.study.analysis.confidence)
    rows = []
    for place, name in enumerate(found.metrics):
        for pair in found.pairs:
            difference, decimals = pair.differences[place], _decimals(found, name)
            rows.append(
                (
                    name if pair is found.pairs[0] else "",
                    f"{pair.a} − {pair.b}",
                    str(difference.mean.n),
                    *_cells(difference.mean, decimals, mark=difference.below_floor),
                    numbers.metric(difference.floor, decimals),
                )
            )
    return Table(
        "Views compared on fresh seeds, paired by replicate.",
        ("metric", "comparison", "replicates", "difference", f"{level} interval", "noise floor"),
        tuple(rows),
        left=2,
        note=f"BCa intervals over replicates. {FLOOR_NOTE}",
    )


def _decimals(found: Confirmation, metric: str) -> int:
    """Decimals that give the standard error of a view's mean two significant digits."""
    return numbers.decimals_of_points([view.data.scores[metric].mean(axis=1, keepdims=True) for view in found.views])


def _below(metric: ConfirmedMetric, difference: CountedEstimate) -> bool:
    return bool(abs(difference.value) < metric.components.floor)


def _shared(metric: ConfirmedMetric) -> float:
    """The share of the noise that all points share on a seed; NaN where it is not known."""
    noise, shared = metric.components.noise, metric.components.shared
    return shared / noise if noise > 0 else math.nan


def _cells(estimate: CountedEstimate, decimals: int, *, mark: bool = False) -> tuple[str, str]:
    value = numbers.metric(estimate.value, decimals) + (BELOW if mark else "")
    return value, interval(estimate.low, estimate.high, decimals)


def _ends(estimate: CountedEstimate, decimals: int, of: str = "") -> str:
    """The interval in brackets, with a leading space; nothing where there is none."""
    if math.isnan(estimate.low):
        return ""
    low, high = numbers.metric(estimate.low, decimals), numbers.metric(estimate.high, decimals)
    return f" ({of + ' ' if of else ''}{low} to {high})"


def _are(count: int) -> str:
    return "are" if count > 1 else "is"
