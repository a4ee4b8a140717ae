import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, kl_div

from hpstudy.bnn.batches import Data, InMemory
from hpstudy.bnn.distillation import distillation_loss
from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.methods.latent_sgd import LatentSGD
from hpstudy.bnn.settings import FirstStep, TrainSettings
from hpstudy.bnn.train import train
from hpstudy.errors import Diverged
from tests.support.networks import CLASSES, FEATURES, ignore, make_data, make_network

SETTINGS = TrainSettings(epochs=2, batch_size=40)


def random(*shape, seed=0):
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Table(nn.Module):
    """Gives the same outputs whatever it sees; keeps what it saw."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits)
        self.seen = []

    def forward(self, x):
        self.seen.append(x)
        return self.logits[: len(x)]


def teacher(seed=0):
    """Untrained, with statistics in its normalization that are not those of any data."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(FEATURES, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, CLASSES))
        nn.init.normal_(network[1].running_mean)
    return network.eval().requires_grad_(False)


class AllKnowing(nn.Module):
    """Has the classes of the training samples by heart, and is as good as certain of them."""

    def __init__(self, part):
        super().__init__()
        self.part = part

    def forward(self, x):
        row = (x[:, None] == self.part.x[None]).all(2).int().argmax(1)
        return 1000.0 * nn.functional.one_hot(self.part.y[row], CLASSES)


def run(of=None, *, method=None, settings=SETTINGS, data=None, seed=0, network=None, report=ignore):
    method = method or Filter()
    return train(
        network or make_network(),
        method,
        method.Hyperparameters(),
        data or make_data(),
        settings,
        seed=seed,
        report=report,
        teacher=of,
    )


def softmax(row):
    largest = max(row)
    powers = [math.exp(each - largest) for each in row]
    return [each / sum(powers) for each in powers]


def test_the_loss_is_that_of_the_formula():
    student, taught = random(6, 4), random(6, 4, seed=1)
    total = 0.0
    for row, other in zip(student.tolist(), taught.tolist(), strict=True):
        total -= sum(p * math.log(q) for p, q in zip(softmax(other), softmax(row), strict=True))
    assert distillation_loss(student, Table(taught), torch.zeros(6, 2)).item() == pytest.approx(total / 6, rel=1e-12)


def test_its_gradient_is_that_of_the_divergence_from_the_teacher():
    student, taught = random(6, 4).requires_grad_(), random(6, 4, seed=1)
    (ours,) = torch.autograd.grad(distillation_loss(student, Table(taught), torch.zeros(6, 2)), student)
    divergence = kl_div(student.log_softmax(1), taught.log_softmax(1), reduction="batchmean", log_target=True)
    (theirs,) = torch.autograd.grad(divergence, student)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(ours, (student.softmax(1) - taught.softmax(1)).detach() / 6)


def test_it_exceeds_the_divergence_by_the_entropy_of_the_teacher():
    taught = random(6, 4)
    entropy = -(taught.softmax(1) * taught.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(distillation_loss(taught, Table(taught), torch.zeros(6, 2)), entropy, check_dtype=False)


def test_a_teacher_that_is_certain_gives_the_cross_entropy_with_its_classes():
    student, y = random(6, 4), torch.tensor([0, 3, 1, 1, 2, 0])
    certain = Table(1e4 * nn.functional.one_hot(y, 4).double())
    torch.testing.assert_close(distillation_loss(student, certain, torch.zeros(6, 2)), cross_entropy(student, y))


def test_the_teacher_sees_what_the_student_sees_and_gets_no_gradient():
    student, taught, x = random(6, 4).requires_grad_(), Table(random(6, 4, seed=1)), random(6, 2)
    distillation_loss(student, taught, x).backward()
    assert taught.seen[0] is x
    assert taught.logits.requires_grad
    assert taught.logits.grad is None
    assert student.grad.any()


@pytest.mark.parametrize("method", [Filter(), LatentSGD()], ids=["filter", "latent_sgd"])
def test_a_teacher_changes_training(method):
    assert run(teacher(), method=method) != run(method=method)
    assert run(teacher(), method=method) != run(teacher(seed=1), method=method)


def test_the_same_teacher_gives_the_same_bits():
    assert run(teacher()) == run(teacher())


def test_an_all_knowing_teacher_is_no_teacher():
    data = make_data()
    taught, plain = run(AllKnowing(data.train), data=data), run(data=data)
    assert taught.keys() == plain.keys()
    assert taught == pytest.approx(plain, abs=2e-3)


def test_what_a_teacher_says_of_no_class_is_learned_instead_of_the_classes():
    data = make_data(noise=0.3)
    shifted = AllKnowing(InMemory(data.train.x, (data.train.y + 1) % CLASSES))
    assert run(shifted, data=data)["val_accuracy"] < 0.05
    assert run(data=data)["val_accuracy"] > 0.9


def test_training_leaves_the_teacher_as_it_was():
    taught = teacher()
    before = {name: each.clone() for name, each in taught.state_dict().items()}
    run(taught, settings=TrainSettings(epochs=1, batch_size=40, recalibrate="end"))
    assert before.keys() == taught.state_dict().keys()
    assert all(torch.equal(each, before[name]) for name, each in taught.state_dict().items())
    assert not any(module.training for module in taught.modules())
    assert all(each.grad is None for each in taught.parameters())


def test_a_teacher_whose_parameters_ask_for_gradients_gets_none():
    taught = teacher().requires_grad_(True)
    before = {name: each.clone() for name, each in taught.state_dict().items()}
    assert run(taught) == run(teacher())
    assert all(torch.equal(each, before[name]) for name, each in taught.state_dict().items())
    assert all(each.grad is None for each in taught.parameters())


def test_the_teacher_is_asked_once_for_every_batch_and_never_in_evaluation():
    taught = teacher()
    asked = []
    taught.register_forward_hook(lambda module, inputs, outputs: asked.append((len(outputs), torch.is_grad_enabled())))
    run(taught)
    assert asked == [(40, False)] * (2 * 400 // 40)


def test_the_first_of_two_steps_has_the_teacher_too():
    two = TrainSettings(epochs=1, batch_size=40, first_step=FirstStep(epochs=1))
    losses = []
    run(teacher(), settings=two, report=lambda epoch, **metrics: losses.append(metrics["train_loss"]))
    plain = []
    run(settings=two, report=lambda epoch, **metrics: plain.append(metrics["train_loss"]))
    assert losses[0] != plain[0]


def test_the_losses_of_evaluation_are_those_with_the_classes():
    data, network = make_data(), make_network()
    final = run(teacher(), data=data, network=network)
    with torch.no_grad():
        expected = cross_entropy(network(data.validation.x), data.validation.y).item()
    assert final["val_loss"] == pytest.approx(expected, rel=1e-5)


def test_the_training_accuracy_is_that_with_the_classes():
    data = make_data()
    wrong = Data(InMemory(data.train.x, (data.train.y + 1) % CLASSES), data.validation, data.test)
    a, b = run(AllKnowing(data.train), data=data), run(AllKnowing(data.train), data=wrong)
    assert a["train_loss"] == b["train_loss"]
    assert a["train_accuracy"] > 0.5 > b["train_accuracy"]


def test_a_teacher_that_gives_no_numbers_diverges():
    with pytest.raises(Diverged, match="training loss"):
        run(Table(torch.full((40, CLASSES), math.nan)))
