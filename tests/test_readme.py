"""What README, docs/how-to/extending.md and docs/reference/studies.md show works as shown, and their results are those of the reports."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import hpstudy
from hpstudy.cli import app
from hpstudy.engine.executors import EXECUTORS
from hpstudy.engine.options import RunOptions
from hpstudy.engine.run import run_study
from hpstudy.errors import PluginError, StudyError
from hpstudy.loading.load import read_study
from hpstudy.testing.executors import ExecutorContract
from tests.support.pages import PAGES

ROOT = Path(__file__).parents[1]
README, EXTENDING, STUDIES = (
    (ROOT / name).read_text() for name in ("README.md", "docs/how-to/extending.md", "docs/reference/studies.md")
)


def blocks(language, text):
    """The code blocks of a page."""
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


STUDY = """\
version: 1
name: extended
task: {use: branin}
metric: {name: value, goal: minimize}
views: {a: {space: {x1: {type: float, low: -5, high: 10}}, fixed: {x2: 1}}}
search: {searcher: "my_module:CenterSearcher", trials: 3}
replicates: 2
"""


PARTS = ("CenterSearcher", "SignOfAverage", "FewWorkers", "def train", "class Train")
"""Words that name one code block each."""


SUITES = """
from hpstudy import View
from hpstudy.testing.methods import Alternative, MethodContract
from hpstudy.testing.tasks import TaskContract

class TestTrain(TaskContract):
    view = View(space={"learning_rate": {"type": "float", "low": 0.0, "high": 1.0}})
    metric = "val_accuracy"
    noisy = False
    def make(self):
        return my_module.Train()

class TestSignOfAverage(MethodContract):
    method_class = my_module.SignOfAverage
    alternatives = {"rate": Alternative(0.5)}
