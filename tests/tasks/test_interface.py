import pytest
from pydantic import BaseModel

from hpstudy.engine.recorder import Recorder
from hpstudy.errors import Diverged
from hpstudy.tasks.interface import Task


class Settings(BaseModel):
    """None."""


class Quotient(Task):
    """1 / x, at a seed."""

    Settings = Settings

    def objectives(self):
        return ("value",)

    def check_view(self, view):
        return []

    def evaluate(self, view, point, seed, report):
        report(1, seed=seed)
        if seed == 3:
            raise Diverged("seed 3")
        return {"value": 1 / point["x"]}


@pytest.fixture
def reports():
    return [Recorder() for _ in range(4)]


def test_several_points_are_evaluated_one_after_the_other_and_each_exception_is_that_of_its_trial(reports):
    points = [{"x": 2.0}, {"x": 0.0}, {"x": 4.0}, {"x": 1.0}]
    first, second, third, fourth = Quotient(Settings()).evaluate_many(None, points, (1, 2, 3, 4), reports)
    assert (first, fourth) == ({"value": 0.5}, {"value": 1.0})
    assert (type(second), type(third)) == (ZeroDivisionError, Diverged)
    assert [report.curves for report in reports] == [[(1, "seed", float(seed))] for seed in (1, 2, 3, 4)]


def test_an_exit_asked_for_passes(reports, monkeypatch):
    monkeypatch.setattr(Quotient, "evaluate", lambda *_: exit(3))
    with pytest.raises(SystemExit):
        Quotient(Settings()).evaluate_many(None, [{"x": 1.0}], (1,), reports[:1])
