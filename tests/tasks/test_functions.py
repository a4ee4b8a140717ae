import numpy as np
import pytest
from scipy.optimize import minimize

from hpstudy.study.schema import View
from hpstudy.tasks.functions import Branin, FunctionSettings, Hartmann6

FLOAT = {"type": "float", "low": 0.0, "high": 1.0}
# Known minimizers, from the functions' published descriptions.
MINIMA = [
    (Branin, (-np.pi, 12.275)),
    (Branin, (np.pi, 2.275)),
    (Branin, (9.42478, 2.475)),
    (Hartmann6, (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573)),
]


def task(kind=Branin, **settings):
    return kind(FunctionSettings(**settings))


def view(space, fixed=None, **keys):
    return View(space=space, fixed=fixed or {}, **keys)


def ignore(epoch, **metrics):
    raise AssertionError("an analytic function reports no epochs")


@pytest.mark.parametrize(("kind", "x"), MINIMA)
def test_the_known_minimum_is_reached_at_the_published_minimizers(kind, x):
    found = minimize(task(kind).value, x, tol=1e-14).fun
    assert found == pytest.approx(kind.minimum, abs=1e-9)


def test_noise_has_the_declared_standard_deviation():
    branin = task(noise=2.0)
    plain = view({"x1": {"type": "float", "low": -5, "high": 10}}, {"x2": 1.0})
    values = [branin.evaluate(plain, {"x1": 0.0}, seed, ignore) for seed in range(2000)]
    assert np.std([v["value"] - v["true_value"] for v in values]) == pytest.approx(2.0, rel=0.05)


def test_the_same_seed_gives_the_same_noise_in_every_view():
    branin = task(noise=1.0, dummies=1)
    tuned = view({"x1": {"type": "float", "low": -5, "high": 10}, "z1": FLOAT}, {"x2": 1.0})
    other = view({"x1": {"type": "float", "low": -5, "high": 10}}, {"x2": 1.0})
    assert branin.evaluate(tuned, {"x1": 2.0, "z1": 0.3}, 7, ignore) == branin.evaluate(other, {"x1": 2.0}, 7, ignore)


def test_an_argument_that_is_neither_tuned_nor_fixed_is_named():
    (problem,) = task().check_view(view({"x1": FLOAT}))
    assert "'x2' is neither tuned nor fixed" in problem.message


def test_a_range_outside_the_domain_is_refused_at_its_own_end():
    (problem,) = task().check_view(view({"x1": {"type": "float", "low": -7, "high": 10}}, {"x2": 0.0}))
    assert problem.key == ("space", "x1", "low")


def test_an_unknown_argument_is_answered_with_the_valid_ones():
    problems = task(dummies=2).check_view(view({"dummy z1": FLOAT}, {"x1": 0.0, "x2": 0.0}))
    assert "valid: x1, x2, z1, z2" in problems[0].message


def test_a_method_is_refused():
    (problem,) = task().check_view(view({"x1": FLOAT}, {"x2": 0.0}, method="filter"))
    assert problem.key == ("method",)
