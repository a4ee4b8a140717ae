"""The arms of a study by name: the searches of its views, and what these are compared with.

The study's own searcher gives the arm VIEW. Each other searcher gives an arm VIEW/SEARCHER, and the training of the default point an arm
VIEW/default. ARM/confirm holds the confirmations of an arm: its trials are not asked for but listed (`hpstudy.study.confirm`). No view has
a slash in its name, so that no other arm is ever taken for a view, and their seeds, which come from the name, are never those of one.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpstudy.study.confirm import harmonic
from hpstudy.study.schema import Study

DEFAULT = "default"
"""The searcher of an arm that trains the default point."""


@dataclass(frozen=True)
class Arm:
    """Searches of one kind, one per replicate: those of a view by one searcher, or the confirmations of such searches.

    Attributes:
        view: whose space is searched.
        searcher: name of another searcher, or `DEFAULT`; None for the study's own searcher, and for confirmations.
        trials: of every search; of confirmations, of every point that is trained again.
        confirms: of confirmations: the name of the arm whose trials are trained again; None for searches.
        enqueued: how many trials, the first ones, have the points that the view enqueues.
        incumbents: of confirmations: the number of incumbents that a search is expected to have, of which all are trained again; None
            where only its best trial is.
    """

    view: str
    searcher: str | None
    trials: int
    confirms: str | None = None
    enqueued: int = 0
    incumbents: int | None = None

    @property
    def listed(self) -> bool:
        """Whether its trials are listed instead of asked for: those of confirmations are."""
        return self.confirms is not None

    @property
    def trains_default(self) -> bool:
        """Whether the default point is confirmed here, in replicate 0: in the confirmations of the view's own searches."""
        return self.confirms == self.view

    def planned(self, replicate: int) -> int:
        """Trials of the search of `replicate`, as far as the study tells; in replicate 0 the default point is confirmed too."""
        points = 1 if self.incumbents is None else self.incumbents
        return self.trials * (points + 1 if self.trains_default and replicate == 0 else points)

    @property
    def estimated(self) -> int:
        """How many of these trials are an estimate."""
        return self.trials * (self.incumbents or 0)


def arms(study: Study) -> dict[str, Arm]:
    """All arms by name: the views; per view the other searchers, then the controls; at last the confirmations.

    Random search that is declared as a control is not confirmed.
    """
    trials, others = study.search.trials, [block.searcher for block in study.search.others]
    views = {name: Arm(name, None, trials, enqueued=len(view.enqueue)) for name, view in study.views.items()}
    beside = {
        arm_name(name, kind): Arm(name, kind, 1) if kind == DEFAULT else Arm(name, kind, trials, enqueued=len(view.enqueue))
        for name, view in study.views.items()
        for kind in (*others, *study.controls)
    }
    if study.confirm is None:
        return {**views, **beside}
    incumbents = round(harmonic(trials)) if study.confirm.incumbents else None
    searched = {**views, **{name: arm for name, arm in beside.items() if arm.searcher in others}}
    confirmations = {
        arm_name(name, "confirm"): Arm(arm.view, None, study.confirm.seeds, confirms=name, incumbents=incumbents)
        for name, arm in searched.items()
    }
    return {**views, **beside, **confirmations}


def confirmed(study: Study) -> dict[str, str]:
    """The arms that are confirmed, each with the name of its confirmations; none in a study without a `confirm` block."""
    return {arm.confirms: name for name, arm in arms(study).items() if arm.confirms is not None}


def arm_name(arm: str, kind: str) -> str:
    """The name of an arm that belongs to another one: a view's with another searcher or the default point, or "confirm" of an arm."""
    return f"{arm}/{kind}"
