"""The Dask executor keeps the contract of executors, with a real scheduler and real workers."""

import pytest

from hpstudy.testing.executors import ExecutorContract
from tests.support.dask import DaskProcesses, kill

pytest.importorskip("distributed")

from hpstudy.engine.dask_executor import DaskExecutor


@pytest.fixture(scope="class")
def cluster(request, tmp_path_factory):
    cluster = request.cls.cluster = DaskProcesses(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.close()


@pytest.mark.usefixtures("cluster")
class TestDask(ExecutorContract):
    remote = True

    def make(self, logs):
        if self.cluster.scheduler.poll() is not None:
            self.cluster.kill_workers()
            self.cluster.start_scheduler()
        while len(self.cluster.workers) < 2:
            self.cluster.start_worker()
        executor = DaskExecutor(2, logs, address=self.cluster.address)
        executor.connect()
        return executor

    def add_worker(self, executor):
        self.cluster.start_worker()

    def end_workers(self, executor):
        self.cluster.kill_workers()

    @pytest.fixture(autouse=True)
    def _lost_soon(self):
        import dask

        with dask.config.set({"distributed.comm.timeouts.connect": "3s"}):
            yield

    def end_engine(self, executor):
        kill(self.cluster.scheduler)
