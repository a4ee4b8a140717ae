"""The tables of a report as rows of text: a title, a head, rows, and a note."""

from __future__ import annotations

import math

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, summary
from hpstudy.analysis.view_result import ViewResult
from hpstudy.metric_names import of_layer
from hpstudy.report import claims as verdicts
from hpstudy.report import numbers, sweeps, wording
from hpstudy.report.labels import long_name
from hpstudy.report.model import Table
from hpstudy.study.space import ChoiceParameter, FloatParameter, IntParameter

MOST_FAILURES = 10
"""Kinds of failure that are listed; the numbers of all are in the JSON file."""


def completeness(results: Results) -> Table:
    """What is there: trials by state and complete searches, for each view."""
    rows = []
    for view in results.views:
        c = view.completeness
        states = (c.planned, c.completed, c.diverged, c.failed, c.timed_out, c.running, c.missing)
        rows.append((long_name(results, view.name), f"{c.complete} of {c.searches}", *(numbers.count(state) for state in states)))
    whole = "complete replicates" if results.sweep else "complete searches"
    head = ("view", whole, "planned trials", "completed", "diverged", "failed", "timed out", "running", "missing")
    notes = []
    waiting = sum(view.completeness.before_first_value for view in results.views)
    if waiting and not math.isnan(results.worst):
        worst = numbers.metric(results.worst, numbers.decimals_of(results))
        notes.append(
            f"{numbers.count(waiting)} finished trials stand before the first value of their search; curves count them as the "
            "worst value of "
            f"the study, {worst}."
        )
    if odd := sum(view.completeness.without_value for view in results.views):
        notes.append(
            f"{numbers.count(odd)} completed trials have an objective that is not a finite number; they count as without a value."
        )
    return Table("Completeness: trials of each view.", head, tuple(rows), note=" ".join(notes))


def budget_values(results: Results) -> Table | None:
    """Each view after each budget."""
    decimals, level = numbers.decimals_of(results), numbers.percent(results.study.analysis.confidence)
    rows = []
    for place in range(len(results.budgets)):
        for view in results.views:
            found = view.budgets[place]
            rows.append(
                (
                    str(found.budget) if view is results.views[0] else "",
                    view.name,
                    str(found.searches),
                    numbers.metric(found.mean, decimals),
                    interval(found.low, found.high, decimals),
                    numbers.metric(found.sd, decimals),
                    numbers.metric(found.median, decimals),
                )
            )
    if not any(budget.searches for view in results.views for budget in view.budgets):
        return None
    head = ("trials", "view", "searches", "mean", f"{level} CI of the mean", "SD", "median")
    return Table(f"Best {results.study.metric.name} after a number of trials.", head, tuple(rows), left=2)


def budget_differences(results: Results) -> Table | None:
    """Each comparison at each budget."""
    decimals, level = numbers.decimals_of(results), numbers.percent(results.study.analysis.confidence)
    with_margin = results.study.analysis.margin is not None
    rows, place = [], 0
    for pair in results.pairs:
        for found in pair.budgets:
            row = (
                f"{pair.a} − {pair.b}" if found is pair.budgets[0] else "",
                str(found.budget),
                str(found.replicates),
                numbers.metric(found.mean, decimals),
                interval(found.low, found.high, decimals),
                f"{found.wins}/{found.ties}/{found.losses}",
                p_text(found.test.p),
                p_text(float(results.adjusted[place])),
                numbers.metric(found.correlation, 2),
                numbers.metric(found.detectable, decimals),
            )
            rows.append((*row, found.verdict or numbers.MISSING) if with_margin else row)
            place += 1
    if not rows:
        return None
    better = results.study.metric.goal.better_side
    note = (
        f"Mean differences {better} 0 favour the first view. Win, tie, loss: replicates in which the first view is better, as "
        "good, worse. "
        f"p: two-sided sign-flip permutation test; Holm: adjusted over all {len(rows)} tests of this table. r: correlation of "
        "the two views over "
        "replicates, which is what pairing gains. MDE: smallest true difference found with 80 % power, given the observed spread."
    )
    if with_margin:
        note += f" Verdict: of the first view against the margin of {numbers.general(results.study.analysis.margin or 0)}."
    head = ("A − B", "trials", "n", "mean", f"{level} CI", "win/tie/loss", "p", "Holm", "r", "MDE")
    return Table(
        "Paired differences after a number of trials.", (*head, "verdict") if with_margin else head, tuple(rows), note=note
    )


