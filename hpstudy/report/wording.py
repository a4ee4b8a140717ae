"""Sentences about the results, correct in every case: more, fewer, not shown, not reached, missing."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.goal import Goal
from hpstudy.report import counting, distances, limits, numbers, overview
from hpstudy.report.final_best import at_the_end, detectable, why_not_shown
from hpstudy.report.notation import Notation

NAMED = 4
"""Maximum number of comparisons of one kind that the headline names; the others are in the report."""

NO_VERDICT = "Every number below can still change, so the report gives no verdict before the study is complete."
"""The first sentence in the report of an incomplete study."""


def comparisons(results: Results) -> str:
    """The result of a search: one sentence for each declared comparison; many comparisons are counted."""
    if len(results.views) == 1:
        return _one_view(results)
    if overview.many_comparisons(results):
        sentences = [counted(results, named=NAMED)]
    else:
        sentences = [needs(results, pair) for pair in results.pairs]
    if results.provisional:
        sentences.insert(0, "PROVISIONAL:")
    return " ".join(sentences)


def broken_seals(results: Results) -> str:
    """The statement that the database was altered; "" if it is not known to be."""
    return f"The database was altered: {results.broken_seals}." if results.broken_seals else ""


def provisional(results: Results) -> str:
    """The missing parts of the study, for the notice on the first page."""
    finished = sum(view.completeness.finished for view in results.views)
    planned = sum(view.completeness.planned for view in results.views)
    complete = sum(view.completeness.complete for view in results.views)
    searches = sum(view.completeness.searches for view in results.views)
    trials = f"{numbers.count(finished)} of {numbers.things(planned, 'trial')} {numbers.plural(finished, 'is', 'are')}"
    if results.sweep:
        return f"{trials} finished. Means use the replicates that have a value at each point. {NO_VERDICT}"
    text = f"{trials} finished, {numbers.count(complete)} of {numbers.things(searches, 'search', 'es')} "
    text += f"{numbers.plural(complete, 'is', 'are')} complete"
    if results.confirmed:
        text += f", {numbers.count(sum(int(curve.complete.sum()) for curve in results.confirmed))} of them confirmed"
    elif results.unconfirmed:
        missing = numbers.things(results.unconfirmed, "training")
        text += f", {missing} on fresh seeds {numbers.plural(results.unconfirmed, 'is', 'are')} missing"
    counts = {view.name: view.completeness.complete for view in results.views}
    if len(set(counts.values())) > 1 and not overview.many_views(results):
        text += f" ({', '.join(f'{view} {count}' for view, count in counts.items())})"
    common = " Comparisons use only replicates that are complete in both views." if results.pairs else ""
    return f"{text}.{common} {NO_VERDICT}"


def level_text(results: Results) -> str:
    """The target as a condition: "val_accuracy ≥ 0.903"."""
    notation, level = Notation(results), results.level
    sign = "≥" if notation.goal is Goal.MAXIMIZE else "≤"
    if level is not None and level.value is not None and level.view is None:
        return f"{notation.metric} {sign} {numbers.general(level.value, 10)}"
    return f"{notation.metric} {sign} {notation.value(level.value if level else None)}"


def level_origin(results: Results) -> str:
    """The source of the target, as an apposition."""
    level = results.level
    if level is None or level.view is None:
        return "the declared target"
    statistic = {"median_final": "median", "mean_final": "mean"}[level.statistic or "median_final"]
    return f"the {statistic} final best of the {level.view} view"


def needs(results: Results, pair: PairResult) -> str:
    """The answer for one comparison: how many more trials one view needs than the other."""
    a, b, n, budget = f"the {pair.a} view", f"the {pair.b} view", len(pair.replicates), _budget(results)
    if math.isnan(results.worst):
        return f"No trial has a value{' yet' if results.provisional else ''}: {a} and {b} cannot be compared."
    views = [results.view(name) for name in (pair.a, pair.b)]
    if without_value := [view for view in views if view.completeness.finished and not view.searches.valued]:
        text = " and ".join(
            f"the {view.name} view gave no value in {numbers.things(view.completeness.finished, 'trial')}"
            for view in without_value
        )
        return f"{_capital(text)}: {a} and {b} cannot be compared."
    if not n:
        return f"No replicate is complete in both {a} and {b} yet: they cannot be compared."
    if pair.trials is None:
        setter = f"the {results.level.view} view" if results.level and results.level.view else "the view"
        return f"No search of {setter}, which sets the target, is complete yet: {a} and {b} cannot be compared."
    trials, target = pair.trials, level_text(results)
    if not trials.reached_a and not trials.reached_b:
        where = f"in any of {n} replicates" if n > 1 else "in the one complete replicate"
        return f"Neither {a} nor {b} reached {target} within {budget} {where}: how many trials they need cannot be compared."
    if n == 1:
        took = _more(trials.difference)
        return (
            f"In the one complete replicate {a} took {took} {b} to reach {target}. One replicate does not show how others differ."
        )
    if not trials.reached_a or not trials.reached_b:
        return _never(results, pair)
    interval = f"{Notation(results).ci} {numbers.interval(trials.low, trials.high, numbers.trials)}"
    reach = numbers.interval(trials.lowest, trials.highest, numbers.trials)
    what = f"Trials to reach {target}, {pair.a} minus {pair.b}"
    estimate = f"{what}: {numbers.trials(trials.difference)} ({interval}; attainable {reach})."
    if results.provisional:
        return estimate
    if trials.shown:
        return f"{_capital(a)} needs {'more' if trials.difference > 0 else 'fewer'} trials than {b}. {estimate}"
    power = detectable(trials.detectable, lambda value: f"{numbers.trials(value)} trials", len(results.pairs))
    return f"No difference shown. {estimate}{why_not_shown(trials, results.study.analysis.confidence)}{power}"


def _never(results: Results, pair: PairResult) -> str:
    """The answer if one view never reached the target, without an interval, since its restricted values are all equal.

    The difference is a lower bound only if all searches of the other view reached it.
    """
    trials, n, budget = pair.trials, len(pair.replicates), _budget(results)
    assert trials is not None, "the caller checks this"
    quick, late, reached, mean = (
        (pair.b, pair.a, trials.reached_b, trials.mean_b)
        if trials.reached_b
        else (pair.a, pair.b, trials.reached_a, trials.mean_a)
    )
    text = (
        f"The {late} view never reached {level_text(results)} in {n} of {n} searches of {budget}. The {quick} view reached "
        f"it in {reached} of {n}, with a mean of {numbers.trials(mean)} trials within {results.study.search.trials}."
    )
    if results.provisional:
        return text
    start = "" if trials.shown else "No difference shown. "
    more = numbers.trials(abs(trials.difference))
    if reached < n:
        counted_as = f"If a search that does not reach it counts as {budget}"
        return f"{start}{text} {counted_as}, the {late} view needs {more} trials more on average."
    return f"{start}{text} So the {late} view needs at least {more} trials more on average; the exact number is not known."


def counted(results: Results, named: int | None = None) -> str:
    """The number of comparisons that show a difference, and which.

    Args:
        results: results of a study with comparisons.
        named: maximum number of comparisons to name for each kind, with none named that shows no difference; None to name all.
    """
    if results.provisional:
        return f"No verdict on {len(results.pairs)} comparisons before the study is complete."
    known = results.level is not None and results.level.value is not None
    return counting.counted(results, level_text(results) if known else "the target", named)


def counted_evidence(results: Results) -> str:
    """The evidence for `counted`: the target, the meaning of one interval among many, and the adjusted tests."""
    if results.provisional:
        return ""
    sentences = [
        f"The target is {level_origin(results)}." if results.level is not None and results.level.view is not None else "",
        f"A difference is shown when its {Notation(results).level} interval excludes 0 and its sign-flip test, adjusted for all "
        "comparisons (Holm), is significant.",
    ]
    n = min((len(one.pair.replicates) for one in overview.standings(results) if one.final is not None), default=0)
    if n > 1:
        sentences.append(_out_of_reach(results, n))
    if 1 < n < limits.ROUGH_BELOW:
        sentences.append(_rough(n))
    return " ".join(sentence for sentence in sentences if sentence)


def _out_of_reach(results: Results, n: int) -> str:
    """The differences that `n` replicates cannot show, since no attainable adjusted p is small enough; "" if they can show all."""
    alpha = 1 - results.study.analysis.confidence
    floors = {
        "trials-to-target": [pair.trials.floor for pair in results.pairs if pair.trials is not None],
        "a final best": [pair.budgets[-1].floor for pair in results.pairs if pair.budgets],
    }
    least = {what: max(each) for what, each in floors.items() if each}
    parts = [f"{what} (no adjusted p is below {numbers.general(p, 2)})" for what, p in least.items() if p >= alpha]
    return f"{n} replicates cannot show a difference in {' or in '.join(parts)}." if parts else ""


def evidence(results: Results, pair: PairResult) -> list[str]:
    """The evidence for `needs`: the sample, censoring, the reading of Figure 8, the final difference."""
    n = len(pair.replicates)
    if not n or pair.curve is None:
        return []
    sentences = []
    if pair.trials is not None and (pair.trials.reached_a or pair.trials.reached_b):
        sentences = [_sample(results, pair), *_ratio(results, pair), distances.along_trials(results, pair.distances[0], pair)]
    sentences += [at_the_end(results, pair), *remarks(results, pair)]
    if 1 < n < limits.ROUGH_BELOW:
        sentences.append(_rough(n))
    return sentences


def remarks(results: Results, pair: PairResult) -> Iterator[str]:
    """The evidence that no table has: warnings about the target, and the simultaneous band."""
    if pair.trials is not None and (pair.trials.reached_a or pair.trials.reached_b):
        yield from limits.sentences(results, pair)
    if pair.curve is not None and limits.has_band(results, len(pair.replicates)):
        yield band(results, pair)


def band(results: Results, pair: PairResult) -> str:
    """The trials at which the simultaneous band of the difference excludes zero."""
    runs = pair.curve.excludes_zero if pair.curve else ()
    where = f"excludes 0 at {run_text(runs)}" if runs else "includes 0 at every trial"
    alone = ", not adjusted for the number of comparisons," if runs and len(results.pairs) > 1 else ""
    return f"The simultaneous {Notation(results).level} band of the paired difference{alone} {where}."


def run_text(runs: tuple[tuple[int, int], ...]) -> str:
    """Ranges of trials: "trials 3 to 7, 12"; from the fourth range on, only their number."""
    parts = [str(first) if first == last else f"{first} to {last}" for first, last in runs[:3]]
    many = len(runs) > 1 or runs[0][0] != runs[0][1]
    more = f" and {numbers.things(len(runs) - 3, 'more run')}" if len(runs) > 3 else ""
    return f"{'trials' if many else 'trial'} {', '.join(parts)}{more}"


def _one_view(results: Results) -> str:
    view = results.views[0]
    opening = "PROVISIONAL: " if results.provisional else ""
    opening += f"This study has one view, {view.name}, so nothing is compared."
    if not view.searches.valued:
        return f"{opening} No trial has a value{' yet' if results.provisional else ''}."
    if not view.completeness.complete:
        return f"{opening} No search is complete yet."
    last, notation = view.budgets[-1], Notation(results)
    value, ends = notation.cells(last.mean, last.low, last.high)
    mean = value if ends == numbers.MISSING else f"{value} ({notation.ci} {ends})"
    opening += (
        f" The best {notation.metric} after {numbers.all_things(last.budget, 'trial')} has the mean {mean} over "
        f"{numbers.things(last.searches, 'search', 'es')}."
    )
    if view.trials is None or results.level is None or results.level.view is not None:
        return opening
    median = view.trials.survival.median
    when = f"at a median of {numbers.things(median, 'trial')}" if median is not None else "so the median is not reached"
    return (
        f"{opening} {view.trials.reached} of {numbers.things(view.trials.complete, 'complete search', 'es')} reached "
        f"{level_text(results)}, {level_origin(results)}, within {_budget(results)}, {when}."
    )


def _sample(results: Results, pair: PairResult) -> str:
    trials, n, budget = pair.trials, len(pair.replicates), results.study.search.trials
    assert trials is not None
    opening = f"The target is {level_origin(results)}; the" if results.level is not None and results.level.view else "The"
    sentence = (
        f"{opening} difference is that of the restricted mean trials-to-target, "
        f"{numbers.trials(trials.mean_a)} for {pair.a} against {numbers.trials(trials.mean_b)} for {pair.b}, "
        f"over {numbers.things(n, 'paired replicate')}"
    )
    late_a, late_b = n - trials.reached_a, n - trials.reached_b
    if not late_a and not late_b:
        return f"{sentence}; every search reached the target."
    late = ", ".join(f"{view} {count} of {n}" for view, count in ((pair.a, late_a), (pair.b, late_b)) if count)
    sentence += f". Searches that did not reach it count as {numbers.things(budget, 'trial')} ({late})"
    if late_a and late_b:
        return f"{sentence}: this is the difference within {numbers.things(budget, 'trial')}."
    if not trials.difference:
        return f"{sentence}."
    late = pair.a if late_a else pair.b
    if (late == pair.a) == (trials.difference > 0):
        return f"{sentence}, so the difference is a lower bound."
    return f"{sentence}, which favors {late}."


def _ratio(results: Results, pair: PairResult) -> Iterator[str]:
    """The ratio of trials-to-target if both views reached the target; empty without the ratio.

    Its bootstrap interval is only in the table: with few replicates it is too short, and can exclude 1 where that of the difference
    includes 0.
    """
    supplement, trials = results.supplement, pair.trials
    if supplement is None or trials is None or not (trials.reached_a and trials.reached_b):
        return
    for more in supplement.pairs:
        if (more.a, more.b) == (pair.a, pair.b) and (ratio := more.ratio) is not None:
            yield f"Ratio of the means, {pair.a} to {pair.b}: {ratio.value:.2f}."


def _rough(n: int) -> str:
    return f"With {n} replicates every interval is rough."


def _budget(results: Results) -> str:
    """The number of trials of a search."""
    return numbers.things(results.study.search.trials, "trial")


def _more(difference: float) -> str:
    if numbers.trials(abs(difference)) == "0.0":
        return "as many trials as"
    return f"{numbers.trials(abs(difference))} trials {'more' if difference > 0 else 'fewer'} than"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
