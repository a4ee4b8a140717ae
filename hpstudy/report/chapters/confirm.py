"""The chosen points on fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from hpstudy.analysis.results import Results
from hpstudy.analysis.retraining.confirmation import Confirmation, ConfirmedMetric, ConfirmedView, PairedDifference
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.report import non_inferiority, numbers
from hpstudy.report.charts import confirmation
from hpstudy.report.labels import long_name
from hpstudy.report.model import Block, Paragraph, Section, Table, grouped
from hpstudy.report.notation import Notation

SHARED = 0.1
"""Share of the training noise common to all points on a seed above which the report mentions it."""


TABLES = {function.__name__: function for function in (confirmation.confirmations, confirmation.confirmed_means)}


def chapter(results: Results) -> Iterator[Section]:
    """The bias of tuning scores, tunability, training noise, and comparisons of views on fresh seeds."""
    if (confirmed := results.confirmation) is None:
        return
    blocks: list[Block] = [Paragraph(summary(results, confirmed)), confirmation.chart(results, confirmed)]
    blocks += [_scores(results, confirmed), _values(results, confirmed), _noise(results, confirmed)]
    if confirmed.pairs:
        blocks.append(_pairs(results, confirmed))
        blocks += [Paragraph(text) for text in non_inferiority.of_confirmed(results)]
    yield Section("Confirmation on fresh seeds", tuple(blocks))


def summary(results: Results, confirmed: Confirmation) -> str:
    """The chapter in one paragraph."""
    seeds = f"{confirmed.seeds} fresh seeds" if confirmed.seeds > 1 else "one fresh seed"
    sentences = [
        f"The best trial of every complete search, and every view's default point, was trained again on {seeds} that no search has seen."
    ]
    if _own_seeds(results):
        sentences.append(
            "Each replicate has fresh seeds of its own. The default points were trained on those of replicate 0 only, so tuned minus "
            "default compares means on different seeds."
        )
    sentences += [_of_view(results, confirmed, view) for view in confirmed.views]
    sentences += [_of_pair(confirmed, pair.a, pair.b, pair.differences[-1]) for pair in confirmed.pairs]
    if lost := sum(view.data.lost for view in confirmed.views):
        are = "are" if lost > 1 else "is"
        sentences.append(f"{numbers.things(lost, 'training')} on fresh seeds gave no value and {are} in no mean.")
    shares = [share for view in confirmed.views if view.crossed and (share := _shared(view.metrics[0])) > SHARED]
    if shares:
        sentences.append(
            f"Points share up to {numbers.percent(round(max(shares), 2))} of the noise on a seed. It cancels in differences on the same "
            "seeds."
        )
    return " ".join(sentences)


def _own_seeds(results: Results) -> bool:
    """Whether each replicate has fresh seeds of its own."""
    return results.study.confirm is not None and results.study.confirm.incumbents


def _of_view(results: Results, confirmed: Confirmation, view: ConfirmedView) -> str:
    objective, last = view.metrics[0], view.metrics[-1]
    decimals, places = _decimals(confirmed, objective.metric), _decimals(confirmed, last.metric)
    flattering = results.study.metric.goal.sign * view.gap.value
    side = "better" if flattering > 0 else "worse"
    text = (
        f"In {view.data.view} ({numbers.things(objective.tuned.n, 'search', 'es')}) the tuning score, "
        f"{numbers.metric(float(view.data.tuning.mean()), decimals)}, is {numbers.metric(abs(view.gap.value), decimals)} {side} than "
        f"{objective.metric} on fresh seeds{_ends(view.gap, decimals, 'gap')}"
    )
    if last is not objective:
        text += f"; {last.metric} is {numbers.metric(last.tuned.value, places)}{_ends(last.tuned, places)}"
    if last.gain is not None:
        text += f"; tuned minus default {numbers.metric(last.gain.value, places)}{_ends(last.gain, places)}"
    if view.below_default is not None:
        share, interval = numbers.share_cells(view.below_default)
        text += f"; {share} of the searches end below the default point"
        text += "" if interval == numbers.MISSING else f" ({interval})"
    return text + "."


def _of_pair(confirmed: Confirmation, a: str, b: str, difference: PairedDifference) -> str:
    places = _decimals(confirmed, difference.metric)
    mean = difference.mean
    shown = " No difference shown." if mean.low <= 0 <= mean.high else ""
    return f"{difference.metric} on fresh seeds, {a} minus {b}: {numbers.metric(mean.value, places)}{_ends(mean, places)}.{shown}"


def _scores(results: Results, confirmed: Confirmation) -> Table:
    """The table of tuning scores and scores on fresh seeds."""
    objective, notation = confirmed.metrics[0], Notation(results)
    decimals, level = _decimals(confirmed, objective), f"{notation.level} interval"
    rows = tuple(
        (
            long_name(results, view.data.view),
            str(view.metrics[0].tuned.n),
            numbers.metric(float(view.data.tuning.mean()), decimals),
            *_cells(view.metrics[0].tuned, decimals),
            *_cells(view.gap, decimals),
        )
        for view in confirmed.views
    )
    return Table(
        f"{objective} of what the searches chose: tuning score, and mean on {confirmed.seeds} fresh seeds.",
        ("view", "searches", "tuning", "fresh", level, "gap", level),
        rows,
        note=f"The gap is tuning minus fresh; {notation.goal.better_side} 0 the tuning score flatters. {_interval_note(confirmed)}",
    )


def _values(results: Results, confirmed: Confirmation) -> Table:
    """The table of tuned and default points."""
    rows = [
        (
            metric.metric,
            view.data.view,
            *_cells(metric.tuned, decimals),
            *_cells(metric.default, decimals),
            *_cells(metric.gain, decimals),
            *numbers.share_cells(view.below_default if metric is view.metrics[0] else None),
        )
        for view, metric, decimals in _measured(confirmed)
    ]
    ci = f"{Notation(results).level} interval"
    where, difference = f"the same {confirmed.seeds} fresh seeds", ""
    if _own_seeds(results):
        difference = "Tuned minus default: over searches, and over the seeds of the default. "
        where = f"{confirmed.seeds} fresh seeds of each replicate, the default point on those of replicate 0"
    return Table(
        f"Tuned and default point on {where}.",
        ("metric", "view", "tuned", ci, "default", ci, "tuned − default", ci, "below default", ci),
        grouped(rows),
        left=2,
        note=f"{_interval_note(confirmed)} Default: over seeds. {difference}"
        "Below default: share of the searches whose chosen point has a worse mean "
        "than the default point, the risk of tuning (ties half; the interval counts searches and the seeds of the default, and covers at "
        "least as often as it says).",
    )


def _noise(results: Results, confirmed: Confirmation) -> Table:
    """The table of variance components."""
    rows = []
    for view, metric, decimals in _measured(confirmed):
        parts = metric.components
        total = parts.between + parts.noise
        rows.append(
            (
                metric.metric,
                long_name(results, view.data.view),
                numbers.metric(math.sqrt(parts.between), decimals),
                numbers.metric(parts.floor, decimals),
                _share(parts.between / total if total > 0 else math.nan),
                _share(_shared(metric)),
                numbers.count(view.data.lost),
            )
        )
    return Table(
        "Where differences between trainings come from: standard deviations between searches and between seeds.",
        ("metric", "view", "between searches", "noise floor", "share of searches", "noise shared", "without value"),
        grouped(rows),
        left=2,
        note="Random effects of searches and seeds by the method of moments. The noise floor is the standard deviation of the same point "
        "from seed to seed; share of searches: of the variance of a single training; noise shared: by all points on a seed.",
    )


def _pairs(results: Results, confirmed: Confirmation) -> Table:
    """The table of comparisons on fresh seeds."""
    rows = [
        (
            name,
            f"{pair.a} − {pair.b}",
            str(difference.mean.n),
            *_cells(difference.mean, decimals),
        )
        for index, (name, decimals) in enumerate((name, _decimals(confirmed, name)) for name in confirmed.metrics)
        for pair in confirmed.pairs
        for difference in (pair.differences[index],)
    ]
    return Table(
        "Views compared on fresh seeds, paired by replicate.",
        ("metric", "comparison", "replicates", "difference", f"{Notation(results).level} interval"),
        grouped(rows),
        left=2,
        note=_interval_note(confirmed),
    )


def _measured(confirmed: Confirmation) -> Iterator[tuple[ConfirmedView, ConfirmedMetric, int]]:
    """Every metric of every view, ordered by metric, with the metric's decimals."""
    for name in confirmed.metrics:
        decimals = _decimals(confirmed, name)
        for view in confirmed.views:
            yield view, next(metric for metric in view.metrics if metric.metric == name), decimals


