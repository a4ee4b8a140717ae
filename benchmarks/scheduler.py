"""How many steps the scheduler keeps under way, and whether it loses any: the real scheduler and store, simulated workers.

    python benchmarks/scheduler.py load
    python benchmarks/scheduler.py load --workers 10000 --step-s 5 --trials 100000
    python benchmarks/scheduler.py failures

`load` runs a study with as many searches as workers, once for each number of workers. The workers are a thread that answers every step
`--step-s` seconds after it began. Printed: steps per second of wall time, CPU time per step, and the resident memory when a quarter, half,
three quarters and all of the trials are stored. A trial is two steps: the choice of its point, and its training. Every step ends with a
transaction that is synchronized with the disk.

`failures` runs trials on 1,000 nodes in simulated time: while the scheduler waits, the simulated clock jumps to the next event. Nodes fail
and are repaired at random. Printed: the makespan against the ideal one, which is the larger of the time of all steps divided by the nodes
and of the longest search. Checked: every trial is stored once, with the value of its own training, and its attempts are those that failures
explain. Failure rates are those of two clusters for machine learning, 2.34 and 6.50 per 1,000 node-days (Kokolis et al., Revisiting
Reliability in Large-Scale Machine Learning Research Clusters, HPCA 2025), and 100 times the larger one. Repairs are lognormal with a median
of 54 and a mean of 355 minutes (Schroeder and Gibson, A Large-Scale Study of Failures in High-Performance Computing Systems, DSN 2006).
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import tempfile
import threading
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from queue import Empty
from typing import Any
from unittest import mock

import psutil

from hpstudy.engine.environment import host_environment
from hpstudy.engine.executors import Executor, WorkerLost
from hpstudy.engine.progress import Observer
from hpstudy.engine.requests import AskRequest, ChosenPoints, Evaluation
from hpstudy.engine.scheduler import Scheduler
from hpstudy.engine.stop import StopSignal
from hpstudy.loading.bind import bind
from hpstudy.store import Reader, Store
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.tasks.outcome import Outcome

POINT = {"x1": 0.5, "x2": 0.6, "z1": 0.1, "z2": 0.2, "z3": 0.3, "z4": 0.4}
"""Every simulated searcher chooses it."""

MOST_PER_SEARCH = 200
"""Trials of a search under load: few workers wait for the disk at every step."""

ASK_S, TRAIN_MEAN_S, TRAIN_SIGMA = 1.0, 1800.0, 0.5
"""Simulated seconds: of the choice of a point; mean and shape of the lognormal seconds of a training."""

RATES = {"none": 0.0, "2.34 per 1,000 node-days": 0.00234, "6.50 per 1,000 node-days": 0.0065, "650 per 1,000 node-days": 0.65}
"""Failures per node and day."""

REPAIR_MEDIAN_S, REPAIR_MEAN_S = 54 * 60.0, 355 * 60.0

DAY_S = 86_400.0


def study_of(views: int, replicates: int, trials: int) -> Study:
    """A study of which only the size matters."""
    space = {name: {"type": "float", "low": 0, "high": 1} for name in POINT}
    made = Study.model_validate(
        {
            "name": "simulated",
            "task": {"use": "branin", "dummies": len(POINT) - 2},
            "metric": {"name": "value", "goal": "minimize"},
            "views": {f"view{index}": {"space": space} for index in range(views)},
            "search": {"searcher": "random", "trials": trials},
            "replicates": replicates,
        }
    )
    return bind(made).study


def draws(purpose: str, key: SearchKey, number: int) -> random.Random:
    """Random numbers that belong to a trial."""
    return random.Random(zlib.crc32(f"{purpose} {key.view} {key.replicate} {number}".encode()))


def value_of(key: SearchKey, number: int) -> float:
    """What the training of a trial measures."""
    return draws("value", key, number).random()


def train_s(key: SearchKey, number: int) -> float:
    """Simulated seconds of the training of a trial."""
    return draws("seconds", key, number).lognormvariate(math.log(TRAIN_MEAN_S) - TRAIN_SIGMA**2 / 2, TRAIN_SIGMA)


def answer(request: Any, host: str) -> Any:
    """The answer to the request of a step that a host ran."""
    environment = {**host_environment(), "host": host}
    if isinstance(request, AskRequest):
        return ChosenPoints(request.keys, (POINT,) * len(request.searches), ASK_S, {}, environment)
    outcomes = []
    for trial in request.trials:
        value, seconds = value_of(trial.search, trial.number), train_s(trial.search, trial.number)
        outcomes.append(Outcome("completed", {"value": value}, duration_s=seconds, environment=environment))
    return Evaluation(request.keys, tuple(outcomes))


@contextmanager
def scheduled(study: Study, executor: Executor, folder: Path | None, observer: Observer | None = None) -> Iterator[Path]:
    """Run a study to its end; the body receives its database."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        path = Path(temporary) / "study.sqlite"
        with Store.create(path, study.started()) as store:
            store.begin_session(host_environment())
            Scheduler(store, executor, observer or Observer(), StopSignal()).run()
        yield path


