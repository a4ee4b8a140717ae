"""The declared analysis of a study: endpoints, plateaus, claims. It does not change any trial."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from hpstudy.study.blocks import Block, Name
from hpstudy.study.parameters import Value


class Target(Block):
    """The level at which a search counts as "tuned" when it first reaches it: a number, or a statistic of one view's finished searches."""

    value: float | None = None
    """An absolute level of the metric."""
    view: str | None = None
    """The view whose searches set the level."""
    statistic: Literal["median_final", "mean_final"] = "median_final"
    """Statistic of the final best value over that view's searches: the median or the mean."""

    @model_validator(mode="after")
    def _one(self) -> Target:
        if (self.value is None) == (self.view is None):
            raise ValueError("give either 'value' (a number) or 'view' (whose final best sets the level)")
        return self


TRIALS_TO_TARGET = "trials_to_target"
"""The `metric` of a criterion about the number of trials that a search needs to reach the target."""

NUMBERS_OF_TRIALS = (TRIALS_TO_TARGET, "trials_to_within")
"""Endpoints that are a number of trials, from 1 to the trials of a search."""


class Selection(Block):
    """The trials of one view that a criterion uses; values are taken per replicate."""

    view: Name
    """The view."""
    at: dict[str, Value] = Field(default={})
    """In a sweep: the points that have these values. Default: all points."""
    best_of: int | None = Field(default=None, ge=1)
    """In a search: use the best of its first `best_of` trials. Default: all trials. For a metric other than the objective, the value of the
    best trial is used."""


class Criterion(Block):
    """A claim, declared in advance, that the trials can confirm or contradict.

    Every comparison of the claim gets an interval over replicates. The claim holds if every interval is within the bounds. It does not hold
    if one interval is completely outside them (at a level corrected for the number of comparisons). Otherwise it is inconclusive.
    """

    claim: str
    """The claim, in one sentence."""
    metric: str | None = None
    """The metric of the claim. Default: the study's metric. In a search also trials_to_target, or the `use` of a declared endpoint."""
    of: Selection
    """What is compared with the bounds."""
    minus: Selection | None = None
    """Subtract the values of these trials: point by point, or from every point if it is a single one."""
    shape: Literal["each", "rising", "falling", "alike"] = "each"
    """each: every selected value; rising, falling: the differences of neighboring points, in the order of the sweep; alike: the differences
    of all pairs of points, which must be within `below` of 0."""
    epoch: Literal["last", "mean", "every"] = "last"
    """The value of a training: its final value, the mean of its learning curve, or every epoch as a separate comparison."""
    above: float | None = None
    """Lower bound; 0 for rising and falling if no bound is given."""
    below: float | None = None
    """Upper bound."""

    @model_validator(mode="after")
    def _bounded(self) -> Criterion:
        if self.shape == "alike" and (self.below is None or self.below <= 0 or self.above is not None):
            raise ValueError("shape 'alike' needs 'below', the largest difference that still counts as alike, and no 'above'")
        if self.shape == "each" and self.above is None and self.below is None:
            raise ValueError("give 'above', 'below' or both: the bounds within which the claim holds")
        if self.shape != "each" and self.minus is not None:
            raise ValueError(f"shape '{self.shape}' compares points of one selection: leave out 'minus'")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"above ({self.above:g}) must be smaller than below ({self.below:g})")
        return self

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """(above, below) of every comparison."""
        if self.shape == "alike":
            assert self.below is not None, "a validator asks for it"
            return -self.below, self.below
        if self.shape in ("rising", "falling") and self.above is None and self.below is None:
            return 0.0, None
        return self.above, self.below


