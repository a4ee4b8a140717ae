"""The public names of hpstudy: a fixed list, every command among them, typed for a user who checks strictly."""

import ast
import inspect
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from typer.main import get_command

import hpstudy
from hpstudy.cli import app

ROOT = Path(__file__).parents[1]

FUNCTIONS = [
    *(
        "analyze",
        "bundle",
        "check",
        "confirm",
        "copy_shipped",
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
    ),
    *(
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
    ),
]
TYPES = [
    *(
        "Bundle",
        "Checkpoint",
        "EndpointPower",
        "Executor",
        "FinishedTrial",
        "Forecast",
        "Observation",
        "Observer",
        "Outcome",
        "PlannedEndpoint",
        "Point",
        "Problem",
        "Reader",
    ),
    *("Report", "Results", "RunSummary", "Searcher", "Space", "Study", "Task", "TrialObserver", "View", "WrittenReport"),
]
ERRORS = [
    *(
        "DataError",
        "Diverged",
        "HpstudyError",
        "OutputError",
        "PluginError",
        "StoreBusy",
        "StoreError",
        "StoreTooNew",
        "StudyBroken",
    ),
    *("StudyChanged", "StudyError", "UsageError"),
]

FUNCTION_OF = {
    "validate": "load_study",
    "plan": "plan",
    "run": "run",
    "resume": "resume",
    "merge": "merge",
    "slurm": "slurm",
    "confirm": "confirm",
    "status": "open",
    "trials": "open",
    "best": "open",
    "report": "write_report",
    "plot": "plot_figure",
    "export": "export",
    "bundle": "bundle",
    "open": "open_bundle",
    "serve": "serve",
    "power": "power",
    "init": "copy_shipped",
    "list": "parts",
    "schema": "study_schema",
    "import": "import_trials",
    "db": "check",
    "data": "datasets",
}
"""The function or module behind each command."""


