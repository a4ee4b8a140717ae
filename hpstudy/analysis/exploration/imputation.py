"""Imputation of absent hyperparameters by the middle of their range, as in the search, for models that need a number everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.study.parameters import conditions, is_one_of
from hpstudy.study.space import Space

MIDDLE = 0.5
"""Imputed unit coordinate of an absent hyperparameter."""


@dataclass(frozen=True)
class Imputation:
    """The conditions of a space, over unit coordinates."""

    space: Space

    def present(self, unit: Floats) -> Bools:
        """(points x hyperparameters) mask of the hyperparameters that are present at the (points x hyperparameters) coordinates."""
        present = np.ones(unit.shape, dtype=np.bool_)
        columns = {name: column for column, name in enumerate(self.space.names())}
        for name, parameter in self.space.items():
            for parent, values in conditions(parameter).items():
                value_at = self.space.root[parent].at
                admitted = [is_one_of(value_at(u), values) for u in unit[:, columns[parent]].tolist()]
                present[:, columns[name]] &= present[:, columns[parent]] & np.array(admitted, dtype=np.bool_)
        return present

    def __call__(self, unit: Floats) -> Floats:
        """The coordinates with absent hyperparameters imputed."""
        return np.where(self.present(unit), unit, MIDDLE) if self.space.is_conditional else unit
