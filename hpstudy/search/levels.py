"""Equally spaced levels of a range, exact where possible."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

from hpstudy.study.parameters import FloatParameter, IntParameter

DIGITS = 50
"""Decimal digits of the calculation: a level is rounded once, at the end, so 1e-4 to 1e1 in 6 levels gives 0.0001, 0.001, ..., 10."""


def level(parameter: FloatParameter | IntParameter, count: int, index: int) -> float | int:
    """Level `index` of `count` levels that are equally spaced on the parameter's (log) scale.

    Level n of N is low + (high - low) n / (N - 1), or low (high / low)^(n / (N - 1)) on a log scale, rounded half up to a whole number
    for an `IntParameter`.

    Args:
        parameter: the range; its two ends are the first and the last level.
        count: levels, at least 2.
        index: of the level, from 0 to count - 1.
    """
    if index in (0, count - 1):
        return parameter.high if index else parameter.low
    with localcontext() as context:
        context.prec = DIGITS
        # The shortest text of the number: 1e-4 is meant, not the nearest binary fraction.
        low, high = Decimal(str(parameter.low)), Decimal(str(parameter.high))
        share = Decimal(index) / Decimal(count - 1)
        real = low * (high / low) ** share if parameter.log else low + (high - low) * index / (count - 1)
        return int(real.to_integral_value(ROUND_HALF_UP)) if isinstance(parameter, IntParameter) else float(real)
