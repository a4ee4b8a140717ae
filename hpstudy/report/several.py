"""The report of several studies: what each found, on a common scale, and all together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from hpstudy.analysis.cross_study import Estimate, PairOfStudies, Several
from hpstudy.report import numbers, serial, wording
from hpstudy.report.charts import several as charts
from hpstudy.report.document import Document
from hpstudy.report.model import Facts, Paragraph, References, Section, Table

PLACES = 3
"""Decimals of a normalised score."""

REFERENCES = (
    "Turner et al. Bayesian optimization is superior to random search for machine learning hyperparameter tuning. NeurIPS 2020 "
    "Competition Track, PMLR 133, 2021 (the score).",
    "Efron. Better bootstrap confidence intervals. J. Am. Stat. Assoc. 82, 1987.",
)


def document(found: Several) -> Document:
    """The report. Call it within `style.applied()`."""
    names = [results.study.name for results in found.studies]
    return Document(
        name=" + ".join(names),
        question="; ".join(results.study.question for results in found.studies if results.study.question),
        design="; ".join(_design(found, place) for place in range(len(names))),
        provisional=" ".join(
            f"{results.study.name}: {wording.provisional(results)}" for results in found.studies if results.provisional
        ),
        sections=tuple(_sections(found)),
        tables={
            "normalised_curves": partial(charts.normalised_curves, found),
            "studies_compared": partial(charts.studies_compared, found),
        },
    )


def body(found: Several) -> dict[str, Any]:
    """All numbers of the report, for its JSON file."""
    prints = [results.study.fingerprint() for results in found.studies]
    return {
        "format": serial.FORMAT,
        "version": 1,
        "fingerprint": hashlib.sha256(" ".join(prints).encode()).hexdigest(),
        "headline": headline(found),
        "studies": dict(zip((results.study.name for results in found.studies), prints, strict=True)),
        "scales": serial.plain(found.scales),
        "comparisons": serial.plain(found.pairs),
    }


def headline(found: Several) -> str:
    """What the studies say together, in a sentence for each comparison."""
    return " ".join(_together(found, pair) for pair in found.pairs)


def _design(found: Several, place: int) -> str:
    study = found.studies[place].study
    return (
        f"{study.name}: task {study.task.use}, {study.metric.name}, {study.replicates} replicates of {study.search.trials} trials"
    )


def _sections(found: Several) -> Iterator[Section]:
    answers = [
        block for pair in found.pairs for block in (Paragraph(_together(found, pair), strong=True), Paragraph(_each(found, pair)))
    ]
    yield Section("Answer", tuple(answers))
    yield Section("Study by study", (charts.differences(found), _table(found), charts.curves(found), _scales(found)))
    yield Section("Methods", (Paragraph(_methods(found)), References(REFERENCES)))
    yield Section("Identity", (Facts(tuple((r.study.name, r.study.fingerprint()) for r in found.studies)),))


def _ci(found: Several) -> str:
    return f"{numbers.percent(found.studies[0].study.analysis.confidence)} CI"


def _together(found: Several, pair: PairOfStudies) -> str:
    parts = [f"normalised final best {_score(pair.score_together)}{_apart(pair.score_together)}"]
    if pair.trials_together is not None:
        parts.insert(0, f"trials-to-target {_trials(pair.trials_together)}{_apart(pair.trials_together)}")
    return f"{pair.a} minus {pair.b}, mean of {len(found.studies)} studies with {_ci(found)}: {'; '.join(parts)}."


def _apart(estimate: Estimate) -> str:
    return "" if estimate.low > 0 or estimate.high < 0 else ", no difference shown"


def _each(found: Several, pair: PairOfStudies) -> str:
    parts = []
    for results, score, trials in zip(found.studies, pair.score, pair.trials, strict=True):
        said = f"normalised final best {_score(score)}"
        parts.append(f"{results.study.name}: {said}" + (f", trials-to-target {_trials(trials)}" if trials is not None else ""))
    return "; ".join(parts) + "."


def _score(estimate: Estimate) -> str:
    return _text(estimate, partial(numbers.metric, decimals=PLACES))


def _trials(estimate: Estimate) -> str:
    return _text(estimate, numbers.trials)


def _text(estimate: Estimate, shown: partial[str] | object) -> str:
    assert callable(shown), "a way to print a number"
    if np.isnan(estimate.low):
        return str(shown(estimate.mean))
    return f"{shown(estimate.mean)} ({shown(estimate.low)} to {shown(estimate.high)})"


def _table(found: Several) -> Table:
    rows = []
    for pair in found.pairs:
        for results, score, trials in zip(found.studies, pair.score, pair.trials, strict=True):
            rows.append(_row(results.study.name, pair, score, trials))
        rows.append(_row("all together", pair, pair.score_together, pair.trials_together))
    return Table(
        caption=f"Differences by study, with {_ci(found)}.",
        head=("study", "comparison", "pairs", "normalised final best", "trials-to-target"),
        rows=tuple(rows),
        left=2,
        note="Trials-to-target are restricted to the smallest budget of the studies. All together: studies weigh equally.",
    )


def _row(study: str, pair: PairOfStudies, score: Estimate, trials: Estimate | None) -> tuple[str, ...]:
    return (study, f"{pair.a} − {pair.b}", str(score.replicates), _score(score), "–" if trials is None else _trials(trials))


def _scales(found: Several) -> Table:
    rows = []
    for results, scale in zip(found.studies, found.scales, strict=True):
        decimals = numbers.decimals_of(results)
        ends = (numbers.metric(value, decimals) for value in (scale.first, scale.known))
        rows.append((results.study.name, results.study.metric.name, *ends))
    return Table(
        "What the scales are made of.", ("study", "metric", "0: median first trial", "1: best value"), tuple(rows), left=2
    )


def _methods(found: Several) -> str:
    return (
        "Every study was analysed by itself, and its own report has the details. Values are put on a scale on which the median first "
        "trial of a study, whose point no search chose, is 0, and the best value of any of its trials is 1; raw metrics are never "
        f"pooled. Intervals of a study are {_ci(found)} BCa bootstrap intervals over paired replicates. Those of all studies together "
        "are percentile intervals of a bootstrap that draws replicates within every study and weighs studies equally. They say what "
        "these studies would give with other seeds, not what other tasks would."
    )
