"""Runs the searches of a study: groups in lockstep trial by trial, and the listed trials of confirmations in parallel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from hpstudy.engine.availability import WorkerAvailability
from hpstudy.engine.checkpoints import CheckpointFile, CheckpointFolder
from hpstudy.engine.confirmations import Confirmations
from hpstudy.engine.executors import Executor, OutOfResources, WorkerDied, WorkerLost
from hpstudy.engine.failures import Totals, outcome_without_answer, reason_of
from hpstudy.engine.history import Histories, observations
from hpstudy.engine.hosts import Hosts
from hpstudy.engine.identity import KnownSources
from hpstudy.engine.observing import Observers
from hpstudy.engine.progress import Observer
from hpstudy.engine.remaining_work import RemainingWork
from hpstudy.engine.requests import AskRequest, ChosenPoints, EvaluateRequest, Trial
from hpstudy.engine.roots import on_this_host, portable
from hpstudy.engine.running_steps import EndedStep, RunningSteps
from hpstudy.engine.step import ask, evaluate
from hpstudy.engine.step_queue import Step, StepQueue, StoredTrial, group_text, trials_text
from hpstudy.engine.stop import Aborted, StopSignal
from hpstudy.engine.trial_seeds import training_seed
from hpstudy.errors import HpstudyError
from hpstudy.loading.make import reads_history
from hpstudy.store import Counts, EndedTrial, NewTrial, Store
from hpstudy.store.listing import confirmed_search
from hpstudy.study.controls import arm_name, arms
from hpstudy.study.plan import Group, Plan, SearchKey
from hpstudy.tasks.outcome import Outcome

MOST_LOSSES = 20
"""Number of machines that a step may lose before further losses count as worker deaths, because the step may be the cause."""

NO_SOURCES: Mapping[str, str] = {}
"""No user's code that was not known before."""


