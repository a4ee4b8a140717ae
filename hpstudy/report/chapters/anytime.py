"""Whole searches instead of single budgets: how many times the trials, and how far a search is on average."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpstudy.analysis.curves.anytime import TARGETS, Mean
from hpstudy.analysis.extended import Extended
from hpstudy.analysis.results import Results
from hpstudy.analysis.targets.average_runtime import Ratio
from hpstudy.report import numbers, overview, style
from hpstudy.report.csvs import Row
from hpstudy.report.figures import panels
from hpstudy.report.figures.progress import trial_axis
from hpstudy.report.labels import label, name
from hpstudy.report.model import Block, Drawing, Section, Table
from hpstudy.report.tables import interval


def runtime_ecdf(results: Results) -> Iterator[Row]:
    """The runtime ECDF of every view."""
    yield "view", "trials", "searches", "share", "low", "high"
    for view in results.extended.views if results.extended else ():
        if (found := view.anytime) is not None:
            columns = (column.tolist() for column in (found.ecdf, found.ecdf_low, found.ecdf_high))
            for place, row in enumerate(zip(*columns, strict=True)):
                yield view.name, place + 1, found.replicates, *row


def anytime_scores(results: Results) -> Iterator[Row]:
    """The ratings of every view over all trials."""
    yield "view", "searches", "ecdf_area", "ecdf_low", "ecdf_high", "score", "score_low", "score_high"
    for view in results.extended.views if results.extended else ():
        if (found := view.anytime) is not None:
            area, score = found.ecdf_area, found.score
            yield view.name, found.replicates, area.value, area.low, area.high, score.value, score.low, score.high


TABLES = {"runtime_ecdf": runtime_ecdf, "anytime_scores": anytime_scores}


def chapter(results: Results) -> Iterator[Section]:
    """Ratios of trials-to-target; the runtime ECDF and the ratings over all trials."""
    if (found := results.extended) is None:
        return
    if times := [table for table in (_runtimes(results, found), _ratios(results, found)) if table is not None]:
        yield Section("How many times the trials", tuple(times))
    if found.scale is None or not any(view.anytime for view in found.views):
        return
    drawn = _drawings(results, found) if overview.many_views(results) else (_drawing(results, found),)
    blocks: list[Block] = [*drawn, _scores(results, found)]
    if any(pair.anytime for pair in found.pairs):
        blocks.append(_differences(results, found))
    yield Section("Over all numbers of trials", tuple(blocks))


def _runtimes(results: Results, found: Extended) -> Table | None:
    rows = tuple(
        (
            view.name,
            numbers.trials(view.runtime.value) if math.isfinite(view.runtime.value) else "∞",
            _runtime_interval(view.runtime),
        )
        for view in found.views
        if view.runtime is not None
    )
    if not rows:
        return None
    note = (
        "Trials of all complete searches over the number of searches that reached the target: the mean number of trials until "
        "success when a search without success is started again. ∞: no search reached it."
    )
    return Table("Average runtime to the target.", ("view", "aRT, trials", f"{_level(results)} CI"), rows, note=note)


def _ratios(results: Results, found: Extended) -> Table | None:
    rows = tuple(
        (
            f"{pair.a} / {pair.b}",
            *_ratio(pair.ratio),
            *_ratio(pair.runtime_ratio),
            numbers.MISSING
            if pair.log_rank is None or math.isnan(pair.log_rank)
            else numbers.p_value(pair.log_rank).removeprefix("= "),
        )
        for pair in found.pairs
        if pair.ratio is not None and pair.runtime_ratio is not None
    )
    if not rows:
        return None
    level = _level(results)
    note = (
        "× 2 means that A needs twice the trials of B. Restricted means count a search without the target as "
        f"{results.study.search.trials} trials, which pulls their ratio towards 1; average runtimes do not. Intervals: paired "
        "bootstrap, with the target's level taken as given. Log-rank: p of the unpaired test over all searches, as a check."
    )
    head = ("A / B", "restricted means", f"{level} CI", "average runtimes", f"{level} CI", "log-rank p")
    return Table("Trials-to-target as a ratio.", head, rows, note=note)


def _scores(results: Results, found: Extended) -> Table:
    rated = [(view.name, view.anytime) for view in found.views if view.anytime is not None]
    areas, scores = _decimals([more.ecdf_area for _, more in rated]), _decimals([more.score for _, more in rated])
    rows = tuple((view, str(more.replicates), *_mean(more.ecdf_area, areas), *_mean(more.score, scores)) for view, more in rated)
    scale, decimals, level = found.scale, numbers.decimals_of(results), _level(results)
    assert scale is not None, "there is no rating without a scale"
    note = (
        f"0 is {numbers.metric(scale.first, decimals)}, the median first trial of all searches, and 1 is "
        f"{numbers.metric(scale.known, decimals)}, the best value of any trial; both are taken as given. ECDF area: mean over the "
        f"trials of the share of {TARGETS} targets, at equal distances between the two, that a search has reached. Score: mean "
        "over the trials of the best so far on that scale, 1 minus the normalised regret; below 0 where it was worse than the "
        "median first trial."
    )
    head = ("view", "searches", "ECDF area", f"{level} CI", "score", f"{level} CI")
    return Table("Ratings over all trials.", head, rows, note=note)


def _differences(results: Results, found: Extended) -> Table:
    rated = [(f"{pair.a} − {pair.b}", pair.anytime) for pair in found.pairs if pair.anytime is not None]
    areas, scores = _decimals([more.ecdf_area for _, more in rated]), _decimals([more.score for _, more in rated])
    decimals, level = numbers.decimals_of(results), _level(results)
    rows = tuple(
        (pair, *_mean(more.ecdf_area, areas), *_mean(more.score, scores), *_mean(more.metric, decimals)) for pair, more in rated
    )
    metric = results.study.metric.name
    head = ("A − B", "ECDF area", f"{level} CI", "score", f"{level} CI", metric, f"{level} CI")
    note = (
        f"Paired replicates. Above 0 the ratings favour the first view. {metric}: mean over the trials of the difference of the "
        "best so far, which needs no scale."
    )
    return Table("Ratings over all trials compared.", head, rows, note=note)


def _drawing(results: Results, found: Extended) -> Drawing:
    level = _level(results)
    return Drawing(
        "anytime",
        lambda: _figure(results, found),
        f"Runtime ECDF over {TARGETS} targets, and score over all trials, of every view.",
        f"Left: share of searches and targets reached after a number of trials, with pointwise {level} intervals; higher is "
        f"faster. Right: the score with its {level} interval. Intervals that overlap do not show that views are alike: the "
        "differences are in the table.",
        ("runtime_ecdf", "anytime_scores"),
    )


def _drawings(results: Results, found: Extended) -> tuple[Drawing, Drawing]:
    """The same of many views: a panel for each curve, and the scores in a figure of their own."""
    level = _level(results)
    return (
        Drawing(
            "anytime",
            lambda: panels.panels(results, lambda axes, index: _one_ecdf(axes, results, found, index)),
            f"Runtime ECDF over {TARGETS} targets of every view.",
            f"Share of searches and targets reached after a number of trials, with its pointwise {level} interval; higher is faster."
            f"{panels.reference_words(results, 'the curve')}",
            ("runtime_ecdf",),
        ),
        Drawing(
            "anytime_scores",
            lambda: _score_figure(results, found),
            "Score over all trials of every view.",
            f"A bar is the {level} interval. Intervals that overlap do not show that views are alike: the differences are in the table."
            f"{panels.reference_words(results, 'the score')}",
            ("anytime_scores",),
        ),
    )


def _one_ecdf(axes: Axes, results: Results, found: Extended, index: int) -> None:
    other = panels.reference(results, index)
    if other is not None and (grey := found.views[other].anytime) is not None:
        axes.step(np.arange(1, len(grey.ecdf) + 1), grey.ecdf, where="post", color=panels.GREY, linewidth=1.1)
    if (more := found.views[index].anytime) is not None:
        trial, colour = np.arange(1, len(more.ecdf) + 1), style.colour(index)
        axes.fill_between(trial, more.ecdf_low, more.ecdf_high, color=colour, alpha=0.18, linewidth=0, step="post")
        axes.step(trial, more.ecdf, where="post", color=colour, linewidth=1.6)
    _axes_of_shares(axes, results)


def _score_figure(results: Results, found: Extended) -> Figure:
    figure = Figure(figsize=(style.WIDTH, 0.6 + min(0.19 * len(found.views), panels.TALLEST)), layout="constrained")
    axes = figure.add_subplot()
    _intervals(axes, found)
    other = panels.reference(results)
    if other is not None and (grey := found.views[other].anytime) is not None:
        axes.axvline(grey.score.value, color=panels.GREY, linewidth=0.8, zorder=1)
    return figure


def _figure(results: Results, found: Extended) -> Figure:
    figure = Figure(figsize=(style.WIDTH, max(2.8, 1.2 + 0.22 * len(found.views))), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.7, 1))
    _ecdf(left, results, found)
    _intervals(right, found)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=_columns(results))
    return figure


def _ecdf(axes: Axes, results: Results, found: Extended) -> None:
    for index, view in enumerate(found.views):
        if (more := view.anytime) is None:
            continue
        trial, colour = np.arange(1, len(more.ecdf) + 1), style.colour(index)
        every = max(1, len(trial) // 12)
        axes.fill_between(trial, more.ecdf_low, more.ecdf_high, color=colour, alpha=0.18, linewidth=0, step="post")
        axes.plot(
            trial,
            more.ecdf,
            color=colour,
            linestyle=style.line(index),
            drawstyle="steps-post",
            marker=style.marker(index),
            markersize=3.5,
            markevery=(every * index // len(found.views), every),
            label=label(results, view.name),
        )
    _axes_of_shares(axes, results)


def _axes_of_shares(axes: Axes, results: Results) -> None:
    trial_axis(axes, results.study.search.trials)
    axes.set_ylim(0, 1)
    axes.set_ylabel("share of targets reached")
    style.guides(axes)


def _intervals(axes: Axes, found: Extended) -> None:
    shown = [(index, view) for index, view in enumerate(found.views) if view.anytime is not None]
    for place, (index, view) in enumerate(shown):
        assert view.anytime is not None, "such views were left out"
        score = view.anytime.score
        axes.plot([score.low, score.high], [place, place], color=style.colour(index), linewidth=1.6)
        axes.plot(
            score.value, place, style.marker(index), color="white", markeredgecolor=style.colour(index), markersize=5, zorder=3
        )
    axes.set_yticks(range(len(shown)), [name(view.name) for _, view in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlabel("score over all trials")
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)


def _columns(results: Results) -> int:
    return style.legend_columns([label(results, view.name) for view in results.views])


def _ratio(ratio: Ratio) -> tuple[str, str]:
    if math.isnan(ratio.value):
        return numbers.MISSING, numbers.MISSING
    ends = numbers.MISSING if math.isnan(ratio.low) else f"{_times(ratio.low)} to {_times(ratio.high)}"
    return f"× {_times(ratio.value)}", ends


def _times(value: float) -> str:
    return "∞" if math.isinf(value) else numbers.general(value, 2 if value < 10 else 3)


def _runtime_interval(ratio: Ratio) -> str:
    if math.isnan(ratio.low):
        return numbers.MISSING
    return " to ".join("∞" if math.isinf(end) else numbers.trials(end) for end in (ratio.low, ratio.high))


def _mean(mean: Mean, decimals: int) -> tuple[str, str]:
    return numbers.metric(mean.value, decimals), interval(mean.low, mean.high, decimals)


def _decimals(means: Sequence[Mean]) -> int:
    """Decimals that give the narrowest interval's standard error, about a quarter of its width, two significant digits."""
    widths = [mean.high - mean.low for mean in means if mean.high > mean.low]
    return max(0, 1 - math.floor(math.log10(min(widths) / 4))) if widths else 2


def _level(results: Results) -> str:
    return numbers.percent(results.study.analysis.confidence)
