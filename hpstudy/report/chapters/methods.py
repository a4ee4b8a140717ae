"""The methods of the report and their references."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import numbers, wording
from hpstudy.report.model import Paragraph, References, Section
from hpstudy.report.notation import Notation
from hpstudy.report.references import references

MOST_PAIRS = 3
"""Maximum number of comparisons whose correlation the text states; the table of differences has all."""


def chapter(results: Results) -> Iterator[Section]:
    """The methods and their sources."""
    paragraphs = tuple(Paragraph(text) for text in methods(results))
    yield Section("Methods", (*paragraphs, References(references(results))))


def methods(results: Results) -> list[str]:
    """The methods of this report, in paragraphs."""
    paragraphs = _of_sweep(results) if results.sweep else _of_search(results)
    if results.confirmed:
        paragraphs.append(_of_confirmed(results))
    return [*paragraphs, _of_claims(results)] if results.criteria else paragraphs


def _of_confirmed(results: Results) -> str:
    level = Notation(results).level
    treated = {
        "worst": "counts as the worst value of any trial of the study",
        "drop": "is left out of the mean of its incumbent, and an incumbent without any value counts as the worst value of the study",
    }[results.study.metric.on_failure]
    alpha = numbers.general(1 - results.study.analysis.confidence, 2)
    return (
        "An incumbent is a trial that is better than all earlier trials of its search. Each is retrained on fresh seeds, which belong to "
        "the replicate and are common to all views; the mean is its confirmed value. A training without a value "
        f"{treated}; so do the trials before the first value of a search. Endpoints have Student's {level} t intervals over replicates, "
        "paired in differences. If plateaus come from the other replicates, the intervals are those of the jackknife over replicates "
        "(Tukey 1958). A difference is shown if the p of its t test, corrected by Holm within the primary or within the secondary "
        f"endpoints, is below {alpha}. Power is that of a t test at {alpha} divided by the number of these tests, given the observed "
        f"spread. The power with Holm's correction is at least as high.{_of_plateaus(results)}"
    )


def _of_plateaus(results: Results) -> str:
    """The check of declared plateaus, with a leading space; "" without any."""
    declared = results.study.analysis.plateaus
    if declared is None or not declared.values:
        return ""
    return (
        " Declared plateaus are tested against the means on fresh seeds of the chosen points, of the default points and over all searches: "
        "one-sided t tests with the noise pooled over the points of a view, corrected by Bonferroni. A plateau that is shown to be "
        "exceeded is named with its endpoints."
    )


def _of_claims(results: Results) -> str:
    level = Notation(results).level
    return (
        f"A claim is about one or several numbers, each a mean over replicates with Student's {level} t interval. It holds if all "
        "intervals lie within the claimed bounds. Since all must, no correction for their number is needed (Berger 1982). With two bounds, "
        "these are the intervals of two one-sided tests (Schuirmann 1987), the outer ones of Student's t and BCa. It does not hold if at "
        "least one interval, at a level corrected for their number (Bonferroni), lies entirely outside the bounds. The intervals assume "
        "nearly normal means: with few replicates and values with a long tail, verdicts are wrong more often than their level says."
    )


def _of_sweep(results: Results) -> list[str]:
    level = Notation(results).level
    return [
        "The points of this study were listed in advance; none depends on the result of another. Trial n of every replicate of a view is "
        "point n. Training draws its random numbers from the replicate's seed, the same in all views and at all points, so points and "
        "views are compared within replicates.",
        f"Means are over replicates, with Student's {level} t interval: mean ± t(n − 1) s / √n, where n is the number of "
        "replicates with a value at the point and s their standard deviation. Each interval is for its own point, not for all "
        "points at once. A trial without a value (diverged, failed, timed out) is in no mean: if trials fail, the mean describes only "
        "those that did not. The best point is the first one with the best mean among those with the most replicates.",
    ]


def _of_search(results: Results) -> list[str]:
    study = results.study
    level, resamples = Notation(results).level, numbers.count(study.analysis.resamples)
    trials = numbers.things(study.search.trials, "trial")
    setting = (
        "Training uses the same seed in all views at the same replicate and trial. This pairs the views only as far as a seed has the same "
        f"effect on different hyperparameters{_correlations(results)}. The paired interval is valid in any case."
    )
    size = study.search.lockstep
    lockstep = (
        f"Groups of {size} replicates ran in lockstep; their points and results do not depend on each other. " if size > 1 else ""
    )
    conditional = [name for name, view in study.views.items() if view.space.is_conditional]
    if conditional and study.search.searcher in ("ax", "botorch"):
        setting += (
            f" Some hyperparameters of {numbers.plural(len(conditional), 'view', 'views')} {', '.join(conditional)} are absent where their "
            "condition does not hold: the Gaussian process places an absent one at the middle of its range (on imputation "
            "see Lévesque et al. 2017)."
        )
    if any(view.enqueue for view in study.views.values()):
        counts = ", ".join(f"{len(view.enqueue)} of {name}" for name, view in study.views.items() if view.enqueue)
        setting += (
            f" The first trials of every search have points that the study lists ({counts}). They count as trials: there, a curve shows "
            "the value of the listed points, not of the searcher."
        )
    if results.imported:
        known = ", ".join(
            f"{max(of.values())} of {name} in {numbers.things(len(of), 'search', 'es')}" for name, of in results.imported.items()
        )
        setting += (
            f" The first trials of searches are known results that were imported ({known}). They were not trained in this study: they "
            "count as completed trials and as the history of the searcher, and have no duration."
        )
    paragraphs = [
        f"A search is one sequential run of {trials} with its own seed. {lockstep}{setting} A trial without a value "
        "(diverged, failed, timed out) uses up a trial and does not change the best so far. Trials before the first value of their search "
        "count as the worst value of any trial of the study, in all views.",
        f"Intervals have level {level}. Paired differences have Student's t intervals. Means of a view have BCa bootstrap intervals (Efron "
        f"1987) with Hesterberg's small-sample expansion, from {resamples} resamples; the unit that is resampled is a whole replicate with "
        "all its views, never a trial. The simultaneous band is a sup-t band whose critical value is transformed to Student's t. These "
        "intervals are valid if no rare event dominates the mean. If a tenth of one view's searches lose much, intervals from 20 "
        "replicates cover less than 90%. An interval of a number of trials, or of a difference of such numbers, is cut at the smallest and "
        "largest possible value, which keeps its coverage.",
        "The test is a two-sided sign-flip permutation test of the paired differences, exact up to 20 replicates. Its p is adjusted "
        "(Holm) over all comparisons and budgets, and that of trials-to-target over all comparisons. A difference is shown if its "
        f"interval excludes 0 and its adjusted p is below {numbers.general(1 - study.analysis.confidence, 2)}.",
    ]
    if results.level is not None and results.level.value is not None:
        paragraphs.append(
            f"Trials-to-target are the trials, counted from 1, until {wording.level_text(results)}, {wording.level_origin(results)}. "
            "Searches that do not reach it are right-censored at their last trial; none is left out and no time is imputed. Curves and "
            "medians are Kaplan-Meier estimates, means are restricted to "
            f"{trials} (Royston and Parmar 2013), shares have Wilson intervals. The horizontal distance of mean "
            "curves, which Figure 8 of Quist et al. (2023) shows, is the trial at which one curve first reaches a level minus that of "
            "the other. In its percentile interval, a resample in which only one curve reaches the level counts as infinite on that side, "
            "and a resample in which neither does counts against both ends."
        )
    return paragraphs


def _correlations(results: Results) -> str:
    """The correlations of the views' final bests over replicates, in brackets; "" where they are not known."""
    known = [
        f"{numbers.metric(last.correlation, 2)} for {pair.a} and {pair.b}"
        for pair in results.pairs
        for last in pair.budgets[-1:]
        if last.correlation == last.correlation
    ]
    return f" (correlation of the final bests over replicates: {', '.join(known[:MOST_PAIRS])})" if known else ""
