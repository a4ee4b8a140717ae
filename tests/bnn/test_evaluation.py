import math

import pytest
import torch
from torch import nn

from hpstudy.bnn.batches import Data, InMemory
from hpstudy.bnn.evaluation import Evaluation, evaluate
from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.settings import TrainSettings
from hpstudy.bnn.train import train
from tests.support.networks import ignore, make_data, make_network

LOGITS = torch.tensor(
    [[3.0, 2.0, 1.0, 0.0], [3.0, 2.0, 1.0, 0.0], [0.0, 5.0, 4.0, 3.0], [1.0, 2.0, 3.0, 4.0], [4.0, 1.0, 2.0, 3.0]]
)
CLASSES = torch.tensor([0, 1, 3, 0, 0])
"""The first guess is right twice, the first two thrice, the first three four times."""


def data(rows=4096):
    part = InMemory(LOGITS, CLASSES)
    return Data(part, part, part, evaluation_rows=rows)


def measured(top_k=None, rows=4096):
    d = data(rows)
    return evaluate(nn.Identity(), d, d.validation, top_k)


@pytest.mark.parametrize(("top_k", "share"), [(1, 0.4), (2, 0.6), (3, 0.8), (4, 1.0)])
def test_top_k_counts_a_class_among_the_largest_outputs(top_k, share):
    assert measured(top_k).top_accuracy == pytest.approx(share)


def test_the_first_guess_alone_is_the_accuracy():
    assert measured().accuracy == measured(3).accuracy == measured(1).top_accuracy == pytest.approx(0.4)


def test_the_loss_is_the_mean_cross_entropy():
    rows = zip(LOGITS.tolist(), CLASSES.tolist(), strict=True)
    losses = [math.log(sum(math.exp(each) for each in row)) - row[y] for row, y in rows]
    assert measured().loss == pytest.approx(sum(losses) / 5)


def test_without_top_k_only_the_first_guess_is_measured():
    found = measured()
    assert (found.top_k, found.top_accuracy) == (None, None)


def test_metrics_are_named_after_the_part_and_the_number_of_guesses():
    found = Evaluation(loss=2.5, accuracy=0.5, top_k=5, top_accuracy=0.75)
    assert found.metrics("val") == {"val_accuracy": 0.5, "val_loss": 2.5, "val_top5_accuracy": 0.75}
    assert found.metrics("test", loss=False) == {"test_accuracy": 0.5, "test_top5_accuracy": 0.75}
    assert Evaluation(2.5, 0.5).metrics("val") == {"val_accuracy": 0.5, "val_loss": 2.5}


def test_a_share_of_zero_is_a_metric_too():
    assert Evaluation(1.0, 0.0, 2, 0.0).metrics("val")["val_top2_accuracy"] == 0.0


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_evaluation_does_not_depend_on_the_rows_per_forward_pass(rows):
    assert measured(3, rows) == measured(3)


def test_a_forward_pass_sees_as_many_rows_as_the_data_say():
    seen = []
    network = nn.Identity()
    network.register_forward_hook(lambda module, inputs, outputs: seen.append(len(outputs)))
    d = data(rows=2)
    evaluate(network, d, d.test)
    assert seen == [2, 2, 1]


def test_batch_normalization_uses_its_running_statistics_and_keeps_them():
    network = nn.BatchNorm1d(4)
    before = network.running_mean.clone()
    d = data()
    found = evaluate(network.train(), d, d.test)
    assert not network.training
    assert torch.equal(network.running_mean, before)
    assert found.loss == pytest.approx(measured().loss, rel=1e-4)  # a mean of 0 and a variance of 1 leave the outputs as they are


def test_evaluation_goes_through_the_part_it_is_given():
    wrong = InMemory(LOGITS, (LOGITS.argmax(1) + 1) % 4)
    d = Data(wrong, data().validation, wrong)
    assert evaluate(nn.Identity(), d, d.validation).accuracy == pytest.approx(0.4)
    assert evaluate(nn.Identity(), d, d.test).accuracy == 0.0


def trained(top_k, reports=None):
    network, d = make_network(), make_data()
    settings = TrainSettings(epochs=2, batch_size=20, top_k=top_k)
    report = ignore if reports is None else lambda epoch, **metrics: reports.append(metrics)
    final = train(network, Filter(), Filter.Hyperparameters(), d, settings, seed=0, report=report)
    return network, d, final


def test_training_ends_with_these_values_of_the_trained_network():
    network, d, final = trained(top_k=2)
    assert final["test_top2_accuracy"] > final["test_accuracy"]
    found = {
        **evaluate(network, d, d.validation, 2).metrics("val"),
        **evaluate(network, d, d.test, 2).metrics("test", loss=False),
    }
    assert found.items() <= final.items()
    assert len(found) == 5


def test_more_guesses_are_recorded_in_every_epoch_and_change_nothing_else():
    plain_reports, reports = [], []
    plain, more = trained(None, plain_reports)[2], trained(3, reports)[2]
    top = {"val_top3_accuracy", "test_top3_accuracy"}
    assert more.keys() - plain.keys() == top
    assert {name: value for name, value in more.items() if name not in top} == plain
    assert [{name: value for name, value in each.items() if name != "val_top3_accuracy"} for each in reports] == plain_reports
    assert all("val_top3_accuracy" in each for each in reports)


def test_as_many_guesses_as_classes_are_always_right():
    assert trained(5)[2]["val_top5_accuracy"] == 1.0
