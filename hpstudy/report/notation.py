"""Formats of the study's metric and of the level of intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.goal import Goal
from hpstudy.report import numbers


def holm(tests: int) -> str:
    """The explanation of a column of p-values adjusted over the tests of a table."""
    return numbers.plural(
        tests,
        "Holm: the same p, since the table has one test.",
        f"Holm: adjusted over all {numbers.count(tests)} tests of this table.",
    )


@dataclass(frozen=True)
class Notation:
    """The formats of values of a study's metric.

    Attributes:
        results: of the study.
    """

    results: Results

    @property
    def metric(self) -> str:
        """Name of the metric."""
        return self.results.study.metric.name

    @property
    def goal(self) -> Goal:
        """The better direction of the metric."""
        return self.results.study.metric.goal

    @property
    def level(self) -> str:
        """Level of all intervals: "95%"."""
        return numbers.percent(self.results.study.analysis.confidence)

    @property
    def ci(self) -> str:
        """The title of a column of intervals: "95% CI"."""
        return f"{self.level} CI"

    @cached_property
    def decimals(self) -> int:
        """The number of decimals of the metric."""
        return numbers.decimals_of(self.results)

    def value(self, value: float | None) -> str:
        """A value of the metric, or a difference of two."""
        return numbers.metric(value, self.decimals)

    def interval(self, low: float, high: float) -> str:
        """The ends of an interval of the metric: "0.912 to 0.934"."""
        return numbers.interval(low, high, self.value)

    def ends(self, low: float, high: float, *limits: float) -> tuple[str, str]:
        """The ends of an interval, with enough decimals to show on which side of each limit they are."""
        decimals = numbers.telling_decimals(self.decimals, (low, high), limits)
        return numbers.metric(low, decimals), numbers.metric(high, decimals)

    def cells(self, value: float, low: float, high: float) -> tuple[str, str]:
        """A value of the metric and its interval, for two columns of a table."""
        return numbers.cells(value, low, high, self.value)

    def estimate(self, estimate: Estimate | None) -> tuple[str, str]:
        """An estimate of the metric and its interval, for two columns of a table."""
        return numbers.metric_cells(estimate, self.decimals)
