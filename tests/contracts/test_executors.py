"""Every built-in executor keeps the contract."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from hpstudy.engine.executors import EXECUTORS, Executor
from hpstudy.engine.inline import InlineExecutor
from hpstudy.engine.processes import ProcessExecutor
from hpstudy.testing.executors import ExecutorContract


class TestInline(ExecutorContract):
    ends_steps = False

    def make(self, logs):
        return InlineExecutor(1, logs)


class TestProcesses(ExecutorContract):
    def make(self, logs):
        return ProcessExecutor(2, logs)


def test_every_registered_executor_is_under_contract():
    assert {EXECUTORS.load(name) for name in EXECUTORS} == {InlineExecutor, ProcessExecutor}


class ThreadExecutor(Executor):
    """Steps in the threads of one process, which share its generators."""

    def __init__(self):
        super().__init__(2)
        self.pool = ThreadPoolExecutor(2)

    def submit(self, call, request, timeout_s=None):
        return self.pool.submit(call, request)

    def close(self, *, abort=False):
        self.pool.shutdown(cancel_futures=abort)


class Threads(ExecutorContract):
    def make(self, logs):
        return ThreadExecutor()


@pytest.fixture
def threads():
    executor = ThreadExecutor()
    yield executor
    executor.close()


def test_threads_break_the_contract_since_they_share_generators(threads):
    with pytest.raises(AssertionError, match="draw from one global generator"):
        Threads().test_steps_that_run_at_once_share_no_global_generator(threads)


def test_an_executor_that_drops_time_outs_breaks_the_contract(threads, monkeypatch):
    monkeypatch.setattr("hpstudy.testing.executors.LONG_S", 0.5)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        Threads().test_a_step_that_takes_too_long_is_ended_or_its_time_out_refused(threads)
