import sys

import pytest

from hpstudy.engine.options import RunOptions
from hpstudy.engine.run import run_study
from hpstudy.loading.bind import bind
from hpstudy.store import Reader
from hpstudy.study.schema import Study


def rows(path):
    """All that a study measured: (view, replicate, number) -> what its trial holds, without times and environments."""
    with Reader.open(path) as reader:
        return {
            (key.view, key.replicate, row.number): (row.point, row.state, row.objective)
            for key in reader.search_counts()
            for row in reader.history(key)
        }


@pytest.fixture
def measured():
    return rows


@pytest.fixture
def storage(tmp_path):
    return tmp_path / "study.sqlite"


@pytest.fixture
def make_study():
    """A study of the Branin function with two views, changed by keys: make_study(trials=3, use="mine:f")."""

    def make(
        *,
        use="branin",
        searcher="random",
        trials=3,
        replicates=2,
        lockstep=1,
        limits=None,
        on_failure="worst",
        goal="minimize",
        **task,
    ):
        if use == "branin":
            task.setdefault("noise", 0.5)
        x1 = {"type": "float", "low": -5, "high": 10}
        x2 = {"type": "float", "low": 0, "high": 15}
        study = Study.model_validate(
            {
                "name": "tiny",
                "task": {"use": use, **task},
                "metric": {"name": "value", "goal": goal, "on_failure": on_failure},
                "views": {"both": {"space": {"x1": x1, "x2": x2}}, "one": {"space": {"x1": x1}, "fixed": {"x2": 2.5}}},
                "search": {"searcher": searcher, "trials": trials, "lockstep": lockstep},
                "replicates": replicates,
                "limits": limits or {},
            }
        )
        return bind(study).study.started()

    return make


@pytest.fixture
def write_module(tmp_path, request):
    """Put a user's module beside the study: write_module("def f(params, seed): ...") -> "module:f"."""
    name = f"users_{abs(hash(request.node.nodeid)):x}"

    def write(code):
        (tmp_path / f"{name}.py").write_text(code)
        sys.path.insert(0, str(tmp_path))
        return f"{name}:f"

    yield write
    sys.path[:] = [entry for entry in sys.path if entry != str(tmp_path)]
    sys.modules.pop(name, None)


@pytest.fixture
def run(storage, tmp_path):
    """Run a study inline in the test's database."""

    def run(study, **options):
        return run_study(bind(study, str(tmp_path)), storage, RunOptions(**{"executor": "inline", **options}))

    return run