class Endpoint(Block):
    """A number by which views are compared, computed for every search. All except trials_to_target need `confirm.incumbents`."""

    use: Literal["confirmed_regret", "trials_to_within", "final", "trials_to_target"]
    """confirmed_regret: mean over the trials of the plateau minus the confirmed value, the mean of the incumbent on fresh seeds;
    trials_to_within: trials until the confirmed value is within a delta of the plateau; final: the confirmed value after the last trial;
    trials_to_target: trials until the best value of the search reaches `analysis.target`."""
    plateau: Literal["own", "best"] | None = None
    """For confirmed_regret and trials_to_within: the plateau of the view itself (how hard it is to tune; the default), or the best plateau
    of all views (how good the result is)."""
    deltas: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """For trials_to_within: distances from the plateau, in units of the metric. The first one is the declared one; the others are shown
    next to it."""
    co_primary: bool = False
    """Whether the endpoint is primary in addition to the first one, which always is. Holm's correction is applied to the p-values of all
    primary endpoints together, and to those of all others together."""

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Endpoint:
        if self.plateau is not None and not self.has_plateau:
            raise ValueError(f"{self.use} does not use a plateau: remove 'plateau'")
        if self.deltas and self.use != "trials_to_within":
            raise ValueError(f"{self.use} has no distance from a plateau: remove 'deltas'")
        if self.use == "trials_to_within" and not self.deltas:
            raise ValueError("trials_to_within needs 'deltas', the distances from the plateau; the first one is the declared one")
        if len(set(self.deltas)) < len(self.deltas):
            raise ValueError("'deltas' lists a distance twice")
        return self

    @property
    def has_plateau(self) -> bool:
        """Whether it is a distance from a plateau."""
        return self.use in ("confirmed_regret", "trials_to_within")

    @property
    def of_best_plateau(self) -> bool:
        """Whether the plateau is the best plateau of all views."""
        return self.plateau == "best"


class Plateaus(Block):
    """The value that each view can reach if well tuned: declared from a pilot, or taken from replicates that are not judged."""

    values: dict[Name, float] = Field(default={})
    """The plateau of every view, in units of the metric."""
    source: str = ""
    """The source of the values, in words."""
    held_out: int | None = Field(default=None, ge=1)
    """Alternative: use the mean confirmed value after the last trial of this many first replicates. They are not judged."""

    @model_validator(mode="after")
    def _one(self) -> Plateaus:
        if bool(self.values) == (self.held_out is not None):
            raise ValueError("give either 'values' with their 'source', or 'held_out'")
        if bool(self.values) != bool(self.source):
            raise ValueError("'values' needs a 'source' (the pilot that they come from), and 'held_out' needs none")
        return self


class Analysis(Block):
    """Settings of the report. They change no trial and may be edited at any time."""

    added: ClassVar = frozenset({"endpoints", "plateaus", "first_replicates"})

    compare: tuple[tuple[str, str], ...] = ()
    """Pairs of views [A, B]; every difference is A minus B. Default: all pairs."""
    budgets: tuple[int, ...] = ()
    """Numbers of trials at which views are compared. The number of trials of a search is always the last one."""
    target: Target | None = None
    """The level for trials-to-target. Default: the median final best of the second view of the first comparison."""
    margin: float | None = Field(default=None, gt=0)
    """The smallest difference of the metric that matters in practice."""
    resamples: int = Field(default=10_000, ge=1_000, le=1_000_000)
    """Bootstrap resamples."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Level of every interval."""
    criteria: tuple[Criterion, ...] = ()
    """Claims to be checked."""
    endpoints: tuple[Endpoint, ...] = ()
    """The endpoints on the first page of the report, the primary one first. Default: trials to the target."""
    plateaus: Plateaus | None = None
    """Plateaus for the endpoints that use one. Default: each replicate is judged against the mean confirmed value after the last trial of
    all other replicates."""

    first_replicates: int | None = Field(default=None, ge=2)
    """Also show the endpoints computed from only this many first replicates."""

    @model_validator(mode="after")
    def _declared_once(self) -> Analysis:
        if len({(endpoint.use, endpoint.of_best_plateau) for endpoint in self.endpoints}) < len(self.endpoints):
            raise ValueError("'endpoints' declares an endpoint twice")
        if self.first_replicates is not None and not self.endpoints:
            raise ValueError("'first_replicates' needs endpoints, and none is declared")
        if self.plateaus is not None and not any(endpoint.has_plateau for endpoint in self.endpoints):
            raise ValueError("'plateaus' belong to the endpoints confirmed_regret and trials_to_within, and none is declared")
        return self

    def is_endpoint(self, metric: str | None) -> bool:
        """Whether a claim about `metric` refers to whole searches: trials to the target, or a declared endpoint."""
        return metric == TRIALS_TO_TARGET or any(endpoint.use == metric for endpoint in self.endpoints)

    @property
    def primary(self) -> tuple[Endpoint, ...]:
        """The primary endpoints."""
        return (*self.endpoints[:1], *(endpoint for endpoint in self.endpoints[1:] if endpoint.co_primary))
