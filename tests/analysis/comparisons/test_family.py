import pytest

from hpstudy.analysis.comparisons.family import floors
from hpstudy.analysis.statistics.permutation import SignFlip


@pytest.mark.parametrize(("replicates", "tests", "floor"), [(5, 1, 0.0625), (6, 1, 0.03125), (6, 3, 0.09375), (2, 9, 1.0)])
def test_the_smallest_adjusted_p_counts_the_tests_of_the_family(replicates, tests, floor):
    assert floors([SignFlip(1.0, True, 2.0 ** (1 - replicates))] * tests) == [floor] * tests
