"""The command that sizes a study from the spread of an earlier one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpstudy.cli.output import Format, print_rows, say
from hpstudy.errors import UsageError

if TYPE_CHECKING:
    from hpstudy.analysis.statistics.power import EndpointPower


def add_to(app: typer.Typer) -> None:
    """Add this module's command to the command line."""
    app.command()(power)


def power(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", help="A study's database, its study file, or its name (then runs/NAME.sqlite).")
    ],
    difference: Annotated[
        float, typer.Option("--difference", help="Difference of the final best to find, in the metric's unit.")
    ],
    trials: Annotated[
        float | None, typer.Option("--trials", help="Difference of trials-to-target to find, in trials; none when absent.")
    ] = None,
    wanted: Annotated[float, typer.Option("--power", help="Chance to find it.")] = 0.8,
    alpha: Annotated[float, typer.Option("--alpha", help="Level of the two-sided paired test.")] = 0.05,
    scale: Annotated[str | None, typer.Option("--scale", help="Of a study file: the scale that was run.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
) -> None:
    """How many replicates a comparison needs to find a difference, from the spread of a study that was run."""
    _check(difference, trials, wanted, alpha)
    from hpstudy.analysis.statistics.power import study_power
    from hpstudy.api import analysed

    results = analysed(study, scale, thorough=False)
    found = study_power(results, difference, trials, wanted=wanted, alpha=alpha)
    if not any(plan.power.replicates >= 2 for plan in found):
        raise UsageError(
            f"{results.study.name} has no two views with 2 replicates that are complete in both: there is no spread to go by",
            "run more of it, or choose another study",
        )
    print_rows([_row(plan) for plan in found], form)
    if form is Format.table:
        level = f"{100 * (1 - alpha):g} %"
        say(
            f"\nA two-sided paired t test at {alpha:g} with power {wanted:g}. sd: of the paired differences, with its {level} "
            "interval (chi-square); needed: replicates for the difference, and for it at the ends of that interval. "
            "mde: smallest difference found with so many replicates."
        )


def _row(plan: EndpointPower) -> dict[str, Any]:
    from hpstudy.analysis.statistics.power import REPLICATES

    found = plan.power
    return {
        "comparison": f"{plan.a} - {plan.b}",
        "endpoint": plan.endpoint,
        "replicates": found.replicates,
        "sd": _number(found.sd),
        "sd_low": _number(found.sd_low),
        "sd_high": _number(found.sd_high),
        "difference": plan.difference,
        "needed": found.needed,
        "needed_low": found.needed_low,
        "needed_high": found.needed_high,
        "mde": _number(found.detectable),
        **{f"mde_{n}": _number(value) for n, value in zip(REPLICATES, found.detectable_at, strict=True)},
    }


def _number(value: float) -> float | None:
    """Four significant digits, which is more than a standard deviation of a few replicates has; None for NaN."""
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _check(difference: float, trials: float | None, wanted: float, alpha: float) -> None:
    for option, value in (("--difference", difference), ("--trials", trials)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UsageError(f"{option} is {value:g}: give the size of the difference, a number above 0")
    if not 0 < alpha < 1:
        raise UsageError(f"--alpha is {alpha:g}: give a number between 0 and 1, usually 0.05")
    if not alpha < wanted < 1:
        raise UsageError(f"--power is {wanted:g}: give a number between alpha ({alpha:g}) and 1, usually 0.8 or 0.9")
