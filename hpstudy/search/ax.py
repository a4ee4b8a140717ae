"""Ax's default Bayesian optimization, computed by BoTorch, after an initial Sobol design.

Ax keeps no numerical state between two asks: it fits its Gaussian process from scratch. Therefore the result depends only on the
arguments; see `hpstudy.search.interface`. `hpstudy.search.single` makes the model and the acquisition of one search as Ax makes them, and
the proposals are Ax's bit for bit (tests/search/test_ax_itself.py). Several searches are asked at once as by the `botorch` searcher.

The surrogate receives coordinates in [0, 1] (`hpstudy.search.encoding`). It snaps coordinates of integers and choices to their
cells. Ax's default for choices, one acquisition optimization for each combination of values, takes more than twice as long on four floats
and two two-valued choices. Otherwise surrogate, outcome transforms and acquisition (noisy expected improvement) are Ax's defaults.

Importing BoTorch takes seconds, so it is imported inside `ask`.

References:
    S. Ament et al., "Unexpected improvements to expected improvement for Bayesian optimization", NeurIPS 2023,
        https://arxiv.org/abs/2310.20708 (the acquisition).
    C. Hvarfner et al., "Vanilla Bayesian optimization performs great in high dimensions", ICML 2024,
        https://arxiv.org/abs/2402.02229 (the surrogate's priors).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from pydantic import BaseModel

from hpstudy.errors import Problem
from hpstudy.goal import Goal
from hpstudy.search.botorch import BoTorchSettings, batched_proposals, no_deprecations
from hpstudy.search.interface import Observation, Searcher
from hpstudy.search.linear import linearity_problems
from hpstudy.search.outcomes import has_value
from hpstudy.search.untried import next_untried
from hpstudy.seeds import derive_seed, seeded_block
from hpstudy.study.space import Point, Space


class AxSearcher(Searcher):
    """Ax's default Bayesian optimization: a Gaussian process and noisy expected improvement.

    Trials before `initial`, and trials for which fewer than two past trials have a value, come from the search's Sobol sequence:
    the same points as `SobolSearcher`'s. A trial without a value (or with one that is not finite) is pending to the acquisition,
    which keeps the search away from its point. No point is tried twice while the space holds an untried one.

    Constraints are linear constraints on the coordinates. Rounding to integers and steps may violate them. Then real
    numbers are moved to the nearest ones that satisfy them; otherwise the acquisition chooses among neighbors that do and untried points of
    the Sobol sequence.
    """

    Settings: ClassVar[type[BaseModel]] = BoTorchSettings
    settings: BoTorchSettings

    def check(self, space: Space, trials: int) -> list[Problem]:
        """Problems: an initial design that is too long, and constraints that are not linear in the coordinates."""
        return [*super().check(space, trials), *linearity_problems(space)]

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The point of trial `number`; see `Searcher.ask`."""
        if number >= self.settings.initial and sum(map(has_value, history)) >= 2:
            with _quiet():
                from hpstudy.search.single.propose import propose

                with seeded_block(derive_seed(seed, "ask", number)):
                    proposed = propose(space, history, goal=goal, seed=seed, number=number, effort=self.settings.optimizers)
            if proposed is not None:
                return proposed
        return next_untried(space, history, seed=seed, number=number)

    def ask_many(
        self, space: Space, histories: Sequence[Sequence[Observation]], *, goal: Goal, seeds: Sequence[int], number: int
    ) -> list[Point]:
        """The points of trial `number` of several searches; see `Searcher.ask_many`.

        A search in its initial design, or whose surrogate cannot be fitted, gets the point of `ask`. So do all searches with constraints,
        which the batched optimizer does not support.
        """
        if space.constraints:
            return super().ask_many(space, histories, goal=goal, seeds=seeds, number=number)
        proposed = batched_proposals(self.settings, space, histories, goal=goal, seeds=seeds, number=number)
        return [
            self.ask(space, history, goal=goal, seed=seed, number=number) if point is None else point
            for point, history, seed in zip(proposed, histories, seeds, strict=True)
        ]


@contextmanager
def _quiet() -> Iterator[None]:
    """Use BoTorch without warnings that are irrelevant to the search."""
    with no_deprecations():
        from botorch.exceptions.warnings import BotorchWarning
        from linear_operator.utils.warnings import NumericalWarning

        # Line searches that end early keep the best start, near-singular matrices get jitter, and BoTorch considers values not
        # standardized after winsorizing.
        warnings.simplefilter("ignore", category=BotorchWarning)
        warnings.simplefilter("ignore", category=NumericalWarning)
        # Every start ended early: BoTorch retries from other starts.
        warnings.filterwarnings("ignore", message="Optimization failed", category=RuntimeWarning)
        yield
