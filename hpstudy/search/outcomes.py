"""Prepares the values of past trials for a surrogate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from hpstudy.goal import Goal
from hpstudy.search.interface import Observation

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[np.float64]"

MAX_STANDARDIZED = 1e12
"""Values further out, in interquartile ranges, are clipped: they are winsorized anyway, but squared first."""

MIN_DEVIATION = 1e-8
"""Values with a smaller standard deviation are treated as equal, as in Ax."""


def has_value(past: Observation) -> bool:
    """Whether a trial has a finite value, which a surrogate can use."""
    return past.value is not None and math.isfinite(past.value)


def robustly_scaled(history: Sequence[Observation], goal: Goal) -> list[float]:
    """The values of the trials that have one: larger is better, relative to their median, in units of their interquartile range.

    If that range is zero, the unit is the full range. Ax treats a standard deviation below 1e-8 as zero and overflows above 1e150; in these
    units neither occurs.
    """
    import numpy as np

    values = [goal.sign * past.value for past in history if past.value is not None and math.isfinite(past.value)]
    array = np.asarray(values, dtype=np.float64) / max(1.0, 1e-200 * float(np.max(np.abs(values))))
    first, median, third = np.quantile(array, [0.25, 0.5, 0.75])
    spread = float(third - first) or float(np.ptp(array)) or 1.0
    return np.clip((array - median) / spread, -MAX_STANDARDIZED, MAX_STANDARDIZED).tolist()  # type: ignore[no-any-return]


def standardized(values: Sequence[float]) -> Array:
    """Clip low outliers and scale to mean 0 and standard deviation 1, as Ax's transforms `Winsorize` and `StandardizeY` do.

    An outlier lies more than 1.5 interquartile ranges below the first quartile.
    """
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    first, third = np.percentile(array, 25, method="lower"), np.percentile(array, 75, method="higher")
    cut = np.maximum(array, first - 1.5 * (third - first))
    deviation = float(cut.std(ddof=1)) if len(cut) > 1 else 0.0
    centered: Array = (cut - cut.mean()) / (deviation if deviation >= MIN_DEVIATION else 1.0)
    return centered
