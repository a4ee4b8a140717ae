"""Proposes the next points of K searches of one space, by one batch of Gaussian processes and one of acquisitions.

The point of a search depends, bit for bit, only on its own trials, its seed and K. It does not depend on the trials of the other searches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from botorch.utils.sampling import draw_sobol_samples
from torch import Tensor

from hpstudy.goal import Goal
from hpstudy.search.batched.improvement import NoisyImprovement, possible_best
from hpstudy.search.batched.lbfgs import minimize
from hpstudy.search.batched.process import Posterior, Trials, fit
from hpstudy.search.effort import FALLBACKS, TOLERANCE, Effort
from hpstudy.search.encoding import Encoding
from hpstudy.search.feasible import feasible_neighbors, projected
from hpstudy.search.interface import Observation
from hpstudy.search.outcomes import has_value, robustly_scaled, standardized
from hpstudy.search.snapping import Snapping
from hpstudy.search.untried import is_tried, untried_points
from hpstudy.seeds import derive_seed
from hpstudy.study.space import Point, Space

ROW_MULTIPLE = 8
"""Rows of a search are padded to a multiple of this, so that vector instructions round identically at every position in the batch."""

CHUNK = 32
"""Candidates per search in one acquisition computation: 3 MB of samples for 20 searches. With 256 it takes twice as long."""


def propose(
    space: Space,
    histories: Sequence[Sequence[Observation]],
    *,
    goal: Goal,
    seeds: Sequence[int],
    number: int,
    effort: Effort,
) -> list[Point | None]:
    """The surrogates' proposals for trial `number` of each search.

    Args:
        space: the search space.
        histories: trials 0 .. number - 1 of each search.
        goal: whether values are minimized or maximized.
        seeds: seeds of the searches.
        number: number of the requested trial, from 0.
        effort: settings of the optimizers.

    Returns:
        A point for each search; None if fewer than two trials have a value, if the surrogate could not be fitted, or if no untried point
        satisfies the constraints.
    """
    encoding = Encoding(space)
    acquisition = _acquisition(encoding, histories, goal, seeds, number, effort)
    candidates, values = _maximum(acquisition, encoding.width, [derive_seed(seed, "start", number) for seed in seeds], effort)
    proposed: list[Point | None] = [
        encoding.decode(candidate) if math.isfinite(value) and sum(map(has_value, history)) >= 2 else None
        for candidate, value, history in zip(candidates.tolist(), values.tolist(), histories, strict=True)
    ]
    alternatives = [
        _alternatives(encoding, point, history, seed=seed, number=number) if point else []
        for point, history, seed in zip(proposed, histories, seeds, strict=True)
    ]
    best = _best(acquisition, encoding, alternatives) if any(alternatives) else []
    for search, (point, points) in enumerate(zip(proposed, alternatives, strict=True)):
        if points:
            proposed[search] = points[best[search]]
        elif point and not space.satisfies(point):
            proposed[search] = None
    return proposed


def _alternatives(encoding: Encoding, point: Point, history: Sequence[Observation], *, seed: int, number: int) -> list[Point]:
    """Up to `FALLBACKS` untried points, among which the acquisition chooses if the proposed point was tried or violates a constraint."""
    space = encoding.space
    if not space.satisfies(point):
        near = projected(encoding, point)
        feasible = [near] if space.satisfies(near) else feasible_neighbors(space, near)
    elif is_tried(point, history):
        feasible = []
    else:
        return []
    untried = [point for point in feasible if not is_tried(point, history)]
    return untried + untried_points(space, history, seed=seed, number=number, count=FALLBACKS - len(untried))


def _acquisition(
    encoding: Encoding,
    histories: Sequence[Sequence[Observation]],
    goal: Goal,
    seeds: Sequence[int],
    number: int,
    effort: Effort,
) -> NoisyImprovement:
    """The acquisitions of the fitted surrogates."""
    snap = Snapping(encoding)
    trials, first = tabulated(encoding, histories, goal, number)
    trials = replace(trials, points=snap(trials.points))
    posterior = Posterior(trials, fit(trials, tolerance=effort.fit_tolerance))
    observed, pending = trials.valued & first, ~trials.valued & first
    possible = possible_best(posterior, observed, [derive_seed(seed, "prune", number) for seed in seeds])
    return NoisyImprovement(posterior, possible | pending, [derive_seed(seed, "improve", number) for seed in seeds], snap)


def tabulated(encoding: Encoding, histories: Sequence[Sequence[Observation]], goal: Goal, number: int) -> tuple[Trials, Tensor]:
    """The trials of K searches as tensors.

    Returns:
        The trials, those with a value first, in coordinates before snapping; and which (K, N) rows are the first at their point.
    """
    shape = (len(histories), -(-number // ROW_MULTIPLE) * ROW_MULTIPLE)
    points = torch.zeros(*shape, encoding.width, dtype=torch.float64)
    values = torch.zeros(shape, dtype=torch.float64)
    valued, first = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    for search, history in enumerate(histories):
        ordered = sorted(history, key=has_value, reverse=True)
        coordinates = [encoding.encode(past.point) for past in ordered]
        points[search, :number] = torch.tensor(coordinates, dtype=torch.float64)
        first[search, :number] = torch.tensor([row not in coordinates[:n] for n, row in enumerate(coordinates)])
        if count := sum(map(has_value, ordered)):
            values[search, :count] = torch.from_numpy(standardized(robustly_scaled(ordered, goal)))
            valued[search, :count] = True
    return Trials(points, values, valued), first


def _maximum(acquisition: NoisyImprovement, width: int, seeds: Sequence[int], effort: Effort) -> tuple[Tensor, Tensor]:
    """The candidate of each search with the largest acquisition that L-BFGS-B finds from several starts.

    Args:
        acquisition: acquisitions of K searches.
        width: number of coordinates D.
        seeds: seeds of the starts, one per search.
        effort: number of starts and of steps.

    Returns:
        (K, D) candidates and their (K,) acquisitions; NaN where a surrogate could not be fitted.
    """
    unit = torch.stack([torch.zeros(width), torch.ones(width)]).to(torch.float64)
    raw = torch.stack([draw_sobol_samples(unit, effort.raw_samples, q=1, seed=seed)[:, 0] for seed in seeds])
    chosen = _starts(_evaluated(acquisition, raw), effort.restarts, seeds)
    starts = raw.gather(1, chosen[..., None].expand(-1, -1, width))
    candidates, values = minimize(
        lambda rows: -acquisition(rows.view_as(starts)).flatten(),
        starts.flatten(0, 1),
        [(0.0, 1.0)] * width,
        tolerance=TOLERANCE,
        iterations=effort.iterations,
    )
    best = values.view(len(seeds), -1).nan_to_num(nan=math.inf).argmin(1)
    rows = torch.arange(len(seeds))
    return candidates.view_as(starts)[rows, best], -values.view(len(seeds), -1)[rows, best]


def _starts(values: Tensor, count: int, seeds: Sequence[int]) -> Tensor:
    """The starts of the optimizer: the best raw sample, and others drawn with probabilities that increase with their acquisition.

    As in BoTorch's `initialize_q_batch`, they are drawn without replacement, proportional to the exponential of the standardized
    acquisition. Selecting the largest sums of log weights and Gumbel variates gives such a draw.

    Args:
        values: (K, S) acquisitions of the raw samples.
        count: number of starts.
        seeds: seeds of the draws, one per search.

    Returns:
        (K, count) indices of raw samples.
    """
    deviation = values.std(1, keepdim=True)
    weights = (values - values.mean(1, keepdim=True)) / deviation.where(deviation > 0, 1.0)
    for search, seed in enumerate(seeds):
        uniform = torch.rand(values.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        weights[search] -= (-uniform.log()).log()
    weights[torch.arange(len(seeds)), values.argmax(1)] = math.inf
    return weights.topk(count).indices


def _evaluated(acquisition: NoisyImprovement, candidates: Tensor) -> Tensor:
    """(K, S, D) candidates -> (K, S) acquisitions, without gradients and in chunks."""
    with torch.no_grad():
        starts = range(0, candidates.shape[1], CHUNK)
        return torch.cat([acquisition(candidates[:, start : start + CHUNK]) for start in starts], 1)


def _best(acquisition: NoisyImprovement, encoding: Encoding, points: Sequence[Sequence[Point]]) -> list[int]:
    """For each search, the index of the point with the largest acquisition among up to `FALLBACKS`; 0 if there are none."""
    coordinates = torch.zeros(len(points), FALLBACKS, encoding.width, dtype=torch.float64)
    missing = torch.ones(coordinates.shape[:2], dtype=torch.bool)
    for search, listed in enumerate(points):
        for row, point in enumerate(listed):
            coordinates[search, row] = torch.tensor(encoding.encode(point), dtype=torch.float64)
            missing[search, row] = False
    return _evaluated(acquisition, coordinates).masked_fill(missing, -math.inf).argmax(1).tolist()
