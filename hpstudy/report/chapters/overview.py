"""Many comparisons at a glance: a forest of their differences, and a table of the same numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.charts import overview
from hpstudy.report.model import Section, Table
from hpstudy.report.overview import Side, many_comparisons, one_reference, standings
from hpstudy.report.tables import interval, p_text, trial_interval

TABLES = {"overview": overview.overview}

_NEEDS: Mapping[Side | None, str] = {-1: "fewer", 1: "more", 0: "not shown", None: numbers.MISSING}
_ENDS: Mapping[Side | None, str] = {-1: "worse", 1: "better", 0: "not shown", None: numbers.MISSING}


def chapter(results: Results) -> Iterator[Section]:
    """The comparisons of a study with many of them."""
    if many_comparisons(results) and any(pair.budgets for pair in results.pairs):
        yield Section("All comparisons", (overview.chart(results), _table(results)), level=2)


def _table(results: Results) -> Table:
    decimals, level = numbers.decimals_of(results), numbers.percent(results.study.analysis.confidence)
    rows = []
    for row in standings(results):
        trials, final = row.trials, row.final
        rows.append(
            (
                row.name,
                *(
                    (numbers.MISSING,) * 3
                    if trials is None
                    else (
                        numbers.trials(trials.difference),
                        trial_interval(trials.low, trials.high),
                        numbers.trials(trials.detectable),
                    )
                ),
                _NEEDS[row.trials_side],
                *(
                    (numbers.MISSING,) * 3
                    if final is None
                    else (numbers.metric(final.mean, decimals), interval(final.low, final.high, decimals), p_text(row.holm))
                ),
                _ENDS[row.final_side],
            )
        )
    metric, alone = results.study.metric.name, one_reference(results)
    head = ("view" if alone else "A − B", "trials", f"{level} CI", "MDE", "needs", "final best", f"{level} CI", "Holm", "ends")
    note = (
        f"Trials: restricted mean trials-to-target, over paired replicates; final best: of {metric}. Not shown: the interval, which is "
        "that of its own comparison, includes 0. MDE: smallest true difference found with 80 % power. Holm: p of a sign-flip test, "
        f"adjusted over all {len(results.adjusted)} comparisons and budgets."
    )
    if any(row.trials_side is None for row in standings(results)):
        note += f" {numbers.MISSING}: neither view reached the target, or too few replicates are complete in both."
    caption = (
        f"Differences of all comparisons: each view minus {results.pairs[0].b}." if alone else "Differences of all comparisons."
    )
    return Table(caption, head, tuple(rows), note=note)
