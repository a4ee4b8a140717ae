"""The blocks of a study that are valid by themselves, as the checks receive them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.study.declaration import Analysis
from hpstudy.study.schema import Metric, SearchBlock, Study, TaskBlock, View


@dataclass(frozen=True)
class Parts:
    """The blocks of a study that are valid by themselves. A block that violates the schema is None and is not checked further.

    Attributes:
        task, metric, search, analysis: the blocks.
        views: the views with a valid schema.
        names: names of all views.
        trials: number of trials of a search; None if the file has no valid number.
        replicates: number of replicates of every view; None if the file has no valid number.
        controls: names of the controls.
        confirm: whether the study has confirmations.
        incumbents: whether every incumbent is confirmed.
    """

    task: TaskBlock | None
    metric: Metric | None
    search: SearchBlock | None
    analysis: Analysis | None
    views: Mapping[str, View]
    names: tuple[str, ...]
    trials: int | None
    replicates: int | None = None
    controls: tuple[str, ...] = ()
    confirm: bool = False
    incumbents: bool = False

    @classmethod
    def of(cls, study: Study) -> Parts:
        """The parts of a study with a valid schema."""
        blocks = study.task, study.metric, study.search, study.analysis, study.views
        confirm = study.confirm
        sizes = tuple(study.views), study.search.trials, study.replicates
        return cls(*blocks, *sizes, study.controls, confirm is not None, confirm is not None and confirm.incumbents)
