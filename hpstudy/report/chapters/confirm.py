"""The chosen points on fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from hpstudy.analysis.results import Results
from hpstudy.analysis.retraining.confirmation import Confirmation, ConfirmedMetric, ConfirmedView
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.goal import Goal
from hpstudy.report import non_inferiority, numbers
from hpstudy.report.charts import confirmation
from hpstudy.report.labels import long_name
from hpstudy.report.model import Paragraph, Section, Table, grouped, section
from hpstudy.report.notation import Notation

SHARED = 0.1
"""Share of the training noise common to all points on a seed above which the report mentions it."""


def chapter(results: Results) -> Iterator[Section]:
    """The bias of tuning scores, tunability, training noise, and comparisons of views on fresh seeds."""
    if (confirmed := results.confirmation) is None:
        return
    tables = (part(results, confirmed) for part in (_scores, _values, _noise, _pairs))
    yield from section(
        "Confirmation on fresh seeds",
        Paragraph(summary(results, confirmed)),
        confirmation.chart(results, confirmed),
        *tables,
        *map(Paragraph, non_inferiority.of_confirmed(results)),
    )


def summary(results: Results, confirmed: Confirmation) -> str:
    """The chapter in one paragraph, without the numbers of its tables."""
    sentences = [
        "The best trial of every complete search was retrained, and the default point of every view trained, on "
        f"{_seeds(confirmed)} that no search has seen."
    ]
    if _own_seeds(results):
        sentences.append(
            "Each replicate has fresh seeds of its own. The default points were trained on those of replicate 0 only, so tuned minus "
            "default compares means on different seeds."
        )
    sentences += _findings(results, confirmed)
    if lost := sum(view.data.lost for view in confirmed.views):
        are = numbers.plural(lost, "is", "are")
        sentences.append(f"{numbers.things(lost, 'training')} on fresh seeds gave no value and {are} in no mean.")
    shares = [share for view in confirmed.views if view.crossed and (share := _shared(view.metrics[0])) > SHARED]
    if shares:
        sentences.append(
            f"Points share up to {numbers.percent(round(max(shares), 2))} of the noise on a seed. It cancels in differences on the same "
            "seeds."
        )
    return " ".join(sentences)


def _seeds(confirmed: Confirmation) -> str:
    """The number of fresh seeds."""
    return numbers.things(confirmed.seeds, "fresh seed")


def _own_seeds(results: Results) -> bool:
    """Whether each replicate has fresh seeds of its own."""
    return results.study.confirm is not None and results.study.confirm.incumbents


def _findings(results: Results, confirmed: Confirmation) -> Iterator[str]:
    """On which side of 0 the gaps, tuned minus default, and the differences between views are."""
    objective, last = confirmed.metrics[0], confirmed.metrics[-1]
    better, worse = (f"the tuning score is {word} than {objective} on fresh seeds" for word in ("better", "worse"))
    above, below = (better, worse) if results.study.metric.goal is Goal.MAXIMIZE else (worse, better)
    gaps = {view.data.view: view.gap for view in confirmed.views}
    yield _sides(gaps, above, below, f"difference between the tuning score and {objective} on fresh seeds")
    if gains := {view.data.view: gain for view in confirmed.views if (gain := view.metrics[-1].gain) is not None}:
        higher, lower = (f"{last} is {word} at the tuned than at the default point" for word in ("higher", "lower"))
        yield _sides(gains, higher, lower, f"difference in {last} between the tuned and the default point")
    if pairs := {f"{pair.a} minus {pair.b}": pair.differences[-1].mean for pair in confirmed.pairs}:
        higher, lower = (f"the difference in {last} on fresh seeds is {word} 0" for word in ("above", "below"))
        yield _sides(pairs, higher, lower, f"difference in {last} on fresh seeds")
    means = (*gaps.values(), *gains.values(), *pairs.values())
    if not all(math.isnan(mean.low) for mean in means):
        yield f"Each of these statements is from a single {Notation(results).level} interval, without a correction for their number."


def _sides(estimates: Mapping[str, CountedEstimate], above: str, below: str, difference: str) -> str:
    """A sentence that groups estimates by the side of 0 on which their intervals lie.

    Args:
        estimates: estimates by name.
        above: what an interval above 0 means.
        below: what an interval below 0 means.
        difference: name of the quantity, which the sentence gives unless `above` or `below` has named it.
    """
    not_shown, unknown = "no difference is shown", "there is no interval"
    if not any(estimate.low > 0 or estimate.high < 0 for estimate in estimates.values()):
        not_shown, unknown = f"no {difference} is shown", f"there is no interval of the {difference}"
    names: dict[str, list[str]] = {above: [], below: [], not_shown: [], unknown: []}
    for name, estimate in estimates.items():
        if math.isnan(estimate.low):
            names[unknown].append(name)
        elif estimate.low > 0:
            names[above].append(name)
        else:
            names[below if estimate.high < 0 else not_shown].append(name)
    groups = (f"{', '.join(found)}, {meaning}" for meaning, found in names.items() if found)
    return f"For {'; for '.join(groups)}."


def _scores(results: Results, confirmed: Confirmation) -> Table:
    """The table of tuning scores and scores on fresh seeds."""
    objective, notation = confirmed.metrics[0], Notation(results)
    decimals, level = _decimals(confirmed, objective), f"{notation.level} interval"
    rows = tuple(
        (
            long_name(results, view.data.view),
            str(view.metrics[0].tuned.n),
            numbers.metric(float(view.data.tuning.mean()), decimals),
            *numbers.metric_cells(view.metrics[0].tuned, decimals),
            *numbers.metric_cells(view.gap, decimals),
        )
        for view in confirmed.views
    )
    return Table(
        f"{objective} of the chosen points: tuning score, and mean on {_seeds(confirmed)}.",
        ("view", "searches", "tuning", "fresh", level, "gap", level),
        rows,
        note=f"Gap: tuning minus fresh; {notation.goal.better_side} 0, the tuning score is optimistic. {_interval_note(confirmed)}",
    )


def _values(results: Results, confirmed: Confirmation) -> Table:
    """The table of tuned and default points."""
    rows = [
        (
            metric.metric,
            view.data.view,
            *numbers.metric_cells(metric.tuned, decimals),
            *numbers.metric_cells(metric.default, decimals),
            *numbers.metric_cells(metric.gain, decimals),
            *numbers.share_cells(view.below_default if metric is view.metrics[0] else None),
        )
        for view, metric, decimals in _measured(confirmed)
    ]
    ci = f"{Notation(results).level} interval"
    where, difference = f"the same {_seeds(confirmed)}", ""
    if _own_seeds(results):
        difference = "Tuned minus default: over searches, and over the seeds of the default. "
        where = f"{_seeds(confirmed)} of each replicate, the default point on those of replicate 0"
    gains = [(metric.gain, metric.tuned) for view in confirmed.views for metric in view.metrics if metric.gain is not None]
    if any(gain.n < tuned.n for gain, tuned in gains):
        difference += "Tuned minus default uses only searches with a value on every seed on which the default has one. "
    return Table(
        f"Tuned and default point on {where}.",
        ("metric", "view", "tuned", ci, "default", ci, "tuned − default", ci, "below default", ci),
        grouped(rows),
        left=2,
        note=f"{_interval_note(confirmed)} Default: over seeds. {difference}"
        "Below default: share of the searches whose chosen point has a worse mean than the default point, the risk of tuning (ties half). "
        "Its interval accounts for searches and for the seeds of the default, and covers with at least its nominal level.",
    )


def _noise(results: Results, confirmed: Confirmation) -> Table:
    """The table of variance components; the noise that points share is in it only if the searches have common seeds."""
    crossed = any(view.crossed for view in confirmed.views)
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
                *((_share(_shared(metric)),) if crossed else ()),
                numbers.count(view.data.lost),
            )
        )
    return Table(
        "Sources of variation between trainings: standard deviations between searches and between seeds.",
        (
            "metric",
            "view",
            "between searches",
            "noise floor",
            "share of searches",
            *(["noise shared"] * crossed),
            "without value",
        ),
        grouped(rows),
        left=2,
        note="Random effects of searches and seeds by the method of moments. Noise floor: standard deviation of the same point over seeds. "
        "Share of searches: of the variance of a single training."
        + (" Noise shared: share of the noise that is common to all points on a seed." if crossed else ""),
    )


def _pairs(results: Results, confirmed: Confirmation) -> Table:
    """The table of comparisons on fresh seeds."""
    rows = [
        (name, f"{pair.a} − {pair.b}", str(mean.n), *numbers.metric_cells(mean, _decimals(confirmed, name)))
        for index, name in enumerate(confirmed.metrics)
        for pair in confirmed.pairs
        for mean in (pair.differences[index].mean,)
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
        return "Intervals: Student's t over searches, each with its own seeds."
    if confirmed.seeds > 1:
        return "Intervals: Student's t over searches and seeds."
    return "Intervals: over searches, for this seed; one seed does not show how another would differ."
