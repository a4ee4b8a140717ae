"""Who may import what: the walls of the house, held by a test."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hpstudy"
CORE = ("study", "search", "loading", "engine", "store", "analysis", "report")
HEAVY = (
    *(
        "torch",
        "ax",
        "botorch",
        "gpytorch",
        "torchaudio",
        "matplotlib",
        "plotly",
        "pandas",
        "scipy",
        "sklearn",
        "optuna",
        "sqlalchemy",
    ),
    *("pyarrow", "typst", "soundfile"),
)


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def importers(*roots: str) -> set[str]:
    """The package's files that import one of these top-level modules."""
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] in roots for name in imports(path))
    }


def test_only_the_ax_searcher_imports_ax_and_botorch():
    assert importers("ax", "botorch", "gpytorch") == {"search/ax.py"}


def test_only_the_store_imports_sqlite3():
    assert {path.split("/")[0] for path in importers("sqlite3")} == {"store"}


def test_only_the_report_imports_matplotlib_plotly_and_typst():
    # api.py names the type that `hpstudy.figure` returns; the test of commands below holds that it does not load matplotlib.
    assert {path.split("/")[0] for path in importers("matplotlib", "plotly", "typst")} == {"report", "api.py"}


def test_a_chart_knows_no_pen_and_a_pen_no_kind_of_figure():
    charts, pens = PACKAGE / "report/charts", PACKAGE / "report/pens"
    for path in charts.rglob("*.py"):
        assert not [name for name in imports(path) if name.startswith(("matplotlib", "plotly", "hpstudy.report.pens"))], path
    for path in pens.rglob("*.py"):
        used = {name for name in imports(path) if name.startswith("hpstudy.report.")}
        assert all(name.startswith(("hpstudy.report.style", "hpstudy.report.charts.model")) for name in used), path


def test_only_one_file_imports_scikit_learn_and_one_optuna():
    assert importers("sklearn") == {"analysis/exploration/importance.py"}
    assert importers("optuna", "sqlalchemy") == {"store/optuna_export.py"}


@pytest.mark.parametrize("room", CORE)
def test_the_core_knows_nothing_of_binary_networks(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert not [name for name in imports(path) if name.startswith(("hpstudy.bnn", "hpstudy.data"))], path


@pytest.mark.parametrize("room", [*CORE, "tasks", "cli"])
def test_binary_networks_know_nothing_of_studies(room):
    for path in (PACKAGE / "bnn").rglob("*.py"):
        assert not [name for name in imports(path) if name.startswith(f"hpstudy.{room}")], path


def test_nothing_but_the_command_line_imports_the_command_line():
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name != "cli" and path.name != "__main__.py":
            assert not [name for name in imports(path) if name.startswith("hpstudy.cli")], path


@pytest.mark.parametrize(
    "command",
    [["--help"], ["validate", "studies/audio.yaml"], ["plan", "studies/audio.yaml"], ["list", "methods"], ["data", "list"]],
    ids=lambda command: command[0],
)
def test_a_command_that_trains_nothing_imports_no_heavy_library(command):
    script = (
        "import sys\n"
        "from hpstudy.cli import app\n"
        f"try: app({command!r})\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PACKAGE.parent, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy: []"
