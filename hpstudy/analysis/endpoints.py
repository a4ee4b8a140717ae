"""What the searches of a study are compared on: the budgets, the target level, and the resamples of every interval."""

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
    """What the views of a study are compared on.

    Attributes:
        study: the resolved study.
        seed: root of the seeds of the analysis.
        budgets: numbers of trials; none in a sweep.
        level: the target; None when nothing sets one, and in a sweep.
        worst: the worst value of the study, which counts as "no value yet"; NaN when no trial has a value, and in a sweep.
    """

    study: Study
    seed: int
    budgets: tuple[int, ...]
    level: Level | None
    worst: float

    @property
    def bootstrap(self) -> Bootstrap:
        """How every interval is computed."""
        return Bootstrap(derive_seed(self.seed, "bootstrap"), self.study.analysis.resamples, self.study.analysis.confidence)

    @property
    def target(self) -> float | None:
        """The value of the target level; None without one."""
        return None if self.level is None else self.level.value


def budgets_of(study: Study) -> tuple[int, ...]:
    """The declared budgets within the number of trials, which itself is always the last one."""
    trials = study.search.trials
    return (*sorted({budget for budget in study.analysis.budgets if 1 <= budget < trials}), trials)


def pairs_of(study: Study) -> tuple[tuple[str, str], ...]:
    """The declared comparisons; all pairs in the order of the study when none is declared."""
    return study.analysis.compare or tuple(combinations(study.views, 2))


def target_of(study: Study) -> Target:
    """The declared target; the median final best of the second view of the first comparison (or of the only view) by default."""
    pairs = pairs_of(study)
    return study.analysis.target or Target(view=pairs[0][1] if pairs else next(iter(study.views)))


def level_of_study(study: Study, blocks: Mapping[str, Searches], best: Mapping[str, Floats]) -> Level:
    """The level of the study's target; `best` holds (replicates x trials) best so far of every view."""
    target = target_of(study)
    if target.view is None:
        return Level(target.value, None, None, 0)
    return level_of(best[target.view][blocks[target.view].complete, -1], target.view, target.statistic)
