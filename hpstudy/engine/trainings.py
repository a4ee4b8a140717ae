"""The trainings of a confirmation: which points are trained again on fresh seeds, and how far that is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hpstudy.store import STATES, ConfirmationRow, Confirmed, TrialRow
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point

SEEDS = 5
"""Fresh seeds unless another number is asked for: the mean of one point is then known to 0.45 standard deviations of the noise."""


@dataclass(frozen=True)
class Trainings:
    """How far a confirmation is.

    Attributes:
        points: how many are trained again: incumbents and default points.
        seeds: fresh seeds of each point.
        counts: trainings of these points on these seeds by state.
    """

    points: int
    seeds: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, points: Collection[Confirmed], seeds: int, rows: Sequence[ConfirmationRow]) -> Trainings:
        """What is stored of the trainings of `points` on the first `seeds` fresh seeds."""
        states = [row.state for row in rows if row.of in points and row.seed_number < seeds]
        return cls(len(points), seeds, {state: states.count(state) for state in STATES})

    @property
    def planned(self) -> int:
        """Trainings asked for."""
        return self.points * self.seeds

    @property
    def done(self) -> int:
        """Trainings that ended, in whatever way."""
        return sum(count for state, count in self.counts.items() if state != "running")

    @property
    def left(self) -> int:
        """Trainings that have not ended."""
        return self.planned - self.done

    def size(self) -> str:
        """Points and seeds in words."""
        return f"{self.points:,} points on {self.seeds} fresh seed{'s' if self.seeds > 1 else ''}"

    def words(self) -> str:
        """How many are done of how many, and how they ended."""
        states = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in self.counts.items() if count)
        return f"{self.done:,} of {self.planned:,} trainings ({self.size()}; {states or 'none'})"


class Histories(Protocol):
    """A database, open for reading or for writing."""

    @property
    def study(self) -> Study:
        """The resolved study."""

    def history(self, key: SearchKey) -> list[TrialRow]:
        """The trials of a search, in order."""


def points_to_confirm(database: Histories) -> dict[Confirmed, Point]:
    """What is trained again: every view's default point, then the best trial of every complete search, replicate by replicate."""
    study = database.study
    points = {Confirmed(view): study.views[view].space.default() for view in study.views}
    for key in _searches(study):
        if (best := incumbent(study, database.history(key))) is not None:
            points[Confirmed(key.view, key.replicate, best.number)] = best.point
    return points


def left_out(database: Histories) -> tuple[SearchKey, ...]:
    """The searches that have nothing to confirm: incomplete ones, and those of which no trial gave a value."""
    study = database.study
    return tuple(key for key in _searches(study) if incumbent(study, database.history(key)) is None)


def incumbent(study: Study, rows: Sequence[TrialRow]) -> TrialRow | None:
    """The best trial of a complete search, the first of equals; None when it is incomplete or no trial has a value."""
    ended = [row for row in rows if row.state != "running"]
    valued = [row for row in ended if row.state == "completed" and row.objective is not None]
    if len(ended) < study.search.trials or not valued:
        return None
    sign = 1 if study.metric.goal == "maximize" else -1
    return max(valued, key=lambda row: (sign * (row.objective or 0.0), -row.number))


def seeds_begun(rows: Sequence[ConfirmationRow]) -> int:
    """Fresh seeds on which a database has a training; 0 when nothing was trained again."""
    return max((row.seed_number + 1 for row in rows), default=0)


def _searches(study: Study) -> list[SearchKey]:
    return [SearchKey(view, replicate) for replicate in range(study.replicates) for view in study.views]
