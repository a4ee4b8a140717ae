"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpstudy.cli import completion
from hpstudy.cli.output import Format
from hpstudy.observers import OBSERVERS

STUDY_HELP = "A database, a study file, or the name of a study (its database is then runs/NAME.sqlite)."

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="A study file (YAML).", autocompletion=completion.studies)]
AnyStudy = Annotated[Path, typer.Argument(metavar="STUDY", help=STUDY_HELP, autocompletion=completion.studies)]
Storage = Annotated[
    Path | None,
    typer.Option(
        "--storage",
        help="The study's database, or a folder for databases. Default: the environment variable HPSTUDY_STORAGE, or runs/.",
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        "--scale",
        help="Apply one of the study file's `scales`, such as small. The study is then called NAME-SCALE.",
        autocompletion=completion.scales,
    ),
]
Form = Annotated[Format, typer.Option("--format", help="Output format.")]
View = Annotated[str | None, typer.Option("--view", help="Only this view.", autocompletion=completion.views)]

Workers = Annotated[
    int | None,
    typer.Option(
        "-j",
        "--workers",
        min=1,
        help="Worker processes, one thread each. Default: the number of physical cores; on a cluster, all threads of its workers.",
    ),
]
Executor = Annotated[str, typer.Option("--executor", help="Where trials run; see `hpstudy list executors`.")]
Address = Annotated[str | None, typer.Option("--address", help="Scheduler of --executor dask, such as tcp://10.0.0.1:8786.")]
SchedulerFile = Annotated[
    Path | None,
    typer.Option("--scheduler-file", help="The file that `dask scheduler --scheduler-file` wrote, instead of --address."),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", min=0.001, help="Time limit per trial in seconds; overrides limits.timeout_s of the study."),
]
AllowMixed = Annotated[
    bool,
    typer.Option(
        "--allow-mixed",
        help="Use workers even if their library versions differ from those here. Recorded and shown in the report.",
    ),
]
AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-changed-code",
        help="Continue even if your function's source file has changed. The change is recorded and shown in the report.",
    ),
]
Observers = Annotated[
    list[str] | None,
    typer.Option(
        "--observer",
        metavar="NAME",
        help="Log finished trials elsewhere too: tensorboard, mlflow, wandb or my_module:MyObserver. Repeat it for several.",
        autocompletion=lambda: list(OBSERVERS),
    ),
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Print a line per trial.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")]
