"""Control searches: what a study's searches are measured against.

A control of a view is a search like any other, under the name VIEW/CONTROL. No view has a slash in its name, so that a control is never
taken for a view, and its seeds, which come from its name, are never those of one.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpstudy.study.schema import Control, Study


@dataclass(frozen=True)
class Arm:
    """Searches of one kind, one per replicate: those of a view, or those of one of its controls.

    Attributes:
        view: whose space is searched.
        control: which control; None for the study's own searcher.
        trials: of every search.
    """

    view: str
    control: Control | None
    trials: int


def arms(study: Study) -> dict[str, Arm]:
    """All searches of a replicate by their names, in run order: the views, then the controls of every view."""
    trials = {"default": 1, "random": study.search.trials}
    views = {view: Arm(view, None, study.search.trials) for view in study.views}
    controls = {
        control_name(view, control): Arm(view, control, trials[control]) for view in study.views for control in study.controls
    }
    return {**views, **controls}


def control_name(view: str, control: Control) -> str:
    """The name of a view's control searches."""
    return f"{view}/{control}"
