"""A study held in memory: what the analysis reads of a database, made from arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpstudy.study.schema import Study

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MemorySource:
    """Trials as arrays, with the methods of `hpstudy.store.Reader` that `hpstudy.analysis.analyze` calls.

    Attributes:
        study: the study.
        values: for each view, and each arm VIEW/SEARCHER, (replicates x trials) objectives. NaN is a trial that diverged, unless `states`
            says otherwise.
        states: for each view (replicates x trials) of state names, "missing" for a trial that was never begun; a view that is
            left out has all its trials.
        error: (exception type, message) of failed trials.
        identity: what determines numbers beside the study.
        sessions: environments of the sessions, as a Reader gives them.
        happened: events, as a Reader gives them.
        fresh: for each view (replicates x trials x seeds) values of its incumbents on fresh seeds; NaN is a training that diverged.
        defaults: for each view (seeds,) values of its default point on the fresh seeds of replicate 0.
    """

    study: Study
    values: Mapping[str, npt.ArrayLike]
    states: Mapping[str, npt.ArrayLike] = field(default_factory=dict)
    error: tuple[str, str] = ("RuntimeError", "it broke")
    identity: dict[str, str] = field(default_factory=dict)
    sessions: Sequence[Any] = ()
    happened: Sequence[Any] = ()
    fresh: Mapping[str, npt.ArrayLike] = field(default_factory=dict)
    defaults: Mapping[str, npt.ArrayLike] = field(default_factory=dict)

    def trials(self) -> pd.DataFrame:
        """One row per trial; every point is the middle of its view's space."""
        import pandas as pd

        parts = []
        for view, given in self.values.items():
            values = np.asarray(given, dtype=np.float64)
            states = np.where(np.isnan(values), "diverged", "completed").astype(object)
            if view in self.states:
                states = np.asarray(self.states[view], dtype=object)
            replicate, number = np.indices(values.shape)
            middle = self.study.views[view.partition("/")[0]].space.default()
            rows = pd.DataFrame(
                {
                    "view": view,
                    "replicate": replicate.ravel(),
                    "number": number.ravel(),
                    "state": states.ravel(),
                    "objective": np.where(states == "completed", values, np.nan).ravel(),
                    "attempts": 1,
                    "ask_s": 0.5,
                    "evaluate_s": 2.0,
                    "error_type": [self.error[0] if state == "failed" else None for state in states.ravel()],
                    "error": [self.error[1] if state == "failed" else None for state in states.ravel()],
                    "environment_id": 1,
                    **{f"point.{name}": value for name, value in middle.items()},
                }
            )
            rows[f"metric.{self.study.metric.name}"] = rows["objective"]
            parts.append(rows[rows["state"] != "missing"])
        return pd.concat(parts, ignore_index=True)

    def curves(self) -> pd.DataFrame:
        """No learning curves."""
        import pandas as pd

        return pd.DataFrame(columns=["view", "replicate", "number", "metric", "epoch", "value"])

    def confirmations(self) -> pd.DataFrame:
        """The default points and the incumbents of the searches on fresh seeds, as far as `defaults` and `fresh` have them."""
        import pandas as pd

        rows = []
        sign = self.study.metric.goal.sign
        for view, of_default in self.defaults.items():
            for seed, value in enumerate(np.asarray(of_default, dtype=np.float64).tolist()):
                rows.append((view, np.nan, np.nan, seed, "diverged" if np.isnan(value) else "completed", value))
        for view, given in self.fresh.items():
            fresh, values = np.asarray(given, dtype=np.float64), sign * np.asarray(self.values[view], dtype=np.float64)
            for replicate, search in enumerate(values.tolist()):
                best = -np.inf
                for number, value in enumerate(search):
                    if value > best:
                        best = value
                        for seed, again in enumerate(fresh[replicate, number].tolist()):
                            rows.append((view, replicate, number, seed, "diverged" if np.isnan(again) else "completed", again))
        return pd.DataFrame(rows, columns=["view", "replicate", "number", "seed_number", "state", "objective"])

    def environments(self) -> Sequence[Any]:
        """The sessions' environments."""
        return self.sessions

    def events(self) -> Sequence[Any]:
        """What happened to the study."""
        return self.happened
