"""The budgets, the target level and the bootstrap settings of the comparisons of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.targets.trials_to_target import Level, level_of
from hpstudy.analysis.trials.searches import Searches
from hpstudy.seeds import derive_seed
from hpstudy.study.declaration import Target
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class Endpoints:
    """The settings of the comparisons of a study.

    Attributes:
        study: the resolved study.
        seed: root seed of the analysis.
        budgets: numbers of trials; empty in a sweep.
        level: the target level; None without a target, and in a sweep.
        worst: worst value of the study, the value of trials before the first value of a search; NaN if no trial has a value, and in a
            sweep.
    """

    study: Study
    seed: int
    budgets: tuple[int, ...]
    level: Level | None
    worst: float

    @property
    def bootstrap(self) -> Bootstrap:
        """The bootstrap settings of every interval."""
        return Bootstrap(derive_seed(self.seed, "bootstrap"), self.study.analysis.resamples, self.study.analysis.confidence)

    @property
    def target(self) -> float | None:
        """The value of the target level; None without a target."""
        return None if self.level is None else self.level.value


def budgets_of(study: Study) -> tuple[int, ...]:
    """The declared budgets up to the number of trials; the last budget is always the number of trials."""
    trials = study.search.trials
    return (*sorted({budget for budget in study.analysis.budgets if 1 <= budget < trials}), trials)


def pairs_of(study: Study) -> tuple[tuple[str, str], ...]:
    """The declared comparisons; by default all pairs in the order of the study."""
    return study.analysis.compare or tuple(combinations(study.views, 2))


def level_of_study(study: Study, searches: Mapping[str, Searches], best: Mapping[str, Floats]) -> Level:
    """The declared target level; by default the median final best of the second view of the first comparison, or of the only view.

    `best` holds the (replicates x trials) best so far of every view.
    """
    pairs = pairs_of(study)
    target = study.analysis.target or Target(view=pairs[0][1] if pairs else next(iter(study.views)))
    if target.view is None:
        return Level(target.value, None, None, 0)
    return level_of(best[target.view][searches[target.view].complete, -1], target.view, target.statistic)
