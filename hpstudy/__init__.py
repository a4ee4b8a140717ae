"""hpstudy: hyperparameter-tuning studies.

    study = hpstudy.load_study("studies/quick.yaml")
    hpstudy.run(study)
    trials = hpstudy.open("runs/quick.sqlite").trials()      # a pandas DataFrame

Every command is a function here. `import hpstudy` imports no other package: names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpstudy.analysis.comparisons.planning import EndpointPower as EndpointPower
    from hpstudy.analysis.confirmed.planning import PlannedEndpoint as PlannedEndpoint
    from hpstudy.analysis.results import Results as Results
    from hpstudy.api.bundling import bundle as bundle
    from hpstudy.api.confirming import confirm as confirm
    from hpstudy.api.databases import check as check
    from hpstudy.api.databases import export as export
    from hpstudy.api.databases import open as open
    from hpstudy.api.figures import figure as figure
    from hpstudy.api.figures import figure_names as figure_names
    from hpstudy.api.figures import plot_figure as plot_figure
    from hpstudy.api.importing import import_trials as import_trials
    from hpstudy.api.planning import plan as plan
    from hpstudy.api.planning import plan_endpoints as plan_endpoints
    from hpstudy.api.planning import power as power
    from hpstudy.api.reports import WrittenReport as WrittenReport
    from hpstudy.api.reports import write_report as write_report
    from hpstudy.api.results import analyze as analyze
    from hpstudy.api.running import resume as resume
    from hpstudy.api.running import run as run
    from hpstudy.api.serving import serve as serve
    from hpstudy.api.shards import merge as merge
    from hpstudy.api.shards import slurm as slurm
    from hpstudy.bundles import Bundle as Bundle
    from hpstudy.bundles import open_bundle as open_bundle
    from hpstudy.catalog import parts as parts
    from hpstudy.checkpoint import Checkpoint as Checkpoint
    from hpstudy.data import library as datasets  # noqa: F401  # public under another name
    from hpstudy.engine.executors import Executor as Executor
    from hpstudy.engine.forecast import Forecast as Forecast
    from hpstudy.engine.progress import Observer as Observer
    from hpstudy.engine.progress import progress_for as progress_for
    from hpstudy.engine.run import RunSummary as RunSummary
    from hpstudy.errors import DataError as DataError
    from hpstudy.errors import Diverged as Diverged
    from hpstudy.errors import HpstudyError as HpstudyError
    from hpstudy.errors import OutputError as OutputError
    from hpstudy.errors import PluginError as PluginError
    from hpstudy.errors import Problem as Problem
    from hpstudy.errors import StoreBusy as StoreBusy
    from hpstudy.errors import StoreError as StoreError
    from hpstudy.errors import StoreTooNew as StoreTooNew
    from hpstudy.errors import StudyBroken as StudyBroken
    from hpstudy.errors import StudyChanged as StudyChanged
    from hpstudy.errors import StudyError as StudyError
    from hpstudy.errors import UsageError as UsageError
    from hpstudy.loading.jsonschema import study_schema as study_schema
    from hpstudy.loading.load import load_study as load_study
    from hpstudy.observers.interface import FinishedTrial as FinishedTrial
    from hpstudy.observers.interface import TrialObserver as TrialObserver
    from hpstudy.search.interface import Observation as Observation
    from hpstudy.search.interface import Searcher as Searcher
    from hpstudy.store import Reader as Reader
    from hpstudy.study.schema import Study as Study
    from hpstudy.study.schema import View as View
    from hpstudy.study.shipped import copy_shipped as copy_shipped
    from hpstudy.study.space import Point as Point
    from hpstudy.study.space import Space as Space
    from hpstudy.tasks.interface import Report as Report
    from hpstudy.tasks.interface import Task as Task
    from hpstudy.tasks.outcome import Outcome as Outcome

_HOMES = {
    "hpstudy.analysis.comparisons.planning": "EndpointPower",
    "hpstudy.analysis.confirmed.planning": "PlannedEndpoint",
    "hpstudy.analysis.results": "Results",
    "hpstudy.api.bundling": "bundle",
    "hpstudy.api.confirming": "confirm",
    "hpstudy.api.databases": "check export open",
    "hpstudy.api.figures": "figure figure_names plot_figure",
    "hpstudy.api.importing": "import_trials",
    "hpstudy.api.planning": "plan plan_endpoints power",
    "hpstudy.api.reports": "WrittenReport write_report",
    "hpstudy.api.results": "analyze",
    "hpstudy.api.running": "resume run",
    "hpstudy.api.serving": "serve",
    "hpstudy.api.shards": "merge slurm",
    "hpstudy.bundles": "Bundle open_bundle",
    "hpstudy.catalog": "parts",
    "hpstudy.checkpoint": "Checkpoint",
    "hpstudy.engine.executors": "Executor",
    "hpstudy.engine.forecast": "Forecast",
    "hpstudy.engine.progress": "Observer progress_for",
    "hpstudy.engine.run": "RunSummary",
    "hpstudy.errors": "DataError Diverged HpstudyError OutputError PluginError Problem StoreBusy StoreError StoreTooNew StudyBroken "
    "StudyChanged StudyError UsageError",
    "hpstudy.loading.jsonschema": "study_schema",
    "hpstudy.loading.load": "load_study",
    "hpstudy.observers.interface": "FinishedTrial TrialObserver",
    "hpstudy.search.interface": "Observation Searcher",
    "hpstudy.store": "Reader",
    "hpstudy.study.schema": "Study View",
    "hpstudy.study.shipped": "copy_shipped",
    "hpstudy.study.space": "Point Space",
    "hpstudy.tasks.interface": "Report Task",
    "hpstudy.tasks.outcome": "Outcome",
}
"""The public names by module. A name is imported on first use; the imports above are for type checkers."""

__all__ = sorted({"datasets", *" ".join(_HOMES.values()).split()})


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("hpstudy.data.library")
    for module, names in _HOMES.items():
        if name in names.split():
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'hpstudy' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
