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
from hpstudy.report.labels import cut, long_name
from hpstudy.report.model import Table, grouped
from hpstudy.report.notation import Notation
from hpstudy.study.space import ChoiceParameter, FloatParameter, IntParameter

MOST_FAILURES = 10
"""Kinds of failure that are listed; the numbers of all are in the JSON file."""

LONGEST_ERROR = 160
"""Letters of an error message."""


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
        notes.append(
            f"{numbers.count(waiting)} finished trials stand before the first value of their search; curves count them as the worst value "
            f"of the study, {Notation(results).value(results.worst)}."
        )
    if odd := sum(view.completeness.without_value for view in results.views):
        notes.append(
            f"{numbers.count(odd)} completed trials have an objective that is not a finite number; they count as without a value."
        )
    return Table("Completeness: trials of each view.", head, tuple(rows), note=" ".join(notes))


def budget_values(results: Results) -> Table | None:
    """Each view after each budget."""
    if not any(budget.searches for view in results.views for budget in view.budgets):
        return None
    notation = Notation(results)
    rows = [
        (
            str(at.budget),
            view.name,
            str(at.searches),
            *notation.cells(at.mean, at.low, at.high),
            notation.value(at.sd),
            notation.value(at.median),
        )
        for budget in zip(*(view.budgets for view in results.views), strict=True)
        for view, at in zip(results.views, budget, strict=True)
    ]
    head = ("trials", "view", "searches", "mean", f"{notation.ci} of the mean", "SD", "median")
    return Table(f"Best {notation.metric} after a number of trials.", head, grouped(rows), left=2)


def budget_differences(results: Results) -> Table | None:
    """Each comparison at each budget."""
    notation, margin = Notation(results), results.study.analysis.margin
    differences = [(pair, difference) for pair in results.pairs for difference in pair.budgets]
    if not differences:
        return None
    rows = [
        (
            f"{pair.a} − {pair.b}",
            str(difference.budget),
            str(difference.replicates),
            *notation.cells(difference.mean, difference.low, difference.high),
            f"{difference.wins}/{difference.ties}/{difference.losses}",
            numbers.p_cell(difference.test.p),
            numbers.p_cell(float(adjusted)),
            numbers.metric(difference.correlation, 2),
            notation.value(difference.detectable),
            *([] if margin is None else [difference.verdict or numbers.MISSING]),
        )
        for (pair, difference), adjusted in zip(differences, results.adjusted, strict=True)
    ]
    note = (
        f"Mean differences {notation.goal.better_side} 0 favour the first view. Win, tie, loss: replicates in which the first view is "
        f"better, as good, worse. p: two-sided sign-flip permutation test; Holm: adjusted over all {len(rows)} tests of this table. r: "
        "correlation of the two views over replicates, which is what pairing gains. MDE: smallest true difference found with 80 % power, "
        "given the observed spread."
    )
    head: tuple[str, ...] = ("A − B", "trials", "n", "mean", notation.ci, "win/tie/loss", "p", "Holm", "r", "MDE")
    if margin is not None:
        note += f" Verdict: of the first view against the margin of {numbers.general(margin)}."
        head = (*head, "verdict")
    return Table("Paired differences after a number of trials.", head, grouped(rows), note=note)


def trials_to_target(results: Results) -> Table | None:
    """How many trials each view needs."""
    trials = results.study.search.trials
    rows = tuple(
        (
            view.name,
            f"{times.reached} of {times.complete}",
            numbers.interval(*times.rate, numbers.percent) if times.complete else numbers.MISSING,
            "not reached" if times.survival.median is None else str(times.survival.median),
            numbers.trials(times.survival.restricted_mean),
        )
        for view in results.views
        if (times := view.trials) is not None
    )
    if not rows:
        return None
    share = f"{Notation(results).ci} of the share"
    head = ("view", "searches that reached it", share, "median trials", f"mean trials within {trials}")
    note = (
        "Trials count from 1. Median and mean are read from the Kaplan-Meier curve of all searches; the mean is restricted: a search "
        f"that does not reach the target counts as {trials}."
    )
    if any(view.completeness.complete < view.completeness.searches for view in results.views):
        note += f" {numbers.MISSING}: the unfinished searches do not tell yet."
    return Table(f"Trials until {wording.level_text(results)}, {wording.level_origin(results)}.", head, rows, note=note)


