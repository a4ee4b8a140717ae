"""The arms of a study by name: the searches of its views, and the arms that they are compared with.

The study's own searcher has the arm VIEW. Each other searcher has an arm VIEW/SEARCHER, and the training of the default point has the arm
VIEW/default. ARM/confirm contains the confirmations of an arm; its trials are listed instead of asked for (`hpstudy.study.confirm`). The
name of a view contains no slash, so no other arm has the name of a view or its seeds, which are derived from the name.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    view: str
    searcher: str | None
    trials: int
    confirms: str | None = None
    enqueued: int = 0

    @property
    def listed(self) -> bool:
        """Whether its trials are listed instead of asked for, as those of confirmations."""
        return self.confirms is not None

    @property
    def trains_default(self) -> bool:
        """Whether the default point is confirmed in replicate 0 of this arm: true for the confirmations of the view's own searches."""
        return self.confirms == self.view


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
    searched = {**views, **{name: arm for name, arm in dependent.items() if arm.searcher in others}}
    confirmations = {
        arm_name(name, "confirm"): Arm(arm.view, None, study.confirm.seeds, confirms=name) for name, arm in searched.items()
    }
    return {**views, **dependent, **confirmations}


def confirmed(study: Study) -> dict[str, str]:
    """The confirmed arms, each with the name of its confirmations; empty in a study without a `confirm` block."""
    return {arm.confirms: name for name, arm in arms(study).items() if arm.confirms is not None}


def arm_name(arm: str, kind: str) -> str:
    """The name of a dependent arm: a view with another searcher or the default point, or the confirmations of an arm."""
    return f"{arm}/{kind}"