def test_the_public_names_are_these():
    assert dir(hpstudy) == hpstudy.__all__ == sorted([*FUNCTIONS, *TYPES, *ERRORS, "datasets"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_can_be_called(name):
    assert callable(getattr(hpstudy, name))


@pytest.mark.parametrize("name", ERRORS)
def test_a_public_error_is_an_exception(name):
    assert issubclass(getattr(hpstudy, name), Exception)


def test_type_checkers_and_the_running_program_find_a_name_in_the_same_module():
    body = next(node.body for node in ast.parse((ROOT / "hpstudy/__init__.py").read_text()).body if isinstance(node, ast.If))
    typed = {alias.asname or alias.name: node.module for node in body for alias in node.names}
    assert typed.pop("datasets") == "hpstudy.data"
    assert typed == {name: module for module, names in hpstudy._HOMES.items() for name in names.split()}


def test_no_public_name_is_hidden_by_a_module_of_that_name():
    modules = {path.stem for path in (ROOT / "hpstudy").iterdir()}
    assert not modules & set(hpstudy.__all__)


def test_every_public_name_is_documented():
    page = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    assert [name for name in hpstudy.__all__ if not re.search(rf"^\.\. \w+:: hpstudy\.{name}\b", page, re.MULTILINE)] == []


def test_every_command_is_a_public_name():
    assert list(FUNCTION_OF) == list(get_command(app).commands)
    assert set(FUNCTION_OF.values()) <= set(hpstudy.__all__)


def parameters(function):
    """The parameters of a public function."""
    return list(inspect.signature(getattr(hpstudy, function)).parameters.values())


WITH_STUDY = [name for name in FUNCTIONS if {"study", "studies"} & {each.name for each in parameters(name)}]


@pytest.mark.parametrize("name", WITH_STUDY)
def test_a_function_takes_the_study_first(name):
    names = [each.name for each in parameters(name)]
    assert names[0] in ("study", "studies") or names[:2] == ["pilot", "study"]


@pytest.mark.parametrize("name", WITH_STUDY)
def test_options_are_keywords_and_a_database_may_follow_the_study(name):
    options = [each for each in parameters(name)[1:] if each.default is not inspect.Parameter.empty]
    positional = [each.name for each in options if each.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert positional in ([], ["storage"], ["output"])
    if "storage" in positional:
        assert parameters(name)[1].name == "storage"


NAMED_OTHERWISE = {"timeout": "timeout_s", "observer": "observers", "verbose": "progress", "quiet": "progress"}
"""Options whose function has a parameter of another name: with a unit, for several, or an object."""

ONLY_OF_A_COMMAND = {"optuna", "template", "format"}
"""Options that select another function, or how rows are printed."""


@pytest.mark.parametrize(
    "command", [name for name, function in FUNCTION_OF.items() if function in WITH_STUDY and function not in ("open", "power")]
)
def test_an_option_is_a_parameter_of_the_function(command):
    found = get_command(app).commands[command]
    commands = getattr(found, "commands", {command: found}).values()
    words = {word for each in commands for option in each.params for word in option.opts if word.startswith("--")}
    options = {word.removeprefix("--").replace("-", "_") for word in words} - ONLY_OF_A_COMMAND
    assert {NAMED_OTHERWISE.get(name, name) for name in options} <= {each.name for each in parameters(FUNCTION_OF[command])}


def test_an_option_of_power_is_a_parameter_of_one_of_its_two_functions():
    words = {word for option in get_command(app).commands["power"].params for word in option.opts if word.startswith("--")}
    names = {each.name for function in ("power", "plan_endpoints") for each in parameters(function)}
    assert {word.removeprefix("--") for word in words} - names == {"for", "format"}


def test_the_commands_on_data_sets_are_functions_of_datasets():
    functions = {"list": "list_sets", "import": "import_set"}
    for command in get_command(app).commands["data"].commands:
        assert callable(getattr(hpstudy.datasets, functions.get(command, command)))


USER = """
from pathlib import Path
from typing import Any, assert_type

import pandas as pd
from matplotlib.figure import Figure

import hpstudy

study = hpstudy.load_study("studies/quick.yaml", "small")
assert_type(study, hpstudy.Study)
assert_type(hpstudy.run(study, progress=hpstudy.progress_for()), hpstudy.RunSummary)
assert_type(hpstudy.resume("quick").complete, bool)
assert_type(hpstudy.merge(["a.sqlite", Path("b.sqlite")]), Path)
assert_type(hpstudy.slurm("studies/audio.yaml", shards=4, options=["--time=1:00:00"]), str)
assert_type(hpstudy.confirm("quick", seeds=5), hpstudy.RunSummary)
assert_type(hpstudy.plan("studies/quick.yaml"), hpstudy.Forecast)
with hpstudy.open("quick", scale=None) as reader:
    assert_type(reader, hpstudy.Reader)
    assert_type(reader.trials(), pd.DataFrame)
assert_type(hpstudy.analyze("quick"), hpstudy.Results)
assert_type(hpstudy.write_report(["a", "b"], storage="runs"), hpstudy.WrittenReport)
assert_type(hpstudy.figure("quick", "best_so_far"), Figure)
assert_type(hpstudy.figure_names("quick"), tuple[str, ...])
assert_type(hpstudy.plot_figure("quick", "best_so_far", "a.svg"), Path)
assert_type(hpstudy.power("quick", difference=0.01), tuple[hpstudy.EndpointPower, ...])
assert_type(hpstudy.plan_endpoints("pilot", "studies/audio.yaml"), tuple[hpstudy.PlannedEndpoint, ...])
assert_type(hpstudy.export("quick", format="json"), str | None)
assert_type(hpstudy.bundle("quick", "quick.zip"), hpstudy.Bundle)
assert_type(hpstudy.open_bundle("quick.zip"), Path)
hpstudy.serve(["quick"], port=8800)
assert_type(hpstudy.import_trials("quick", "known.csv", "a"), int)
assert_type(hpstudy.check("quick"), list[str])
assert_type(hpstudy.parts("tasks"), dict[str, str])
assert_type(hpstudy.study_schema(), dict[str, Any])
assert_type(hpstudy.copy_shipped(Path("here")), list[Path])
assert_type(hpstudy.datasets.path("fsdd"), Path)


def train(params: hpstudy.Point, seed: int, report: hpstudy.Report) -> float:
    assert_type(report.checkpoint, hpstudy.Checkpoint)
    report(1, loss=0.5)
    raise hpstudy.Diverged


class Mine(hpstudy.Observer):
    def note(self, text: str) -> None: ...


try:
    hpstudy.run("a.yaml", progress=Mine())
except hpstudy.StudyError as error:
    assert_type(error.problems, tuple[hpstudy.Problem, ...])
"""
MISTAKES = """
import hpstudy

hpstudy.run(1)
hpstudy.power("quick")
hpstudy.open("quick").trial()
"""


def mypy(path, text):
    """Check a user's script strictly, with the checked package on the path; returns its output."""
    path.write_text(textwrap.dedent(text))
    command = [sys.executable, "-m", "mypy", "--strict", path]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"MYPYPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return done.stdout


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "hpstudy/py.typed").read_text() == ""


def test_a_users_script_has_types(tmp_path):
    assert mypy(tmp_path / "user.py", USER) == "Success: no issues found in 1 source file\n"


def test_the_typing_test_uses_every_public_function():
    used = set(re.findall(r"hpstudy\.([a-z_]+)", USER))
    assert {*FUNCTIONS, "datasets"} <= used


def test_mistakes_of_a_users_script_are_found(tmp_path):
    lines = mypy(tmp_path / "user.py", MISTAKES).splitlines()
    assert [re.search(r"\[([a-z-]+)\]", line)[1] for line in lines if "error:" in line] == [
        "arg-type",
        "call-arg",
        "attr-defined",
    ]