def trials_differences(results: Results) -> Table | None:
    """How many trials more the first view of each comparison needs."""
    compared = [(pair, pair.trials) for pair in results.pairs if pair.trials is not None]
    if not compared:
        return None
    rows = tuple(
        (
            f"{pair.a} − {pair.b}",
            str(t.replicates),
            numbers.trials(t.mean_a),
            numbers.trials(t.mean_b),
            *numbers.cells(t.difference, t.low, t.high, numbers.trials),
            numbers.interval(t.resampled_low, t.resampled_high, numbers.trials),
            numbers.p_cell(t.test.p),
        )
        for pair, t in compared
    )
    head = ("A − B", "n", "mean A", "mean B", "difference", Notation(results).ci, "CI, target resampled", "p")
    note = "Restricted mean trials-to-target over paired replicates; above 0 the first view needs more trials."
    if not all(math.isnan(t.resampled_low) for _, t in compared):
        note += (
            " The target is itself a statistic of this study. The first interval takes its level as given; the second sets it anew in "
            "every resample."
        )
    return Table("Trials-to-target compared.", head, rows, note=note)


def distances(results: Results) -> Table | None:
    """How far apart the mean curves lie along the trial axis."""
    notation, budget = Notation(results), results.study.search.trials
    rows = grouped(
        (
            f"{pair.a} − {pair.b}",
            "target" if d.budget is None else f"{pair.b} after {d.budget}",
            notation.value(d.level),
            *(f"> {budget}" if trial is None else str(trial) for trial in (d.trial_a, d.trial_b)),
            wording.distance_value(d, budget),
            wording.distance_interval(d, budget),
        )
        for pair in results.pairs
        for d in pair.distances
    )
    if not rows:
        return None
    head = ("A − B", "level", notation.metric, "A at trial", "B at trial", "distance", notation.ci)
    note = (
        "Trial at which the mean best-so-far curve of A first reaches the level, minus that of B. "
        f"“> {budget}”: not within {budget} trials (censored); a distance is then a bound."
    )
    return Table("Horizontal distance of the mean curves.", head, rows, left=2, note=note)


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
        value_text = Notation(results).value
        others = ", ".join(
            f"{name} {value_text(value)}"
            for name, value in best.metrics.items()
            if name != study.metric.name and not math.isnan(value) and of_layer(name) is None
        )
        note = (
            f"Best point: {study.metric.name} {value_text(best.value)}, trial {best.number} of replicate {best.replicate} (both counted "
            f"from 0){'; ' + others if others else ''}. The value is the best of many noisy ones and flatters the point."
        )
    else:
        note = "No trial has a value."
    if study.views[view.name].note:
        note = f"{study.views[view.name].note.strip()} {note}"
    return Table(caption, ("hyperparameter", "searched", "scale", "best point"), tuple(rows), left=3, note=note)


def sweep_points(results: Results, view: SweepView) -> Table:
    """The points of a view with their means."""
    notation, means = Notation(results), sweeps.objective(results, view)
    others, best = sweeps.shown(results, view), sweeps.best(results, view)
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
                str(int(means.replicates[number])),
                *notation.cells(means.mean[number], means.low[number], means.high[number]),
                *(sweeps.metric_text(view.values[name], float(beside[name][number])) for name in others),
            )
        )
    measured = (f"mean {notation.metric}", notation.ci, *(f"mean {name}" for name in others))
    head = ("point", *(names or ("hyperparameters",)), "n", *measured)
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
    ci, rows = Notation(results).ci, verdicts.table_rows(results)
    head: tuple[str, ...] = ("claim", "verdict", "what is compared", "estimate", ci, "claimed", "verdict on it", "n")
    if not any(row[6] for row in rows):
        head, rows = (*head[:6], *head[7:]), tuple((*row[:6], *row[7:]) for row in rows)
    return Table("Claims that the study declares.", head, rows, left=3, note=verdicts.note(results))


def failures(results: Results) -> Table | None:
    """The most frequent ways in which trials ended without a value."""
    rows = tuple(
        (
            f.view,
            f.state.replace("_", " "),
            ": ".join(part for part in (f.error_type, cut(f.error, LONGEST_ERROR)) if part) or numbers.MISSING,
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
    rows = tuple((view.name, *_durations(view.cost.evaluate_s), *_durations(view.cost.ask_s)) for view in results.views)
    if not any(view.cost.evaluate_s.size for view in results.views):
        return None
    head = ("view", "training, all trials", "training, median trial", "choosing points, all trials", "median trial")
    return Table("Wall time, summed over workers.", head, rows)


def _durations(seconds: Floats) -> tuple[str, str]:
    """Sum and median."""
    median = numbers.duration(float(np.median(seconds))) if seconds.size else numbers.MISSING
    return numbers.duration(float(seconds.sum())), median


def _range(parameter: FloatParameter | IntParameter | ChoiceParameter) -> str:
    if isinstance(parameter, ChoiceParameter):
        return ", ".join(numbers.hyperparameter(value) for value in parameter.values)
    return f"{numbers.hyperparameter(parameter.low)} to {numbers.hyperparameter(parameter.high)}"


def _scale(parameter: FloatParameter | IntParameter | ChoiceParameter) -> str:
    if isinstance(parameter, ChoiceParameter):
        return "ordered choice" if parameter.ordered else "choice"
    return f"{parameter.type}, {'log' if parameter.log else 'linear'}"