def trials_to_target(results: Results) -> Table | None:
    """How many trials each view needs."""
    level = numbers.percent(results.study.analysis.confidence)
    rows = []
    for view in results.views:
        if view.trials is None:
            continue
        found = view.trials
        rows.append(
            (
                view.name,
                f"{found.reached} of {found.complete}",
                f"{numbers.percent(found.rate[0])} to {numbers.percent(found.rate[1])}" if found.complete else numbers.MISSING,
                "not reached" if found.survival.median is None else str(found.survival.median),
                numbers.trials(found.survival.restricted_mean),
            )
        )
    if not rows:
        return None
    head = (
        "view",
        "searches that reached it",
        f"{level} CI of the share",
        "median trials",
        f"mean trials within {results.study.search.trials}",
    )
    note = (
        "Trials count from 1. Median and mean are read from the Kaplan-Meier curve of all searches; the mean is restricted: "
        "a search that does not "
        f"reach the target counts as {results.study.search.trials}."
    )
    if any(view.completeness.complete < view.completeness.searches for view in results.views):
        note += f" {numbers.MISSING}: the unfinished searches do not tell yet."
    return Table(f"Trials until {wording.level_text(results)}, {wording.level_origin(results)}.", head, tuple(rows), note=note)


def trials_differences(results: Results) -> Table | None:
    """How many trials more the first view of each comparison needs."""
    level = numbers.percent(results.study.analysis.confidence)
    found = [(pair, pair.trials) for pair in results.pairs if pair.trials is not None]
    if not found:
        return None
    rows = tuple(
        (
            f"{pair.a} − {pair.b}",
            str(t.replicates),
            numbers.trials(t.mean_a),
            numbers.trials(t.mean_b),
            numbers.trials(t.difference),
            trial_interval(t.low, t.high),
            trial_interval(t.resampled_low, t.resampled_high),
            p_text(t.test.p),
        )
        for pair, t in found
    )
    head = ("A − B", "n", "mean A", "mean B", "difference", f"{level} CI", "CI, target resampled", "p")
    note = "Restricted mean trials-to-target over paired replicates; above 0 the first view needs more trials."
    if any(t.resampled_low == t.resampled_low for _, t in found):
        note += (
            " The target is itself a statistic of this study. The first interval takes its level as given; the second sets "
            "it anew in every "
            "resample."
        )
    return Table("Trials-to-target compared.", head, rows, note=note)


def distances(results: Results) -> Table | None:
    """How far apart the mean curves lie along the trial axis."""
    decimals, budget = numbers.decimals_of(results), results.study.search.trials
    level = numbers.percent(results.study.analysis.confidence)
    rows = [
        (
            f"{pair.a} − {pair.b}" if d is pair.distances[0] else "",
            "target" if d.budget is None else f"{pair.b} after {d.budget}",
            numbers.metric(d.level, decimals),
            _trial(d.trial_a, budget),
            _trial(d.trial_b, budget),
            wording.distance_value(d, budget),
            wording.distance_interval(d, budget),
        )
        for pair in results.pairs
        for d in pair.distances
    ]
    if not rows:
        return None
    head = ("A − B", "level", results.study.metric.name, "A at trial", "B at trial", "distance", f"{level} CI")
    note = (
        "Trial at which the mean best-so-far curve of A first reaches the level, minus that of B. "
        f"“> {budget}”: not within {budget} trials (censored); a distance is then a bound."
    )
    return Table("Horizontal distance of the mean curves.", head, tuple(rows), left=2, note=note)


