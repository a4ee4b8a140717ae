"""Checks that the schema cannot express: referenced names exist, numbers are consistent, the task accepts every view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hpstudy.errors import Problem, StudyError, nearest
from hpstudy.loading.claims import check_criteria, listed_points
from hpstudy.loading.endpoints import check_endpoints
from hpstudy.loading.joint import check_search, check_sweep
from hpstudy.loading.make import make_searcher, make_task
from hpstudy.loading.parts import Parts
from hpstudy.loading.spaces import check_enqueued, check_space
from hpstudy.plugins import methods_of
from hpstudy.search import SEARCHERS
from hpstudy.search.interface import Searcher
from hpstudy.study.declaration import Analysis
from hpstudy.study.schema import Metric, OtherSearcher, SearchBlock, View
from hpstudy.tasks.interface import Task

MAX_NAME = 64
"""Maximum characters of a hyperparameter's name, which is a heading in tables and figures."""


@dataclass
class Findings:
    """The result of a check.

    Attributes:
        problems: all mistakes.
        hint: advice for all of them.
        task: the task created from its block; None if the block is missing or has mistakes.
        searcher: the searcher, with the same rule.
        others: the other searchers without mistakes, in the order of the study.
    """

    problems: list[Problem] = field(default_factory=list)
    hint: str = ""
    task: Task | None = None
    searcher: Searcher | None = None
    others: tuple[Searcher, ...] = ()

    def take(self, error: StudyError) -> None:
        """Add the problems and the hint of an error."""
        self.problems += error.problems
        self.hint = self.hint or error.hint


def check(parts: Parts) -> Findings:
    """Find all mistakes in the parts of a study. Keys are those of the study."""
    findings = Findings()
    if parts.search is not None:
        try:
            findings.searcher = searcher = make_searcher(parts.search)
            with methods_of(parts.search.searcher):
                findings.problems += [*_unknown_names(searcher, parts), *_searcher_problems(searcher, parts)]
            findings.problems += _control_problems(searcher, parts)
            findings.problems += _lockstep_problems(parts.search.lockstep, parts.replicates)
        except StudyError as error:
            findings.take(error)
        for index, block in enumerate(parts.search.others):
            _check_other(findings, parts, parts.search, index, block)
    if parts.task is not None:
        try:
            findings.task = make_task(parts.task)
        except StudyError as error:
            findings.take(error)
    with methods_of(parts.task.use if parts.task is not None else ""):
        _check_views(findings, parts, findings.task)
    if parts.analysis is not None:
        findings.problems += _analysis_problems(parts.analysis, parts.names, parts.trials)
        findings.problems += _unused_in_sweep(parts.analysis, findings.searcher)
        findings.problems += check_endpoints(parts.analysis, parts, findings.searcher)
        findings.problems += check_criteria(parts.analysis, parts, findings.searcher)
    return findings


def _check_views(findings: Findings, parts: Parts, task: Task | None) -> None:
    """Add the mistakes of the metric and of the views to `findings`; `task` is None if its block has mistakes."""
    if task is not None and parts.metric is not None:
        findings.problems += _metric_problems(task, parts.metric)
    for name, view in parts.views.items():
        problems = [*_name_problems(view), *check_space(view), *(task.check_view(view) if task is not None else ())]
        if not problems and task is not None and findings.searcher is not None:
            problems = _joint_problems(task, view, findings.searcher, parts.trials)
        if findings.searcher is not None:
            problems += check_enqueued(view, findings.searcher, parts.trials)
        findings.problems += [replace(problem, key=("views", name, *problem.key)) for problem in problems]
    if task is not None and len(parts.views) == len(parts.names):
        findings.problems += task.check_views(parts.views)


def _check_other(findings: Findings, parts: Parts, search: SearchBlock, index: int, block: OtherSearcher) -> None:
    """Add another searcher and its mistakes to `findings`; `index` is its position in `search.others`."""
    key, name = ("search", "others", index), block.searcher
    try:
        searcher = make_searcher(block, key)
    except StudyError as error:
        findings.take(error)
        return
    findings.others += (searcher,)
    before = [other.searcher for other in search.others[:index]]
    if name == search.searcher or name in before:
        findings.problems.append(Problem(key, f"'{name}' is named twice: every searcher searches a view once per replicate"))
    elif name in parts.controls:
        findings.problems.append(Problem(key, f"'{name}' is a control already: leave it out here or in 'controls'"))
    if searcher.lists_points or (findings.searcher is not None and findings.searcher.lists_points):
        text = "other searchers are for searches, and a sweep lists its points: leave them out"
        if searcher.lists_points:
            choosing = [each for each in SEARCHERS if not SEARCHERS.load(each).lists_points]
            text = f"'{name}' lists its points, and another searcher has to search: {nearest(name, choosing)}"
        findings.problems.append(Problem(key, text))
        return
    with methods_of(name):
        problems = [*_unknown_names(searcher, parts), *_searcher_problems(searcher, parts)]
    # The searcher reports keys of the study's own search block.
    findings.problems += [replace(problem, key=(*key, *problem.key[1:])) for problem in problems]


