"""Every built-in executor keeps the contract."""

from hpstudy.engine.executors import EXECUTORS
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
