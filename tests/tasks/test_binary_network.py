import pytest
from pydantic import ValidationError

from hpstudy.bnn.settings import FirstStep
from hpstudy.engine.checkpoints import CheckpointFile
from hpstudy.engine.recorder import Recorder
from hpstudy.errors import Diverged
from hpstudy.study.schema import View
from hpstudy.tasks.binary_network import BinaryNetworkTask
from tests.support.networks import SETTINGS, make_data, make_network

VIEW = View.model_validate({"method": "latent_sgd", "space": {"learning_rate": {"type": "float", "low": 0.01, "high": 0.1}}})


class Small(BinaryNetworkTask):
    """The multilayer perceptron of the tests, as a task."""

    stacks = True

    def check_data(self):
        pass

    def data(self):
        return make_data()

    def network(self, activation, generator):
        return make_network()


class Interrupted(Recorder):
    """Is interrupted after so many epochs."""

    def __init__(self, file, after):
        super().__init__(file)
        self.after = after

    def __call__(self, epoch, **metrics):
        if epoch > self.after:
            raise KeyboardInterrupt
        super().__call__(epoch, **metrics)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Where checkpoints go that are due after every epoch."""
    monkeypatch.setattr("hpstudy.engine.recorder.CHECKPOINT_S", 0.0)
    return CheckpointFile(str(tmp_path / "a.checkpoint"), {})


def evaluate(recorder, rate=0.05, seed=0, **changed):
    task = Small(SETTINGS.model_copy(update={"epochs": 4, **changed}))
    return task.evaluate(task.complete_view(VIEW), {"learning_rate": rate}, seed, recorder)


@pytest.mark.parametrize("changed", [{}, {"first_step": FirstStep(epochs=2)}], ids=["one step", "two steps"])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_an_interrupted_training_goes_on_from_its_file_and_reports_every_epoch_once(file, after, changed):
    whole = Recorder()
    final = evaluate(whole, **changed)
    with pytest.raises(KeyboardInterrupt):
        evaluate(Interrupted(file, after), **changed)
    again = Recorder(file)
    assert evaluate(again, **changed) == final
    assert again.curves == whole.curves


def test_what_was_trained_is_not_trained_again(file):
    with pytest.raises(KeyboardInterrupt):
        evaluate(Interrupted(file, 3))
    reported = []
    again = Recorder(file)
    task = Small(SETTINGS.model_copy(update={"epochs": 4}))

    class Told:
        checkpoint = again.checkpoint

        def __call__(self, epoch, **metrics):
            reported.append(epoch)
            again(epoch, **metrics)

    task.evaluate(task.complete_view(VIEW), {"learning_rate": 0.05}, 0, Told())
    assert reported == [4]


def test_a_training_without_a_due_checkpoint_writes_none(file, monkeypatch):
    monkeypatch.setattr("hpstudy.engine.recorder.CHECKPOINT_S", 3600.0)
    evaluate(Recorder(file))
    assert not file.path.exists()


def many(recorders, rates=(0.05, 0.02, 0.01), seeds=(0, 1, 2), **changed):
    task = Small(SETTINGS.model_copy(update={"epochs": 4, **changed}))
    return task.evaluate_many(task.complete_view(VIEW), [{"learning_rate": rate} for rate in rates], seeds, recorders)


def test_networks_that_are_trained_in_one_pass_have_reports_of_their_own():
    recorders = [Recorder() for _ in range(3)]
    outcomes = many(recorders)
    assert [recorder.curves[-1] for recorder in recorders] == [(4, "never_flipped", o["never_flipped"]) for o in outcomes]
    assert len({outcome["val_loss"] for outcome in outcomes}) == 3


def test_a_network_that_diverges_is_an_exception_beside_results():
    good, bad, fine = many([Recorder() for _ in range(3)], rates=(0.05, 3e38, 0.05))
    assert isinstance(bad, Diverged)
    assert "val_loss" in good
    assert "val_loss" in fine


def test_an_interrupted_stack_goes_on_from_its_file(file):
    whole = [Recorder() for _ in range(3)]
    outcomes = many(whole)
    with pytest.raises(KeyboardInterrupt):
        many([Recorder(file), Recorder(file), Interrupted(file, 2)])
    again = [Recorder(file) for _ in range(3)]
    assert many(again) == outcomes


def test_a_task_that_does_not_stack_trains_one_after_the_other(monkeypatch):
    together = many([Recorder() for _ in range(3)])
    monkeypatch.setattr(Small, "stacks", False)
    apart = many([Recorder() for _ in range(3)])
    alone = [evaluate(Recorder(), rate, seed) for rate, seed in ((0.05, 0), (0.02, 1), (0.01, 2))]
    assert apart == alone
    assert [o["val_loss"] for o in together] != [o["val_loss"] for o in alone]


def test_a_point_that_the_method_refuses_fails_alone():
    recorders = [Recorder() for _ in range(3)]
    good, refused, fine = many(recorders, rates=(0.05, -1.0, 0.01))
    assert isinstance(refused, ValidationError)
    assert recorders[1].curves == []
    first, _, third = many([Recorder() for _ in range(3)])
    assert (good, fine) == (first, third)


def test_the_only_point_is_not_trained_when_the_method_refuses_it(monkeypatch):
    monkeypatch.setattr("hpstudy.bnn.train.train_many", lambda *_, **__: pytest.fail("trains"))
    with pytest.raises(ValidationError):
        evaluate(Recorder(), rate=-1.0)