def hyperparameters(results: Results, view: ViewResult) -> Table:
    """A view's search space, what it holds fixed, and its best point."""
    study = results.study
    best = view.best_trial
    rows = []
    for name, parameter in study.views[view.name].space.items():
        value = numbers.hyperparameter(best.point[name]) if best else numbers.MISSING
        rows.append((name, _range(parameter), _scale(parameter), value))
    rows += [(name, "fixed", "", numbers.hyperparameter(held)) for name, held in study.views[view.name].fixed.items()]
    caption = f"View {long_name(results, view.name)}: search space and best point."
    if best:
        decimals = numbers.decimals_of(results)
        others = ", ".join(
            f"{name} {numbers.metric(value, decimals)}"
            for name, value in best.metrics.items()
            if name != study.metric.name and value == value and of_layer(name) is None
        )
        note = (
            f"Best point: {study.metric.name} {numbers.metric(best.value, decimals)}, trial {best.number} of replicate "
            f"{best.replicate} "
            f"(both counted from 0){'; ' + others if others else ''}. The value is the best of many noisy ones and flatters "
            "the point."
        )
    else:
        note = "No trial has a value."
    if study.views[view.name].note:
        note = f"{study.views[view.name].note.strip()} {note}"
    return Table(caption, ("hyperparameter", "searched", "scale", "best point"), tuple(rows), left=3, note=note)


def sweep_points(results: Results, view: SweepView) -> Table:
    """The points of a view with their means."""
    decimals, level = numbers.decimals_of(results), numbers.percent(results.study.analysis.confidence)
    found, others, best = sweeps.objective(results, view), sweeps.shown(results, view), sweeps.best(results, view)
    names = view.swept if len(view.swept) <= sweeps.MOST_COLUMNS else ()
    beside = {name: summary(view.values[name], results.study.analysis.confidence).mean for name in others}
    listed = sweeps.listed(results, view)
    rows = []
    for number in listed:
        point = [numbers.hyperparameter(view.points[number][name]) for name in names] or [sweeps.point_text(view, number)]
        rows.append(
            (
                f"{number}{' *' if number == best and len(view.points) > 1 else ''}",
                *point,
                str(int(found.replicates[number])),
                numbers.metric(float(found.mean[number]), decimals),
                interval(float(found.low[number]), float(found.high[number]), decimals),
                *(sweeps.metric_text(view.values[name], float(beside[name][number])) for name in others),
            )
        )
    metric = results.study.metric.name
    head = ("point", *(names or ("hyperparameters",)), "n", f"mean {metric}", f"{level} CI", *(f"mean {name}" for name in others))
    notes = ["* is the best mean." if best is not None and len(view.points) > 1 else ""]
    if (missing := sum(not point for point in view.points)) > 0:
        notes.append(f"{numbers.count(missing)} point{'s were' if missing > 1 else ' was'} not begun yet.")
    if len(listed) < len(view.points) - missing:
        notes.append(f"The best {len(listed)} of {len(view.points)} points; sweep_means.csv has all.")
    caption = f"View {long_name(results, view.name)}: means over n replicates at every point."
    return Table(caption, head, tuple(rows), left=1 + max(1, len(names)), note=" ".join(note for note in notes if note))


