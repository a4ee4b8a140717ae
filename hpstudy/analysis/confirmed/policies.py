"""The declared endpoints under other treatments of trainings without a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from hpstudy.analysis.confirmed.curves import Policy, confirmed_curves
from hpstudy.analysis.confirmed.endpoints import EndpointResult, endpoint_results
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.trials.searches import Searches


@dataclass(frozen=True)
class EndpointsUnderPolicy:
    """The declared endpoints on confirmed values, under one treatment of trainings without a value."""

    policy: Policy
    endpoints: tuple[EndpointResult, ...]


def under_policies(rows: Any, searches: Mapping[str, Searches], endpoints: Endpoints) -> tuple[EndpointsUnderPolicy, ...]:
    """The endpoints under every policy; empty where every training gave a value, or no endpoint uses confirmed values.

    Args:
        rows: DataFrame from `hpstudy.store.Reader.confirmations`.
        searches: the trials of every view.
        endpoints: endpoints of a study with `confirm.incumbents`.
    """
    study = endpoints.study
    lost = bool((rows["state"] != "running").any()) and not np.isfinite(rows["objective"][rows["state"] != "running"]).all()
    failed = any(bool((block.ended & np.isnan(block.values)).any()) for block in searches.values())
    if not (lost or failed) or all(endpoint.use == "trials_to_target" for endpoint in study.analysis.endpoints):
        return ()
    by_policy = []
    for policy in get_args(Policy):
        results = endpoint_results(confirmed_curves(rows, searches, study, policy), searches, endpoints)
        confirmed = tuple(result for result in results if result.endpoint.use != "trials_to_target")
        by_policy.append(EndpointsUnderPolicy(policy, confirmed))
    return tuple(by_policy)
