"""Compute all numbers of a report from the trials of a study."""

from __future__ import annotations

from typing import Any

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.baselines.controls import controls
from hpstudy.analysis.baselines.searchers import searchers
from hpstudy.analysis.claims.declaration import declaration
from hpstudy.analysis.claims.judgement import judge
from hpstudy.analysis.claims.values import observe
from hpstudy.analysis.comparisons.family import judged
from hpstudy.analysis.confirmed.curves import confirmed_curves
from hpstudy.analysis.confirmed.endpoints import endpoint_results
from hpstudy.analysis.confirmed.policies import under_policies
from hpstudy.analysis.confirmed.secondary import secondary
from hpstudy.analysis.curves.best_so_far import best_so_far, worst_value
from hpstudy.analysis.curves.training_epochs import training_epochs
from hpstudy.analysis.endpoints import Endpoints, budgets_of, level_of_study, pairs_of
from hpstudy.analysis.exploration.searches import searched
from hpstudy.analysis.pair_result import pair_result
from hpstudy.analysis.results import Results
from hpstudy.analysis.retraining.confirmation import confirmation
from hpstudy.analysis.source import Source
from hpstudy.analysis.supplement.ranking import ranking
from hpstudy.analysis.supplement.study import supplement
from hpstudy.analysis.sweeps.points import sweep
from hpstudy.analysis.trials.completeness import failures
from hpstudy.analysis.trials.searches import Searches, gather
from hpstudy.analysis.view_result import view_result
from hpstudy.environments import trials_by_environment
from hpstudy.goal import Goal
from hpstudy.loading.make import is_sweep
from hpstudy.seeds import derive_seed
from hpstudy.study.declaration import Analysis
from hpstudy.study.schema import Study


def analyse(reader: Source, settings: Analysis | None = None, *, thorough: bool = False) -> Results:
    """Analyze a study, finished or not.

    A sweep tries the same points in every replicate. It has no best so far, no target and no comparison of searches. All seeds are
    derived from the study's seed, so the same trials always give the same results.

    Args:
        reader: an open `hpstudy.store.Reader`, or anything with its study, identity, trials, events and environments, and
            for a sweep its learning curves.
        settings: override the study's own analysis settings.
        thorough: also compute the slower results (seconds instead of tenths): supplementary tests, anytime scores, robustness,
            importances.
    """
    study = reader.study if settings is None else reader.study.model_copy(update={"analysis": settings})
    table = reader.trials()
    events = tuple((e.at, e.kind, e.detail) for e in reader.events())
    blocks = {name: gather(table, name, (study.replicates, study.search.trials)) for name in study.views}
    goal, listed = study.metric.goal, is_sweep(study)
    worst = float("nan") if listed else worst_value(list(blocks.values()), goal)
    best = {name: block.values[:, :0] if listed else _best_so_far(block, goal, worst) for name, block in blocks.items()}
    endpoints = Endpoints(
        study=study,
        seed=derive_seed(study.seed, "analysis"),
        budgets=() if listed else budgets_of(study),
        level=None if listed else level_of_study(study, blocks, best),
        worst=worst,
    )
    views = {name: view_result(blocks[name], best[name], table, endpoints) for name in study.views}
    pairs = () if listed else judged([pair_result(a, b, views, endpoints) for a, b in pairs_of(study)], endpoints)
    swept = sweep(table, reader.curves(), study) if listed else ()
    of_all = reader.confirmations()
    fresh = of_views(of_all, study)
    all_confirmed = study.confirm is not None and study.confirm.incumbents and not listed
    confirmed = confirmed_curves(fresh, blocks, study) if all_confirmed else ()
    claims = study.analysis.criteria
    looked = searched(table, study) if thorough else ()
    declared = endpoint_results(confirmed, blocks, endpoints)
    observed = observe(study, table, tuple(views.values()), swept, declared) if claims else {}
    environments = reader.environments()
    return Results(
        study=study,
        identity=dict(reader.identity),
        environments=tuple((e.started_at, e.ended_at, e.detail) for e in environments),
        ran_in=trials_by_environment((e.detail, e.trials) for e in environments),
        events=events,
        seed=endpoints.seed,
        budgets=endpoints.budgets,
        level=endpoints.level,
        worst=worst,
        views=tuple(views.values()),
        pairs=pairs,
        failures=failures(table, tuple(study.views)),
        sweep=swept,
        declaration=declaration(reader.study, study, events, sum(int(block.finished.sum()) for block in blocks.values())),
        criteria=tuple(judge(claim, observed, study.metric.name, endpoints.bootstrap) for claim in claims),
        controls=controls(table, study, endpoints.bootstrap),
        searchers=searchers(table, of_all, endpoints),
        confirmed=confirmed,
        declared=declared,
        declared_first=endpoint_results(confirmed, blocks, endpoints, first)
        if (first := study.analysis.first_replicates)
        else (),
        policies=under_policies(fresh, blocks, endpoints) if thorough and all_confirmed else (),
        confirmation=confirmation(
            fresh,
            blocks,
            () if listed else pairs_of(study),
            metric=study.metric.name,
            goal=goal,
            bootstrap=endpoints.bootstrap,
            crossed=not all_confirmed,
        ),
        secondary=secondary(tuple(views.values()), confirmed, looked, endpoints),
        searched=looked,
        supplement=supplement(tuple(views.values()), pairs, endpoints, table) if thorough and not listed else None,
        epochs=training_epochs(reader.curves(), tuple(views.values()), pairs, study.analysis.confidence)
        if thorough and not listed and study.task.is_own
        else None,
        ranking=ranking(tuple(views.values()), endpoints) if thorough and not listed else None,
    )


def of_views(confirmations: Any, study: Study) -> Any:
    """The confirmations of the main searcher's searches, without those of other searchers."""
    return confirmations[confirmations["view"].isin(list(study.views))]


def _best_so_far(block: Searches, goal: Goal, worst: float) -> Floats:
    """(replicates x trials) best so far; all NaN in a view without any value, where the worst value of other views says nothing."""
    return best_so_far(block.values, goal, finished=block.finished, worst=worst if block.valued else float("nan"))
