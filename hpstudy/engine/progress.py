"""Progress output of a run: bars in a terminal, otherwise one line per finished search."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from hpstudy.arguments import checked
from hpstudy.display import obeys_escapes, visible
from hpstudy.engine.duration import human_duration
from hpstudy.errors import UsageError
from hpstudy.store import Counts, TrialRow
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Metric, Study
from hpstudy.tasks.outcome import Outcome

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


SILENCE_S = 30.0
"""Maximum seconds between two lines without a terminal. Shorter: long logs. Longer: a run seems to hang."""


class Observer:
    """Receives the events of a run; prints nothing by default. Methods are called from the scheduler's thread, in order."""

    def run_started(self, study: Study, counts: dict[str, Counts], workers: int) -> None:
        """Called before the first step. `counts` holds the trials of each arm by state."""

    def plan_changed(self, arm: str, planned: int, estimated: int) -> None:
        """The planned number of trials of an arm changed; `estimated` of them are an estimate."""

    def trial_finished(self, search: SearchKey, trial: TrialRow, outcome: Outcome) -> None:
        """A trial was stored."""

    def search_finished(self, search: SearchKey, trials: Sequence[TrialRow]) -> None:
        """The last trial of a search was stored."""

    def waiting(self, steps: int) -> None:
        """Called about once a second with the number of running steps."""

    def note(self, text: str) -> None:
        """Receive a note about an unusual event, one sentence."""

    def run_finished(self) -> None:
        """Called after the last step, also after errors."""


class Lines(Observer):
    """Prints one line per finished search (per trial if `verbose`), at least one every SILENCE_S, with the study's remaining time."""

    def __init__(self, stream: TextIO, verbose: bool) -> None:
        self._last = time.monotonic()
        self._stream = stream
        self._verbose = verbose
        self._eta = _TimeLeft()

    def run_started(self, study: Study, counts: dict[str, Counts], workers: int) -> None:
        """Report the remaining work."""
        self._metric = study.metric
        total = Counts.total(counts.values())
        self._counts, self._done = dict(counts), total.finished
        self._eta.start(study.search.lockstep)
        lockstep = f", in lockstep groups of {study.search.lockstep}" if study.search.lockstep > 1 else ""
        workers_text = f"{workers} worker{'s' if workers != 1 else ''}"
        self._print(f"{study.name}: {total.left:,} of {total.planned_text} trials to run, {workers_text}{lockstep}")

    def plan_changed(self, arm: str, planned: int, estimated: int) -> None:
        """Use the new plan from now on."""
        self._counts[arm] = replace(self._counts[arm], planned=planned, estimated=estimated)

    def trial_finished(self, search: SearchKey, trial: TrialRow, outcome: Outcome) -> None:
        """Print a line if verbose or if the trial gave no value."""
        self._done += 1
        self._eta.count(outcome.duration_s)
        if self._verbose or outcome.state != "completed":
            why = _reason(outcome)
            value = f" {trial.objective:.6g}" if trial.objective is not None else ""
            self._print(f"  {_name(search)}, {_trial(trial)}: {outcome.state}{value}{why}")

    def search_finished(self, search: SearchKey, trials: Sequence[TrialRow]) -> None:
        """Print the best value of the search."""
        self._print_progress(f"{_name(search)}: {_value(trials, self._metric) or 'no value'}")

    def waiting(self, steps: int) -> None:
        """Print a line if there was none for SILENCE_S."""
        if time.monotonic() - self._last >= SILENCE_S:
            self._print_progress(f"{steps:,} {'worker' if steps == 1 else 'workers'} busy")

    def _print_progress(self, text: str) -> None:
        total = Counts.total(self._counts.values())
        left = self._eta.left(total.planned - self._done)
        self._print(f"[{self._done:,}/{total.planned_text}] {text}{f'; {human_duration(left)} left' if left else ''}")

    def note(self, text: str) -> None:
        """Print the note."""
        self._print(text)

    def _print(self, text: str) -> None:
        self._last = time.monotonic()
        print(visible(text), file=self._stream, flush=True)