def _decimals(confirmed: Confirmation, metric: str) -> int:
    """Decimals that show two significant digits of the standard error of a view's mean."""
    return numbers.decimals_of_points([view.data.scores[metric].mean(axis=1, keepdims=True) for view in confirmed.views])


def _share(share: float) -> str:
    return numbers.MISSING if math.isnan(share) else numbers.percent(round(share, 2))


def _shared(metric: ConfirmedMetric) -> float:
    """The share of the training noise common to all points on a seed; NaN where it is not known."""
    noise, shared = metric.components.noise, metric.components.shared
    return shared / noise if noise > 0 else math.nan


def _interval_note(confirmed: Confirmation) -> str:
    """The note that names the sampling units of the intervals."""
    if not all(view.crossed for view in confirmed.views):
        return "Intervals: Student's t over searches, each on seeds of its own."
    if confirmed.seeds > 1:
        return "Intervals: Student's t over searches and seeds."
    return "Intervals: over searches, for this seed; one seed does not tell how another would differ."


def _cells(estimate: CountedEstimate | None, decimals: int) -> tuple[str, str]:
    """The cells of a value and its interval."""
    if estimate is None:
        return numbers.MISSING, numbers.MISSING
    return numbers.cells(estimate.value, estimate.low, estimate.high, partial(numbers.metric, decimals=decimals))


def _ends(estimate: CountedEstimate, decimals: int, of: str = "") -> str:
    """The interval in brackets, with a leading space; "" without an interval."""
    if math.isnan(estimate.low):
        return ""
    return f" ({of + ' ' if of else ''}{_cells(estimate, decimals)[1]})"
