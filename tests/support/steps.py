"""Steps of one trial of one search."""

from __future__ import annotations

from collections.abc import Iterable

from hpstudy.engine.checkpoints import CheckpointFile
from hpstudy.engine.requests import AskRequest, EvaluateRequest, Trial
from hpstudy.engine.step import ask, evaluate
from hpstudy.search.interface import Observation
from hpstudy.study.plan import SearchKey
from hpstudy.study.space import Point
from hpstudy.tasks.outcome import Outcome


def question(
    study_json: str, search: SearchKey, number: int, history: Iterable[Observation], module_path: str | None = None
) -> AskRequest:
    """A request for one point."""
    return AskRequest(study_json, (search,), number, (tuple(history),), module_path)


def evaluation(
    study_json: str,
    search: SearchKey,
    number: int,
    point: Point,
    module_path: str | None = None,
    checkpoint: CheckpointFile | None = None,
    seed_number: int | None = None,
) -> EvaluateRequest:
    """A request to evaluate one trial."""
    return EvaluateRequest(study_json, (Trial(search, number, point, seed_number),), module_path, checkpoint)


def ask_one(request: AskRequest) -> Point:
    """The point of a request for one."""
    (point,) = ask(request).points
    return point


def evaluate_one(request: EvaluateRequest) -> Outcome:
    """The outcome of a request to evaluate one trial."""
    (outcome,) = evaluate(request).outcomes
    return outcome
