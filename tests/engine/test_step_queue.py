import heapq
import random

import pytest

from hpstudy.engine.remaining_work import RemainingWork
from hpstudy.engine.step_queue import Step, StepQueue
from hpstudy.study.confirm import Retraining
from hpstudy.study.plan import SearchKey


def searches(views, replicates):
    return [SearchKey(view, replicate) for replicate in range(replicates) for view in views]


def queue_of(left, *, stacks=False):
    work = RemainingWork(left)
    return StepQueue({key: position for position, key in enumerate(left)}, work, stacks=stacks), work


def run(left, seconds, workers):
    """Run the queue in simulated time. `seconds` is called with the search of every trial. Returns the order of starts, and the end."""
    queue, work = queue_of(left)
    for key, trials in left.items():
        if trials:
            queue.add(Step((key,)))
    running, started, now = [], [], 0.0
    while queue or running:
        for step in queue.take(workers - len(running), workers):
            (key,) = step.group
            started.append(key)
            heapq.heappush(running, (now + (duration := seconds(key)), len(started), duration, key))
        now, _, duration, key = heapq.heappop(running)
        work.finish(key, duration)
        if work.left(key):
            queue.add(Step((key,)))
    return started, now


def test_searches_run_in_the_order_of_the_plan_while_each_worker_has_enough_to_do():
    keys = searches("ab", 30)
    started, _ = run(dict.fromkeys(keys, 5), lambda key: 1.0, workers=2)
    assert started[: 50 * 5] == [key for first in range(0, 50, 2) for _ in range(5) for key in keys[first : first + 2]]


def test_one_worker_keeps_the_order_of_the_plan_to_the_end():
    keys, draws = searches("ab", 3), random.Random(0)
    started, _ = run(dict.fromkeys(keys, 5), lambda key: draws.lognormvariate(0, 1), workers=1)
    assert started == [key for key in keys for _ in range(5)]


@pytest.mark.parametrize(
    ("views", "replicates", "workers", "longest"),
    [({"a": 1.3, "b": 1.0, "c": 1.0}, 2, 2, 1.03), ({"a": 1.0, "b": 1.0}, 60, 100, 1.06), ({"a": 3.0, "b": 1.0}, 10, 8, 1.06)],
)
def test_no_worker_is_idle_for_long_before_the_end(views, replicates, workers, longest):
    draws, taken = random.Random(0), []

    def seconds(key):
        taken.append(views[key.view] * draws.lognormvariate(0, 0.2))
        return taken[-1]

    _, end = run(dict.fromkeys(searches(views, replicates), 25), seconds, workers)
    assert end <= longest * sum(taken) / workers


def test_the_trials_of_a_stack_are_one_after_the_other():
    group, alone = (SearchKey("a", 0), SearchKey("a", 1)), SearchKey("b", 0)
    for stacks, first in ((True, group), (False, (alone,))):
        queue, work = queue_of({alone: 3, group[0]: 3, group[1]: 3}, stacks=stacks)
        for key in (alone, *group):
            work.finish(key, 1.0)
        queue.add(Step((alone,)))
        queue.add(Step(group))
        assert [step.group for step in queue.take(1, workers=2)] == [first]


def test_fresh_seeds_run_after_all_searches_seed_by_seed():
    search, confirmation = SearchKey("a", 0), SearchKey("a/confirm", 0)
    queue, _ = queue_of({search: 1, confirmation: 2})
    seeds = [Step((confirmation,), listed={Retraining(None, seed): {}}) for seed in (1, 0)]
    for step in (*seeds, Step((search,))):
        queue.add(step)
    assert len(queue) == 3
    assert queue.take(5, workers=2) == [Step((search,)), seeds[1], seeds[0]]
    assert len(queue) == 0


def test_memory_does_not_grow_with_the_steps_that_were_taken():
    keys = searches("a", 4)
    queue, _ = queue_of({key: 10 + position for position, key in enumerate(keys)})
    for key in keys:
        queue.add(Step((key,)))
    for _ in range(1_000):
        (step,) = queue.take(1, workers=1)
        queue.add(step)
    assert len(queue._planned) + len(queue._longest["a"]) < 40
