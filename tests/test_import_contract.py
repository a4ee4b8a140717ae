"""Who may import what: the walls of the house, held by a test."""

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hpstudy"
CORE = ("study", "search", "loading", "engine", "store", "analysis", "report")
COMPONENTS = (
    *(
        "errors",
        "arguments",
        "environments",
        "goal",
        "metric_names",
        "checkpoint",
        "seeds",
        "cores",
        "digits",
        "display",
        "drafts",
        "modules",
        "plugins",
        "sources",
        "registry",
        "described",
    ),
    *("data", "bnn", "study", "search", "tasks", "loading", "store", "observers", "engine", "testing", "analysis", "report"),
    *("live", "bundles", "catalog", "api", "__init__", "cli", "__main__"),
)
"""Files and folders of the package. Each may import only those before it."""

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
        "dask",
        "distributed",
        "starlette",
        "uvicorn",
        "tensorboard",
        "mlflow",
        "wandb",
    ),
    *("pyarrow", "typst", "soundfile"),
)


@cache
def imported(path: Path) -> frozenset[tuple[str, str]]:
    """(module, name) of everything that a file imports, anywhere in it; the name is "" for `import module`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {(node.module, alias.name) for alias in node.names}
    return frozenset(found)


def imports(path: Path) -> set[str]:
    """Full names of the modules, and of the names in them, that a file imports."""
    return {full for module, name in imported(path) for full in (module, f"{module}.{name}" if name else module)}


def importers(*roots: str) -> set[str]:
    """The package's files that import one of these top-level modules."""
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] in roots for name in imports(path))
    }


def test_nothing_imports_ax_and_only_the_ax_searcher_botorch():
    assert importers("ax") == set()
    folders = ("search/single/", "search/batched/")
    assert {path for path in importers("botorch", "gpytorch") if not path.startswith(folders)} == {"search/ax.py"}


def test_only_the_store_imports_sqlite3():
    assert {path.split("/")[0] for path in importers("sqlite3")} == {"store"}


def test_only_the_report_imports_matplotlib_plotly_typst_and_jinja():
    # api/ names the type that `hpstudy.figure` returns; the test of commands below holds that it does not load matplotlib.
    assert {path.split("/")[0] for path in importers("matplotlib", "plotly", "typst")} == {"report", "api"}
    assert {path.split("/")[0] for path in importers("jinja2", "markupsafe")} == {"report"}


def test_a_chart_knows_no_pen_and_a_pen_no_kind_of_figure():
    charts, pens = PACKAGE / "report/charts", PACKAGE / "report/pens"
    for path in charts.rglob("*.py"):
        assert not [name for name in imports(path) if name.startswith(("matplotlib", "plotly", "hpstudy.report.pens"))], path
    for path in pens.rglob("*.py"):
        used = {name for name in imports(path) if name.startswith("hpstudy.report.")}
        data = ("hpstudy.report.style", "hpstudy.report.charts.marks", "hpstudy.report.charts.model", "hpstudy.report.pens")
        assert all(name.startswith(data) for name in used), path


def test_only_one_file_imports_scikit_learn_and_two_optuna():
    assert importers("sklearn") == {"analysis/exploration/forest.py"}
    assert importers("sqlalchemy") == {"store/optuna_export.py"}
    assert importers("optuna") == {"store/optuna_export.py", "search/samplers.py"}


def test_only_the_dask_executor_imports_dask():
    assert importers("dask", "distributed") == {"engine/dask_cluster.py", "engine/dask_worker.py"}


def test_only_the_live_page_imports_a_server():
    assert {path.split("/")[0] for path in importers("starlette", "uvicorn")} == {"live"}


def test_only_the_observers_import_their_libraries():
    for library in ("tensorboard", "mlflow", "wandb"):
        assert importers(library) == {f"observers/{library}.py"}


@pytest.mark.parametrize("component", CORE)
def test_the_core_knows_nothing_of_binary_networks(component):
    for path in (PACKAGE / component).rglob("*.py"):
        assert not [name for name in imports(path) if name.startswith(("hpstudy.bnn", "hpstudy.data"))], path


def module_of(path: Path) -> str:
    return ".".join(("hpstudy", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


MODULES = {module_of(path): path for path in PACKAGE.rglob("*.py")}


def imported_modules(path: Path) -> set[str]:
    """The modules of the package that a file imports; `from hpstudy.store import paths` imports hpstudy.store.paths only.

    Imports inside functions and under TYPE_CHECKING count: they run later or never, but the file still depends on that module.
    """
    full_names = ((module, f"{module}.{name}") for module, name in imported(path))
    return {full if full in MODULES else module for module, full in full_names} & set(MODULES)


def component_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def test_a_component_imports_only_components_before_it():
    upward = [
        f"{module} imports {imported}"
        for module, path in MODULES.items()
        for imported in imported_modules(path)
        if component_of(imported) != component_of(module)
        and COMPONENTS.index(component_of(imported)) > COMPONENTS.index(component_of(module))
    ]
    assert upward == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_no_component_has_a_circle_of_files(component):
    files = {module: path for module, path in MODULES.items() if component_of(module) == component}
    try:
        TopologicalSorter({module: imported_modules(path) & set(files) for module, path in files.items()}).prepare()
    except CycleError as error:
        pytest.fail(" is imported by ".join(error.args[1]))


def test_every_file_and_folder_of_the_package_is_a_component():
    assert {component_of(module) for module in MODULES} == set(COMPONENTS)


def test_architecture_md_lists_the_components_in_this_order():
    text = (PACKAGE.parent / "docs/explanation/architecture.md").read_text()
    table = text.split("| component |")[1].split("\n\n")[0].splitlines()[2:]
    listed = [name.removesuffix("/").removesuffix(".py") for row in table for name in re.findall("`([^`]*)`", row.split("|")[1])]
    assert tuple(listed) == COMPONENTS


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["validate", "studies/audio.yaml"],
        ["plan", "studies/audio.yaml"],
        ["list", "methods"],
        ["data", "list"],
        ["schema"],
    ],
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


def test_help_imports_neither_pydantic_nor_the_database():
    script = (
        "import sys\n"
        "from hpstudy.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print('imported:', [m for m in ('pydantic', 'hpstudy.study.schema', 'hpstudy.store') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"
