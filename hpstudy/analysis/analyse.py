"""From a study's trials to all numbers of its report."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any, Protocol

import numpy as np

from hpstudy.analysis.arrays import Floats, Searches, gather, gather_points
from hpstudy.analysis.baselines.controls import controls
from hpstudy.analysis.claims.declaration import declaration
from hpstudy.analysis.claims.judgement import judge
from hpstudy.analysis.claims.values import observe
from hpstudy.analysis.comparisons.budgets import BudgetDifference, budget_difference, common, difference_curve, view_budget
from hpstudy.analysis.comparisons.curve_distance import distance_at_budget, distance_at_level
from hpstudy.analysis.curves.best_so_far import MeanCurve, best_so_far, mean_curve, worst_value
from hpstudy.analysis.exploration.searches import searched
from hpstudy.analysis.extended import extend
from hpstudy.analysis.results import Best, Cost, PairResult, Results, ViewResult
from hpstudy.analysis.retraining.confirmation import confirmation
from hpstudy.analysis.statistics.bootstrap import Resampling
from hpstudy.analysis.statistics.permutation import holm
from hpstudy.analysis.statistics.survival import trials_to_target
from hpstudy.analysis.sweeps.points import sweep
from hpstudy.analysis.targets.trials_to_target import Level, level_of, trials_difference, view_trials
from hpstudy.analysis.trials.completeness import completeness, failures
from hpstudy.loading.make import is_sweep
from hpstudy.seeds import derive_seed
from hpstudy.study.schema import Analysis, Study, Target


class Source(Protocol):
    """What the analysis reads of a study; `hpstudy.store.Reader` has it."""

    @property
    def study(self) -> Study:
        """The resolved study."""

    @property
    def identity(self) -> dict[str, str]:
        """What determines numbers beside the study, by name."""

    def trials(self) -> Any:
        """DataFrame, a row per trial."""

    def curves(self) -> Any:
        """DataFrame, a row per trial, metric and epoch."""

    def confirmations(self) -> Any:
        """DataFrame, a row per training on a fresh seed."""

    def events(self) -> Any:
        """What happened to the study, in order."""

    def environments(self) -> Any:
        """Where its sessions ran, in order."""


def analyse(reader: Source, settings: Analysis | None = None, *, thorough: bool = False) -> Results:
    """Analyse a study, finished or not.

    In a sweep, whose trials are the same points in every replicate, there is no best so far, no target and no comparison of
    searches. Every random number comes from seeds derived from the study's, so the same trials always give the same results.

    Args:
        reader: an open `hpstudy.store.Reader`, or anything with its study, identity, trials, events and environments, and
            for a sweep its learning curves.
        settings: stand for the study's own analysis settings.
        thorough: also compute what takes seconds instead of tenths: second opinions, anytime scores, robustness, importances.
    """
    study = reader.study if settings is None else reader.study.model_copy(update={"analysis": settings})
    table = reader.trials()
    names = tuple(study.views)
    blocks = gather(table, names, study.replicates, study.search.trials)
    goal = study.metric.goal
    listed = is_sweep(study)
    worst = float("nan") if listed else worst_value(list(blocks.values()), goal)
    best = {
        name: block.values[:, :0] if listed else best_so_far(block.values, goal, finished=block.finished, worst=worst)
        for name, block in blocks.items()
    }
    budgets = () if listed else budgets_of(study)
    pairs = () if listed else pairs_of(study)
    level = None if listed else _level(target_of(study, pairs), blocks, best)
    seed = derive_seed(study.seed, "analysis")
    resampling = Resampling(derive_seed(seed, "bootstrap"), study.analysis.resamples)
    views = tuple(_view(name, blocks[name], best[name], table, study, budgets, level, resampling) for name in names)
    compared = tuple(_pair(a, b, blocks, best, study, budgets, level, resampling, seed) for a, b in pairs)
    p_values = np.array([comparison.test.p for pair in compared for comparison in pair.budgets])
    swept = sweep(table, reader.curves(), study) if listed else ()
    claims = study.analysis.criteria
    observed = observe(study, table, views, swept) if claims else {}
    results = Results(
        study=study,
        identity=dict(reader.identity),
        environments=tuple((e.started_at, e.ended_at, e.detail) for e in reader.environments()),
        events=tuple((e.at, e.kind, e.detail) for e in reader.events()),
        seed=seed,
        budgets=budgets,
        level=level,
        worst=worst,
        views=views,
        pairs=compared,
        adjusted=holm(p_values),
        failures=failures(table, names),
        sweep=swept,
        declaration=declaration(
            reader.study,
            study,
            [(e.at, e.kind, e.detail) for e in reader.events()],
            sum(int(b.finished.sum()) for b in blocks.values()),
        ),
        criteria=tuple(judge(claim, observed, study.metric.name, study.analysis.confidence) for claim in claims),
        controls=controls(table, study, resampling) if study.controls else None,
        confirmation=confirmation(
            reader.confirmations(),
            blocks,
            pairs,
            metric=study.metric.name,
            goal=goal,
            resampling=resampling,
            confidence=study.analysis.confidence,
        ),
        searched=searched(table, study) if thorough else (),
    )
    return replace(results, extended=extend(results, table)) if thorough else results


def budgets_of(study: Study) -> tuple[int, ...]:
    """The declared budgets within the number of trials, which itself is always the last one."""
    trials = study.search.trials
    return (*sorted({budget for budget in study.analysis.budgets if 1 <= budget < trials}), trials)


def pairs_of(study: Study) -> tuple[tuple[str, str], ...]:
    """The declared comparisons; all pairs in the order of the study when none is declared."""
    return study.analysis.compare or tuple(combinations(study.views, 2))


def target_of(study: Study, pairs: tuple[tuple[str, str], ...]) -> Target:
    """The declared target; the median final best of the second view of the first comparison (or of the only view) by default."""
    return study.analysis.target or Target(view=pairs[0][1] if pairs else next(iter(study.views)))


def _level(target: Target, blocks: dict[str, Searches], best: dict[str, Floats]) -> Level:
    if target.view is None:
        return Level(target.value, None, None, 0)
    return level_of(best[target.view][blocks[target.view].complete, -1], target.view, target.statistic)


_NO_CURVE = MeanCurve(np.zeros(0, dtype=np.int64), *(np.zeros(0) for _ in range(3)))
"""The mean of no trials: that of a sweep."""


def _view(
    name: str,
    block: Searches,
    best: Floats,
    table: Any,
    study: Study,
    budgets: tuple[int, ...],
    level: Level | None,
    resampling: Resampling,
) -> ViewResult:
    confidence, goal = study.analysis.confidence, study.metric.goal
    trials = None
    if level is not None and level.value is not None:
        # A search without a value has not reached any target, even one that the worst value of the study would reach.
        times = trials_to_target(best_so_far(block.values, goal), block.finished, level.value, goal)
        trials = view_trials(times, block.complete, study.search.trials, confidence)
    return ViewResult(
        name=name,
        searches=block,
        best=best,
        curve=mean_curve(best, resampling, confidence) if best.shape[1] else _NO_CURVE,
        budgets=tuple(view_budget(best, budget, resampling, confidence) for budget in budgets),
        trials=trials,
        completeness=completeness(block),
        best_trial=_best_trial(name, block, table, study),
        cost=_cost(name, table),
        points=gather_points(table, name, study.views[name].space.names(), *block.values.shape),
    )


def _pair(
    a: str,
    b: str,
    blocks: dict[str, Searches],
    best: dict[str, Floats],
    study: Study,
    budgets: tuple[int, ...],
    level: Level | None,
    resampling: Resampling,
    seed: int,
) -> PairResult:
    confidence, goal = study.analysis.confidence, study.metric.goal
    both = common(blocks[a].complete, blocks[b].complete)
    x, y = best[a][both], best[b][both]
    if not both.size or np.isnan(x).any() or np.isnan(y).any():
        return PairResult(a, b, both, None, (), None, ())
    differences: list[BudgetDifference] = [
        budget_difference(
            x,
            y,
            budget,
            goal,
            resampling,
            confidence,
            seed=derive_seed(seed, "sign_flip", a, b, budget),
            margin=study.analysis.margin,
        )
        for budget in budgets
    ]
    distances = [distance_at_budget(x, y, budget, goal, resampling, confidence) for budget in budgets]
    trials = None
    if level is not None and level.value is not None:
        distances.insert(0, distance_at_level(x, y, level.value, goal, resampling, confidence))
        trials = trials_difference(
            best_so_far(blocks[a].values[both], goal),
            best_so_far(blocks[b].values[both], goal),
            level.value,
            goal,
            resampling,
            confidence,
            seed=derive_seed(seed, "sign_flip", a, b, "target"),
            finals=best[level.view][both, -1] if level.view and blocks[level.view].complete[both].all() else None,
            statistic=level.statistic,
        )
    return PairResult(a, b, both, difference_curve(x, y, resampling, confidence), tuple(differences), trials, tuple(distances))


def _best_trial(name: str, block: Searches, table: Any, study: Study) -> Best | None:
    if not np.isfinite(block.values).any():
        return None
    flat = np.nanargmax(block.values) if study.metric.goal == "maximize" else np.nanargmin(block.values)
    replicate, number = (int(place) for place in np.unravel_index(flat, block.values.shape))
    found = (table["view"] == name) & (table["replicate"] == replicate) & (table["number"] == number)
    row = table[found].iloc[0]
    return Best(
        replicate,
        number,
        float(block.values[replicate, number]),
        {key: _plain(row[f"point.{key}"]) for key in study.views[name].space.names()},
        {str(key).removeprefix("metric."): float(row[key]) for key in table.columns if str(key).startswith("metric.")},
    )


def _plain(value: Any) -> Any:
    """A numpy scalar as the Python value it holds."""
    return value.item() if isinstance(value, np.generic) else value


def _cost(name: str, table: Any) -> Cost:
    own = table[table["view"] == name]
    ask, evaluate = (own[key].to_numpy(dtype=np.float64, na_value=np.nan) for key in ("ask_s", "evaluate_s"))
    return Cost(evaluate[np.isfinite(evaluate)], ask[np.isfinite(ask)])
