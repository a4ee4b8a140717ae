"""Studies that confirm every incumbent, held in memory."""

import numpy as np
import pytest

from hpstudy.study.schema import Study
from tests.support.sources import MemorySource


@pytest.fixture
def make_confirmed():
    """A source from {view: (replicates x trials) values} and {view: (replicates x trials x seeds) values on fresh seeds}."""

    def make(values, fresh, *, goal="maximize", on_failure="worst", states=None, seeds=None, **analysis):
        shape = np.shape(next(iter(values.values())))
        study = Study.model_validate(
            {
                "name": "small",
                "task": {"use": "branin"},
                "metric": {"name": "score", "goal": goal, "on_failure": on_failure},
                "views": {name: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for name in values},
                "search": {"trials": shape[1]},
                "replicates": shape[0],
                "confirm": {"seeds": seeds or np.shape(next(iter(fresh.values())))[2], "incumbents": True},
                "analysis": {"resamples": 1000, **analysis},
            }
        )
        return MemorySource(study, values, states or {}, fresh=fresh)

    return make