class Bars(Observer):
    """Shows a bar for every view and one for the study, with the remaining time, at the bottom of a terminal."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose
        self._eta = _TimeLeft()
        self._progress: Progress | None = None

    def run_started(self, study: Study, counts: dict[str, Counts], workers: int) -> None:
        """Draw the bars."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._metric = study.metric
        columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()
        self._progress = Progress(*columns, TextColumn("{task.fields[info]}", markup=False), console=Console(stderr=True))
        self._best: dict[str, float] = {}
        self._views: dict[str, TaskID] = {
            view: self._progress.add_task(view, total=c.planned, completed=c.finished, info="") for view, c in counts.items()
        }
        total = Counts.total(counts.values())
        self._all = self._progress.add_task(study.name, total=total.planned, completed=total.finished, info="")
        self._eta.start(study.search.lockstep)
        self._progress.start()

    def plan_changed(self, arm: str, planned: int, estimated: int) -> None:
        """Set the lengths of the bars to the plan, and mark an estimate."""
        assert self._progress is not None
        arm_bar, study_bar = (self._progress.tasks[task] for task in (self._views[arm], self._all))
        self._progress.update(self._all, total=(study_bar.total or 0) + planned - (arm_bar.total or 0))
        self._progress.update(self._views[arm], total=planned, description=f"{arm} (estimated)" if estimated else arm)

    def trial_finished(self, search: SearchKey, trial: TrialRow, outcome: Outcome) -> None:
        """Advance the bars."""
        assert self._progress is not None
        metric = self._metric
        if trial.retrained is None and trial.state == "completed" and trial.objective is not None:
            self._best[search.view] = metric.goal.best((self._best.get(search.view, trial.objective), trial.objective))
        best = f"best {metric.name} {self._best[search.view]:.6g}" if search.view in self._best else ""
        self._progress.update(self._views[search.view], advance=1, info=best)
        self._eta.count(outcome.duration_s)
        task = self._progress.tasks[self._all]
        left = self._eta.left(int((task.total or 0) - task.completed) - 1)
        self._progress.update(self._all, advance=1, info=f"{human_duration(left)} left" if left else "")
        if self._verbose or outcome.state in ("failed", "timed_out"):
            why = _reason(outcome)
            self.note(f"{_name(search)}, {_trial(trial)}: {outcome.state}{why}")

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        if self._progress is None:
            print(visible(text), file=sys.stderr)
        else:
            self._progress.console.print(visible(text), markup=False, highlight=False)

    def run_finished(self) -> None:
        """Leave the bars as they are."""
        if self._progress is not None:
            self._progress.stop()


@checked
def progress_for(*, verbose: bool = False, quiet: bool = False) -> Observer:
    """Bars if stderr is a terminal that can move its cursor, otherwise lines; nothing if `quiet`.

    Raises:
        UsageError: it is both `verbose` and `quiet`.
    """
    if verbose and quiet:
        raise UsageError("--verbose and --quiet contradict each other", "leave one of them out")
    if quiet:
        return Observer()
    return Bars(verbose) if obeys_escapes(sys.stderr) else Lines(sys.stderr, verbose)


class _TimeLeft:
    """Estimates the remaining time from the mean pace of this session."""

    def start(self, lockstep: int) -> None:
        """Start with the number of trials that may be trained together."""
        self._started, self._count, self._lockstep = time.monotonic(), 0, lockstep

    def count(self, duration_s: float) -> None:
        """Count a trial, with the seconds of its training, or its share of them. The time in which workers start is not counted."""
        if not self._count:
            self._started = max(self._started, time.monotonic() - duration_s * self._lockstep)
        self._count += 1

    def left(self, trials: int) -> float | None:
        """Seconds until `trials` more are done; None before the first one."""
        return trials * (time.monotonic() - self._started) / self._count if self._count and trials > 0 else None


def _value(trials: Sequence[TrialRow], metric: Metric) -> str:
    """The best value of a search, or the mean of confirmations, in words; "" if there is none."""
    values = [trial.objective for trial in trials if trial.state == "completed" and trial.objective is not None]
    if not values:
        return ""
    if trials[0].retrained is not None:
        return f"mean {metric.name} {sum(values) / len(values):.6g}"
    return f"best {metric.name} {metric.goal.best(values):.6g}"


def _trial(trial: TrialRow) -> str:
    """The trial's number in its search, as text."""
    return f"trial {trial.number}" + (f" ({trial.retrained})" if trial.retrained is not None else "")


def _name(search: SearchKey) -> str:
    return f"{search.view}, replicate {search.replicate}"


def _reason(outcome: Outcome) -> str:
    """A colon, then the type and first line of a failure; "" for a trial that did not fail."""
    if outcome.failure is None:
        return ""
    lines = outcome.failure.message.strip().splitlines()
    return f": {outcome.failure.type}" + (f": {lines[0]}" if lines else "")
