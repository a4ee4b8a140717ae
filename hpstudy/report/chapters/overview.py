"""Overview of many comparisons: a forest plot of the differences, and a table of the same numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hpstudy.analysis.comparisons.margin import Side
from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.charts import overview
from hpstudy.report.model import Section, Table
from hpstudy.report.notation import Notation
from hpstudy.report.overview import OBSERVED, many_comparisons, one_reference, standings

_NEEDS: Mapping[Side | None, str] = {-1: "fewer", 1: "more", 0: "not shown", None: numbers.MISSING}
_NOTHING = (numbers.MISSING, numbers.MISSING)
_ENDS: Mapping[Side | None, str] = {-1: "worse", 1: "better", 0: "not shown", None: numbers.MISSING}


def chapter(results: Results) -> Iterator[Section]:
    """The overview of a study with many comparisons."""
    if many_comparisons(results) and any(pair.budgets for pair in results.pairs):
        title, level = ("All comparisons of best observed values", 1) if results.declared else ("All comparisons", 2)
        yield Section(title, (overview.chart(results), _table(results)), level=level)


def _table(results: Results) -> Table:
    notation, judged = Notation(results), not results.declared
    rows = []
    for row in standings(results):
        trials, final = row.trials, row.final
        rows.append(
            (
                row.name,
                *(
                    numbers.restricted(
                        trials.difference, trials.low, trials.high, (trials.reached_a, trials.reached_b), trials.replicates
                    )
                    if trials
                    else _NOTHING
                ),
                numbers.interval(trials.lowest, trials.highest, numbers.trials) if trials else numbers.MISSING,
                numbers.trials(trials.detectable) if trials and trials.detectable > 0 else numbers.MISSING,
                *((_NEEDS[row.trials_side],) if judged else ()),
                *(notation.cells(final.mean, final.low, final.high) if final else _NOTHING),
                numbers.p_cell(final.adjusted) if final else numbers.MISSING,
                *((_ENDS[row.final_side],) if judged else ()),
            )
        )
    alone, ci = one_reference(results), notation.ci
    needs, ends = (("needs",), ("ends",)) if judged else ((), ())
    head = ("view" if alone else "A − B", "trials", ci, "attainable", "MDE", *needs, "final best", ci, "Holm", *ends)
    of_trials = f"; that of trials is adjusted over the {len(results.pairs)} comparisons" if judged else ""
    shown = "A difference is shown when its interval excludes 0 and its adjusted sign-flip test is significant."
    note = (
        f"Trials: restricted mean trials-to-target, over paired replicates; final best: of {notation.metric}. "
        f"{shown if judged else OBSERVED} Attainable: the difference in trials if one view never reached the target. MDE: smallest true "
        "difference found with 80% power before Holm's correction, if it is attainable. Holm: p adjusted over all "
        f"{len(results.adjusted)} comparisons and budgets{of_trials}."
    )
    if judged and any(row.trials_side is None for row in standings(results)):
        note += f" {numbers.MISSING}: neither view reached the target, or too few replicates are complete."
    caption = (
        f"Differences of all comparisons: each view minus {results.pairs[0].b}." if alone else "Differences of all comparisons."
    )
    return Table(caption, head, tuple(rows), note=note)
