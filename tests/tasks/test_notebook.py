"""A function of a notebook: its digest is that of its code and of its values, and its copy does the same."""

import __future__

import linecache
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpstudy.errors import PluginError
from hpstudy.tasks.notebook import pickled as module
from hpstudy.tasks.notebook.digest import digested
from hpstudy.tasks.notebook.pickled import imported_name, pickled
from tests.support.cells import run_cell

CELL = """
    import math
    import numpy as np

    SCALE = 2.0
    X = np.arange(4.0)
    NAMES = {"one", "two", "three"}
    class Model:
        def __init__(self, depth=3):
            self.depth = depth
        def value(self):
            return self.depth * SCALE
    def helper(x, power=2):
        return x ** power
    def with_offset(offset):
        def train(params, seed):
            inner = lambda: offset
            return helper(params["x"]) + math.sqrt(X.sum()) + Model().value() + inner() + len(NAMES)
        return train
    train = with_offset(1)
"""
UNUSED = "unused = 1\n"


def digest(source, name="train"):
    return digested(run_cell(source)[name]).digest


def test_the_same_cell_run_again_gives_the_same_digest():
    assert digest(CELL) == digest(CELL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCALE = 2.0", "SCALE = 2.5"),
        ("SCALE = 2.0", "SCALE = 2"),
        ("arange(4.0)", "arange(5.0)"),
        ('"three"', '"four"'),
        ("x ** power", "x * power"),
        ("power=2", "power=3"),
        ("self.depth * SCALE", "self.depth + SCALE"),
        ("depth=3", "depth=4"),
        ("with_offset(1)", "with_offset(1.5)"),
        ("lambda: offset", "lambda: -offset"),
        ("import math\n", "import cmath as math\n"),
        ("math.sqrt", "math.log"),
    ],
)
def test_a_change_of_the_code_or_of_a_value_changes_the_digest(old, new):
    assert old in CELL
    assert digest(CELL.replace(old, new)) != digest(CELL)


@pytest.mark.parametrize("member", ["", "depth: int = 3"])
def test_reading_the_annotations_of_a_class_does_not_change_the_digest(member):
    cell = run_cell(CELL.replace("class Model:", f"class Model:\n        {member}"))
    before = digested(cell["train"]).digest
    assert list(cell["Model"].__annotations__) == (["depth"] if member else [])
    assert digested(cell["train"]).digest == before


def test_an_annotation_of_a_class_counts():
    with_annotation = [CELL.replace("class Model:", f"class Model:\n        depth: {kind}") for kind in ("int", "float")]
    assert len({digest(cell) for cell in (CELL, *with_annotation)}) == 3


def test_what_the_function_does_not_refer_to_does_not_count():
    assert digest("    " + UNUSED + CELL) == digest(CELL)


def test_the_digest_does_not_depend_on_the_process():
    script = "from tests.tasks.test_notebook import *; print(digest(CELL))"
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {digest(CELL) + "\n"}


def test_values_and_functions_may_refer_to_themselves():
    source = "loop = []\nloop.append(loop)\ndef f(params, seed): return f if params else loop\n"
    assert digest(source, "f") == digest(source, "f")


def test_code_without_source_is_compared_as_compiled():
    def compiled(text):
        namespace = {"__name__": "__main__"}
        exec(text, namespace)
        return digested(namespace["f"])

    one, same, other = (
        compiled(f"def f(params, seed): return {text}")
        for text in ("[i for i in (1, 2)]", "[i for i in (1, 2)]", "[i for i in (1, 3)]")
    )
    assert one == same
    assert one[1] == ""
    assert one[0] != other[0]


def test_a_script_that_was_edited_after_it_started_is_not_taken_for_the_function_that_runs(tmp_path):
    def started(value):
        script.write_text(f"def train(params, seed):\n    return {value}\n")
        namespace = {"__name__": "__main__"}
        exec(compile(script.read_text(), script, "exec"), namespace)
        return namespace["train"]

    script = tmp_path / "script.py"
    first = started("1.0")
    assert digested(first).source == script.read_text()
    assert digested(started("10.0")).source == script.read_text()
    assert digested(first).source == ""
    assert digested(first).digest != digested(started("10.0")).digest


def test_a_cell_may_await_and_follow_a_future_import():
    cell = "def train(params, seed):\n    def inner(x: int) -> int: return x\n    return inner(1)\n"
    namespace = {"__name__": "__main__"}
    later = compile(cell, (file := "<cell future>"), "exec", __future__.annotations.compiler_flag)
    linecache.cache[file] = (len(cell), None, [*cell.splitlines(keepends=True), "await something()\n"], file)
    exec(later, namespace)
    assert digested(namespace["train"]).source == cell


