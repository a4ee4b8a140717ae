from itertools import combinations

import pytest

from hpstudy.study.sample_size import fewest_replicates, too_few_replicates
from hpstudy.study.schema import Study


def study(views=2, replicates=5, **analysis):
    space = {"x": {"type": "float", "low": 0, "high": 1}}
    names = [f"view{n}" for n in range(views)]
    return Study.model_validate(
        {
            "name": "s",
            "task": {"use": "branin"},
            "metric": {"name": "value", "goal": "minimize"},
            "views": {name: {"space": space} for name in names},
            "search": {"searcher": "random", "trials": 5},
            "replicates": replicates,
            "analysis": {"compare": list(combinations(names, 2)), **analysis},
        }
    )


@pytest.mark.parametrize(
    ("views", "confidence", "fewest"), [(2, 0.95, 6), (2, 0.9, 5), (2, 0.75, 4), (3, 0.95, 7), (2, 0.99, 8), (5, 0.95, 9)]
)
def test_the_fewest_replicates_whose_smallest_adjusted_p_is_significant(views, confidence, fewest):
    """Of m comparisons the smallest adjusted p is m 2^(1 - n)."""
    assert fewest_replicates(study(views, confidence=confidence)) == fewest


def test_declared_endpoints_have_t_tests():
    assert fewest_replicates(study(endpoints=[{"use": "trials_to_target"}])) == 2


def test_too_few_replicates_are_named_with_the_number_that_suffices():
    assert too_few_replicates(study(replicates=5)).endswith("; use 6 or more")
    assert too_few_replicates(study(replicates=6)) == ""
    assert too_few_replicates(study(views=1, replicates=2)) == ""
