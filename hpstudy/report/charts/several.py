"""Several studies on a common scale: differences in each study and over all studies, and curves of each study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hpstudy.analysis.cross_study import Estimate, Normalized, PairOfStudies, Several
from hpstudy.analysis.joint_endpoints import JointEndpoint
from hpstudy.analysis.results import Results
from hpstudy.report import joint_endpoints, style
from hpstudy.report.charts.axes import around, row_axis, trial_axis
from hpstudy.report.charts.grid import in_grid
from hpstudy.report.charts.intervals import estimate, trials
from hpstudy.report.charts.marks import Line, Mark, Marker, Rule
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Panel
from hpstudy.report.charts.words import along, confidence
from hpstudy.report.csvs import Row, numbered
from hpstudy.report.endpoints import name
from hpstudy.report.labels import LONGEST, cut

TOGETHER = "all together"


def differences(compared: Several) -> Chart:
    """Best observed values: a panel for each quantity; for every comparison, a row for each study and one for all studies."""
    score = [mean for pair in compared.pairs for mean in (*pair.score, pair.score_together)]
    trials = [mean for pair in compared.pairs for mean in (*pair.trials, pair.trials_together)]
    panels = [
        _panel(compared, title, [None if mean is None else (mean.mean, mean.low, mean.high) for mean in means])
        for title, means in (("normalized final best", score), ("trials-to-target", trials))
    ]
    return Chart(
        "studies_compared",
        in_grid(panels, 2, shared=True),
        "Differences between views, study by study and together.",
        f"A point is the mean over replicates (a diamond: over studies), a bar its {confidence(compared.studies[0])} CI. Which view is "
        "better depends on the side of 0.",
        Data.of(compared, studies_compared),
        0.9 + 0.24 * len(_rows(compared)),
        legend=_legend(compared),
    )


def endpoints(compared: Several) -> Chart:
    """The declared endpoints: a panel for each; for every comparison, a row for each study and one for all studies."""
    declared = list(joint_endpoints.by_title(compared).values())
    panels = [
        _panel(compared, joint_endpoints.in_short(comparisons[0]), list(_of_endpoint(comparisons))) for comparisons in declared
    ]
    return Chart(
        "endpoints_compared",
        in_grid(panels, 2, shared=True),
        "Declared endpoints, study by study and together.",
        f"A point is the mean difference over replicates (a diamond: over studies), a bar its {confidence(compared.studies[0])} CI. "
        "Regrets and final values are on the common scale. An estimate is missing if no search of a view reaches the criterion.",
        Data.of(compared, endpoints_compared),
        (0.8 + 0.17 * len(_rows(compared))) * -(-len(panels) // 2),
        legend=_legend(compared),
    )


def _legend(compared: Several) -> tuple[Entry, ...]:
    """The comparisons, if there are several."""
    entries = [
        Entry(f"{pair.a} − {pair.b}", style.color(number), "solid", style.symbol(number), 1.2)
        for number, pair in enumerate(compared.pairs)
    ]
    return tuple(entries) if len(entries) > 1 else ()


def _of_endpoint(comparisons: list[JointEndpoint]) -> Iterator[tuple[float, float, float] | None]:
    """Mean and interval of every comparison, for each study and for all studies."""
    for one in comparisons:
        for mean, reached in zip((*one.studies, one.together), (*one.reached, None), strict=True):
            reached_by_both = mean is not None and not (reached is not None and 0 in reached)
            yield (mean.value, mean.low, mean.high) if mean is not None and reached_by_both else None


def _rows(compared: Several) -> list[tuple[int, PairOfStudies, str]]:
    """The rows of a panel: index of the comparison, the comparison, and the study or all studies."""
    studies = (*(results.study.name for results in compared.studies), TOGETHER)
    return [(number, pair, study) for number, pair in enumerate(compared.pairs) for study in studies]


def _panel(compared: Several, title: str, means: Sequence[tuple[float, float, float] | None]) -> Panel:
    rows = _rows(compared)
    names = [cut(study, LONGEST) for _, _, study in rows]
    marks: list[Mark] = [Rule(axis="x", at=0.0, color=style.INK, dash="dash")]
    ends = np.zeros(1)
    for row, ((number, pair, study), own) in enumerate(zip(rows, means, strict=True)):
        if own is None:
            continue
        head = f"{pair.a} − {pair.b}, {study}\n{title}"
        ends = np.append(ends, own)
        marker = Marker("diamond" if study is TOGETHER else style.symbol(number), 5)
        groups = (number,) if len(compared.pairs) > 1 else ()
        marks += estimate(compared.studies[0], own, row, style.color(number), marker, head, width=1.2, groups=groups)
    return Panel(Axis(f"difference of {title}", around(ends)), row_axis(names), tuple(marks))


def curves(compared: Several) -> Chart:
    """A panel for each study with the mean curves of its views."""
    drawn = [one for one in compared.views if len(one.mean)]
    views = list(dict.fromkeys(one.view for one in compared.views))
    shown = [view for view in views if any(one.view == view for one in drawn)]
    legend = [
        Entry(cut(view, LONGEST), style.color(at), style.dash(at), width=1.4) for at, view in enumerate(views) if view in shown
    ]
    panels: list[Panel] = []
    for results in compared.studies:
        own = [one for one in drawn if one.study == results.study.name]
        values = Axis("normalized best so far", around(*(one.mean for one in own)), grid=True, titled=not panels)
        marks = tuple(_curve(results, one, views.index(one.view), shown.index(one.view)) for one in own)
        panels.append(Panel(trial_axis(results.study.search.trials), values, marks, title=cut(results.study.name, 30)))
    columns = min(len(panels), 3)
    return Chart(
        "normalized_curves",
        in_grid(panels, columns),
        "Normalized best so far, mean over the complete searches of every study.",
        "0 is the median first trial of the study, 1 the best value of any of its trials.",
        Data.of(compared, normalized_curves),
        2.4 * -(-len(panels) // columns),
        legend=tuple(legend),
    )


def _curve(results: Results, one: Normalized, index: int, group: int) -> Line:
    nothing = np.full(len(one.mean), np.nan)
    return Line(
        x=trials(one.mean),
        y=one.mean,
        color=style.color(index),
        width=1.4,
        dash=style.dash(index),
        groups=(group,),
        hover=along(results, f"{one.study}, {one.view}", one.mean, nothing, nothing),
    )


def normalized_curves(compared: Several) -> Iterator[Row]:
    """The normalized mean curve of every view of every study."""
    yield "study", "view", "trials", "normalized_best_so_far"
    for one in compared.views:
        yield from numbered((one.study, one.view), one.mean)


def studies_compared(compared: Several) -> Iterator[Row]:
    """Every difference, for each study and for all studies."""
    yield "a", "b", "study", "quantity", "pairs", "mean", "low", "high"
    for pair in compared.pairs:
        names = [*(results.study.name for results in compared.studies), "all together"]
        columns: list[tuple[str, list[Estimate | None]]] = [
            ("normalized_final_best", [*pair.score, pair.score_together]),
            ("trials_to_target", [*pair.trials, pair.trials_together]),
        ]
        for quantity, estimates in columns:
            for study, mean in zip(names, estimates, strict=True):
                if mean is not None:
                    yield pair.a, pair.b, study, quantity, mean.replicates, mean.mean, mean.low, mean.high


def endpoints_compared(compared: Several) -> Iterator[Row]:
    """Every declared endpoint, for each study and for all studies; regrets and final values are on the common scale."""
    yield "endpoint", "role", "a", "b", "study", "pairs", "difference", "low", "high", "p", "p_holm", "shown"
    names = [results.study.name for results in compared.studies]
    for one in compared.endpoints:
        first = name(one.endpoint), "primary" if one.primary else "secondary", one.a, one.b
        for study, of in zip(names, one.studies, strict=True):
            yield *first, study, of.n, of.value, of.low, of.high, "", "", ""
        if (mean := one.together) is not None:
            yield *first, TOGETHER, mean.n, mean.value, mean.low, mean.high, one.p, one.adjusted, one.shown