def sweep_space(results: Results, view: SweepView) -> Table:
    """What a view of a sweep varies and what it holds fixed."""
    study, best = results.study.views[view.name], sweeps.best(results, view)
    held = sweeps.held(view)
    rows = []
    for name, parameter in study.space.items():
        if name in view.swept:
            value = numbers.MISSING if best is None else numbers.hyperparameter(view.points[best][name])
            rows.append((name, sweeps.tried(results, view, name), _scale(parameter), value))
        else:
            value = numbers.hyperparameter(held[name]) if name in held else numbers.MISSING
            rows.append((name, "one value", "", value))
    rows += [(name, "fixed", "", numbers.hyperparameter(value)) for name, value in study.fixed.items()]
    caption = f"View {long_name(results, view.name)}: what is swept, and the point with the best mean."
    return Table(caption, ("hyperparameter", "values", "scale", "best point"), tuple(rows), left=3, note=study.note.strip())


def claims(results: Results) -> Table | None:
    """Every declared claim and the comparisons behind its verdict."""
    if not results.criteria:
        return None
    level = numbers.percent(results.study.analysis.confidence)
    head: tuple[str, ...] = ("claim", "verdict", "what is compared", "estimate", f"{level} CI", "claimed", "verdict on it", "n")
    rows = verdicts.table_rows(results)
    if not any(row[6] for row in rows):
        head, rows = (*head[:6], *head[7:]), tuple((*row[:6], *row[7:]) for row in rows)
    return Table("Claims that the study declares.", head, rows, left=3, note=verdicts.note(results))


def failures(results: Results) -> Table | None:
    """The most frequent ways in which trials ended without a value."""
    rows = tuple(
        (
            f.view,
            f.state.replace("_", " "),
            ": ".join(part for part in (f.error_type, _short(f.error)) if part) or numbers.MISSING,
            f"replicate {f.replicate}, trial {f.number}",
            numbers.count(f.trials),
        )
        for f in results.failures[:MOST_FAILURES]
    )
    if not rows:
        return None
    rest = len(results.failures) - len(rows)
    note = f"The {MOST_FAILURES} most frequent of {len(results.failures)} kinds; the JSON file lists all." if rest > 0 else ""
    return Table("Trials that ended without a value.", ("view", "end", "error", "first", "trials"), rows, left=4, note=note)


def cost(results: Results) -> Table | None:
    """Wall time of each view."""
    rows = tuple(
        (
            view.name,
            numbers.duration(float(view.cost.evaluate_s.sum())),
            _median_duration(view.cost.evaluate_s),
            numbers.duration(float(view.cost.ask_s.sum())),
            _median_duration(view.cost.ask_s),
        )
        for view in results.views
    )
    if not any(view.cost.evaluate_s.size for view in results.views):
        return None
    head = ("view", "training, all trials", "training, median trial", "choosing points, all trials", "median trial")
    return Table("Wall time, summed over workers.", head, rows)


def interval(low: float, high: float, decimals: int) -> str:
    """Two ends of an interval of the metric."""
    return numbers.MISSING if low != low else f"{numbers.metric(low, decimals)} to {numbers.metric(high, decimals)}"


def trial_interval(low: float, high: float) -> str:
    """Two ends of an interval of trials."""
    return numbers.MISSING if low != low else f"{numbers.trials(low)} to {numbers.trials(high)}"


def _trial(trial: int | None, budget: int) -> str:
    return f"> {budget}" if trial is None else str(trial)


def p_text(p: float) -> str:
    """A p-value in a table."""
    return numbers.p_value(p).removeprefix("= ")


def _median_duration(seconds: Floats) -> str:
    return numbers.duration(float(np.median(seconds))) if seconds.size else numbers.MISSING


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _range(parameter: FloatParameter | IntParameter | ChoiceParameter) -> str:
    if isinstance(parameter, ChoiceParameter):
        return ", ".join(numbers.hyperparameter(value) for value in parameter.values)
    return f"{numbers.hyperparameter(parameter.low)} to {numbers.hyperparameter(parameter.high)}"


def _scale(parameter: FloatParameter | IntParameter | ChoiceParameter) -> str:
    if isinstance(parameter, ChoiceParameter):
        return "ordered choice" if parameter.ordered else "choice"
    return f"{parameter.type}, {'log' if parameter.log else 'linear'}"