class Punctual(Executor):
    """A thread that answers every step when its time has passed, for any number of workers."""

    def __init__(self, workers: int, step_s: float) -> None:
        super().__init__(workers)
        self.step_s = step_s
        self._due: deque[tuple[float, Future[Any], Any]] = deque()
        self._changed = threading.Condition()
        self._host = host_environment()["host"]
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[Any], Any], request: Any, timeout_s: float | None = None) -> Future[Any]:
        future: Future[Any] = Future()
        with self._changed:
            self._due.append((time.monotonic() + self.step_s, future, request))
            self._changed.notify()
        return future

    def _answer(self) -> None:
        while True:
            with self._changed:
                while not self._due:
                    self._changed.wait()
                due, future, request = self._due.popleft()
            time.sleep(max(0.0, due - time.monotonic()))
            future.set_result(answer(request, self._host))

    def close(self, *, abort: bool = False) -> None:
        pass


class Memory(Observer):
    """Resident memory of this process at the quarters of a run, MiB."""

    def __init__(self, trials: int) -> None:
        self.at = {trials * quarter // 4: 0.0 for quarter in range(1, 5)}
        self.finished = 0

    def trial_finished(self, *_: object) -> None:
        self.finished += 1
        if self.finished in self.at:
            self.at[self.finished] = psutil.Process().memory_info().rss / 2**20


def load(sizes: list[int], step_s: float, trials: int, folder: Path | None) -> None:
    """Print a row for each number of workers."""
    print(f"{'workers':>9}{'searches':>10}{'trials':>9}{'wall s':>9}{'steps/s':>9}{'CPU ms/step':>13}{'MiB at quarters':>27}")
    for workers in sizes:
        views = max(2, workers // 1000)
        replicates = workers // views
        each = min(MOST_PER_SEARCH, max(1, trials // workers))
        study, planned = study_of(views, replicates, each), workers * each
        memory, started, cpu = Memory(planned), time.perf_counter(), time.process_time()
        with scheduled(study, Punctual(workers, step_s), folder, memory):
            wall_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
        row = f"{workers:>9,}{views * replicates:>10,}{planned:>9,}{wall_s:>9.1f}{2 * planned / wall_s:>9,.0f}"
        quarters = " ".join(f"{mib:>6.0f}" for mib in memory.at.values())
        print(f"{row}{500 * cpu_s / planned:>13.3f}{quarters:>27}", flush=True)


class Cluster(Executor):
    """Nodes that fail and are repaired in simulated time; each runs one step at a time.

    It is also the queue from which the scheduler takes ended steps: waiting there lets time pass until a step ends or a node changes.

    Attributes:
        now_s: the simulated clock.
        work_s: seconds of the steps that ended.
        trained: trainings of each trial that ended.
        lost: trainings of each trial that were lost with a node.
        failures: how many nodes failed.
    """

    def __init__(self, nodes: int, failures_per_day: float) -> None:
        super().__init__(nodes)
        self.now_s = self.work_s = 0.0
        self.trained, self.lost, self.failures = Counter[Any](), Counter[Any](), 0
        self._failures_per_day = failures_per_day
        self._random = random.Random(0)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._queued: deque[tuple[Future[Any], Any]] = deque()
        self._free = list(range(nodes))
        self._running: dict[int, tuple[Future[Any], Any]] = {}
        self._ended: deque[Future[Any]] = deque()
        for node in range(nodes):
            self._expect_failure(node)

    def submit(self, call: Callable[[Any], Any], request: Any, timeout_s: float | None = None) -> Future[Any]:
        future: Future[Any] = Future()
        self._queued.append((future, request))
        self._place()
        return future

    def close(self, *, abort: bool = False) -> None:
        pass

    def put(self, future: Future[Any]) -> None:
        self._ended.append(future)

    def get(self, timeout: float) -> Future[Any]:
        before = self.workers
        while not self._ended and self.workers == before:
            self.now_s, _, event = heapq.heappop(self._events)
            event()
        return self.get_nowait()

    def get_nowait(self) -> Future[Any]:
        if not self._ended:
            raise Empty
        return self._ended.popleft()

    def _at(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now_s + seconds, next(self._order), event))

    def _place(self) -> None:
        while self._queued and self._free:
            node, (future, request) = self._free.pop(), self._queued.popleft()
            self._running[node] = future, request
            trials = getattr(request, "trials", ())
            seconds = sum(train_s(trial.search, trial.number) for trial in trials) or ASK_S
            self._at(seconds, partial(self._end, node, future, request, seconds))

    def _end(self, node: int, future: Future[Any], request: Any, seconds: float) -> None:
        if self._running.get(node, (None,))[0] is not future:
            return  # lost with its node
        del self._running[node]
        self._free.append(node)
        self._place()
        self.work_s += seconds
        self.trained.update((trial.search, trial.number) for trial in getattr(request, "trials", ()))
        future.set_result(answer(request, f"node{node}"))

    def _expect_failure(self, node: int) -> None:
        if self._failures_per_day:
            self._at(self._random.expovariate(self._failures_per_day) * DAY_S, partial(self._fail, node))

    def _fail(self, node: int) -> None:
        self.failures += 1
        self.workers -= 1
        sigma = math.sqrt(2 * math.log(REPAIR_MEAN_S / REPAIR_MEDIAN_S))
        self._at(self._random.lognormvariate(math.log(REPAIR_MEDIAN_S), sigma), partial(self._repair, node))
        if node in self._running:
            future, request = self._running.pop(node)
            self.lost.update((trial.search, trial.number) for trial in getattr(request, "trials", ()))
            future.set_exception(WorkerLost(f"node{node} failed"))
        else:
            self._free.remove(node)

    def _repair(self, node: int) -> None:
        self.workers += 1
        self._free.append(node)
        self._place()
        self._expect_failure(node)


def check(path: Path, study: Study, cluster: Cluster) -> None:
    """Raise AssertionError unless the database holds each trial once, as it was trained."""
    stored = Counter[tuple[SearchKey, int]]()
    with Reader.open(path) as reader, reader.snapshot():
        assert not str(reader.broken_seals())
        for key in reader.search_counts():
            for row in reader.history(key):
                stored[key, row.number] += 1
                assert (row.state, row.objective) == ("completed", value_of(key, row.number)), row
                assert row.attempts == 1 + cluster.lost[key, row.number], row
    assert set(stored.values()) == {1}
    assert len(stored) == len(study.views) * study.replicates * study.search.trials
    assert cluster.trained == stored, "a training ended twice"


def failures(nodes: int, replicates: int, trials: int, folder: Path | None) -> None:
    """Print a row for each failure rate."""
    study = study_of(2, replicates, trials)
    searches = [SearchKey(view, replicate) for replicate in range(replicates) for view in study.views]
    seconds = [sum(ASK_S + train_s(key, number) for number in range(trials)) for key in searches]
    ideal_s = max(sum(seconds) / nodes, max(seconds))
    print(f"{nodes:,} nodes, {len(searches):,} searches of {trials} trials, mean training {TRAIN_MEAN_S / 60:.0f} min")
    print(
        f"ideal {ideal_s / 3600:.2f} h: {sum(seconds) / nodes / 3600:.2f} h each node, {max(seconds) / 3600:.2f} h for the longest search"
    )
    print(f"{'failures':>26}{'nodes failed':>14}{'trainings lost':>16}{'makespan h':>12}{'ideal / makespan':>18}{'real s':>8}")
    for name, rate in RATES.items():
        cluster, started = Cluster(nodes, rate), time.perf_counter()
        with (
            mock.patch("hpstudy.engine.running_steps.SimpleQueue", lambda cluster=cluster: cluster),
            scheduled(study, cluster, folder) as path,
        ):
            real_s = time.perf_counter() - started
            check(path, study, cluster)
        row = f"{name:>26}{cluster.failures:>14,}{cluster.lost.total():>16,}{cluster.now_s / 3600:>12.2f}"
        print(f"{row}{ideal_s / cluster.now_s:>18.3f}{real_s:>8.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the databases are written meanwhile; the system's by default")
    commands = parser.add_subparsers(required=True, dest="command")
    loads = commands.add_parser("load", help="steps per second and memory")
    loads.add_argument("--workers", type=int, nargs="+", default=[2, 10, 100, 1_000, 10_000])
    loads.add_argument("--step-s", type=float, default=0.0, help="seconds of each step")
    loads.add_argument("--trials", type=int, default=20_000, help=f"trials of the study; at most {MOST_PER_SEARCH} a search")
    failing = commands.add_parser("failures", help="nodes that fail, in simulated time")
    failing.add_argument("--nodes", type=int, default=1_000)
    failing.add_argument("--replicates", type=int, default=1_000, help="searches are twice as many")
    failing.add_argument("--trials", type=int, default=25, help="trials of each search")
    arguments = parser.parse_args()
    if arguments.command == "load":
        load(arguments.workers, arguments.step_s, arguments.trials, arguments.folder)
    else:
        failures(arguments.nodes, arguments.replicates, arguments.trials, arguments.folder)


if __name__ == "__main__":
    main()
