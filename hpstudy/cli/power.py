"""The command `power`: the required size of a study, from the spread of an earlier one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import hpstudy
from hpstudy.cli.options import AnyStudy, Form, Scale, Storage
from hpstudy.cli.output import Format, print_rows, say
from hpstudy.errors import UsageError

if TYPE_CHECKING:
    from hpstudy.analysis.comparisons.planning import EndpointPower


def power(
    study: AnyStudy,
    difference: Annotated[
        float | None, typer.Option("--difference", help="Difference of the final best to detect, in units of the metric.")
    ] = None,
    planned: Annotated[
        Path | None,
        typer.Option("--for", metavar="FILE", help="Instead: a study file. Plan its declared endpoints with STUDY as the pilot."),
    ] = None,
    replicates: Annotated[list[int] | None, typer.Option("--replicates", min=2, help="With --for: a size; repeatable.")] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seeds", min=1, help="With --for: fresh seeds; repeatable.")] = None,
    storage: Storage = None,
    scale: Scale = None,
    trials: Annotated[float | None, typer.Option("--trials", help="Also: difference of trials-to-target to detect.")] = None,
    wanted: Annotated[float | None, typer.Option("--power", help="Probability of detecting it. Default: 0.8.")] = None,
    alpha: Annotated[float | None, typer.Option("--alpha", help="Level of the two-sided paired t test. Default: 0.05.")] = None,
    form: Form = Format.table,
) -> None:
    """Compute the replicates needed to detect a difference. Uses the spread of a study that was run."""
    if (difference is None) == (planned is None):
        raise UsageError("give either --difference D or --for FILE", "for instance `hpstudy power audio --difference 0.005`")
    others: dict[str, object] = {"--replicates": replicates, "--seeds": seeds}
    if planned is not None:
        others = {"--trials": trials, "--power": wanted, "--alpha": alpha}
    for name in [name for name, value in others.items() if value is not None]:
        raise UsageError(
            f"{name} is used {'only with' if planned is None else 'with --difference, not with'} --for", f"leave out {name}"
        )
    wanted, alpha = 0.8 if wanted is None else wanted, 0.05 if alpha is None else alpha
    if planned is not None:
        _print_endpoints(study, planned, storage, scale, replicates or [10, 20, 40], seeds or [2, 4, 8], form)
        return
    assert difference is not None
    plans = hpstudy.power(study, storage, difference=difference, trials=trials, power=wanted, alpha=alpha, scale=scale)
    print_rows([_row(plan) for plan in plans], form)
    if form is Format.table:
        say(
            f"\nTwo-sided paired t test, level {alpha:g}, power {wanted:g}.\n"
            f"sd: standard deviation of the paired differences, with its {100 * (1 - alpha):g}% interval (chi-square).\n"
            "needed: replicates to detect the difference; needed_low, needed_high: at the ends of that interval.\n"
            "mde: smallest difference that this study detects; mde_N: with N replicates. Empty: beyond what the target can show."
        )


def _print_endpoints(
    pilot: Path, planned: Path, storage: Path | None, scale: str | None, replicates: list[int], seeds: list[int], form: Format
) -> None:
    from hpstudy.report.endpoints import name

    plans = hpstudy.plan_endpoints(pilot, planned, storage=storage, scale=scale, replicates=replicates, seeds=seeds)
    rows = [
        {
            "endpoint": name(plan.endpoint),
            "role": "primary" if plan.primary else "secondary",
            "comparison": f"{plan.a} - {plan.b}",
            "replicates": plan.replicates,
            "seeds": plan.seeds,
            "difference": _number(plan.difference),
            "half_width": _number(plan.half_width),
            "power": _number(plan.power),
        }
        for plan in plans
    ]
    print_rows(rows, form)
    if form is Format.table:
        say(
            "\ndifference: of the pilot, taken as the true one. half_width: of the interval, on average.\n"
            "seeds: more than those of the pilot show no further gain.\n"
            "power: share of 400 resamples of the pilot in which the study shows the difference, after Holm's correction."
        )
    if not plans[0].confirmed:
        say(
            "warning: the pilot does not confirm all incumbents. Observed values are used instead of confirmed ones and are optimistic; "
            "seeds make no difference."
        )


def _row(plan: EndpointPower) -> dict[str, Any]:
    from hpstudy.analysis.statistics.power import REPLICATES

    power = plan.power
    return {
        "comparison": f"{plan.a} - {plan.b}",
        "endpoint": plan.endpoint,
        "replicates": power.replicates,
        "sd": _number(power.sd),
        "sd_low": _number(power.sd_low),
        "sd_high": _number(power.sd_high),
        "difference": plan.difference,
        "needed": power.needed,
        "needed_low": power.needed_low,
        "needed_high": power.needed_high,
        "mde": _number(power.detectable),
        **{f"mde_{n}": _number(value) for n, value in zip(REPLICATES, power.detectable_at, strict=True)},
    }


def _number(value: float) -> float | None:
    """Round to four significant digits, more than the precision of a standard deviation of a few replicates; None for NaN."""
    return float(f"{value:.4g}") if math.isfinite(value) else None