def test_attributes_of_the_function_count():
    cell = "def train(params, seed): return train.scale * params['x']\n"
    digests = [digest(cell + f"train.scale = {value}") for value in ("1", "1", "2")]
    assert digests[0] == digests[1] != digests[2]
    assert digest(cell) not in digests


CACHING = """
    import functools
    @functools.cache
    def count(n): return 1 + count(n - 1) if n else 0
    @functools.lru_cache(maxsize=3)
    def load(): return 2
    def train(params, seed): return params["x"] * load() + count(2)
"""


def test_a_function_with_a_cache_is_kept_in_full_and_its_code_counts():
    namespace = run_cell(CACHING)
    namespace["load"]()
    copy = pickled(namespace["train"]).load()
    assert copy({"x": 3.0}, 0) == 8
    assert copy.__globals__["load"] is not namespace["load"]
    assert copy.__globals__["load"].cache_parameters()["maxsize"] == 3
    assert digest(CACHING) == digest(CACHING)
    for old, new in (("return 2", "return 3"), ("1 + count", "2 + count")):
        assert digest(CACHING.replace(old, new)) != digest(CACHING)


def test_the_source_holds_the_functions_that_it_refers_to():
    kept = pickled(run_cell(CELL)["train"])
    assert kept.source.startswith("def train(params, seed):\n    inner = lambda: offset\n")
    assert "def helper(x, power=2):\n    return x ** power\n" in kept.source
    assert "def value(self):\n    return self.depth * SCALE\n" in kept.source


def test_the_copy_does_the_same_and_shares_nothing():
    namespace = run_cell(CELL)
    kept = pickled(namespace["train"])
    value = namespace["train"]({"x": 3.0}, 0)
    copy = kept.load()
    namespace["X"] += 100.0
    assert copy({"x": 3.0}, 0) == value
    assert namespace["train"]({"x": 3.0}, 0) != value


REFUSED = {
    "f = lambda params, seed: 1.0": "a lambda has no source of its own",
    "f = print": "this object of type builtin_function_or_method has no source of its own",
    "class f:\n    def __call__(self, params, seed): return 1.0": "this object of type type has no source of its own",
    "import threading\nlock = threading.Lock()\ndef f(params, seed):\n    with lock: return 1.0": (
        "the function 'f' cannot be sent to worker processes, because it refers to 'lock': TypeError: cannot pickle"
    ),
    "import numpy as np\nsmall, images = 1, np.zeros(2_000_000)\ndef f(params, seed): return images[small]": (
        "the function 'f' takes 16 MB with it ('images' 16 MB), more than 10 MB"
    ),
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_cannot_be_kept_is_refused_in_a_sentence(source):
    with pytest.raises(PluginError) as caught:
        pickled(run_cell(source)["f"])
    assert REFUSED[source] in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_another_python_is_refused(monkeypatch):
    kept = pickled(run_cell(CELL)["train"])
    monkeypatch.setattr(module.platform, "python_version_tuple", lambda: ("3", "99", "0"))
    with pytest.raises(
        PluginError, match=r"the function 'train' was stored by Python 3\.\d+ and cannot be loaded by Python 3\.99"
    ):
        kept.load()


def test_a_missing_module_is_named(monkeypatch, tmp_path):
    (tmp_path / "gone_helpers.py").write_text("def double(x): return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    kept = pickled(run_cell("from gone_helpers import double\ndef train(params, seed): return double(1)")["train"])
    (tmp_path / "gone_helpers.py").unlink()
    monkeypatch.delitem(sys.modules, "gone_helpers")
    with pytest.raises(PluginError, match="the function 'train' needs the module 'gone_helpers', which is not found here"):
        kept.load()


def test_a_pickle_that_cannot_be_loaded_is_explained():
    kept = pickled(run_cell(CELL)["train"]).model_copy(update={"data": "AAAA", "cloudpickle": "1.0"})
    with pytest.raises(PluginError, match=r"stored by cloudpickle 1\.0, cannot be loaded by cloudpickle \d"):
        kept.load()


def test_a_function_of_a_module_is_named_and_not_kept():
    assert imported_name(run_cell) == "tests.support.cells:run_cell"
    assert imported_name(PluginError) == "hpstudy.errors:PluginError"
    assert imported_name(run_cell(CELL)["train"]) == ""
    assert imported_name(print) == ""