def _unknown_names(searcher: Searcher, parts: Parts) -> Iterator[Problem]:
    """Problems: hyperparameters named in the searcher's settings that no view tunes."""
    if len(parts.views) < len(parts.names):
        return  # a view that violates the schema may tune them
    tuned = dict.fromkeys(name for view in parts.views.values() for name in view.space.names())
    for key in searcher.named():
        if key[-1] not in tuned:
            yield Problem(key, f"no view tunes '{key[-1]}': {nearest(str(key[-1]), tuned)}")


def _searcher_problems(searcher: Searcher, parts: Parts) -> Iterator[Problem]:
    """Problems that the searcher reports for the views, with the names of the views unless they apply to all."""
    if parts.trials is None:
        return
    views_of: dict[Problem, list[str]] = {}
    for name, view in parts.views.items():
        for problem in searcher.check(view.space, parts.trials):
            views_of.setdefault(problem, []).append(name)
    for problem, names in views_of.items():
        if len(names) < len(parts.views):
            views = f"{'views' if len(names) > 1 else 'view'} {', '.join(map(repr, names))}"
            problem = replace(problem, message=f"{views}: {problem.message}")
        yield problem


def _control_problems(searcher: Searcher, parts: Parts) -> Iterator[Problem]:
    """Problems: controls and confirmations in a sweep."""
    if parts.controls and searcher.lists_points:
        yield Problem(("controls",), "controls are for searches, and a sweep lists its points: leave them out")
    if parts.confirm and searcher.lists_points:
        yield Problem(
            ("confirm",),
            "a sweep chooses no point: there is nothing to confirm; leave it out, and raise replicates for more seeds",
        )


def _lockstep_problems(lockstep: int, replicates: int | None) -> Iterator[Problem]:
    """Problems: replicates that are not a multiple of lockstep."""
    if replicates is not None and replicates % lockstep:
        divisors = [str(size) for size in range(2, replicates + 1) if replicates % size == 0]
        advice = [f"set lockstep to {' or '.join(divisors)}"] if divisors else []
        advice.append(f"set replicates to {replicates + lockstep - replicates % lockstep}")
        text = f"replicates must be a multiple of lockstep, and {replicates} is not a multiple of {lockstep}"
        yield Problem(("search", "lockstep"), f"{text}: {', or '.join(advice)}")


def _joint_problems(task: Task, view: View, searcher: Searcher, trials: int | None) -> list[Problem]:
    """Problems: values of a view that the task accepts individually but not in combination."""
    if not searcher.lists_points:
        return check_search(task, view)
    return check_sweep(task, view, listed_points(searcher, view.space, trials)) if trials is not None else []


def _metric_problems(task: Task, metric: Metric) -> Iterator[Problem]:
    objectives = task.objectives()
    if objectives is None or metric.name in objectives:
        return
    text = f"no such objective: {nearest(metric.name, objectives)}"
    if metric.name.startswith("test_"):
        text = f"the search must never see the test set, or its result is no estimate: {nearest(metric.name, objectives)}"
    yield Problem(("metric", "name"), text)


def _name_problems(view: View) -> Iterator[Problem]:
    for block, names in (("space", view.space.names()), ("fixed", iter(view.fixed))):
        for name in names:
            if not name or len(name) > MAX_NAME or not name.isprintable() or name != name.strip():
                text = f"a hyperparameter needs a name of 1 to {MAX_NAME} printable characters, without spaces around it"
                yield Problem((block, name), text)


def _unused_in_sweep(analysis: Analysis, searcher: Searcher | None) -> Iterator[Problem]:
    """Problems: settings for the comparison of searches in a sweep."""
    if searcher is not None and searcher.lists_points:
        for name in ("target", "margin"):
            if getattr(analysis, name) is not None:
                text = (
                    f"a sweep has no searches to compare, so nothing uses '{name}': leave it out, and declare claims (criteria)"
                )
                yield Problem(("analysis", name), text)


def _analysis_problems(analysis: Analysis, views: tuple[str, ...], trials: int | None) -> Iterator[Problem]:
    earlier: set[tuple[str, str]] = set()
    for index, pair in enumerate(analysis.compare):
        key = ("analysis", "compare", index)
        yield from (Problem(key, f"no view is called '{name}': {nearest(name, views)}") for name in pair if name not in views)
        if pair[0] == pair[1]:
            yield Problem(key, f"compares '{pair[0]}' with itself: name two views")
        elif pair in earlier or pair[::-1] in earlier:
            yield Problem(key, f"'{pair[0]}' and '{pair[1]}' are compared already")
        earlier.add(pair)
    for index, budget in enumerate(analysis.budgets):
        if budget < 1 or (trials is not None and budget > trials):
            most = "" if trials is None else f" and {trials}, the trials of a search"
            yield Problem(
                ("analysis", "budgets", index), f"must be between 1{most or ' and the trials of a search'}, not {budget}"
            )
    target = analysis.target
    if target is not None and target.view is not None and target.view not in views:
        yield Problem(("analysis", "target", "view"), f"no view is called '{target.view}': {nearest(target.view, views)}")
    if target is not None and target.value is not None and target.statistic != "median_final":
        text = "is about the searches of a view, and the target is a number: leave out 'statistic', or 'value' and name a view"
        yield Problem(("analysis", "target", "statistic"), text)