class Scheduler:
    """Runs the remaining trials of some searches of a study.

    Groups of searches in lockstep run in the order of the plan (replicate by replicate), so that a partial study contains whole replicates,
    except for searches that could end after all others (`hpstudy.engine.step_queue`).
    One step asks for the next points of a group. The trials are stored as running, with their points, before they are evaluated. If the
    task stacks them, one step evaluates all trials of the group; otherwise each has its own step. The next points are requested when all of
    these trials have ended. A search that is not in lockstep is a group of one. The answers of all steps that have ended by then are stored
    together, because writing to disk takes longer than everything else.

    Listed trials run seed by seed, after the search that they confirm is complete; with `confirm.incumbents`, after it has found an
    incumbent. They only use workers for which no search has a step. If the trials of a group are one step, so are all seeds of a point. The
    number of running steps never exceeds the number of workers of the executor.

    Args:
        store: the database of the study; this scheduler is its only writer.
        executor: runs the steps.
        observer: receives the events of the run.
        stop: checked before every new step.
        folder: folder that is searched first for a user's module.
        checkpoints: folder where long trainings keep their state until their trial is stored; None for no checkpoints.
        stacks: whether the task trains the trials of a group together (`hpstudy.tasks.interface.Task.stacks`).
        searches: the searches to run, in whole groups; None for all.
        sources: the user's code that steps may have run.
        allow_mixed: store trials from hosts with different library versions.
        observers: log finished trials to other systems.

    Attributes:
        running: the running steps.
        worked_s: total seconds of all steps. For a training that continued from a checkpoint, seconds of earlier sessions are included.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        observer: Observer,
        stop: StopSignal,
        folder: str | None = None,
        checkpoints: CheckpointFolder | None = None,
        stacks: bool = False,
        searches: Collection[SearchKey] | None = None,
        sources: KnownSources | None = None,
        allow_mixed: bool = False,
        observers: Observers | None = None,
    ) -> None:
        self.store = store
        self.study = store.study
        self.running = RunningSteps(executor)
        self.observer = observer
        self.stop = stop
        self.observers = observers or Observers((), observer.note)
        self.folder = None if folder is None else portable(folder)
        self.checkpoints = checkpoints
        self.sources = sources or KnownSources(store.study, {})
        self.hosts = Hosts(store, observer, allow_mixed)
        self.worked_s = 0.0
        self._study_json = self.study.to_json()
        self._arms = arms(self.study)
        self._reads_history = {name: reads_history(self.study, arm.searcher) for name, arm in self._arms.items()}
        self._stacks = stacks and self.study.search.lockstep > 1
        self._histories = Histories(store)
        self._shortage: OutOfResources | None = None
        self._search_failures: list[tuple[Group, BaseException]] = []
        self._remaining = Counter[Group]()
        counts = store.search_counts()
        self._confirmations = Confirmations(store, counts, self._stacks)
        chosen = {key: trials for key, trials in counts.items() if searches is None or key in searches}
        total = Counts.total(chosen.values())
        self._positions = {key: position for position, key in enumerate(chosen)}
        self._work = RemainingWork({key: trials.left for key, trials in chosen.items()})
        self._queue = StepQueue(self._positions, self._work, stacks=self._stacks)
        starts_over = not Counts.total(counts.values()).completed
        imported = sum(trials for key, trials in store.imported().items() if key in chosen)
        self._totals = Totals(total.completed - imported, total.finished - total.completed, starts_over)
        groups = [group for group in Plan(self.study).groups() if counts.keys() >= set(group)]
        searching = [group for group in groups if not self._is_listed(group) and any(counts[key].left for key in group)]
        self._searching = {key for group in searching for key in group}
        for group in searching:
            if chosen.keys() >= set(group):
                self._queue.add(Step(group))
        for group in groups:
            if self._is_listed(group) and chosen.keys() >= set(group):
                self._wait_for_confirmation(*group)

    def run(self) -> None:
        """Run until every search is complete or a stop is requested.

        Raises:
            StudyBroken: the first `limits.max_failures` trials gave no value: they failed, timed out or diverged.
            StudyChanged: a step ran code that differs from the database's; its answer was not stored.
            StoreError: the database cannot be written; it keeps the state after the last stored trial.
            EngineLost: the system that ran the steps is lost; running trials stay stored as running.
            OutOfResources: the machine lacks what a step needs; the other running steps were finished first.
            WrongAnswer: the executor returned the answer of another step, which was not stored.
            Aborted: a stop was requested while no worker was available to finish the running trials.
            HpstudyError: a searcher could not choose a point; the other searches were finished first.
        """
        availability = WorkerAvailability(self.running.executor, self.observer)
        while True:
            while not self.stop.requested and (
                steps := self._queue.take(self.running.free_workers, self.running.executor.workers)
            ):
                self._begin(steps)
            if not self.running and (self.stop.requested or not self._queue):
                break
            if not availability.check() and self.stop.requested and self.running:
                raise Aborted
            self.observer.waiting(len(self.running))
            self._receive(self.running.take_ended())
            for note in self.running.executor.take_notes():
                self.observer.note(note)
            self.observers.check()
            self._histories.heartbeat()
        if self._shortage is not None:
            raise self._shortage
        if self._search_failures:
            group, error = self._search_failures[0]
            failed = sum(len(group) for group, _ in self._search_failures)
            raise HpstudyError(
                f"the searcher failed in {failed} searches, first in {group_text(group)}: {reason_of(error)}",
                "the other searches are finished; `hpstudy resume` tries these again",
            )

    def _wait_for_confirmation(self, key: SearchKey) -> None:
        """Queue the trials of a confirmation that an earlier session started, and those that are listed by now."""
        running = {row.retrained: row for row in self._histories[key] if row.state == "running" and row.retrained}
        for stack in self._confirmations.stacked(running):
            self._queue.add(Step((key,), [StoredTrial(key, running[again]) for again in stack], interrupted=True))
        self._remaining[(key,)] = len(running)
        if self._confirmations.of_incumbents or confirmed_search(self.study, key) not in self._searching:
            self._list(key)

    def _list(self, key: SearchKey) -> None:
        """Queue the listed trials of a confirmation that are neither started nor queued."""
        for listed in self._confirmations.listed(key):
            self._remaining[(key,)] += len(listed)
            self._queue.add(Step((key,), listed=listed))

    def _is_listed(self, group: Group) -> bool:
        return self._arms[group[0].view].listed

    def _begin(self, steps: Sequence[Step]) -> None:
        """Start steps."""
        listed = []
        for step in steps:
            if step.listed:
                (key,) = step.group
                new = [self._histories.new_trial(key, point, 0.0, again) for again, point in step.listed.items()]
                listed.append((step.group, new))
            elif step.trials:
                self._evaluate(self._again(step, "the session that ran it ended") if step.interrupted else step)
            else:
                self._ask(step)
        if listed:
            self._store(listed)

    def _ask(self, step: Step) -> None:
        """Start the step that asks for the next points of a group, or that evaluates its trials from an earlier session."""
        histories = {key: self._histories[key] for key in step.group}
        if running := [StoredTrial(key, rows[-1]) for key, rows in histories.items() if rows and rows[-1].state == "running"]:
            self._remaining[step.group] = len(running)
            self._evaluate_all(step.group, running, interrupted=True)
            return
        number = len(histories[step.group[0]])
        observed = [
            observations(rows, self.study.metric) if self._reads_history[key.view] else () for key, rows in histories.items()
        ]
        self.running.start(step, ask, AskRequest(self._study_json, step.group, number, tuple(observed), self.folder))

    def _store(self, new: Sequence[tuple[Group, Sequence[NewTrial]]], new_sources: Mapping[str, str] = NO_SOURCES) -> None:
        """Store new trials of groups as running, and evaluate them."""
        self._histories.start([one for _, trials in new for one in trials], new_sources)
        for group, trials in new:
            self._evaluate_all(group, [StoredTrial(one.key, self._histories[one.key][one.number]) for one in trials])

    def _evaluate_all(self, group: Group, trials: Sequence[StoredTrial], *, interrupted: bool = False) -> None:
        """Evaluate trials in one step, or in one step each. The first step starts now."""
        stacks = [trials] if self._stacks else [[trial] for trial in trials]
        first, *others = (Step(group, stack, interrupted=interrupted) for stack in stacks)
        for step in others:
            self._queue.add(step)
        self._begin([first])

    def _evaluate(self, step: Step) -> None:
        trials = tuple(Trial(key, row.number, row.point, row.seed_number) for key, row in step.trials)
        request = EvaluateRequest(self._study_json, trials, self.folder, self._checkpoint(step.trials))
        self.running.start(step, evaluate, request, self.study.limits.timeout_s)

    def _receive(self, ended: Sequence[EndedStep]) -> None:
        """Store the answers of steps that have ended, and continue their groups."""
        answered = [(one.step, one.answer) for one in ended if one.error is None]
        self._take_outcomes([(step, evaluation.outcomes) for step, evaluation in answered if step.trials])
        self._take_points([(step, chosen_points) for step, chosen_points in answered if not step.trials])
        for one in ended:
            if one.error is not None:
                if one.ends_run:
                    raise one.error
                self._failed(one.step, one.error)

    def _take_outcomes(self, answered: Sequence[tuple[Step, Sequence[Outcome]]]) -> None:
        """Store the outcomes of trials that were evaluated."""
        accepted, new_sources = [], dict[str, str]()
        try:
            for step, outcomes in answered:
                new = self.sources.check_task(outcomes[0].sources)
                self.hosts.row(outcomes[0].environment)
                new_sources |= new
                accepted.append((step, outcomes))
        finally:  # an answer from different code or libraries ends the run; the answers before it are stored
            self.worked_s += sum(outcome.duration_s for _, outcomes in accepted for outcome in outcomes)
            self._finish(accepted, new_sources)

    def _take_points(self, answered: Sequence[tuple[Step, ChosenPoints]]) -> None:
        """Store trials at the points of steps that chose them, and evaluate them."""
        new, new_sources = [], dict[str, str]()
        for step, chosen_points in answered:
            self.hosts.row(chosen_points.environment)
            self.worked_s += chosen_points.duration_s
            if not self.stop.requested:  # otherwise the resumed study asks again and gets the same answer
                new_sources |= self.sources.check(chosen_points.sources)
                ask_s = chosen_points.duration_s / len(step.group)
                slots = zip(step.group, chosen_points.points, strict=True)
                new.append((step.group, [self._histories.new_trial(key, point, ask_s) for key, point in slots]))
                self._remaining[step.group] = len(step.group)
        if new:
            self._store(new, new_sources)

    def _failed(self, step: Step, error: BaseException) -> None:
        """Handle a step without an answer: its worker died, it timed out, the searcher failed, or the machine lacks a resource."""
        if isinstance(error, OutOfResources):
            if self._shortage is None:
                self._shortage = error
                self.stop.request()
                self.observer.note(f"{error.message}: no new trial starts; waiting for running trials to finish")
            return
        died, lost = isinstance(error, WorkerDied), isinstance(error, WorkerLost)
        charged = died and not (lost and step.losses < MOST_LOSSES)
        step = replace(step, deaths=step.deaths + charged, losses=step.losses + lost)
        if not step.trials:
            if died and (self.stop.requested or step.deaths < self.study.limits.max_attempts):
                self._queue.add(step)
                return
            for key in step.group:
                self.store.event("ask_failed", view=key.view, replicate=key.replicate, error=reason_of(error))
            self._search_failures.append((step.group, error))
        elif died and self.stop.requested:
            pass  # the trials stay stored as running and are evaluated again when the study is resumed
        elif (outcome := outcome_without_answer(error, step.deaths, self.study.limits, len(step.trials))) is not None:
            self._finish([(step, [outcome] * len(step.trials))])
        else:
            self.observer.note(f"{trials_text(step.keys)}: {reason_of(error)}; it is run again")
            self._evaluate(self._again(step, reason_of(error)))

    def _again(self, step: Step, reason: str) -> Step:
        """Record that the trials of a step are evaluated again."""
        return replace(step, trials=self._histories.start_again(step.trials, reason))

    def _finish(self, evaluated: Sequence[tuple[Step, Sequence[Outcome]]], new_sources: Mapping[str, str] = NO_SOURCES) -> None:
        """Store the outcomes of the trials of steps."""
        if not evaluated:
            return
        name = self.study.metric.name
        ended = [
            EndedTrial(key, row.number, _with_log_here(outcome), outcome.metrics.get(name), self.hosts.row(outcome.environment))
            for step, outcomes in evaluated
            for (key, row), outcome in zip(step.trials, outcomes, strict=True)
        ]
        self._histories.finish(ended, new_sources)
        for step, _ in evaluated:
            if (checkpoint := self._checkpoint(step.trials)) is not None:
                checkpoint.discard()
        for one in ended:
            self._work.finish(one.key, one.outcome.duration_s)
            self._totals.count(one.outcome, one.objective)
            self.observer.trial_finished(one.key, self._histories[one.key][one.number], one.outcome)
        self._totals.stop_if_broken(self.study.limits.max_failures)
        for step, _ in evaluated:
            self._remaining[step.group] -= len(step.trials)
            if self._is_listed(step.group):
                self._close(*step.group)
            elif not self._remaining[step.group]:
                self._continue(step.group)

    def _continue(self, group: Group) -> None:
        """Queue the next trials of a group, and the confirmations that its last trials made possible."""
        confirmations = {key: again for key in group if (again := _confirmation(key)) in self._positions}
        for key, confirmation in confirmations.items() if self._confirmations.of_incumbents else ():
            if self._confirmations.is_incumbent(key, self._histories[key]):
                self._list(confirmation)
            self.observer.plan_changed(confirmation.view, *self._confirmations.planned(key.view))
        if len(self._histories[group[0]]) < self._arms[group[0].view].trials:
            self._queue.add(Step(group))
            return
        for key in group:
            self._searching.remove(key)
            self.observer.search_finished(key, self._histories.pop(key))
            if key in confirmations:
                self._list(confirmations[key])
                self._close(confirmations[key])

    def _close(self, confirmation: SearchKey) -> None:
        """Report a complete confirmation: its search is complete, and all its trials have ended."""
        if (
            not self._remaining[(confirmation,)]
            and confirmed_search(self.study, confirmation) not in self._searching
            and self._histories[confirmation]
        ):
            self.observer.search_finished(confirmation, self._histories.pop(confirmation))

    def _checkpoint(self, trials: Sequence[StoredTrial]) -> CheckpointFile | None:
        """The checkpoint of the evaluation of some trials."""
        if self.checkpoints is None:
            return None
        view = self.study.views[self._arms[trials[0].key.view].view]
        seeds = [training_seed(self.study, key.replicate, row.number, row.seed_number) for key, row in trials]
        named = [
            (f"{key.view}/{key.replicate}/{row.number}", row.point, seed) for (key, row), seed in zip(trials, seeds, strict=True)
        ]
        return self.checkpoints.file(self.study.task, view, named)


def _with_log_here(outcome: Outcome) -> Outcome:
    """An outcome with the path of its log on this host, if the log exists here."""
    return outcome if outcome.log_path is None else replace(outcome, log_path=str(on_this_host(outcome.log_path)))


def _confirmation(key: SearchKey) -> SearchKey:
    """The confirmation of a search."""
    return SearchKey(arm_name(key.view, "confirm"), key.replicate)
