"""hpstudy from Python: what the command line does, as functions."""

from hpstudy.api.bundling import bundle, open_bundle
from hpstudy.api.confirming import confirm
from hpstudy.api.databases import check, default_storage, export, locate, open
from hpstudy.api.figures import figure, figure_names, plot_figure
from hpstudy.api.importing import import_trials
from hpstudy.api.planning import plan, plan_endpoints, power
from hpstudy.api.reports import WrittenReport, write_report
from hpstudy.api.results import analyze
from hpstudy.api.running import resume, run
from hpstudy.api.serving import serve
from hpstudy.api.shards import merge, slurm

__all__ = [
    "WrittenReport",
    "analyze",
    "bundle",
    "check",
    "confirm",
    "default_storage",
    "export",
    "figure",
    "figure_names",
    "import_trials",
    "locate",
    "merge",
    "open",
    "open_bundle",
    "plan",
    "plan_endpoints",
    "plot_figure",
    "power",
    "resume",
    "run",
    "serve",
    "slurm",
    "write_report",
]
