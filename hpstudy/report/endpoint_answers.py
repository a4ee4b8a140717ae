"""The results of the declared endpoints, in sentences with their evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from hpstudy.analysis.confirmed.comparison import EndpointOfPair
from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.results import Results
from hpstudy.report import exceeded_plateaus, limits, numbers
from hpstudy.report.endpoints import cells, difference, reached, title, writer
from hpstudy.report.notation import Notation
from hpstudy.report.overview import many_comparisons
from hpstudy.study.declaration import Endpoint


def headline(results: Results) -> str:
    """The results of the primary endpoints."""
    opening = ["PROVISIONAL:"] if results.provisional else []
    return " ".join([*opening, *(answer(results, result) for result in results.declared if result.primary)])


def answers(results: Results, *, primary: bool) -> Iterator[tuple[str, str]]:
    """The answers for the primary or the other endpoints, each with its evidence.

    Endpoints without a result come first, in a sentence for each reason.
    """
    selected = [result for result in results.declared if result.primary == primary]
    missing: dict[str, list[str]] = {}
    for result in selected:
        if result.declared is None:
            missing.setdefault(_missing(result), []).append(title(results, result.endpoint))
    yield from ((f"{'; '.join(titles)}: {reason}.", "") for reason, titles in missing.items())
    yield from ((answer(results, one), evidence(results, one)) for one in selected if one.declared is not None)


def answer(results: Results, result: EndpointResult) -> str:
    """One endpoint in a sentence for each comparison: verdict, difference, interval. Many comparisons are counted.

    The sentences of several comparisons follow the name of the endpoint. There is no verdict before the study is complete.
    """
    return _answer(results, result, judged=not results.provisional)


def _answer(results: Results, result: EndpointResult, *, judged: bool) -> str:
    if result.declared is None:
        return f"{title(results, result.endpoint)}: {_missing(result)}."
    if not result.declared.pairs:
        means = ", ".join(
            f"{view.view} {numbers.with_interval(*cells(results, result, view.estimate))}" for view in result.declared.views
        )
        return f"{title(results, result.endpoint)}: {means}."
    if many_comparisons(results):
        return _counted(results, result, result.declared.pairs, judged=judged)
    opening = [f"{title(results, result.endpoint)}."] if len(result.declared.pairs) > 1 else []
    return " ".join([*opening, *(_comparison(results, result, pair, judged=judged) for pair in result.declared.pairs)])


def first_replicates(results: Results) -> str:
    """The results of the primary endpoints in the declared first replicates alone."""
    analysis = results.study.analysis
    assert analysis.first_replicates is not None, "they are declared"
    expected = analysis.first_replicates - ((analysis.plateaus.held_out or 0) if analysis.plateaus else 0)
    opening = f"The first {analysis.first_replicates} replicates alone:"
    if any(len(result.replicates) < expected for result in results.declared_first):
        return f"{opening} not known before all of them are complete."
    return " ".join([opening, *(_in_short(results, result) for result in results.declared_first if result.primary)])


def _in_short(results: Results, result: EndpointResult) -> str:
    """An endpoint in short form, with every comparison: difference, interval and better view."""
    if result.declared is None or not result.declared.pairs or many_comparisons(results):
        return _answer(results, result, judged=True)
    parts = []
    for pair in result.declared.pairs:
        value, interval = difference(results, result, result.declared, pair)
        shown = f"{pair.shown} better" if pair.shown else "no difference shown"
        parts.append(f"{_minus(pair)} {value} ({'' if interval == numbers.MISSING else f'{interval}; '}{shown})")
    return f"{title(results, result.endpoint)}: {'; '.join(parts)}."


def evidence(results: Results, result: EndpointResult) -> str:
    """The limits of the answer: late searches, a plateau that is too easy, and attainable and detectable differences if none is shown."""
    measured = result.declared
    if measured is None:
        return ""
    sentences = list(exceeded_plateaus.sentences(results, result))
    horizon = numbers.things(results.study.search.trials, "trial")
    n = len(result.replicates)
    late = {view.view: n - view.reached for view in measured.views if view.reached is not None and view.reached < n}
    if late:
        counts = ", ".join(f"{count} of {n} {view}" for view, count in late.items())
        sentences.append(f"A search that does not reach {goal(result.endpoint)} counts as {horizon}: {counts}.")
    if heavy := limits.censored(late, n):
        which = "" if len(heavy) == len(measured.views) > 2 else f" ({', '.join(heavy)})"
        number = "difference" if measured.pairs else "mean"
        sentences.append(f"Heavy censoring{which}: the {number} says little about how many trials these searches need.")
    if result.endpoint.use == "trials_to_target":
        sentences += limits.beyond(results, (view.view for view in measured.views))
    if not many_comparisons(results):
        # The tables have these numbers for all comparisons.
        pairs = [pair for pair in measured.pairs if results.provisional or not pair.shown]
        sentences += [text for text in (_attainable(result, pairs), _detectable(results, result, pairs)) if text]
    return " ".join(sentences)


def _comparison(results: Results, result: EndpointResult, pair: EndpointOfPair, *, judged: bool) -> str:
    assert result.declared is not None, "it has pairs"
    alone = len(result.declared.pairs) == 1
    what, stop = (f"{title(results, result.endpoint)}, {_minus(pair)}:", ".") if alone else (_minus(pair), ":")
    value, interval = difference(results, result, result.declared, pair)
    if math.isnan(pair.estimate.low):
        return f"Too few replicates for an interval{stop} {what} {value}."
    counts = reached(result.declared, pair)
    if counts == (0, 0):
        return f"Cannot be compared{stop} {what} no search of either view reaches {goal(result.endpoint)}."
    details = [f"{Notation(results).ci} {interval}"]
    if 0 in counts:
        value, details = f"{_within(results, pair, counts)} {goal(result.endpoint)}", []
    if not math.isnan(pair.adjusted):
        details.append(f"{'Holm p' if _tests(results, result) > 1 else 'p'} {numbers.p_value(pair.adjusted)}")
    estimate = f"{what} {value} ({'; '.join(details)})." if details else f"{what} {value}."
    if not judged:
        return estimate
    return f"{verdict(result.endpoint, pair.a, pair.b, pair.shown) if pair.shown else 'No difference shown'}{stop} {estimate}"


def _within(results: Results, pair: EndpointOfPair, counts: tuple[int | None, int | None]) -> str:
    """The restricted difference if one view never reaches the criterion; a bound only if all searches of the other view reach it."""
    value = numbers.trials(pair.estimate.value)
    late, bound = (pair.b, "at most") if counts[0] else (pair.a, "at least")
    if pair.estimate.n in counts:
        return f"{bound} {value}, since no {late} search reaches"
    return f"{value} within {numbers.things(results.study.search.trials, 'trial')}, in which no {late} search reaches"


def _tests(results: Results, result: EndpointResult) -> int:
    """The number of tests in the family of this endpoint (Holm's correction)."""
    together = (one.declared for one in results.declared if one.primary == result.primary)
    return sum(len(measured.pairs) for measured in together if measured is not None)


def _minus(pair: EndpointOfPair) -> str:
    return f"{pair.a} minus {pair.b}"


def _counted(results: Results, result: EndpointResult, pairs: Sequence[EndpointOfPair], *, judged: bool) -> str:
    """The number of comparisons that show a difference, and the better view in each of them."""
    if not judged:
        return f"{title(results, result.endpoint)}: no verdict on {len(pairs)} comparisons before the study is complete."
    shown = [f"{pair.shown} better than {pair.b if pair.shown == pair.a else pair.a}" for pair in pairs if pair.shown]
    which = f": {', '.join(shown)}" if shown else ""
    count = f"{len(shown) or 'none'} of {len(pairs)} comparisons {'show' if len(shown) > 1 else 'shows'}"
    return f"{title(results, result.endpoint)}: {count} a difference{which}."


def verdict(endpoint: Endpoint, a: str, b: str, better: str) -> str:
    """The text of a shown difference; `better` is the better of the views a and b."""
    worse = b if better == a else a
    if endpoint.use == "final":
        return f"{better} ends better than {worse}"
    if endpoint.use == "confirmed_regret":
        plateau = "the best plateau" if endpoint.of_best_plateau else "its own plateau"
        return f"{better} is closer to {plateau} than {worse}"
    return f"{better} reaches {goal(endpoint)} in fewer trials than {worse}"


def goal(endpoint: Endpoint) -> str:
    """What a search reaches, for an endpoint that is a number of trials."""
    if endpoint.use == "trials_to_target":
        return "the target"
    return "the best plateau" if endpoint.of_best_plateau else "its plateau"


def _attainable(result: EndpointResult, pairs: Sequence[EndpointOfPair]) -> str:
    """The attainable range of the differences; "" for an endpoint without one."""
    ranges = {_minus(pair): numbers.interval(*pair.attainable, numbers.trials) for pair in pairs if pair.attainable is not None}
    if not ranges:
        return ""
    condition = f"one view never reaches {goal(result.endpoint)} and the other keeps its mean"
    return f"Attainable range of the difference, if {condition}: {_of_each(result, ranges)}."


def _detectable(results: Results, result: EndpointResult, pairs: Sequence[EndpointOfPair]) -> str:
    """The detectable differences; "" if none is known."""
    differences = {}
    for pair in pairs:
        if (text := detectable(results, result, pair)) != numbers.MISSING:
            differences[_minus(pair)] = f"{text}{' trials' if pair.attainable is not None else ''}"
    return f"A true difference of {_of_each(result, differences)} is found with {power(results, result)}." if differences else ""


def detectable(results: Results, result: EndpointResult, pair: EndpointOfPair) -> str:
    """The smallest true difference that is found with `power`."""
    if not 0 < pair.detectable < math.inf:
        return numbers.MISSING
    return writer(results, result, pair.estimate.low, pair.estimate.high)(pair.detectable)


def power(results: Results, result: EndpointResult) -> str:
    """The power for a detectable difference; with several tests, the power with Holm's correction is at least as high."""
    return "at least 80% power" if _tests(results, result) > 1 else "80% power"


def _of_each(result: EndpointResult, values: Mapping[str, str]) -> str:
    """The values by comparison, or a single value if it is that of all comparisons."""
    assert result.declared is not None, "it has comparisons"
    if len(values) == len(result.declared.pairs) and len(set(values.values())) == 1:
        return next(iter(values.values()))
    return " or ".join(f"{value} ({comparison})" for comparison, value in values.items())


def _missing(result: EndpointResult) -> str:
    if result.endpoint.use == "trials_to_target":
        return "not known yet, since no replicate is complete in all views, or the target is not known"
    if not len(result.replicates):
        return "not known yet, since no replicate has all views complete and all incumbents trained on all fresh seeds"
    return "not known yet, since the replicates that set the plateaus are not complete"
