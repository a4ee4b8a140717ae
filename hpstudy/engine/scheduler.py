"""Runs the searches of a study: each trial by trial, and the listed trials of confirmations side by side."""

from __future__ import annotations

import heapq
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from hpstudy.engine.checkpoints import CheckpointFile, CheckpointFolder
from hpstudy.engine.executors import Executor, WorkerDied
from hpstudy.engine.failures import Totals, given_up, reason_of
from hpstudy.engine.history import observations
from hpstudy.engine.identity import KnownSources
from hpstudy.engine.progress import Observer
from hpstudy.engine.step import Asked, AskRequest, EvaluateRequest, Trial, ask, evaluate, training_seed
from hpstudy.engine.stop import StopSignal
from hpstudy.errors import HpstudyError
from hpstudy.loading.make import reads_history
from hpstudy.store import HEARTBEAT_S, Counts, EndedTrial, NewTrial, Store, TrialRow, incumbent_count, incumbents
from hpstudy.study.confirm import IncumbentCount, Retraining
from hpstudy.study.controls import arm_name, arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.space import Point
from hpstudy.tasks.outcome import Outcome

NOTHING_NEW: Mapping[str, str] = {}
"""No source that was not known before."""


@dataclass
class _Trial:
    """A trial to be run.

    Attributes:
        key: its search.
        row: as stored; None before it has begun.
        listed: of a confirmation that has not begun: what it trains again, and the point. The point of other trials is asked for.
        deaths: workers that died at its present step in this session. Interruptions of the whole run are not the step's fault.
    """

    key: SearchKey
    row: TrialRow | None = None
    listed: tuple[Retraining, Point] | None = None
    deaths: int = 0


