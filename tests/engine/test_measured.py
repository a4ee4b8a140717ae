import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from hpstudy.engine.measured import InvalidResult, read_metrics
from hpstudy.engine.recorder import Recorder


@pytest.mark.parametrize(
    "number",
    [
        1.5,
        Fraction(3, 2),
        np.float32(1.5),
        np.float64(1.5),
        np.array(1.5),
        torch.tensor(1.5),
        torch.tensor(1.5, requires_grad=True),
    ],
    ids=lambda number: type(number).__name__,
)
def test_a_number_of_any_library_becomes_a_float(number):
    (value,) = read_metrics(number, "loss").values()
    assert (type(value), value) == (float, 1.5)


@pytest.mark.parametrize("number", [3, np.int64(3), torch.tensor(3)], ids=lambda number: type(number).__name__)
def test_a_whole_number_becomes_a_float(number):
    assert read_metrics(number, "loss") == {"loss": 3.0}


@pytest.mark.parametrize("truth", [True, np.True_, torch.tensor(True)], ids=lambda truth: type(truth).__name__)
def test_true_is_one(truth):
    assert read_metrics(truth, "solved") == {"solved": 1.0}


def test_a_single_number_is_the_objective():
    assert read_metrics(0.5, "accuracy") == {"accuracy": 0.5}


def test_all_metrics_of_a_mapping_are_kept():
    assert read_metrics({"accuracy": 0.5, "loss": math.inf}, "accuracy") == {"accuracy": 0.5, "loss": math.inf}


def test_nan_stays_nan():
    assert math.isnan(read_metrics(float("nan"), "loss")["loss"])


@pytest.mark.parametrize(
    "result",
    [None, "0.5", [0.5], (0.5, 1), 1j, np.array([0.5]), torch.ones(1), torch.ones(2, 3), object()],
    ids=lambda result: type(result).__name__,
)
def test_anything_else_is_refused_with_what_to_return(result):
    with pytest.raises(InvalidResult, match=r"'loss' .*must return a number, or a dict of numbers"):
        read_metrics(result, "loss")


def test_a_tensor_is_refused_with_its_shape():
    with pytest.raises(InvalidResult, match=r"shape \(2, 3\)"):
        read_metrics(torch.ones(2, 3), "loss")


def test_a_mapping_without_the_objective_is_refused_with_the_metrics_it_has():
    with pytest.raises(InvalidResult, match=r"no metric 'accuracy' \(it has: loss, time\)"):
        read_metrics({"loss": 1.0, "time": 2.0}, "accuracy")


def test_another_metric_that_is_no_number_is_refused():
    with pytest.raises(InvalidResult, match="'model'"):
        read_metrics({"accuracy": 0.5, "model": "resnet"}, "accuracy")


def test_a_metric_whose_name_is_no_string_is_refused():
    with pytest.raises(InvalidResult, match="strings"):
        read_metrics({"accuracy": 0.5, 3: 1.0}, "accuracy")


def test_reports_are_kept_in_order():
    report = Recorder()
    report(1, loss=1.0, accuracy=np.float32(0.5))
    report(2, loss=torch.tensor(0.25))
    assert report.curves == [(1, "loss", 1.0), (1, "accuracy", 0.5), (2, "loss", 0.25)]


def test_a_report_of_something_else_names_the_epoch():
    with pytest.raises(InvalidResult, match="at epoch 7"):
        Recorder()(7, loss="small")
