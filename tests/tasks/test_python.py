import textwrap

import pytest

from hpstudy.errors import PluginError
from hpstudy.sources import source_identity
from hpstudy.study.schema import View
from hpstudy.tasks.interface import Task
from hpstudy.tasks.python import user_task

VIEW = View(space={"a": {"type": "float", "low": 0.0, "high": 1.0}}, fixed={"b": 2})


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of the user's and return its name; the folder is on the path for the test."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(code):
        name = f"user_{abs(hash(tmp_path))}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code))
        return name

    return write


def nothing(epoch, **metrics): ...


def test_a_function_gets_constants_fixed_values_and_the_point(module):
    name = module("def f(params, seed): return {'seen': params, 'seed': seed}")
    task = user_task(f"{name}:f", {"constants": {"c": 3}})
    assert task.evaluate(VIEW, {"a": 0.5}, 9, nothing) == {"seen": {"a": 0.5, "b": 2, "c": 3}, "seed": 9}


def test_a_function_that_asks_for_report_gets_it(module):
    name = module("def f(params, seed, report): report(1, loss=0.25); return 1.0")
    seen = []
    user_task(f"{name}:f", {}).evaluate(VIEW, {"a": 0.5}, 0, lambda epoch, **m: seen.append((epoch, m)))
    assert seen == [(1, {"loss": 0.25})]


CALLABLES = """
import functools
from typing import Dict

def f(params, seed): return {"a": params["a"], "seed": seed}
def keyword_seed(params, *, seed): return f(params, seed)
def keywords(*, params, seed): return f(params, seed)
def default_seed(params, seed=0): return f(params, seed)
def wrapper(*args, **kwargs): return f(*args, **kwargs)
def catches_keywords(params, **kwargs): return f(params, **kwargs)
wrapped = functools.wraps(f)(wrapper)
def three(scale, params, seed): return f(params, seed)
partial = functools.partial(three, 2)
keyword_partial = functools.partial(lambda params, seed, k: f(params, seed), k=2)
class Callable:
    def __call__(self, params, seed): return f(params, seed)
    def method(self, params, seed): return f(params, seed)
instance = Callable()
method = instance.method
"""


@pytest.mark.parametrize(
    "name",
    [
        "f",
        "keyword_seed",
        "keywords",
        "default_seed",
        "wrapper",
        "catches_keywords",
        "wrapped",
        "partial",
        "keyword_partial",
        "instance",
        "method",
    ],
)
def test_whatever_can_be_called_with_two_arguments_is_a_function_to_study(module, name):
    task = user_task(f"{module(CALLABLES)}:{name}", {})
    assert task.evaluate(VIEW, {"a": 0.5}, 9, nothing) == {"a": 0.5, "seed": 9}


@pytest.mark.parametrize("signature", ["params, *, seed, report", "params, seed, report=None", "*, report, seed, params"])
def test_report_is_given_by_name(module, signature):
    name = module(f"def f({signature}): report(1, loss=params['a'] + seed)")
    seen = []
    user_task(f"{name}:f", {}).evaluate(VIEW, {"a": 0.5}, 9, lambda epoch, **m: seen.append((epoch, m)))
    assert seen == [(1, {"loss": 9.5})]


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", ["function", "network"])
def test_a_compiled_torch_function_is_a_function_to_study(module, name):
    name = (
        module("""
        import torch
        from typing import Dict

        @torch.jit.script
        def function(params: Dict[str, float], seed: int): return params["a"] + float(seed)

        class Network(torch.nn.Module):
            def forward(self, params: Dict[str, float], seed: int): return params["a"] + float(seed)

        network = torch.jit.script(Network())
    """)
        + f":{name}"
    )
    assert user_task(name, {}).evaluate(VIEW, {"a": 0.5}, 9, nothing) == 9.5
    assert len(source_identity(name)) == 1


@pytest.mark.parametrize("signature", ["params", "params, report", "params, seed, other", "report, params, /, seed", "*, params"])
def test_what_cannot_be_called_with_two_arguments_is_refused(module, signature):
    name = module(f"def f({signature}): ...")
    with pytest.raises(PluginError, match=r"takes .*but it must take"):
        user_task(f"{name}:f", {})


def test_a_task_class_is_made_from_its_own_settings(module):
    name = module("""
        from pydantic import BaseModel
        from hpstudy.tasks.interface import Task
        class Settings(BaseModel):
            depth: int = 3
        class Mine(Task):
            Settings = Settings
            def objectives(self): return ("score",)
            def check_view(self, view): return []
            def evaluate(self, view, point, seed, report): return {"score": self.settings.depth}
    """)
    task = user_task(f"{name}:Mine", {"depth": 5})
    assert isinstance(task, Task)
    assert task.evaluate(VIEW, {"a": 0.5}, 0, nothing) == {"score": 5}


@pytest.mark.parametrize(
    ("code", "use", "message"),
    [
        ("", "no_such_module_here:f", "there is no module 'no_such_module_here'"),
        ("def train(params, seed): ...", "{}:trian", "did you mean 'train'"),
        ("import not_installed_anywhere", "{}:f", "needs the module 'not_installed_anywhere', which is not installed"),
        ("1 / 0", "{}:f", "ZeroDivisionError"),
        ("def f(params): ...", "{}:f", "must take (params, seed)"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_one_clear_error(module, code, use, message):
    name = module(code)
    with pytest.raises(PluginError) as caught:
        user_task(use.format(name), {})
    assert message in str(caught.value)
