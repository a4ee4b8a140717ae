"""The methods of the report and their references."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.loading.make import reads_history
from hpstudy.report import numbers, wording
from hpstudy.report.limits import has_band
from hpstudy.report.model import Paragraph, References, Section
from hpstudy.report.notation import Notation
from hpstudy.report.references import from_other_replicates, imputing, references

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
    if results.declared:
        paragraphs.append(_of_endpoints(results))
    return [*paragraphs, _of_claims(results)] if results.criteria else paragraphs


def _of_confirmed(results: Results) -> str:
    common = " and are common to all views" if results.pairs else ""
    treated = {
        "worst": "counts as the worst value of any trial of the study",
        "drop": "is left out of the mean of its incumbent, and an incumbent without any value counts as the worst value of the study",
    }[results.study.metric.on_failure]
    return (
        "An incumbent is a trial that is better than all earlier trials of its search. Each is retrained on fresh seeds, which belong to "
        f"the replicate{common}; the mean is its confirmed value. A training without a value {treated}; so do the trials before the first "
        "value of a search."
    )


def _of_endpoints(results: Results) -> str:
    paired = ", paired in differences" if results.pairs else ""
    text = f"Endpoints have Student's {Notation(results).level} t intervals over replicates{paired}."
    if from_other_replicates(results):
        text += (
            " Plateaus come from the other replicates, so the intervals of endpoints with a plateau are those of the jackknife over "
            "replicates (Tukey 1958)."
        )
    if results.pairs:
        alpha = numbers.general(1 - results.study.analysis.confidence, 2)
        text += (
            " A difference is shown if the p of its t test, corrected by Holm within the primary or within the secondary endpoints, is "
            f"below {alpha}. Power is that of a t test at {alpha} divided by the number of these tests, given the observed spread. The "
            "power with Holm's correction is at least as high."
        )
    return text + _of_plateaus(results)


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
    level, several = Notation(results).level, len(results.views) > 1
    interval = (
        f"Means are over replicates, with Student's {level} t interval: mean ± t(n − 1) s / √n, where n is the number of replicates with a "
        "value at the point and s their standard deviation. Each interval is for its own point, not for all points at once."
    )
    if results.study.replicates == 1:
        interval = "With one replicate, a mean is a single value and has no interval."
    where, what = ("in all views and at all points", "points and views") if several else ("at all points", "points")
    return [
        "The points of this study were listed in advance; none depends on the result of another. Trial n of every replicate of a view is "
        f"point n. Training draws its random numbers from the replicate's seed, the same {where}, so {what} are compared within "
        "replicates.",
        f"{interval} A trial without a value (diverged, failed, timed out) is in no mean: if trials fail, the mean describes only "
        "those that did not. The best point is the first one with the best mean among those with the most replicates.",
    ]


def _of_search(results: Results) -> list[str]:
    paragraphs = [_of_trials(results), _of_intervals(results)]
    if results.pairs or results.controls:
        paragraphs.append(_of_tests(results))
    if results.level is not None and results.level.value is not None:
        paragraphs.append(_of_target(results))
    return paragraphs


def _of_trials(results: Results) -> str:
    study = results.study
    text = f"A search is one sequential run of {numbers.things(study.search.trials, 'trial')} with its own seed."
    if (size := study.search.lockstep) > 1:
        text += f" Groups of {size} replicates ran in lockstep; their points and results do not depend on each other."
    if results.pairs:
        text += (
            " Training uses the same seed in all views at the same replicate and trial. This pairs the views only as far as a seed has the "
            f"same effect on different hyperparameters{_correlations(results)}. The paired interval is valid in any case."
        )
    conditional = [name for name, view in study.views.items() if view.space.is_conditional]
    if conditional and (searchers := imputing(study)):
        text += (
            f" Some hyperparameters of {numbers.plural(len(conditional), 'view', 'views')} {', '.join(conditional)} are absent where their "
            f"condition does not hold: the model of {' and of '.join(searchers)} places an absent one at the middle of its range (on "
            "imputation see Lévesque et al. 2017)."
        )
    if any(view.enqueue for view in study.views.values()):
        counts = ", ".join(f"{len(view.enqueue)} of {name}" for name, view in study.views.items() if view.enqueue)
        text += (
            f" The first trials of every search have points that the study lists ({counts}). They count as trials: there, a curve shows "
            "the value of the listed points, not of the searcher."
        )
    if results.imported:
        known = ", ".join(
            f"{max(of.values())} of {name} in {numbers.things(len(of), 'search', 'es')}" for name, of in results.imported.items()
        )
        text += (
            f" The first trials of searches are known results that were imported ({known}). They were not trained in this study: they "
            "count as completed trials and as the history of the searcher, and have no duration."
        )
    text += " A trial without a value (diverged, failed, timed out) uses up a trial and does not change the best so far."
    if reads_history(study, None):
        received = {"worst": "the worst value that the search has so far", "drop": "no value, only the point"}
        text += f" The searcher receives {received[study.metric.on_failure]} for it."
    everywhere = ", in all views" if results.pairs else ""
    return f"{text} Trials before the first value of their search count as the worst value of any trial of the study{everywhere}."


def _of_intervals(results: Results) -> str:
    resamples, of_views = numbers.count(results.study.analysis.resamples), " with all its views" if results.pairs else ""
    text = f"Intervals have level {Notation(results).level}."
    if results.pairs or results.controls:
        text += " Paired differences have Student's t intervals."
    text += (
        " Means of a view have BCa bootstrap intervals (Efron 1987) with Hesterberg's small-sample expansion, from "
        f"{resamples} resamples; the unit that is resampled is a whole replicate{of_views}, never a trial."
    )
    if any(has_band(results, len(pair.replicates)) for pair in results.pairs):
        text += " The simultaneous band is a sup-t band whose critical value is transformed to Student's t."
    text += (
        " These intervals are valid if no rare event dominates the mean. If a tenth of one view's searches lose much, intervals from 20 "
        "replicates cover less than 90%."
    )
    if results.pairs or results.declared or results.criteria:
        text += (
            " An interval of a number of trials, or of a difference of such numbers, is cut at the smallest and largest possible value, "
            "which keeps its coverage."
        )
    return text


def _of_tests(results: Results) -> str:
    families = []
    if results.pairs:
        families.append("over all comparisons and budgets, and that of trials-to-target over all comparisons")
    if results.controls:
        families.append("that of each control over the views" if families else "over the views, for each control")
    return (
        "The test is a two-sided sign-flip permutation test of the paired differences, exact up to 20 replicates. Its p is adjusted "
        f"(Holm) {', '.join(families)}. A difference is shown if its "
        f"interval excludes 0 and its adjusted p is below {numbers.general(1 - results.study.analysis.confidence, 2)}."
    )


def _of_target(results: Results) -> str:
    text = (
        f"Trials-to-target are the trials, counted from 1, until {wording.level_text(results)}, {wording.level_origin(results)}. "
        "Searches that do not reach it are right-censored at their last trial; none is left out and no time is imputed. Curves and "
        "medians are Kaplan-Meier estimates, means are restricted to "
        f"{numbers.things(results.study.search.trials, 'trial')} (Royston and Parmar 2013), shares have Wilson intervals."
    )
    if results.pairs:
        text += (
            " The horizontal distance of mean "
            "curves, which Figure 8 of Quist et al. (2023) shows, is the trial at which one curve first reaches a level minus that of "
            "the other. In its percentile interval, a resample in which only one curve reaches the level counts as infinite on that side, "
            "and a resample in which neither does counts against both ends."
        )
    return text


def _correlations(results: Results) -> str:
    """The correlations of the views' final bests over replicates, in brackets; "" where they are not known."""
    known = [
        f"{numbers.metric(last.correlation, 2)} for {pair.a} and {pair.b}"
        for pair in results.pairs
        for last in pair.budgets[-1:]
        if last.correlation == last.correlation
    ]
    return f" (correlation of the final bests over replicates: {', '.join(known[:MOST_PAIRS])})" if known else ""