"""


def snippet(name):
    (found,) = [text for text in blocks("python", EXTENDING) if name in text and "Contract" not in text]
    return found


@pytest.fixture
def my_module(tmp_path):
    (tmp_path / "my_module.py").write_text("\n\n".join(map(snippet, PARTS)))
    return tmp_path


def run(folder, text, executor="inline"):
    (folder / "study.yaml").write_text(text)
    loaded = read_study(folder / "study.yaml")
    return run_study(loaded, folder / "study.sqlite", RunOptions(executor=executor))


def test_the_searcher_of_the_documentation_runs(my_module):
    assert run(my_module, STUDY).counts.completed == 6


def test_the_executor_of_the_documentation_runs(my_module):
    assert run(my_module, STUDY, executor="my_module:FewWorkers").counts.completed == 6


def test_the_executor_of_the_documentation_keeps_the_contract(my_module, monkeypatch):
    monkeypatch.syspath_prepend(my_module)
    contract = type("Contract", (ExecutorContract,), {"make": lambda _, logs: None})()
    executor = EXECUTORS.load("my_module:FewWorkers")(8)
    try:
        assert executor.workers == 4
        contract.test_steps_that_run_at_once_share_no_global_generator(executor)
    finally:
        executor.close()


def test_the_parts_of_the_documentation_keep_their_contracts(my_module):
    """Its own example of a contract suite, and one for the task and one for the method."""
    (suite,) = [text for text in blocks("python", EXTENDING) if "Contract" in text]
    (my_module / "test_my_module.py").write_text(suite + SUITES)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", "files", "test_my_module.py"],
        cwd=my_module,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{my_module}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_the_class_of_a_task_of_the_documentation_runs_with_its_settings(my_module):
    text = STUDY.replace("use: branin", 'use: "my_module:Train", epochs: 2').replace("x1: {", "learning_rate: {")
    text = text.replace("name: value", "name: val_accuracy")
    assert run(my_module, text).counts.completed == 6
    with pytest.raises(StudyError, match=r"task\.epoch: unknown key: did you mean 'epochs'"):
        run(my_module, text.replace("epochs: 2", "epoch: 2"))


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        ("train", "'my_module:train' is not an executor"),
        ("Unfinished", "a method of 'my_module:Unfinished' failed, .*abstract class"),
    ],
)
def test_a_wrong_executor_is_named(my_module, executor, message):
    with (my_module / "my_module.py").open("a") as module:
        module.write("\n\nclass Unfinished(hpstudy.Executor): ...\n")
    with pytest.raises(PluginError, match=message):
        run(my_module, STUDY, executor=f"my_module:{executor}")


def test_a_searcher_of_the_users_own_runs_in_worker_processes(my_module):
    assert run(my_module, STUDY, executor="processes").counts.completed == 6


def test_the_source_of_a_searcher_is_part_of_the_identity(my_module):
    run(my_module, STUDY)
    with hpstudy.open(my_module / "study.sqlite") as reader:
        assert list(reader.identity) == ["source of my_module.py"]


def test_the_task_of_the_documentation_runs(my_module):
    text = STUDY.replace("use: branin", 'use: "my_module:train"').replace(
        "x1: {type: float, low: -5", "learning_rate: {type: float, low: 0"
    )
    text = text.replace("name: value", "name: val_accuracy")
    assert run(my_module, text).counts.completed == 6


def test_the_method_of_the_documentation_trains(my_module, monkeypatch):
    import torch

    from hpstudy.bnn.methods import METHODS
    from hpstudy.bnn.schedules import Clock

    monkeypatch.syspath_prepend(my_module)
    method = METHODS.load("my_module:SignOfAverage")()
    hp = method.Hyperparameters(rate=0.5)
    state = method.init(torch.tensor([[1.0, -1.0]]), hp, torch.Generator())
    state = method.update(state, torch.tensor([[2.0, -3.0]]), hp, Clock(0, 1, 0, 1))
    assert state["theta"].tolist() == [[-1.0, 1.0]]


def test_the_network_of_the_documentation_is_a_network(tmp_path, monkeypatch):
    import torch

    from hpstudy.bnn.binarize import BinaryActivation, Surrogate
    from hpstudy.bnn.networks import NETWORKS

    (tmp_path / "my_network.py").write_text(snippet("Tiny"))
    monkeypatch.syspath_prepend(tmp_path)
    make = NETWORKS.load("my_network:Tiny")
    generator, activation = torch.Generator(), BinaryActivation(Surrogate("approx_sign"))
    before = torch.get_rng_state()
    network = make(make.Settings(width=4), channels_in=3, classes=10, activation=activation, generator=generator)
    assert network(torch.zeros(2, 3, 8, 8)).shape == (2, 10)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_view_of_the_documentation_is_a_valid_view():
    from hpstudy.study.schema import View
    from hpstudy.tasks.method_views import check_method_view

    (text,) = [block for block in blocks("yaml", EXTENDING) if "only alpha" in block]
    assert check_method_view(View.model_validate(YAML(typ="safe").load(text))) == []


def test_every_extension_takes_under_15_lines():
    for name in PARTS:
        lines = [line for line in snippet(name).splitlines() if line.strip() and not line.startswith(("from ", "import "))]
        assert len(lines) < 15, name


def test_every_command_exists():
    names = {command.name or command.callback.__name__ for command in app.registered_commands} | {"db", "data"}
    for command in re.findall(r"(?:^|`)hpstudy ([a-z]+)", README + STUDIES, flags=re.MULTILINE):
        assert command in names, command


def test_every_shipped_study_is_in_the_table():
    """The parts of the pilot are one row, that of their folder."""
    for path in (ROOT / "studies").rglob("*.yaml"):
        entry = path.relative_to(ROOT)
        in_table = f"`{entry}`" in STUDIES or (entry.parent.name == "pilot" and "`studies/pilot/`" in STUDIES)
        assert in_table or entry.parent.name == "paper", entry


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_and_heading_that_a_page_links_is_there(page):
    for target, heading in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        if not target.startswith("http"):
            linked = page.parent / target if target else page
            assert linked.exists(), target
            assert not heading or heading in anchors(linked), f"{target}#{heading}"


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_results_are_those_of_the_reports():
    """`make results` writes them."""
    tool = runpy.run_path(str(ROOT / "tools" / "results.py"))
    pages = [(ROOT / page).read_text() for page in tool["PAGES"]]
    assert sorted(name for page in pages for name in re.findall(r"<!-- results: (\w+) -->", page)) == sorted(tool["BLOCKS"])
    for page in pages:
        emptied = tool["MARKED"].sub(lambda match: match[1] + match[2], page)
        assert "**holds**" not in emptied
        assert tool["rewritten"](emptied) == page


def test_the_study_of_readme_runs(tmp_path):
    (module,) = [block for block in blocks("python", README) if "def train" in block]
    (study,) = blocks("yaml", README)
    (tmp_path / "my_module.py").write_text(module)
    text = study.replace("searcher: ax, trials: 15", "searcher: random, trials: 2")
    assert run(tmp_path, text).counts.completed == 40


def test_readme_fits_one_screen():
    assert len(README.splitlines()) < 120
