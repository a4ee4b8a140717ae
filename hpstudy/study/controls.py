"""The arms of a study by name: the searches of its views, and the arms that they are compared with.

The study's own searcher has the arm VIEW. Each other searcher has an arm VIEW/SEARCHER, and the training of the default point has the arm
VIEW/default. ARM/confirm contains the confirmations of an arm; its trials are listed instead of asked for (`hpstudy.study.confirm`). The
name of a view contains no slash, so no other arm has the name of a view or its seeds, which are derived from the name.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpstudy.study.confirm import harmonic
from hpstudy.study.schema import Study

DEFAULT = "default"
"""The searcher of an arm that trains the default point."""


@dataclass(frozen=True)
class Arm:
    """One search per replicate: of a view by one searcher, or the confirmations of such searches.

    Attributes:
        view: the view whose space is searched.
        searcher: name of another searcher, or `DEFAULT`; None for the study's own searcher and for confirmations.
        trials: number of trials of every search; for confirmations, of every retrained point.
        confirms: for confirmations, the name of the arm whose trials are retrained; None for searches.
        enqueued: number of first trials that have the points enqueued by the view.
        incumbents: for confirmations of all incumbents, the expected number of incumbents of a search; None if only the best trial is
            retrained.
    """

    view: str
    searcher: str | None
    trials: int
    confirms: str | None = None
    enqueued: int = 0
    incumbents: int | None = None

    @property
    def listed(self) -> bool:
        """Whether its trials are listed instead of asked for, as those of confirmations."""
        return self.confirms is not None

    @property
    def trains_default(self) -> bool:
        """Whether the default point is confirmed in replicate 0 of this arm: true for the confirmations of the view's own searches."""
        return self.confirms == self.view

    def planned(self, replicate: int) -> int:
        """Number of trials of the search of `replicate` as known from the study. In replicate 0 the default point is also confirmed."""
        points = 1 if self.incumbents is None else self.incumbents
        return self.trials * (points + 1 if self.trains_default and replicate == 0 else points)

    @property
    def estimated(self) -> int:
        """The number of these trials that are an estimate."""
        return self.trials * (self.incumbents or 0)


def arms(study: Study) -> dict[str, Arm]:
    """All arms by name: the views, then for each view the other searchers and the controls, then the confirmations.

    Random search that is declared as a control is not confirmed.
    """
    trials, others = study.search.trials, [block.searcher for block in study.search.others]
    views = {name: Arm(name, None, trials, enqueued=len(view.enqueue)) for name, view in study.views.items()}
    dependent = {
        arm_name(name, kind): Arm(name, kind, 1) if kind == DEFAULT else Arm(name, kind, trials, enqueued=len(view.enqueue))
        for name, view in study.views.items()
        for kind in (*others, *study.controls)
    }
    if study.confirm is None:
        return {**views, **dependent}
    incumbents = round(harmonic(trials)) if study.confirm.incumbents else None
    searched = {**views, **{name: arm for name, arm in dependent.items() if arm.searcher in others}}
    confirmations = {
        arm_name(name, "confirm"): Arm(arm.view, None, study.confirm.seeds, confirms=name, incumbents=incumbents)
        for name, arm in searched.items()
    }
    return {**views, **dependent, **confirmations}


def confirmed(study: Study) -> dict[str, str]:
    """The confirmed arms, each with the name of its confirmations; empty in a study without a `confirm` block."""
    return {arm.confirms: name for name, arm in arms(study).items() if arm.confirms is not None}


def arm_name(arm: str, kind: str) -> str:
    """The name of a dependent arm: a view with another searcher or the default point, or the confirmations of an arm."""
    return f"{arm}/{kind}"
