"""Runs the searches of a study, each trial by trial."""

from __future__ import annotations

import heapq
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from hpstudy.engine.checkpoints import CheckpointFile, CheckpointFolder
from hpstudy.engine.executors import Executor, WorkerDied
from hpstudy.engine.history import observations
from hpstudy.engine.loop import Loop, Totals, given_up, reason_of
from hpstudy.engine.progress import Observer
from hpstudy.engine.step import Asked, AskRequest, EvaluateRequest, ask, evaluate, train_seed
from hpstudy.engine.stop import StopSignal
from hpstudy.errors import HpstudyError
from hpstudy.store import Store, TrialRow
from hpstudy.study.controls import arms
from hpstudy.study.plan import Plan, SearchKey
from hpstudy.tasks.outcome import Outcome


@dataclass
class _Search:
    """A search under way: what its next step needs."""

    key: SearchKey
    rows: list[TrialRow]
    deaths: int = 0
    """Workers that died at its present step in this session. Interruptions of the whole run are not the step's fault."""

    @property
    def number(self) -> int:
        """The trial to run next: the running one, or the one after the last."""
        return len(self.rows) - 1 if self.rows and self.rows[-1].state == "running" else len(self.rows)


class Scheduler(Loop[_Search]):
    """Runs what is left of a study.

    Searches are taken in the order of the plan (replicate by replicate), so that a half-finished study holds whole replicates. At
    most as many steps are under way as the executor has workers; each search has at most one. A trial is stored as running, with
    its point, before it is evaluated.

    Args:
        store: holds the study; this is its only writer.
        executor: runs the steps.
        observer: is told what happens.
        stop: asked before every new step.
        folder: where a user's module is looked for first.
        checkpoints: where long trainings keep their state until their trial is stored; None to keep it nowhere.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        observer: Observer,
        stop: StopSignal,
        folder: str | None = None,
        checkpoints: CheckpointFolder | None = None,
    ) -> None:
        super().__init__(store, executor, stop, checkpoints)
        self.observer = observer
        self.folder = folder
        self._idle: list[tuple[int, _Search]] = []
        self._arms = arms(self.study)
        self._waiting = list(reversed(list(enumerate(Plan(self.study).searches()))))
        self._positions = {key: position for position, key in self._waiting}
        counts = store.counts().values()
        self._totals = Totals(sum(c["completed"] for c in counts), sum(c["failed"] + c["timed_out"] for c in counts))
        self._stuck: list[tuple[SearchKey, BaseException]] = []

    def run(self) -> None:
        """Run until every search is complete or a stop is requested.

        Raises:
            StudyBroken: the first `limits.max_failures` trials failed and none completed.
            StoreError: the database cannot be written; it stays as it was after the last stored trial.
            HpstudyError: a searcher could not choose a point; the other searches were finished first.
        """
        self._run()
        if self._stuck:
            key, error = self._stuck[0]
            raise HpstudyError(
                f"no point could be chosen in {len(self._stuck)} of the searches, first in {_name(key)}: {type(error).__name__}: "
                f"{error}",
                "the other searches are finished; `hpstudy resume` tries these again",
            )

    def _next(self) -> _Search | None:
        if self._idle:
            return heapq.heappop(self._idle)[1]
        while self._waiting:
            _, key = self._waiting.pop()
            search = _Search(key, self.store.history(key))
            if search.number < self._arms[key.view].trials:
                return search
        return None

    def _submit(self, search: _Search) -> None:
        number = search.number
        if number < len(search.rows):  # stored as running by a session that died
            self.store.record_attempt(search.key, number, "the session that ran it ended")
            self._evaluate(search)
            return
        history = observations(search.rows, self.study.metric)
        self._start(search, ask, AskRequest(self._study_json, search.key, number, history, self.folder))

    def _evaluate(self, search: _Search) -> None:
        row = search.rows[-1]
        request = EvaluateRequest(
            self._study_json, search.key, row.number, row.point, self.folder, self._checkpoint_of(search.key, row)
        )
        self._start(search, evaluate, request, self.study.limits.timeout_s)

    def _receive(self, search: _Search, future: Future[Any]) -> None:
        """Take the answer of a step, store it, and let its search go on."""
        error = future.exception()
        if error is None:
            answer = future.result()
            search.deaths = 0
            self.worked_s += answer.duration_s
            if isinstance(answer, Asked):
                self._asked(search, answer)
            else:
                self._finish(search, answer)
        elif search.number < len(search.rows):
            self._not_evaluated(search, error)
        elif isinstance(error, WorkerDied) and (self._may_try_again(search) or self.stop.requested):
            self._release(search)
        else:
            self.store.event(
                "ask_failed", view=search.key.view, replicate=search.key.replicate, error=f"{type(error).__name__}: {error}"
            )
            self._stuck.append((search.key, error))

    def _asked(self, search: _Search, answer: Asked) -> None:
        if self.stop.requested:
            return  # asked again when the study is resumed, with the same answer
        number = search.number
        self.store.start_trial(search.key, number, answer.point, answer.duration_s)
        search.rows.append(TrialRow(number, answer.point, "running", None, attempts=1))
        self._wrote()
        self._evaluate(search)

    def _may_try_again(self, search: _Search) -> bool:
        """Count a worker's death."""
        search.deaths += 1
        return search.deaths < self.study.limits.max_attempts

    def _not_evaluated(self, search: _Search, error: BaseException) -> None:
        """A trial's step gave no outcome: its worker died, or its time was up."""
        if isinstance(error, WorkerDied) and self.stop.requested:
            return  # stays stored as running, and is evaluated again when the study is resumed
        search.deaths += isinstance(error, WorkerDied)
        if (outcome := given_up(error, search.deaths, self.study.limits)) is not None:
            search.deaths = 0
            self._finish(search, outcome)
            return
        row, reason = search.rows[-1], reason_of(error)
        self.store.record_attempt(search.key, row.number, reason)
        search.rows[-1] = TrialRow(row.number, row.point, "running", None, row.attempts + 1)
        self.observer.note(f"{_name(search.key)}, trial {row.number}: {reason}; it is run again")
        self._evaluate(search)

    def _finish(self, search: _Search, outcome: Outcome) -> None:
        row = search.rows[-1]
        objective = outcome.metrics.get(self.study.metric.name)
        self.store.finish_trial(search.key, row.number, outcome, objective)
        if (checkpoint := self._checkpoint_of(search.key, row)) is not None:
            checkpoint.discard()
        search.rows[-1] = TrialRow(row.number, row.point, outcome.state, objective, row.attempts)
        self._wrote()
        self._totals.count(outcome)
        self.observer.trial_finished(search.key, search.rows[-1], outcome)
        self._totals.stop_if_broken(self.study.limits.max_failures)
        if search.number < self._arms[search.key.view].trials:
            self._release(search)
        else:
            self.observer.search_finished(search.key, search.rows)

    def _checkpoint_of(self, key: SearchKey, row: TrialRow) -> CheckpointFile | None:
        return self._checkpoint(self._arms[key.view].view, row.point, train_seed(self.study, key.replicate, row.number))

    def _release(self, search: _Search) -> None:
        heapq.heappush(self._idle, (self._positions[search.key], search))


def _name(key: SearchKey) -> str:
    return f"{key.view}, replicate {key.replicate}"
