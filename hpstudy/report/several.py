"""The report of several studies: the comparisons of each study and of all studies on a common scale."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from hpstudy.analysis.cross_study import Estimate, PairOfStudies, Several
from hpstudy.report import joint_endpoints, numbers, serial, wording
from hpstudy.report.chapters import ranks
from hpstudy.report.charts import performance_profile as profiles
from hpstudy.report.charts import several as charts
from hpstudy.report.charts.model import Data
from hpstudy.report.charts.words import confidence
from hpstudy.report.document import Document
from hpstudy.report.labels import LONGEST, cut
from hpstudy.report.model import Block, Facts, Paragraph, References, Section, Table
from hpstudy.report.notation import Notation
from hpstudy.report.references import references_of_several


def document(compared: Several) -> Document:
    """The report. Call it within `style.applied()`."""
    names = [results.study.name for results in compared.studies]
    return Document(
        name=" + ".join(names),
        question=" ".join(
            dict.fromkeys(_with_mark(text) for results in compared.studies if (text := results.study.question.strip()))
        ),
        design="; ".join(_design(compared, index) for index in range(len(names))),
        provisional=" ".join(
            f"{results.study.name}: {wording.provisional(results)}" for results in compared.studies if results.provisional
        ),
        sections=(*_altered(compared), *_sections(compared)),
        tables={
            "normalized_curves": partial(charts.normalized_curves, compared),
            "studies_compared": partial(charts.studies_compared, compared),
            **({"endpoints_compared": partial(charts.endpoints_compared, compared)} if compared.endpoints else {}),
            **(
                {"mean_ranks_of_views": partial(ranks.mean_ranks_of_views, compared)}
                if compared.ranking.ranks is not None
                else {}
            ),
            **(
                {"performance_profiles": partial(profiles.performance_profiles, compared)}
                if compared.ranking.profile is not None
                else {}
            ),
        },
    )


def _with_mark(question: str) -> str:
    """A question that ends with a mark, so that another one can follow."""
    return question if question.endswith((".", "?", "!", ")")) else f"{question}?"


def _altered(compared: Several) -> Iterator[Section]:
    """The statement which databases were altered."""
    sentences = [f"{results.study.name}: {text}" for results in compared.studies if (text := wording.broken_seals(results))]
    if sentences:
        yield Section("Altered databases", tuple(Paragraph(sentence, strong=True) for sentence in sentences))


def body(compared: Several) -> dict[str, Any]:
    """All numbers of the report, for its JSON file."""
    prints = [results.study.fingerprint() for results in compared.studies]
    endpoints = [{**serial.plain(one), "endpoint": one.endpoint.model_dump(mode="json")} for one in compared.endpoints]
    return {
        "format": serial.FORMAT,
        "version": 1,
        "fingerprint": hashlib.sha256(" ".join(prints).encode()).hexdigest(),
        "headline": headline(compared),
        "studies": dict(zip((results.study.name for results in compared.studies), prints, strict=True)),
        "scales": serial.plain(compared.scales),
        "comparisons": serial.plain(compared.pairs),
        **({"endpoints": endpoints} if endpoints else {}),
        "ranking": serial.plain(compared.ranking),
        "study": "+".join(results.study.name for results in compared.studies),
    }


def headline(compared: Several) -> str:
    """The joint result of the studies in a sentence for each comparison: on their primary endpoints, else on best observed values."""
    opening = ["PROVISIONAL:"] if _provisional(compared) else []
    primary = [
        joint_endpoints.answer(compared, title, found)
        for title, found in joint_endpoints.by_title(compared).items()
        if found[0].primary
    ]
    return " ".join([*opening, *(primary or (_together(compared, pair) for pair in compared.pairs))])


def _design(compared: Several, index: int) -> str:
    study = compared.studies[index].study
    size = f"{numbers.things(study.replicates, 'replicate')} of {numbers.things(study.search.trials, 'trial')}"
    return f"{study.name}: task {study.task.title}, {study.metric.name}, {size}"


def _sections(compared: Several) -> Iterator[Section]:
    declared = joint_endpoints.by_title(compared)
    observed = [Paragraph(_together(compared, pair), strong=not declared) for pair in compared.pairs]
    drawn = (charts.differences(compared), _table(compared), charts.curves(compared), _scales(compared))
    if not declared:
        yield Section("Answer", tuple(observed))
        yield Section("Study by study", drawn)
        yield from _ranks(compared)
        yield Section("Methods", (Paragraph(_methods(compared)), References(references_of_several(compared))))
        return
    answers = [Paragraph(joint_endpoints.answer(compared, title, found), strong=True) for title, found in declared.items()]
    yield Section(
        "Answer", (Paragraph(joint_endpoints.DEFINITIONS), *answers, charts.endpoints(compared), joint_endpoints.table(compared))
    )
    yield Section("Best observed values", (*observed, *drawn))
    yield from _ranks(compared)
    methods = (Paragraph(joint_endpoints.methods(compared)), Paragraph(_methods(compared)))
    yield Section("Methods", (*methods, References(references_of_several(compared))))
    yield Section("Identity", (Facts(tuple((r.study.name, r.study.fingerprint()) for r in compared.studies)),))


def _ranks(compared: Several) -> Iterator[Section]:
    """The ranks of the views over studies, and their performance profiles over all replicates of all studies."""
    blocks: list[Block] = []
    if (found := compared.ranking.ranks) is not None:
        data, level = Data.of(compared, ranks.mean_ranks_of_views), confidence(compared.studies[0])
        blocks += ranks.friedman(found, "normalized final best", "studies", level, data, judged=not _provisional(compared))
        text = "Each study counts once, as a sample from a population of tasks. With few studies, the test has little power."
        blocks.append(Paragraph(text))
    if (profile := compared.ranking.profile) is not None:
        data = Data.of(compared, profiles.performance_profiles)
        names = [cut(view, LONGEST) for view in profile.names]
        blocks.append(profiles.chart(profile, names, "replicates of all studies", data))
    if blocks:
        yield Section("Ranks of the views", tuple(blocks))


def _ci(compared: Several) -> str:
    return Notation(compared.studies[0]).ci


def _together(compared: Several, pair: PairOfStudies) -> str:
    parts = [f"normalized final best {_score(pair.score_together)}{_not_shown(compared, pair.score_together)}"]
    if pair.trials_together is not None:
        parts.insert(0, f"trials-to-target {_trials(pair.trials_together)}{_not_shown(compared, pair.trials_together)}")
    return f"{pair.a} minus {pair.b}, mean of {len(compared.studies)} studies with {_ci(compared)}: {'; '.join(parts)}."


def _provisional(compared: Several) -> bool:
    return any(results.provisional for results in compared.studies)


def _not_shown(compared: Several, estimate: Estimate) -> str:
    return "" if _provisional(compared) or estimate.low > 0 or estimate.high < 0 else ", no difference shown"


def _score(estimate: Estimate) -> str:
    return _text(estimate, partial(numbers.metric, decimals=joint_endpoints.PLACES))


def _trials(estimate: Estimate) -> str:
    return _text(estimate, numbers.trials)


def _text(estimate: Estimate, write: Callable[[float], str]) -> str:
    return numbers.with_interval(*numbers.cells(estimate.mean, estimate.low, estimate.high, write))


def _table(compared: Several) -> Table:
    rows = []
    for pair in compared.pairs:
        for results, score, trials in zip(compared.studies, pair.score, pair.trials, strict=True):
            rows.append(_row(results.study.name, pair, score, trials))
        rows.append(_row("all together", pair, pair.score_together, pair.trials_together))
    return Table(
        caption=f"Differences by study, with {_ci(compared)}.",
        head=("study", "comparison", "pairs", "normalized final best", "trials-to-target"),
        rows=tuple(rows),
        left=2,
        note="Trials-to-target are restricted to the smallest budget of the studies; the report of each study has the attainable range. "
        "All together: studies weigh equally.",
    )


def _row(study: str, pair: PairOfStudies, score: Estimate, trials: Estimate | None) -> tuple[str, ...]:
    return (study, f"{pair.a} − {pair.b}", str(score.replicates), _score(score), "–" if trials is None else _trials(trials))


def _scales(compared: Several) -> Table:
    rows = []
    for results, scale in zip(compared.studies, compared.scales, strict=True):
        notation = Notation(results)
        rows.append((results.study.name, notation.metric, notation.value(scale.first), notation.value(scale.known)))
    return Table(
        "The common scale in each study.", ("study", "metric", "0: median first trial", "1: best value"), tuple(rows), left=2
    )


def _methods(compared: Several) -> str:
    return (
        "Every study was analyzed separately; its own report has the details. On the common scale, 0 is the median first trial of a "
        "study, whose point no search chose, and 1 the best value of any of its trials; raw metrics are never pooled. Intervals of a "
        f"study are {_ci(compared)}s over paired replicates (Student's t). Those of all studies together are percentile intervals of a "
        "bootstrap that draws replicates, those of studies with the same seed together, and weighs studies equally. They generalize to "
        "other seeds in these studies, not to other tasks."
    )
