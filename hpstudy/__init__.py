"""hpstudy: hyperparameter-tuning studies.

    study = hpstudy.load_study("studies/quick.yaml")
    hpstudy.run(study)
    trials = hpstudy.open("runs/quick.sqlite").trials()      # a pandas DataFrame

Every command is a function here. `import hpstudy` imports no other package: most names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hpstudy.checkpoint import Checkpoint
from hpstudy.errors import (
    DataError,
    Diverged,
    HpstudyError,
    PluginError,
    Problem,
    StoreBusy,
    StoreError,
    StoreTooNew,
    StudyBroken,
    StudyChanged,
    StudyError,
    UsageError,
)

if TYPE_CHECKING:
    from hpstudy.analysis.comparisons.planning import EndpointPower
    from hpstudy.analysis.confirmed.planning import PlannedEndpoint
    from hpstudy.analysis.results import Results
    from hpstudy.api import (
        WrittenReport,
        analyze,
        bundle,
        check,
        confirm,
        export,
        figure,
        figure_names,
        import_trials,
        merge,
        open,
        open_bundle,
        plan,
        plan_endpoints,
        plot_figure,
        power,
        resume,
        run,
        serve,
        slurm,
        write_report,
    )
    from hpstudy.bundles import Bundle
    from hpstudy.catalog import parts
    from hpstudy.data import library as datasets
    from hpstudy.engine.executors import Executor
    from hpstudy.engine.forecast import Forecast
    from hpstudy.engine.progress import Observer, progress_for
    from hpstudy.engine.run import RunSummary
    from hpstudy.loading.jsonschema import study_schema
    from hpstudy.loading.load import load_study
    from hpstudy.observers.interface import FinishedTrial, TrialObserver
    from hpstudy.search.interface import Observation, Searcher
    from hpstudy.store import Reader
    from hpstudy.study.schema import Study, View
    from hpstudy.study.shipped import copy_shipped
    from hpstudy.study.space import Point, Space
    from hpstudy.tasks.interface import Report, Task
    from hpstudy.tasks.outcome import Outcome

__all__ = [
    "Bundle",
    "Checkpoint",
    "DataError",
    "Diverged",
    "EndpointPower",
    "Executor",
    "FinishedTrial",
    "Forecast",
    "HpstudyError",
    "Observation",
    "Observer",
    "Outcome",
    "PlannedEndpoint",
    "PluginError",
    "Point",
    "Problem",
    "Reader",
    "Report",
    "Results",
    "RunSummary",
    "Searcher",
    "Space",
    "StoreBusy",
    "StoreError",
    "StoreTooNew",
    "Study",
    "StudyBroken",
    "StudyChanged",
    "StudyError",
    "Task",
    "TrialObserver",
    "UsageError",
    "View",
    "WrittenReport",
    "analyze",
    "bundle",
    "check",
    "confirm",
    "copy_shipped",
    "datasets",
    "export",
    "figure",
    "figure_names",
    "import_trials",
    "load_study",
    "merge",
    "open",
    "open_bundle",
    "parts",
    "plan",
    "plan_endpoints",
    "plot_figure",
    "power",
    "progress_for",
    "resume",
    "run",
    "serve",
    "slurm",
    "study_schema",
    "write_report",
]

_HOMES = {
    "hpstudy.analysis.comparisons.planning": "EndpointPower",
    "hpstudy.analysis.confirmed.planning": "PlannedEndpoint",
    "hpstudy.analysis.results": "Results",
    "hpstudy.api": "WrittenReport analyze bundle check confirm export figure figure_names import_trials merge open open_bundle plan "
    "plan_endpoints plot_figure power resume run serve slurm write_report",
    "hpstudy.engine.executors": "Executor",
    "hpstudy.engine.forecast": "Forecast",
    "hpstudy.engine.progress": "Observer progress_for",
    "hpstudy.engine.run": "RunSummary",
    "hpstudy.bundles": "Bundle",
    "hpstudy.catalog": "parts",
    "hpstudy.search.interface": "Observation Searcher",
    "hpstudy.store": "Reader",
    "hpstudy.loading.jsonschema": "study_schema",
    "hpstudy.loading.load": "load_study",
    "hpstudy.observers.interface": "FinishedTrial TrialObserver",
    "hpstudy.study.schema": "Study View",
    "hpstudy.study.shipped": "copy_shipped",
    "hpstudy.study.space": "Point Space",
    "hpstudy.tasks.interface": "Report Task",
    "hpstudy.tasks.outcome": "Outcome",
}
"""The module of every name that is imported on first use."""


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("hpstudy.data.library")
    for module, names in _HOMES.items():
        if name in names.split():
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'hpstudy' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
