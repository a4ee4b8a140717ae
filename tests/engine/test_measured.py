import json
import math
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import numpy as np
import pytest
import torch

from hpstudy.engine.measured import InvalidResult, read_result
from hpstudy.engine.recorder import Recorder


def read_metrics(result, objective):
    """The metrics of a result that holds nothing else."""
    metrics, attributes = read_result(result, objective)
    assert attributes == {}
    return metrics


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


class Hostile:
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("resnet", "resnet"),
        (None, None),
        ({"layers": [1, 2.5, True, None], 3: "x"}, {"layers": [1, 2.5, True, None], "3": "x"}),
        ({"loss": [math.nan, math.inf]}, {"loss": ["nan", "inf"]}),
        (np.array([1, 2]), [1, 2]),
        (torch.ones(2, 1), [[1.0], [1.0]]),
        (np.ones(2_000), "ndarray of shape (2000,)"),
        (2**53 + 1, 2**53 + 1),
        (2**70 + 1, str(2**70 + 1)),
        ("\ud800", "\\ud800"),
        ("x" * 30_000, "x" * 20_000),
        (Decimal("0.1"), "0.1"),
        (Hostile(), "a Hostile that cannot be stored (RuntimeError)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_number_beside_a_good_objective_is_kept_as_json(value, kept):
    metrics, attributes = read_result({"accuracy": 0.5, "other": value}, "accuracy")
    assert metrics == {"accuracy": 0.5}
    assert attributes == {"other": kept}
    assert json.loads(json.dumps(attributes, allow_nan=False)) == attributes


def test_a_long_attribute_is_cut():
    (kept,) = read_result({"accuracy": 0.5, "rows": ["x" * 100] * 1_000}, "accuracy")[1].values()
    assert kept.startswith('["xxx')
    assert 20_000 < len(kept) < 20_010


def test_a_deep_attribute_is_kept_as_text_at_its_end():
    value = []
    for _ in range(5_000):
        value = [value]
    (kept,) = read_result({"accuracy": 0.5, "deep": value}, "accuracy")[1].values()
    depth = 0
    while isinstance(kept, list):
        kept, depth = kept[0], depth + 1
    assert depth <= 10


def test_a_metric_whose_name_is_no_string_is_refused():
    with pytest.raises(InvalidResult, match="strings"):
        read_metrics({"accuracy": 0.5, 3: 1.0}, "accuracy")


def test_reports_are_kept_in_order():
    report = Recorder()
    report(1, loss=1.0, accuracy=np.float32(0.5))
    report(2, loss=torch.tensor(0.25))
    assert report.curves == [(1, "loss", 1.0), (1, "accuracy", 0.5), (2, "loss", 0.25)]


@pytest.mark.parametrize("epoch", [3, 3.0, np.int64(3), np.float32(3), torch.tensor(3)], ids=lambda epoch: type(epoch).__name__)
def test_a_whole_number_of_any_type_is_an_epoch(epoch):
    report = Recorder()
    report(epoch, loss=0.5)
    assert [(type(at), at) for at, _, _ in report.curves] == [(int, 3)]


@pytest.mark.parametrize("epoch", [0, 2**63 - 1])
def test_an_epoch_is_counted_from_0_and_may_have_64_bits(epoch):
    report = Recorder()
    report(epoch, loss=0.5)
    assert report.curves == [(epoch, "loss", 0.5)]


@pytest.mark.parametrize(
    "epoch",
    [
        2**63,
        2**70,
        10**5000,
        -1,
        -2.0,
        -(2**63),
        -(2**63) - 1,
        0.5,
        math.inf,
        math.nan,
        True,
        np.True_,
        torch.tensor(True),
        "3",
        None,
        [3],
        np.array([3]),
    ],
    ids=lambda epoch: type(epoch).__name__,
)
def test_anything_else_is_no_epoch(epoch):
    report = Recorder()
    with pytest.raises(InvalidResult, match="an epoch must be a whole number, 0 or more,"):
        report(epoch, loss=0.5)
    assert report.curves == []


def test_a_metric_is_reported_once_per_epoch():
    report = Recorder()
    report(1, loss=0.5)
    report(1, accuracy=0.5)
    with pytest.raises(InvalidResult, match="'loss' was reported twice at epoch 1"):
        report(1.0, loss=0.25)
    assert report.curves == [(1, "loss", 0.5), (1, "accuracy", 0.5)]


def test_an_evaluation_that_goes_on_knows_what_was_reported():
    report = Recorder()
    report(2, loss=0.25)
    report.restore([(1, "loss", 0.5)])
    report(2, loss=0.25)
    with pytest.raises(InvalidResult, match="twice"):
        report(1, loss=0.5)


@pytest.mark.parametrize("name", ["\ud800", 3])
def test_a_name_that_a_database_cannot_hold_is_refused(name):
    with pytest.raises(InvalidResult, match="names of metrics must be"):
        read_metrics({"loss": 1.0, name: 2.0}, "loss")


def test_a_reported_name_that_a_database_cannot_hold_is_refused():
    with pytest.raises(InvalidResult, match="valid Unicode"):
        Recorder()(1, **{"\ud800": 2.0})


def test_a_name_is_a_plain_string():
    class Name(StrEnum):
        LOSS = "loss"

    assert [type(name) for name in read_metrics({Name.LOSS: 1.0}, "loss")] == [str]


@pytest.mark.parametrize(
    "number",
    [2**53 + 1, 10**400, 10**5000, Fraction(1, 3), Decimal("0.1"), Decimal("sNaN"), np.int64(2**53 + 1), torch.tensor(2**53 + 1)],
    ids=lambda number: type(number).__name__,
)
def test_a_number_that_no_float_equals_is_refused(number):
    with pytest.raises(InvalidResult, match=r"'loss' in the result .* no 64-bit float equals"):
        read_metrics(number, "loss")


@pytest.mark.parametrize("number", [2**60, Decimal("0.5"), Decimal("Infinity"), np.uint64(2**63), np.float16(0.1)])
def test_a_number_that_a_float_equals_is_kept(number):
    assert read_metrics(number, "loss")["loss"] == number


@pytest.mark.parametrize(
    "thing", [np.datetime64(3, "D"), np.timedelta64(3, "D"), np.str_("0.5")], ids=lambda thing: type(thing).__name__
)
def test_a_scalar_that_is_no_number_is_refused(thing):
    with pytest.raises(InvalidResult, match="must return a number"):
        read_metrics(thing, "loss")


def test_a_report_of_something_else_names_the_epoch():
    with pytest.raises(InvalidResult, match="at epoch 7"):
        Recorder()(7, loss="small")
