"""All numbers of a report as one JSON document."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hpstudy.analysis.baselines.searchers import Searchers
from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, summary
from hpstudy.metric_names import is_of_bin
from hpstudy.report import endpoints, sweeps
from hpstudy.report.headline import headline
from hpstudy.study.schema import PICKLED, Study

FORMAT = "hpstudy report"
"""Identifies a JSON file as a report of hpstudy."""

LEFT_OUT = {"searches", "best", "points", "confirmed", "scored", "optimism", "independent"}
"""The (replicates x trials) fields of a view, which are in best_so_far.csv, searched_trials.csv and confirmed_curves.csv instead, and the
pseudo-values of endpoints."""


def text(body: Mapping[str, Any]) -> str:
    """A report's numbers as JSON text. NaN is null; infinity is the string "inf"."""
    return json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def body(results: Results) -> dict[str, Any]:
    """All numbers of a report.

    The (replicates x trials) values are only in best_so_far.csv or sweep_values.csv, and the bins of layers only in
    never_flipped_histograms.csv. A sweep has "sweep" instead of "target", "views", "comparisons" and "holm_adjusted_p". "criteria" is
    present if claims are declared, and "endpoints" if endpoints are declared. "endpoints_of_first_replicates",
    "exceeded_plateaus", "endpoints_under_policies", "confirmed", "secondary", "controls", "searchers", "confirmation", "extended",
    "epochs", "ranking", "broken_seals", "database_digest" and "seal_note" are present if they have a value.
    """
    return {
        "format": FORMAT,
        "version": 1,
        "study": results.study.name,
        "fingerprint": results.study.fingerprint(),
        "headline": headline(results),
        "provisional": results.provisional,
        **_present(broken_seals=results.broken_seals),
        "settings": {
            "seed": results.seed,
            "resamples": results.study.analysis.resamples,
            "confidence": results.study.analysis.confidence,
            "budgets": list(results.budgets),
            "margin": results.study.analysis.margin,
        },
        **({"sweep": [_sweep_view(results, view) for view in results.sweep]} if results.sweep else _of_search(results)),
        **_present(
            criteria=plain(results.criteria),
            endpoints=_endpoints(results, results.declared),
            endpoints_of_first_replicates=_endpoints(results, results.declared_first),
            exceeded_plateaus=plain(results.exceeded_plateaus),
            endpoints_under_policies=[
                {"policy": of.policy, "endpoints": _endpoints(results, of.endpoints)} for of in results.policies
            ],
            confirmed=plain(results.confirmed),
            secondary=plain(results.secondary),
            controls=plain(results.controls),
            searchers=_searchers(results.searchers),
            confirmation=plain(results.confirmation),
            extended=None if results.sweep else plain(results.supplement),
            epochs=plain(results.epochs),
            ranking=plain(results.ranking),
        ),
        "declaration": plain(results.declaration),
        "failures": plain(results.failures),
        "identity": dict(results.identity),
        **_present(database_digest=results.database_digest, seal_note=results.seal_note),
        "environments": plain(results.environments),
        "events": plain(results.events),
        "definition": _definition(results.study),
    }


def _present(**parts: Any) -> dict[str, Any]:
    """The parts that have a value."""
    return {name: part for name, part in parts.items() if part}


def _searchers(compared: Searchers | None) -> dict[str, Any] | None:
    if compared is None:
        return None
    pairs = [
        {
            "searcher": one.searcher,
            "endpoint": one.endpoint.model_dump(mode="json"),
            "on_observed": one.on_observed,
            **plain(pair),
        }
        for one in compared.compared
        for pair in one.pairs
    ]
    return {"complete": compared.complete, "views": plain(compared.views), "interactions": pairs}


def _definition(study: Study) -> dict[str, Any]:
    """The study, without the bytes of a pickled function."""
    definition = study.model_dump(mode="json")
    if study.task.is_pickled:
        del definition["task"][PICKLED]["data"]
    return definition


def _endpoints(results: Results, measured: Iterable[EndpointResult]) -> list[dict[str, Any]]:
    return [
        {
            "title": endpoints.title(results, one.endpoint),
            "estimand": endpoints.estimand(results, one),
            **plain(one),
            "endpoint": one.endpoint.model_dump(mode="json"),
        }
        for one in measured
    ]


def _of_search(results: Results) -> dict[str, Any]:
    return {
        "target": plain(results.level),
        "views": [plain(view) for view in results.views],
        "comparisons": [plain(pair) for pair in results.pairs],
        "holm_adjusted_p": plain(results.adjusted),
    }


def _sweep_view(results: Results, swept: SweepView) -> dict[str, Any]:
    view = results.view(swept.name)
    values = {metric: block for metric, block in swept.values.items() if not is_of_bin(metric)}
    means = {metric: summary(block, results.study.analysis.confidence) for metric, block in values.items()}
    return {
        "name": view.name,
        "swept": list(swept.swept),
        "points": [dict(point) or None for point in swept.points],
        "best_point": sweeps.best(results, swept),
        "means": {metric: plain(of_points) for metric, of_points in means.items()},
        "completeness": plain(view.completeness),
        "cost": plain(view.cost),
    }


def plain(value: Any) -> Any:
    """A JSON-compatible value, without the arrays of `LEFT_OUT`; a number with the name of one of them is kept."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: plain(part) for name, part in parts if name not in LEFT_OUT or isinstance(part, int | float)}
    if isinstance(value, np.ndarray):
        return value.tolist() if value.dtype == np.float64 and np.isfinite(value).all() else plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value
