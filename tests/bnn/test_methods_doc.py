import re
import sys
from pathlib import Path

import pytest
import torch
import yaml

from hpstudy.bnn.binarize import ACTIVATIONS
from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.networks import NETWORKS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/methods.md").read_text()
VIEW = {"latent_sgd": "latent"}
"""The main view of a method, where it does not have the method's name."""

every_method = pytest.mark.parametrize("name", list(METHODS))


def table(first, page=PAGE):
    """The rows of the table whose head starts with `first`, as lists of cells; a row without a name continues the one above."""
    rows = []
    for line in page[page.index(f"| {first} |") :].split("\n\n")[0].splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0]:
            rows.append(cells)
        else:
            rows[-1] = [above or below for above, below in zip(rows[-1], cells, strict=True)]
    return {cells[0].strip("`"): cells[1:] for cells in rows}


def names(cell):
    return set(cell.split(", ")) - {""}


METHOD_TABLE = table("method | source")
HYPERPARAMETER_TABLE = table("method | tuned")


def space(name):
    view = yaml.safe_load((ROOT / "configs" / "views" / f"{VIEW.get(name, name)}.yaml").read_text())
    assert view["method"] == name
    return set(view["space"])


def cited():
    """(file, start of a test's name) of every test that the page cites."""
    file = None
    for where, start in re.findall(r"`(test_\w+\.py)?::(\w+)`", PAGE):
        file = where or file
        yield file, start


def test_a_row_that_continues_another_is_read_with_it():
    assert table("a", "| a | b | c |\n|---|---|---|\n| `x` | | 1 |\n| | p, q | |\n\n") == {"x": ["p, q", "1"]}


def test_both_tables_have_every_method_and_no_other():
    assert set(METHOD_TABLE) == set(HYPERPARAMETER_TABLE) == set(METHODS)


@every_method
def test_every_method_has_a_section(name):
    assert re.search(rf"^### .*`{name}`", PAGE, flags=re.M)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_network_has_a_row_with_its_settings(name):
    row = table("network")[name]
    assert {setting.split()[0] for setting in names(row[0])} == set(NETWORKS.load(name).Settings.model_fields)


def test_every_activation_has_a_row():
    assert {name for key in table("name | d/dx") for name in re.findall(r"\w+", key)} == set(ACTIVATIONS)


@every_method
def test_hyperparameters_based_on_magnitudes_are_those_of_the_code(name):
    _, tuned, _, fixed = HYPERPARAMETER_TABLE[name]
    assert names(tuned) | names(fixed) == set(METHODS.load(name).Hyperparameters.magnitude_based())


@every_method
def test_tuned_hyperparameters_are_those_of_the_shipped_view(name):
    count, based, others, fixed = HYPERPARAMETER_TABLE[name]
    assert names(based) | names(others) == space(name)
    assert int(count) == len(space(name))
    assert not names(fixed) & space(name)


@every_method
def test_the_state_is_that_of_the_code(name):
    method = METHODS.load(name)()
    noise = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    state = method.init(noise, method.Hyperparameters(), torch.Generator().manual_seed(1))
    _, tensors, count, *_ = METHOD_TABLE[name]
    assert set(re.findall(r"`(\w+)`", tensors)) == set(state) - {"theta"}
    assert int(count.split()[0]) == sum(tensor.numel() for tensor in state.values()) // noise.numel()


@every_method
def test_activation_and_calibration_are_those_of_the_code(name):
    method = METHODS.load(name)()
    hp = method.Hyperparameters()
    *_, activation, calibration = METHOD_TABLE[name]
    own = method.activation(hp)
    assert activation.split()[0] == (own.name if own else "task")
    assert calibration == ("yes" if method.recalibrates(hp) else "no")


@pytest.mark.parametrize(("file", "start"), list(cited()))
def test_every_test_that_the_page_cites_exists(file, start):
    assert f"def test_{start}" in (ROOT / "tests" / "bnn" / file).read_text()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(?:hpstudy|studies|configs)/[\w/.]+`", PAGE))))
def test_every_file_that_the_page_names_exists(path):
    assert (ROOT / path.strip("`")).exists()


@every_method
def test_every_method_has_a_runnable_example(name):
    assert f">>> {METHODS.load(name).__name__}().example(" in METHODS.load(name).__doc__


@every_method
def test_every_method_links_its_source(name):
    assert "https://" in sys.modules[METHODS.load(name).__module__].__doc__