class Scheduler:
    """Runs the remaining trials of some searches of a study.

    Searches are taken in the order of the plan (replicate by replicate), so that a half-finished study holds whole replicates; each has at
    most one step under way. Listed trials follow, seed by seed, once the search that they confirm is complete, or with
    `confirm.incumbents` once it has found an incumbent; they only get workers for which no search has a step. At most as many steps are
    under way as the executor has workers. A trial is stored as running, with its point, before it is evaluated.

    Args:
        store: holds the study; this is its only writer.
        executor: runs the steps.
        observer: is told what happens.
        stop: asked before every new step.
        folder: where a user's module is looked for first.
        checkpoints: where long trainings keep their state until their trial is stored; None to keep it nowhere.
        searches: those to run; None for all.
        sources: the user's code that steps may have run.

    Attributes:
        waited_s: wall seconds that this process spent in steps, or waiting for workers.
        worked_s: seconds that all steps took together; for a training that went on from a checkpoint, those of earlier sessions too.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        observer: Observer,
        stop: StopSignal,
        folder: str | None = None,
        checkpoints: CheckpointFolder | None = None,
        searches: Collection[SearchKey] | None = None,
        sources: KnownSources | None = None,
    ) -> None:
        self.store = store
        self.study = store.study
        self.executor = executor
        self.observer = observer
        self.stop = stop
        self.folder = folder
        self.checkpoints = checkpoints
        self.sources = sources or KnownSources(store.study, {})
        self.waited_s = 0.0
        self.worked_s = 0.0
        self._study_json = self.study.to_json()
        self._arms = arms(self.study)
        self._reads_history = {name: reads_history(self.study, arm.control) for name, arm in self._arms.items()}
        self._under_way: dict[Future[Any], _Trial] = {}
        self._last_write = time.monotonic()
        self._stuck: list[tuple[SearchKey, BaseException]] = []
        self._rows: dict[SearchKey, list[TrialRow]] = {}
        self._waiting: list[tuple[int, int, int, _Trial]] = []
        self._order = count()
        self._left = Counter[SearchKey]()
        self._queued = defaultdict[SearchKey, set[Retraining]](set)
        self._incumbents = self.study.confirm is not None and self.study.confirm.incumbents
        self._incumbents_of: dict[SearchKey, list[TrialRow]] = {}
        self._found: dict[str, IncumbentCount] = {}
        counts = store.search_counts()
        chosen = {key: trials for key, trials in counts.items() if searches is None or key in searches}
        total = Counts.total(chosen.values())
        self._positions = {key: position for position, key in enumerate(chosen)}
        self._totals = Totals(total.completed, total.finished - total.completed)
        self._searching = {key for key, trials in counts.items() if not self._arms[key.view].listed and trials.left > 0}
        for key in chosen:
            if not self._arms[key.view].listed:
                if key in self._searching:
                    self._wait(_Trial(key))
                continue
            running = [row for row in self._history(key) if row.state == "running"]
            for row in running:
                self._wait(_Trial(key, row))
            self._left[key] = len(running)
            if self._incumbents or self._searched(key) not in self._searching:
                self._list(key)
        for view in self.study.views if self._incumbents else ():
            histories = {key.replicate: store.history(key) for key in counts if key.view == view}
            self._found[view] = incumbent_count(self.study, histories)

    def run(self) -> None:
        """Run until every search is complete or a stop is requested.

        Raises:
            StudyBroken: the first `limits.max_failures` trials gave no value: they failed, ran out of time or diverged.
            StudyChanged: a step ran other code than the database knows; its answer was not stored.
            StoreError: the database cannot be written; it stays as it was after the last stored trial.
            HpstudyError: a searcher could not choose a point; the other searches were finished first.
        """
        while True:
            while self._waiting and len(self._under_way) < self.executor.workers and not self.stop.requested:
                self._begin(heapq.heappop(self._waiting)[-1])
            if not self._under_way:
                break
            started = time.perf_counter()
            done, _ = wait(self._under_way, timeout=HEARTBEAT_S, return_when=FIRST_COMPLETED)
            self.waited_s += time.perf_counter() - started
            for future in done:
                self._receive(self._under_way.pop(future), future)
            for note in self.executor.take_notes():
                self.observer.note(note)
            if time.monotonic() - self._last_write > HEARTBEAT_S:
                self.store.heartbeat()
                self._wrote()
        if self._stuck:
            key, error = self._stuck[0]
            raise HpstudyError(
                f"the searcher failed in {len(self._stuck)} of the searches, first in {_name(key)}: {reason_of(error)}",
                "the other searches are finished; `hpstudy resume` tries these again",
            )

    def _wait(self, trial: _Trial) -> None:
        """Let a trial wait for a worker: searches before fresh seeds, then in the order of the plan, then as listed."""
        retraining = trial.listed[0] if trial.listed else trial.row.retrained if trial.row else None
        seed_number = retraining.seed_number if retraining else -1
        heapq.heappush(self._waiting, (seed_number, self._positions[trial.key], next(self._order), trial))

    def _list(self, key: SearchKey) -> None:
        """Let the trials of a confirmation wait that are listed by now and not begun, as far as they do not wait yet."""
        for retraining, point in self.store.listed(key).items():
            if retraining not in self._queued[key]:
                self._queued[key].add(retraining)
                self._left[key] += 1
                self._wait(_Trial(key, listed=(retraining, point)))

    def _searched(self, confirmation: SearchKey) -> SearchKey:
        """The search that a confirmation confirms."""
        return SearchKey(self._arms[confirmation.view].view, confirmation.replicate)

    def _begin(self, trial: _Trial) -> None:
        """Start the first step of a trial."""
        if trial.listed is not None:
            self._store_new(trial, trial.listed[1], 0.0, trial.listed[0])
            return
        rows = self._history(trial.key)
        if trial.row is None and rows and rows[-1].state == "running":
            trial.row = rows[-1]
        if trial.row is not None:
            self.store.record_attempts([(trial.key, trial.row.number)], "the session that ran it ended")
            self._evaluate(trial, trial.row)
        else:
            history = observations(rows, self.study.metric) if self._reads_history[trial.key.view] else ()
            self._start(trial, ask, AskRequest(self._study_json, (trial.key,), len(rows), (history,), self.folder))

    def _store_new(
        self,
        trial: _Trial,
        point: Point,
        ask_s: float,
        retrained: Retraining | None = None,
        new_sources: Mapping[str, str] = NOTHING_NEW,
    ) -> None:
        """Store a trial as running, and evaluate it."""
        rows = self._history(trial.key)
        trial.row = TrialRow(len(rows), point, "running", None, 1, retrained)
        self.store.start_trials([NewTrial(trial.key, trial.row.number, point, ask_s, retrained)], identity=new_sources)
        rows.append(trial.row)
        self._wrote()
        self._evaluate(trial, trial.row)

    def _evaluate(self, trial: _Trial, row: TrialRow) -> None:
        checkpoint = self._checkpoint(trial.key, row)
        trials = (Trial(trial.key, row.number, row.point, row.seed_number),)
        request = EvaluateRequest(self._study_json, trials, self.folder, checkpoint)
        self._start(trial, evaluate, request, self.study.limits.timeout_s)

    def _start(self, trial: _Trial, step: Callable[[Any], Any], request: object, timeout_s: float | None = None) -> None:
        started = time.perf_counter()
        self._under_way[self.executor.submit(step, request, timeout_s)] = trial
        self.waited_s += time.perf_counter() - started

    def _receive(self, trial: _Trial, future: Future[Any]) -> None:
        """Take the answer of a step, store it, and let its search go on."""
        error = future.exception()
        if error is None:
            answer = future.result()
            trial.deaths = 0
            if trial.row is not None:
                (outcome,) = answer
                self.worked_s += outcome.duration_s
                self._finish(trial, trial.row, outcome, self.sources.check_task(outcome.sources))
                return
            assert isinstance(answer, Asked)
            self.worked_s += answer.duration_s
            if not self.stop.requested:  # else asked again when the study is resumed, with the same answer
                self._store_new(trial, answer.points[0], answer.duration_s, new_sources=self.sources.check(answer.sources))
        elif trial.row is not None:
            self._not_evaluated(trial, trial.row, error)
        elif isinstance(error, WorkerDied) and (self._may_try_again(trial) or self.stop.requested):
            self._wait(trial)
        else:
            self.store.event("ask_failed", view=trial.key.view, replicate=trial.key.replicate, error=reason_of(error))
            self._stuck.append((trial.key, error))

    def _may_try_again(self, trial: _Trial) -> bool:
        """Count a worker's death."""
        trial.deaths += 1
        return trial.deaths < self.study.limits.max_attempts

    def _not_evaluated(self, trial: _Trial, row: TrialRow, error: BaseException) -> None:
        """A trial's step gave no outcome: its worker died, or its time was up."""
        if isinstance(error, WorkerDied) and self.stop.requested:
            return  # stays stored as running, and is evaluated again when the study is resumed
        trial.deaths += isinstance(error, WorkerDied)
        if (outcome := given_up(error, trial.deaths, self.study.limits)) is not None:
            self._finish(trial, row, outcome)
            return
        reason = reason_of(error)
        self.store.record_attempts([(trial.key, row.number)], reason)
        trial.row = self._rows[trial.key][row.number] = replace(row, attempts=row.attempts + 1)
        self.observer.note(f"{_name(trial.key)}, trial {row.number}: {reason}; it is run again")
        self._evaluate(trial, trial.row)

    def _finish(self, trial: _Trial, row: TrialRow, outcome: Outcome, new_sources: Mapping[str, str] = NOTHING_NEW) -> None:
        key, objective = trial.key, outcome.metrics.get(self.study.metric.name)
        self.store.finish_trials([EndedTrial(key, row.number, outcome, objective)], identity=new_sources)
        if (checkpoint := self._checkpoint(key, row)) is not None:
            checkpoint.discard()
        rows = self._rows[key]
        rows[row.number] = replace(row, state=outcome.state, objective=objective)
        self._wrote()
        self._totals.count(outcome, objective)
        self.observer.trial_finished(key, rows[row.number], outcome)
        self._totals.stop_if_broken(self.study.limits.max_failures)
        if self._arms[key.view].listed:
            self._left[key] -= 1
            self._close(key)
        else:
            self._continue(key, rows)

    def _continue(self, key: SearchKey, rows: list[TrialRow]) -> None:
        """Let the next trial of a search wait, and the confirmations that its last trial made known."""
        confirmation = SearchKey(arm_name(key.view, "confirm"), key.replicate)
        confirmed = confirmation in self._positions
        if confirmed and self._incumbents:
            if key not in self._incumbents_of:
                self._incumbents_of[key] = incumbents(self.study, rows[:-1])
            found = self._incumbents_of[key]
            if rows[-1] in incumbents(self.study, [*found[-1:], rows[-1]]):
                found.append(rows[-1])
                self._list(confirmation)
            self._found[key.view].found[key.replicate] = len(found), len(rows)
            self.observer.plan_changed(confirmation.view, *self._found[key.view].trainings(self._arms[confirmation.view].trials))
        if len(rows) < self._arms[key.view].trials:
            self._wait(_Trial(key))
            return
        self._searching.remove(key)
        self.observer.search_finished(key, self._rows.pop(key))
        if confirmed:
            self._list(confirmation)
            self._close(confirmation)

    def _close(self, confirmation: SearchKey) -> None:
        """Report a confirmation of which nothing is left to run: its search is complete, and all its trials have ended."""
        if not self._left[confirmation] and self._searched(confirmation) not in self._searching and self._history(confirmation):
            self.observer.search_finished(confirmation, self._rows.pop(confirmation))

    def _history(self, key: SearchKey) -> list[TrialRow]:
        """The trials of a search under way."""
        if key not in self._rows:
            self._rows[key] = self.store.history(key)
        return self._rows[key]

    def _checkpoint(self, key: SearchKey, row: TrialRow) -> CheckpointFile | None:
        if self.checkpoints is None:
            return None
        seed = training_seed(self.study, key.replicate, row.number, row.seed_number)
        return self.checkpoints.file(self.study.task, self.study.views[self._arms[key.view].view], [(row.point, seed)])

    def _wrote(self) -> None:
        self._last_write = time.monotonic()


def _name(key: SearchKey) -> str:
    return f"{key.view}, replicate {key.replicate}"
