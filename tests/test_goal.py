import numpy as np
import pytest

from hpstudy.goal import Goal


def test_a_goal_is_equal_to_its_word_in_a_study_file():
    assert Goal("maximize") is Goal.MAXIMIZE == "maximize"
    assert Goal("minimize") is Goal.MINIMIZE == "minimize"


@pytest.mark.parametrize(("goal", "best", "worst", "side"), [("maximize", 3, 1, "above"), ("minimize", 1, 3, "below")])
def test_best_and_worst_follow_the_goal(goal, best, worst, side):
    assert (Goal(goal).best([2, 1, 3]), Goal(goal).worst([2, 1, 3])) == (best, worst)
    assert Goal(goal).better_side == side
    assert max([2, 1, 3], key=lambda value: Goal(goal).sign * value) == best


def test_a_level_is_reached_by_equal_and_better_values_and_not_by_nan():
    values = np.array([1.0, 2.0, 3.0, np.nan])
    assert Goal.MAXIMIZE.reached(values, 2.0).tolist() == [False, True, True, False]
    assert Goal.MINIMIZE.reached(values, 2.0).tolist() == [True, True, False, False]
