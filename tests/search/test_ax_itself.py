"""The proposals of the ax searcher are those of Ax 1.3, bit for bit."""

import logging
import math
import warnings

import numpy as np
import pandas as pd
import pytest

from hpstudy.goal import Goal
from hpstudy.search.ax import AxSearcher
from hpstudy.search.botorch import BoTorchSettings
from hpstudy.search.effort import DEFAULT, FALLBACKS, FAST, TOLERANCE
from hpstudy.search.encoding import Encoding
from hpstudy.search.feasible import feasible_neighbors, projected
from hpstudy.search.interface import Observation
from hpstudy.search.outcomes import has_value, robustly_scaled
from hpstudy.search.sobol import sobol_points
from hpstudy.search.untried import is_tried, untried_points
from hpstudy.seeds import derive_seed, seeded_block
from hpstudy.study.space import Space
from hpstudy.tasks.functions import Branin, FunctionSettings, Hartmann6
from hpstudy.testing.searchers import SPACES, objective

with warnings.catch_warnings():
    warnings.simplefilter("ignore", category=DeprecationWarning)
    from ax.adapter.registry import Generators
    from ax.core.data import Data
    from ax.core.experiment import Experiment
    from ax.core.metric import Metric
    from ax.core.objective import Objective
    from ax.core.observation import ObservationFeatures
    from ax.core.optimization_config import OptimizationConfig
    from ax.core.parameter import ParameterType, RangeParameter
    from ax.core.parameter_constraint import ParameterConstraint
    from ax.core.search_space import SearchSpace
    from ax.generators.torch.botorch_modular.surrogate import SurrogateSpec
    from ax.generators.torch.botorch_modular.utils import ModelConfig
    from botorch.models import SingleTaskGP
    from botorch.optim.fit import fit_gpytorch_mll_scipy

    from hpstudy.search.single.propose import CONSTRAINT_SLACK
    from hpstudy.search.single.surrogate import Snap

METRIC = "objective"

BRANIN, HARTMANN, WIDE = (
    Space.model_validate({name: {"type": "float", "low": low, "high": high} for name, (low, high) in domain.items()})
    for domain in (Branin.domain, Hartmann6.domain, {f"x{column}": (0.0, 1.0) for column in range(12)})
)
"""The last one has coordinates whose names are not in alphabetical order."""


class QuickFitGP(SingleTaskGP):
    """Ax gives options of the fit to no model but this."""

    def custom_fit(self, mll, **_):
        fit_gpytorch_mll_scipy(mll.train(), options={"ftol": FAST.fit_tolerance})
        return mll.eval()


def names(encoding):
    return [f"x{column}" for column in range(encoding.width)]


def features(encoding, point):
    return ObservationFeatures(dict(zip(names(encoding), encoding.encode(point), strict=True)))


def search_space(encoding, constraints=()):
    inequalities = [
        f"{' + '.join(f'{weight:.17f} * x{column}' for column, weight in weights.items())} <= {bound + CONSTRAINT_SLACK:.17f}"
        for weights, bound in constraints
    ]
    return SearchSpace(
        [RangeParameter(name, ParameterType.FLOAT, 0.0, 1.0) for name in names(encoding)],
        [ParameterConstraint(inequality=inequality) for inequality in inequalities],
    )


def fitted_adapter(encoding, history, goal, effort):
    """Ax's adapter of an experiment with the trials that have a value."""
    experiment = Experiment(
        search_space=search_space(encoding),
        optimization_config=OptimizationConfig(Objective(METRIC, metric_name_to_signature={METRIC: METRIC})),
        metrics=[Metric(METRIC, lower_is_better=False)],
    )
    valued = [past for past in history if has_value(past)]
    rows = []
    for past, mean in zip(valued, robustly_scaled(valued, goal), strict=True):
        arms, index = experiment.attach_trial([features(encoding, past.point).parameters])
        experiment.trials[index].mark_completed()
        rows += [(index, arm, METRIC, METRIC, mean, math.nan) for arm in arms]
    columns = ["trial_index", "arm_name", "metric_name", "metric_signature", "mean", "sem"]
    options = {"botorch_model_class": QuickFitGP} if effort == "fast" else {}
    if encoding.cells or encoding.one_hot:
        options["input_transform_classes"] = [Snap]
        options["input_transform_options"] = {"Snap": {"encoding": encoding}}
    return Generators.BOTORCH_MODULAR(
        experiment=experiment,
        data=Data(df=pd.DataFrame(rows, columns=columns)),
        surrogate_spec=SurrogateSpec(model_configs=[ModelConfig(name="hpstudy", **options)]),
    )


