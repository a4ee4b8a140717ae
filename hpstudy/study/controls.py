"""The searches of a study by name: those of its views, and what the views are measured against.

A control of a view is a search like any other, under the name VIEW/CONTROL. VIEW/confirm holds the confirmations of a view: its
trials are not asked for but listed (`hpstudy.study.confirm`). No view has a slash in its name, so that neither is ever taken for a
view, and the seeds of a control, which come from its name, are never those of one.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpstudy.study.schema import Control, Study


@dataclass(frozen=True)
class Arm:
    """Searches of one kind, one per replicate: those of a view, those of one of its controls, or its confirmations.

    Attributes:
        view: whose space is searched.
        control: which control; None for the study's own searcher, and for confirmations.
        trials: of every search; of confirmations, of every point that is trained again.
        listed: whether its trials are listed instead of asked for, as those of confirmations are.
    """

    view: str
    control: Control | None
    trials: int
    listed: bool = False

    def planned(self, replicate: int) -> int:
        """Trials of the search of `replicate`, as far as the study tells: one point is confirmed, in replicate 0 the default point too."""
        return self.trials * (2 if self.listed and replicate == 0 else 1)


def arms(study: Study) -> dict[str, Arm]:
    """All searches of a replicate by their names: the views, the controls of every view, then the confirmations of every view."""
    trials = {"default": 1, "random": study.search.trials}
    views = {view: Arm(view, None, study.search.trials) for view in study.views}
    controls = {
        arm_name(view, control): Arm(view, control, trials[control]) for view in study.views for control in study.controls
    }
    if study.confirm is None:
        return {**views, **controls}
    confirmed = {arm_name(view, "confirm"): Arm(view, None, study.confirm.seeds, listed=True) for view in study.views}
    return {**views, **controls, **confirmed}


def arm_name(view: str, kind: str) -> str:
    """The name of a view's searches of one kind: of a control, or "confirm"."""
    return f"{view}/{kind}"
