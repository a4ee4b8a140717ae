"""What README shows works as shown."""

import re
import runpy
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import hpstudy
from hpstudy.cli import app
from hpstudy.engine.executors import EXECUTORS
from hpstudy.engine.options import RunOptions
from hpstudy.engine.run import run_study
from hpstudy.loading.load import read_study
from hpstudy.testing.executors import ExecutorContract

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)

STUDY = """\
version: 1
name: extended
task: {use: branin}
metric: {name: value, goal: minimize}
views: {a: {space: {x1: {type: float, low: -5, high: 10}}, fixed: {x2: 1}}}
search: {searcher: "my_module:CentreSearcher", trials: 3}
replicates: 2
"""


def snippet(name):
    (found,) = [text for text in SNIPPETS if name in text]
    return found


@pytest.fixture
def my_module(tmp_path):
    (tmp_path / "my_module.py").write_text(
        "\n\n".join(snippet(n) for n in ("CentreSearcher", "SignOfAverage", "FewWorkers", "def train"))
    )
    return tmp_path


def run(folder, text, executor="inline"):
    (folder / "study.yaml").write_text(text)
    loaded = read_study(folder / "study.yaml")
    return run_study(loaded, folder / "study.sqlite", RunOptions(executor=executor))


def test_the_searcher_of_readme_runs(my_module):
    assert run(my_module, STUDY).counts.completed == 6


def test_the_executor_of_readme_runs(my_module):
    assert run(my_module, STUDY, executor="my_module:FewWorkers").counts.completed == 6


def test_the_executor_of_readme_keeps_the_contract(my_module, monkeypatch):
    monkeypatch.syspath_prepend(my_module)
    contract = type("Contract", (ExecutorContract,), {"make": lambda _, logs: None})()
    executor = EXECUTORS.load("my_module:FewWorkers")(8)
    try:
        assert executor.workers == 4
        contract.test_steps_that_run_at_once_share_no_global_generator(executor)
    finally:
        executor.close()


def test_a_searcher_of_the_users_own_runs_in_worker_processes(my_module):
    assert run(my_module, STUDY, executor="processes").counts.completed == 6


def test_the_source_of_a_searcher_is_part_of_the_identity(my_module):
    run(my_module, STUDY)
    with hpstudy.open(my_module / "study.sqlite") as reader:
        assert list(reader.identity) == ["source of my_module.py"]


def test_the_task_of_readme_runs(my_module):
    text = STUDY.replace("use: branin", 'use: "my_module:train"').replace(
        "x1: {type: float, low: -5", "learning_rate: {type: float, low: 0"
    )
    text = text.replace("name: value", "name: val_accuracy")
    assert run(my_module, text).counts.completed == 6


def test_the_method_of_readme_trains(my_module, monkeypatch):
    import torch

    from hpstudy.bnn.methods import METHODS
    from hpstudy.bnn.schedules import Clock

    monkeypatch.syspath_prepend(my_module)
    method = METHODS.load("my_module:SignOfAverage")()
    hp = method.Hyperparameters(rate=0.5)
    state = method.init(torch.tensor([[1.0, -1.0]]), hp, torch.Generator())
    state = method.update(state, torch.tensor([[2.0, -3.0]]), hp, Clock(0, 1, 0, 1))
    assert state["theta"].tolist() == [[-1.0, 1.0]]


def test_the_view_of_readme_is_a_valid_view():
    from hpstudy.study.schema import View
    from hpstudy.tasks.method_views import check_method_view

    (text,) = [t for t in re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL) if "only alpha" in t]
    assert check_method_view(View.model_validate(YAML(typ="safe").load(text))) == []


def test_every_extension_takes_under_15_lines():
    for name in ("CentreSearcher", "SignOfAverage", "FewWorkers", "def train"):
        lines = [line for line in snippet(name).splitlines() if line.strip() and not line.startswith(("from ", "import "))]
        assert len(lines) < 15, name


def test_every_command_in_readme_exists():
    names = {command.name or command.callback.__name__ for command in app.registered_commands} | {"db", "data"}
    for command in re.findall(r"(?:^|`)hpstudy ([a-z]+)", README, flags=re.MULTILINE):
        assert command in names, command


def test_every_shipped_study_is_in_the_table():
    """The parts of the pilot are one row, that of their folder."""
    for path in (ROOT / "studies").rglob("*.yaml"):
        entry = path.relative_to(ROOT)
        assert f"`{entry}`" in README or (entry.parent.name == "pilot" and "`studies/pilot/`" in README), entry


def test_every_page_that_readme_links_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_the_results_in_readme_are_those_of_the_reports():
    """`make readme` writes them."""
    tool = runpy.run_path(str(ROOT / "tools" / "readme.py"))
    assert re.findall(r"<!-- results: (\w+) -->", README) == list(tool["BLOCKS"])
    emptied = tool["MARKED"].sub(lambda match: match[1] + match[2], README)
    assert "**holds**" not in emptied
    assert tool["rewritten"](emptied) == README
