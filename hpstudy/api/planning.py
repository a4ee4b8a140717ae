"""Planning a study: the time it takes, and the replicates it needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.databases import AnyStudy, StudyDefinition, default_storage, open
from hpstudy.api.results import analyze
from hpstudy.api.sessions import check_workers, loaded_definition
from hpstudy.arguments import checked
from hpstudy.errors import UsageError
from hpstudy.study.schema import MOST_REPLICATES, MOST_SEEDS

if TYPE_CHECKING:
    from hpstudy.analysis.comparisons.planning import EndpointPower
    from hpstudy.analysis.confirmed.planning import PlannedEndpoint
    from hpstudy.engine.forecast import Forecast


MOST_RESAMPLES = 100_000
"""Maximum number of resamples of a pilot for one size."""


@checked
def plan(
    study: StudyDefinition,
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    workers: int | None = None,
    pilot: bool = False,
) -> Forecast:
    """Forecast the work and the time of a run. Arguments as `run`; `pilot` times one trial of every view.

    Raises:
        HpstudyError: the study is invalid, or its database is that of another study.
    """
    from hpstudy.engine.forecast import forecast

    check_workers(workers)
    loaded = loaded_definition(study, scale)
    return forecast(loaded, default_storage(loaded.study.name, storage), workers=workers, pilot=pilot)


@checked
def power(
    study: AnyStudy,
    storage: str | Path | None = None,
    *,
    difference: float,
    trials: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    scale: str | None = None,
) -> tuple[EndpointPower, ...]:
    """Replicates that each comparison needs to detect a difference, from the spread of a study that was run.

    Args:
        study: see `analyze`.
        storage: see `locate`.
        difference: difference of the final best to detect, in units of the metric.
        trials: difference of trials-to-target to detect; not computed when None.
        power: the probability of detecting it.
        alpha: level of the two-sided paired test.
        scale: see `locate`.

    Returns:
        For each comparison the final best and, if the study has a target, trials-to-target.

    Raises:
        UsageError: a number is out of range, or no two views have 2 complete replicates in common.
    """
    for name, value in (("difference", difference), ("trials", trials)):
        if value is not None and value <= 0:
            raise UsageError(f"the difference to detect must be above 0: --{name} is {value:g}")
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha is {alpha:g}, not between 0 and 1", "0.05 is usual")
    if not alpha < power < 1:
        raise UsageError(f"--power is {power:g}, not between alpha ({alpha:g}) and 1", "0.8 or 0.9 is usual")
    from hpstudy.analysis.comparisons.planning import study_power

    results = analyze(study, storage, scale=scale, thorough=False)
    most = max((pair.trials.most for pair in results.pairs if pair.trials is not None), default=math.inf)
    if trials is not None and trials > most:
        raise UsageError(
            f"{results.study.name}: with this target a difference of at most {most:.3g} trials can be observed, below --trials {trials:g}",
            "choose a smaller difference, or a study with more trials or an easier target",
        )
    endpoints = study_power(results, difference, trials, target_power=power, alpha=alpha)
    if not any(each.power.replicates >= 2 for each in endpoints):
        raise UsageError(
            f"{results.study.name}: no two views have 2 complete replicates in common, so there is no spread to use",
            "run more replicates, or choose another study",
        )
    return endpoints


@checked
def plan_endpoints(
    pilot: AnyStudy,
    study: StudyDefinition,
    *,
    storage: str | Path | None = None,
    scale: str | None = None,
    replicates: Sequence[int] = (10, 20, 40),
    seeds: Sequence[int] = (2, 4, 8),
    resamples: int = 400,
) -> tuple[PlannedEndpoint, ...]:
    """Power of the declared endpoints of a study, by resampling a pilot that was run.

    Args:
        pilot: see `locate`. It has the views of the study, its metric and its number of trials. If it does not confirm all incumbents, it
            has observed values instead of confirmed ones, which are biased by selection.
        study: a study as in `run`, with `analysis.endpoints`.
        storage: database of the pilot; see `locate`.
        scale: one of the study file's `scales`, to apply.
        replicates: sizes of the study.
        seeds: fresh seeds of every incumbent.
        resamples: number of resamples for each size.

    Returns:
        The pilot's difference, the half width of its interval, and the power to show it, for every size, endpoint and comparison.

    Raises:
        UsageError: a size is out of range, the study declares no endpoints, the pilot is of another kind, or fewer than 3 of its
            replicates are complete in all views.
    """
    from hpstudy.analysis.confirmed.planning import plan_endpoints as planned
    from hpstudy.analysis.confirmed.planning import read_pilot

    for name, least, most, sizes in (
        ("replicates", 2, MOST_REPLICATES, replicates),
        ("seeds", 1, MOST_SEEDS, seeds),
        ("resamples", 1, MOST_RESAMPLES, [resamples]),
    ):
        if not sizes:
            raise UsageError(f"{name} is empty", "give one size or several")
        if wrong := [size for size in sizes if not least <= size <= most]:
            raise UsageError(f"{name} is {wrong[0]}, not between {least} and {most:,}")
    planned_study = loaded_definition(study, scale).study
    with open(pilot, storage) as reader:
        trials, level = read_pilot(reader, planned_study)
    return tuple(planned(trials, planned_study, level, replicates, seeds, resamples=resamples))
