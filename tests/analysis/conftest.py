"""Small studies of one hyperparameter per view."""

import numpy as np
import pytest

from hpstudy.goal import Goal
from hpstudy.study.schema import Study
from tests.support.sources import MemorySource


@pytest.fixture
def make_source():
    """Build a source from {view: (replicates x trials) values}; keywords change the study's metric and analysis."""

    def make(values, *, states=None, goal=Goal.MAXIMIZE, **analysis):
        shape = np.shape(next(iter(values.values())))
        study = Study.model_validate(
            {
                "name": "small",
                "task": {"use": "branin"},
                "metric": {"name": "score", "goal": goal},
                "views": {name: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for name in values},
                "search": {"trials": shape[1]},
                "replicates": shape[0],
                "analysis": {"resamples": 1000, **analysis},
            }
        )
        return MemorySource(study, values, states or {})

    return make
