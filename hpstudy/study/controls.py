"""The searches of a study by name: those of its views, and what the views are measured against.

A control of a view is a search like any other, under the name VIEW/CONTROL. VIEW/confirm holds the confirmations of a view: its
trials are not asked for but listed (`hpstudy.study.confirm`). No view has a slash in its name, so that neither is ever taken for a
view, and the seeds of a control, which come from its name, are never those of one.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpstudy.study.confirm import harmonic
from hpstudy.study.schema import Control, Study


@dataclass(frozen=True)
class Arm:
    """Searches of one kind, one per replicate: those of a view, those of one of its controls, or its confirmations.

    Attributes:
        view: whose space is searched.
        control: which control; None for the study's own searcher, and for confirmations.
        trials: of every search; of confirmations, of every point that is trained again.
        listed: whether its trials are listed instead of asked for, as those of confirmations are.
        enqueued: how many trials, the first ones, have the points that the view enqueues; those of its random searches too.
        incumbents: of confirmations: the number of incumbents that a search is expected to have, of which all are trained again; None
            where only its best trial is.
    """

    view: str
    control: Control | None
    trials: int
    listed: bool = False
    enqueued: int = 0
    incumbents: int | None = None

    def planned(self, replicate: int) -> int:
        """Trials of the search of `replicate`, as far as the study tells; in replicate 0 the default point is confirmed too."""
        points = 1 if self.incumbents is None else self.incumbents
        return self.trials * (points + 1 if self.listed and replicate == 0 else points)

    @property
    def estimated(self) -> int:
        """How many of these trials are an estimate."""
        return self.trials * (self.incumbents or 0)


def arms(study: Study) -> dict[str, Arm]:
    """All searches of a replicate by their names: the views, the controls of every view, then the confirmations of every view."""
    trials = {"default": 1, "random": study.search.trials}
    views = {name: Arm(name, None, study.search.trials, enqueued=len(view.enqueue)) for name, view in study.views.items()}
    controls = {
        arm_name(name, control): Arm(name, control, trials[control], enqueued=len(view.enqueue) if control == "random" else 0)
        for name, view in study.views.items()
        for control in study.controls
    }
    if study.confirm is None:
        return {**views, **controls}
    incumbents = round(harmonic(study.search.trials)) if study.confirm.incumbents else None
    confirmed = {
        arm_name(view, "confirm"): Arm(view, None, study.confirm.seeds, listed=True, incumbents=incumbents)
        for view in study.views
    }
    return {**views, **controls, **confirmed}


def arm_name(view: str, kind: str) -> str:
    """The name of a view's searches of one kind: of a control, or "confirm"."""
    return f"{view}/{kind}"
