"""Compute all numbers of a report from the trials of a study."""

from __future__ import annotations

from typing import Any

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.baselines.controls import controls
from hpstudy.analysis.baselines.searchers import searchers
from hpstudy.analysis.claims.declaration import declaration
from hpstudy.analysis.claims.judgment import judge
from hpstudy.analysis.claims.values import observe
from hpstudy.analysis.comparisons.family import with_verdicts
from hpstudy.analysis.confirmed.curves import confirmed_curves, unconfirmed
from hpstudy.analysis.confirmed.endpoints import endpoint_results
from hpstudy.analysis.confirmed.plateaus import exceeded_plateaus
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


def analyze(reader: Source, settings: Analysis | None = None, *, thorough: bool = False, trials: Any = None) -> Results:
    """Analyze a study, finished or not.

    A sweep tries the same points in every replicate. It has no best so far, no target and no comparison of searches. All seeds are
    derived from the study's seed, so the same trials always give the same results.

    Args:
        reader: an open `hpstudy.store.Reader`, or anything with its study, identity, trials, events and environments, and
            for a sweep its learning curves.
        settings: override the study's own analysis settings.
        thorough: also compute the slower results (seconds instead of tenths): supplementary tests, anytime scores, robustness,
            importances.
        trials: the trials of the reader, if they have already been read.
    """
    study = reader.study if settings is None else reader.study.model_copy(update={"analysis": settings})
    table, events = reader.trials() if trials is None else trials, tuple((e.at, e.kind, e.detail) for e in reader.events())
    searches = {name: gather(table, name, (study.replicates, study.search.trials)) for name in study.views}
    goal, of_sweep = study.metric.goal, is_sweep(study)
    worst = float("nan") if of_sweep else worst_value([block.values for block in searches.values()], goal)
    best = {name: block.values[:, :0] if of_sweep else _best_so_far(block, goal, worst) for name, block in searches.items()}
    endpoints = Endpoints(
        study=study,
        seed=derive_seed(study.seed, "analysis"),
        budgets=() if of_sweep else budgets_of(study),
        level=None if of_sweep else level_of_study(study, searches, best),
        worst=worst,
    )
    views = {name: view_result(searches[name], best[name], table, endpoints) for name in study.views}
    results, names = tuple(views.values()), () if of_sweep else pairs_of(study)
    pairs = with_verdicts([pair_result(a, b, views, endpoints) for a, b in names], endpoints)
    swept = sweep(table, reader.curves(), study) if of_sweep else ()
    all_confirmations = reader.confirmations()
    # Without the confirmations of other searchers' searches.
    confirmations = all_confirmations[all_confirmations["view"].isin(list(study.views))]
    of_incumbents = study.confirm is not None and study.confirm.incumbents and not of_sweep
    confirmed = confirmed_curves(confirmations, searches, study) if of_incumbents else ()
    claims, first = study.analysis.criteria, study.analysis.first_replicates
    explored = searched(table, study) if thorough else ()
    declared = endpoint_results(confirmed, searches, endpoints)
    observed = observe(study, table, results, swept, declared) if claims else {}
    environments = reader.environments()
    supplemented = thorough and not of_sweep
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
        views=results,
        pairs=pairs,
        failures=failures(table, tuple(study.views)),
        sweep=swept,
        declaration=declaration(reader.study, study, events, sum(int(block.finished.sum()) for block in searches.values())),
        criteria=tuple(judge(claim, observed, study.metric.name, endpoints.bootstrap) for claim in claims),
        controls=controls(table, study, endpoints.bootstrap),
        searchers=searchers(table, all_confirmations, endpoints),
        confirmed=confirmed,
        declared=declared,
        declared_first=endpoint_results(confirmed, searches, endpoints, first) if first else (),
        exceeded_plateaus=exceeded_plateaus(all_confirmations, table, study),
        policies=under_policies(confirmations, searches, endpoints) if thorough and of_incumbents else (),
        confirmation=confirmation(
            confirmations,
            searches,
            names,
            metric=study.metric.name,
            goal=goal,
            bootstrap=endpoints.bootstrap,
            crossed=not of_incumbents,
        ),
        unconfirmed=0 if of_sweep else unconfirmed(confirmations, searches, study),
        secondary=secondary(results, confirmed, explored, endpoints),
        searched=explored,
        supplement=supplement(results, pairs, endpoints, table) if supplemented else None,
        epochs=training_epochs(reader.curves(), results, pairs, study.analysis.confidence)
        if supplemented and study.task.is_own
        else None,
        ranking=ranking(results, endpoints) if supplemented else None,
    )


def _best_so_far(block: Searches, goal: Goal, worst: float) -> Floats:
    """(replicates x trials) best so far; NaN in a view without any value, where the worst value of the other views has no meaning."""
    return best_so_far(block.values, goal, finished=block.finished, worst=worst if block.valued else float("nan"))