def ax_proposal(space, history, goal, seed, effort):
    """The point that Ax proposes, or, if it was tried or violates a constraint, the untried point that Ax's acquisition prefers."""
    encoding = Encoding(space)
    fast = {
        "num_restarts": FAST.restarts,
        "raw_samples": FAST.raw_samples,
        "options": {"maxiter": FAST.iterations, "init_batch_limit": FAST.raw_batch},
    }
    with seeded_block(derive_seed(seed, "ask", len(history))):
        adapter = fitted_adapter(encoding, history, goal, effort)
        pending = {METRIC: [features(encoding, past.point) for past in history if not has_value(past)]}
        run = adapter.gen(
            n=1,
            pending_observations=pending,
            model_gen_options={"optimizer_kwargs": fast} if effort == "fast" else {},
            search_space=search_space(encoding, encoding.constraints()),
        )
        proposed = run.arms[0].parameters
        point = projected(encoding, encoding.decode([proposed[name] for name in names(encoding)]))
        if space.satisfies(point) and not is_tried(point, history):
            return point
        untried = [near for near in feasible_neighbors(space, point) if not is_tried(near, history)]
        untried += untried_points(space, history, seed=seed, number=len(history), count=FALLBACKS)
        values = adapter.evaluate_acquisition_function([features(encoding, p) for p in untried], pending_observations=pending)
        return untried[int(np.argmax(values))]


def history(space, *, trials=12, value=objective, missing=(), repeated=False, equal=False):
    """A search at Sobol points with noisy values."""
    noise = np.random.default_rng(0).normal(0, 0.1, trials)
    points = sobol_points(space, seed=1, start=0, count=trials)
    if repeated:
        points[-1] = points[0]
    values = [1.0 if equal else value(space, point) + error for point, error in zip(points, noise, strict=True)]
    return [Observation(n, points[n], None if n in missing else values[n]) for n in range(trials)]


def function(task):
    return lambda _, point: task(FunctionSettings()).value(list(point.values()))


def with_an_outlier(space, point):
    return -1e6 if space.root["x1"].unit(point["x1"]) > 0.8 else objective(space, point)


HISTORIES = {
    "Branin": (BRANIN, {"value": function(Branin)}),
    "Hartmann": (HARTMANN, {"value": function(Hartmann6), "trials": 25}),
    "pending trials and outliers": (HARTMANN, {"value": with_an_outlier, "missing": (3, 11)}),
    "twelve floats": (WIDE, {}),
    "every type": (SPACES["mixed"], {"missing": (3,)}),
    "choices": (SPACES["choices"], {"missing": (3,)}),
    "steps": (SPACES["steps"], {}),
    "constraints": (SPACES["constrained"], {"missing": (3,)}),
    "conditions": (SPACES["conditional"], {"missing": (3,)}),
    "equal values": (SPACES["mixed"], {"equal": True}),
    "a repeated point": (HARTMANN, {"repeated": True}),
}

CASES = [(name, "fast") for name in HISTORIES] + [(name, "default") for name in ("Branin", "every type", "constraints")]


@pytest.mark.parametrize(("name", "effort"), CASES)
def test_a_proposal_is_that_of_ax(name, effort, caplog):
    space, options = HISTORIES[name]
    caplog.set_level(logging.ERROR)
    past = history(space, **options)
    here = AxSearcher(BoTorchSettings(effort=effort)).ask(space, past, goal=Goal.MINIMIZE, seed=1, number=len(past))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert repr(ax_proposal(space, past, Goal.MINIMIZE, 1, effort)) == repr(here)


def test_the_default_effort_is_that_of_ax():
    from ax.generators.torch.botorch_modular import optimizer_defaults as ax

    assert (DEFAULT.restarts, DEFAULT.raw_samples, DEFAULT.raw_batch) == (ax.NUM_RESTARTS, ax.RAW_SAMPLES, ax.INIT_BATCH_LIMIT)
    assert DEFAULT.fit_tolerance == TOLERANCE
