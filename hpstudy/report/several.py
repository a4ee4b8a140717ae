"""The report of several studies: what each found, on a common scale, and all together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hpstudy.analysis.cross_study import Estimate, PairOfStudies, Several
from hpstudy.report import numbers, serial, style, wording
from hpstudy.report.csvs import Row
from hpstudy.report.document import Document
from hpstudy.report.figures.progress import trial_axis
from hpstudy.report.labels import cut, name
from hpstudy.report.model import Drawing, Facts, Paragraph, References, Section, Table

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
            "normalised_curves": partial(_curve_rows, found),
            "studies_compared": partial(_pair_rows, found),
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
    yield Section("Study by study", (_forest(found), _table(found), _curves(found), _scales(found)))
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


def _forest(found: Several) -> Drawing:
    return Drawing(
        "studies_compared",
        partial(_draw_forest, found),
        "Differences between views, study by study and together.",
        f"A point is the mean over replicates (a diamond: over studies), a bar its {_ci(found)}; left and right of 0 different views "
        "are better.",
        ("studies_compared",),
    )


def _draw_forest(found: Several) -> Figure:
    lines = len(found.pairs) * (len(found.studies) + 1)
    figure = Figure(figsize=(style.WIDTH, 0.9 + 0.24 * lines), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    labels: list[str] = []
    for place, pair in enumerate(found.pairs):
        rows = [*zip(found.studies, pair.score, pair.trials, strict=True), (None, pair.score_together, pair.trials_together)]
        for results, score, trials in rows:
            y = -len(labels)
            form = {"color": style.colour(place), "marker": "D" if results is None else style.marker(place), "markersize": 4}
            for axes, estimate in ((left, score), (right, trials)):
                if estimate is not None:
                    axes.plot([estimate.low, estimate.high], [y, y], color=form["color"], linewidth=1.2)
                    axes.plot([estimate.mean], [y], linestyle="none", **form)
            study = "all together" if results is None else cut(results.study.name, 20)
            labels.append(
                f"{name(pair.a)} − {name(pair.b)}, {style.plain(study)}" if len(found.pairs) > 1 else style.plain(study)
            )
    left.set_yticks([-y for y in range(len(labels))], labels)
    left.set_xlabel("normalised final best")
    right.set_xlabel("trials-to-target")
    for axes in (left, right):
        axes.axvline(0, color="black", linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
        style.guides(axes)
    return figure


def _curves(found: Several) -> Drawing:
    return Drawing(
        "normalised_curves",
        partial(_draw_curves, found),
        "Normalised best so far, mean over the complete searches of every study.",
        "0 is the median first trial of the study, 1 the best value of any of its trials.",
        ("normalised_curves",),
    )


def _draw_curves(found: Several) -> Figure:
    columns = min(len(found.studies), 3)
    rows = -(-len(found.studies) // columns)
    figure = Figure(figsize=(style.WIDTH, 2.4 * rows), layout="constrained")
    views = list(dict.fromkeys(one.view for one in found.views))
    panels: Sequence[object] = [figure.add_subplot(rows, columns, place + 1) for place in range(len(found.studies))]
    handles = {}
    for axes, results in zip(panels, found.studies, strict=True):
        for one in (one for one in found.views if one.study == results.study.name and len(one.mean)):
            index = views.index(one.view)
            (handles[one.view],) = axes.plot(  # type: ignore[attr-defined]
                np.arange(1, len(one.mean) + 1), one.mean, color=style.colour(index), linestyle=style.line(index), linewidth=1.4
            )
        axes.set_title(style.plain(cut(results.study.name, 30)))  # type: ignore[attr-defined]
        trial_axis(axes, results.study.search.trials)  # type: ignore[arg-type]
        style.guides(axes)  # type: ignore[arg-type]
    panels[0].set_ylabel("normalised best so far")  # type: ignore[attr-defined]
    figure.legend([*handles.values()], [name(view) for view in handles], loc="outside upper left", ncols=min(len(handles), 4))
    return figure


def _methods(found: Several) -> str:
    return (
        "Every study was analysed by itself, and its own report has the details. Values are put on a scale on which the median first "
        "trial of a study, whose point no search chose, is 0, and the best value of any of its trials is 1; raw metrics are never "
        f"pooled. Intervals of a study are {_ci(found)} BCa bootstrap intervals over paired replicates. Those of all studies together "
        "are percentile intervals of a bootstrap that draws replicates within every study and weighs studies equally. They say what "
        "these studies would give with other seeds, not what other tasks would."
    )


def _curve_rows(found: Several) -> Iterator[Row]:
    yield "study", "view", "trials", "normalised_best_so_far"
    for one in found.views:
        for trial, value in enumerate(one.mean.tolist(), 1):
            yield one.study, one.view, trial, value


def _pair_rows(found: Several) -> Iterator[Row]:
    yield "a", "b", "study", "quantity", "pairs", "mean", "low", "high"
    for pair in found.pairs:
        names = [*(results.study.name for results in found.studies), "all together"]
        columns: list[tuple[str, list[Estimate | None]]] = [
            ("normalised_final_best", [*pair.score, pair.score_together]),
            ("trials_to_target", [*pair.trials, pair.trials_together]),
        ]
        for quantity, estimates in columns:
            for study, estimate in zip(names, estimates, strict=True):
                if estimate is not None:
                    yield pair.a, pair.b, study, quantity, estimate.replicates, estimate.mean, estimate.low, estimate.high
