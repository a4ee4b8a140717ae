"""Every built-in executor keeps the contract."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from hpstudy.engine.admission import report_host
from hpstudy.engine.dask_executor import DaskExecutor
from hpstudy.engine.executors import EXECUTORS, EngineLost, Executor
from hpstudy.engine.inline import InlineExecutor
from hpstudy.engine.processes import ProcessExecutor
from hpstudy.errors import StudyChanged
from hpstudy.testing.executors import ExecutorContract


class TestInline(ExecutorContract):
    ends_steps = False

    def make(self, logs):
        return InlineExecutor(1, logs)


class TestProcesses(ExecutorContract):
    def make(self, logs):
        return ProcessExecutor(2, logs)


def test_every_registered_executor_is_under_contract():
    assert {EXECUTORS.load(name) for name in EXECUTORS} == {InlineExecutor, ProcessExecutor, DaskExecutor}


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
    with pytest.raises(AssertionError, match="share a global generator"):
        Threads().test_steps_that_run_at_once_share_no_global_generator(threads)


def test_an_executor_that_drops_time_outs_breaks_the_contract(threads, monkeypatch):
    monkeypatch.setattr("hpstudy.testing.executors.LONG_S", 0.5)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        Threads().test_a_step_that_takes_too_long_is_ended_or_its_time_out_refused(threads)


class RemoteExecutor(ProcessExecutor):
    """Stands in for a cluster: its workers and its engine can be taken away."""

    def __init__(self, workers, logs):
        super().__init__(workers, logs)
        self.lost = False
        self.promised = []

    def submit(self, call, request, timeout_s=None):
        if self.lost:
            raise EngineLost("the engine is gone")
        promise = Future()
        self.promised.append(promise)
        super().submit(call, request, timeout_s).add_done_callback(lambda answer: self.deliver(answer, promise))
        return promise

    def admit(self, admission):
        if lines := admission.obstacles(super().submit(report_host, admission.request).result()):
            raise StudyChanged("; ".join(lines))

    def deliver(self, answer, promise):
        if promise.done():
            return
        if error := answer.exception():
            promise.set_exception(error)
        else:
            promise.set_result(answer.result())

    def close(self, *, abort=False):
        super().close(abort=abort or self.lost)


class TestRemote(ExecutorContract):
    remote = True

    def make(self, logs):
        return RemoteExecutor(2, logs)

    def end_workers(self, executor):
        executor.workers = 0

    def add_worker(self, executor):
        executor.workers = 1

    def end_engine(self, executor):
        executor.lost = True
        for promise in executor.promised:
            if not promise.done():
                promise.set_exception(EngineLost("the engine is gone"))


def test_an_executor_that_hides_the_loss_of_its_engine_breaks_the_contract(tmp_path, monkeypatch):
    monkeypatch.setattr("hpstudy.testing.executors.LONG_S", 0.3)
    contract = TestRemote()
    monkeypatch.setattr(contract, "end_engine", lambda executor: None)
    executor = contract.make(tmp_path / "logs")
    try:
        with pytest.raises((TimeoutError, pytest.fail.Exception)):
            contract.test_a_step_that_is_lost_with_its_engine_says_so(executor)
    finally:
        executor.close(abort=True)


class SwappingExecutor(ProcessExecutor):
    """Gives each of two steps that run at the same time the answer of the other."""

    def __init__(self, workers, logs):
        super().__init__(workers, logs)
        self.waiting = []

    def submit(self, call, request, timeout_s=None):
        promise, future = Future(), super().submit(call, request, timeout_s)
        self.waiting.append((promise, future))
        if len(self.waiting) == 2:
            (first, one), (second, other) = self.waiting
            first.set_result(other.result())
            second.set_result(one.result())
            self.waiting = []
        return promise


def test_an_executor_that_swaps_answers_breaks_the_contract(tmp_path):
    executor = SwappingExecutor(2, tmp_path / "logs")
    try:
        with pytest.raises(AssertionError, match="the answer of another step"):
            TestProcesses().test_answers_name_the_trials_of_their_requests(executor)
    finally:
        executor.close()
