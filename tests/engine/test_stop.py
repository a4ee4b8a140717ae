import os
import signal

import pytest

from hpstudy.engine.stop import Aborted, StopSignal, aborting


def test_nothing_is_requested_at_first():
    assert not StopSignal().requested


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request_and_is_announced(number):
    stop, said = StopSignal(), []
    with stop.listening(said.append):
        os.kill(os.getpid(), number)
    assert stop.requested
    assert len(said) == 1


def test_the_second_signal_aborts():
    with StopSignal().listening(lambda _: None):
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Aborted):
            os.kill(os.getpid(), signal.SIGINT)


def test_an_abort_is_no_exception_that_a_task_could_swallow():
    assert not issubclass(Aborted, Exception)


def test_a_pilot_is_aborted_by_the_first_signal():
    before = signal.getsignal(signal.SIGINT)
    with aborting(), pytest.raises(Aborted):
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
