"""All numbers of a report as one JSON document."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hpstudy.analysis.baselines.searchers import Searchers
from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, summary
from hpstudy.analysis.view_result import ViewResult
from hpstudy.metric_names import is_of_bin
from hpstudy.report import endpoints, sweeps
from hpstudy.report.headline import headline
from hpstudy.study.schema import PICKLED, Study

FORMAT = "hpstudy report"
"""Identifies a JSON file as a report of hpstudy."""

IN_CSV = {"searches", "best", "points", "confirmed", "scored", "optimism"}
"""The (replicates x trials) fields of a view, which are in best_so_far.csv, searched_trials.csv and confirmed_curves.csv instead."""


def text(body: Mapping[str, Any]) -> str:
    """A report's numbers as JSON text. NaN is null; infinity is the string "inf"."""
    return json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def body(results: Results) -> dict[str, Any]:
    """All numbers of a report.

    The (replicates x trials) values are only in best_so_far.csv or sweep_values.csv, and the bins of layers only in
    never_flipped_histograms.csv. A sweep has "sweep" instead of "target", "views", "comparisons" and "holm_adjusted_p". "criteria" is
    present if claims are declared, and "endpoints" if endpoints are declared. "endpoints_of_first_replicates",
    "endpoints_under_policies", "confirmed", "secondary", "controls", "searchers", "confirmation", "extended", "epochs", "ranking",
    "broken_seals", "database_digest" and "seal_note" are present if they have a value.
    """
    return {
        "format": FORMAT,
        "version": 1,
        "study": results.study.name,
        "fingerprint": results.study.fingerprint(),
        "headline": headline(results),
        "provisional": results.provisional,
        **({"broken_seals": results.broken_seals} if results.broken_seals else {}),
        "settings": {
            "seed": results.seed,
            "resamples": results.study.analysis.resamples,
            "confidence": results.study.analysis.confidence,
            "budgets": list(results.budgets),
            "margin": results.study.analysis.margin,
        },
        **(_of_sweep(results) if results.sweep else _of_search(results)),
        **({"criteria": plain(results.criteria)} if results.criteria else {}),
        **({"endpoints": [_endpoint(results, result) for result in results.declared]} if results.declared else {}),
        **(
            {"endpoints_of_first_replicates": [_endpoint(results, result) for result in results.declared_first]}
            if results.declared_first
            else {}
        ),
        **({"endpoints_under_policies": _under_policies(results)} if results.policies else {}),
        **({"confirmed": plain(results.confirmed)} if results.confirmed else {}),
        **({"secondary": plain(results.secondary)} if results.secondary else {}),
        **({"controls": plain(results.controls)} if results.controls is not None else {}),
        **({"searchers": _searchers(results.searchers)} if results.searchers is not None else {}),
        **({"confirmation": plain(results.confirmation)} if results.confirmation is not None else {}),
        **({"extended": plain(results.supplement)} if results.supplement is not None and not results.sweep else {}),
        **({"epochs": plain(results.epochs)} if results.epochs is not None else {}),
        **({"ranking": plain(results.ranking)} if results.ranking is not None else {}),
        "declaration": plain(results.declaration),
        "failures": plain(results.failures),
        "identity": dict(results.identity),
        **({"database_digest": results.database_digest} if results.database_digest else {}),
        **({"seal_note": results.seal_note} if results.seal_note else {}),
        "environments": plain(results.environments),
        "events": plain(results.events),
        "definition": _definition(results.study),
    }


def _searchers(compared: Searchers) -> dict[str, Any]:
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


def _under_policies(results: Results) -> list[dict[str, Any]]:
    return [
        {"policy": of.policy, "endpoints": [_endpoint(results, result) for result in of.endpoints]} for of in results.policies
    ]


def _endpoint(results: Results, result: EndpointResult) -> dict[str, Any]:
    words = {"title": endpoints.title(results, result.endpoint), "estimand": endpoints.estimand(results, result)}
    return {**words, **plain(result), "endpoint": result.endpoint.model_dump(mode="json")}


def _of_search(results: Results) -> dict[str, Any]:
    return {
        "target": plain(results.level),
        "views": [plain(view) for view in results.views],
        "comparisons": [plain(pair) for pair in results.pairs],
        "holm_adjusted_p": plain(results.adjusted),
    }


def _of_sweep(results: Results) -> dict[str, Any]:
    pairs = zip(results.views, results.sweep, strict=True)
    return {"sweep": [_sweep_view(results, view, swept) for view, swept in pairs]}


def _sweep_view(results: Results, view: ViewResult, swept: SweepView) -> dict[str, Any]:
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
    """A JSON-compatible value, without the large arrays of `IN_CSV`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.name not in IN_CSV or _is_small(value, field.name)]
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def _is_small(holder: Any, name: str) -> bool:
    """Whether a field with the name of a large array is a scalar."""
    return isinstance(getattr(holder, name), int | float)
