"""Figures and tables of a view whose hyperparameters may be absent."""

import dataclasses
import io
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hpstudy.analysis.exploration.imputation import MIDDLE, Imputation
from hpstudy.analysis.exploration.searches import searched
from hpstudy.report import style
from hpstudy.report.chapters import spaces
from hpstudy.report.chapters.methods import methods
from hpstudy.report.chapters.searched import chapter
from hpstudy.report.charts.marks import Dots, Labels
from hpstudy.report.charts.model import Chart
from hpstudy.report.charts.searched import searched_trials
from hpstudy.report.html import embedded
from hpstudy.report.model import Paragraph, Table
from hpstudy.report.pens import matplotlib as pen
from hpstudy.report.pens import plotly
from hpstudy.report.references import references
from hpstudy.study.schema import Study
from hpstudy.testing.searchers import SPACES

SPACE = SPACES["conditional"]
COLUMNS = {name: column for column, name in enumerate(SPACE.names())}


@pytest.fixture(scope="module")
def results():
    """Searches whose value depends on gamma alone, where there is one."""
    study = Study.model_validate(
        {
            "name": "small",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": "maximize"},
            "views": {"a": {"space": SPACE.model_dump(mode="json")}},
            "search": {"searcher": "random", "trials": 20},
            "replicates": 3,
        }
    )
    generator, rows = np.random.default_rng(0), []
    for replicate, number in np.ndindex(3, 20):
        point = SPACE.from_unit(generator.random(4).tolist())
        gamma = SPACE.root["gamma"].unit(point["gamma"]) if "gamma" in point else 0.2
        head = {"view": "a", "replicate": replicate, "number": number, "state": "completed"}
        rows.append({**head, "objective": gamma, **{f"point.{name}": point.get(name) for name in SPACE.names()}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpstudy.analysis.exploration.importance.RESAMPLES", 3)
        return SimpleNamespace(study=study, searched=searched(pd.DataFrame(rows), study))


@pytest.fixture
def view(results):
    return results.searched[0]


@pytest.fixture(scope="module")
def blocks(results):
    return [block for section in chapter(results) for block in section.blocks]


def test_trials_that_lack_a_hyperparameter_are_kept(view):
    assert len(view.objective) == 60
    assert view.left_out == 0
    assert np.array_equal(np.isnan(view.unit[:, COLUMNS["gamma"]]), view.values["kernel"] == "linear")
    assert all(value is None for value in view.values["gamma"][view.values["kernel"] == "linear"])


def test_what_only_matters_where_it_is_there_matters(view):
    total = dict(zip(SPACE.names(), view.importance.total.value, strict=True))
    assert min(total["gamma"], total["kernel"]) > 5 * max(total["degree"], total["offset"])


def test_the_response_is_that_of_points_that_have_the_hyperparameter(view):
    response = view.responses[COLUMNS["gamma"]]
    assert response.predicted[0] < 0.2
    assert response.predicted[-1] > 0.8


def test_coordinates_of_absent_hyperparameters_are_imputed():
    unit = np.array([[0.1, 0.9, 0.9, 0.9], [0.5, 0.9, 0.9, 0.9], [0.9, 0.9, 0.3, 0.9], [0.9, 0.9, 0.1, 0.9]])
    middle = MIDDLE
    expected = [[0.1, middle, middle, middle], [0.5, 0.9, middle, middle], [0.9, 0.9, 0.3, 0.9], [0.9, 0.9, 0.1, middle]]
    assert Imputation(SPACE)(unit).tolist() == expected


def test_all_figures_are_drawn(blocks):
    charts = [block for block in blocks if isinstance(block, Chart)]
    assert [chart.name.removeprefix("searched_1_") for chart in charts] == ["importance", "slices", "pair", "parallel"]
    with style.applied():
        for chart in charts:
            pen.figure(chart).savefig(io.BytesIO(), format="png", dpi=30)
            assert json.loads(embedded(plotly.panels(chart)))


def test_slices_show_the_trials_that_have_the_hyperparameter(blocks, view):
    (slices,) = (block for block in blocks if isinstance(block, Chart) and block.name.endswith("slices"))
    cloud = next(mark for mark in slices.panels[COLUMNS["degree"]].marks if isinstance(mark, Dots))
    assert len(cloud.x) == np.isfinite(view.unit[:, COLUMNS["degree"]]).sum() < 60


def test_parallel_coordinates_have_a_place_for_absent(blocks):
    (parallel,) = (block for block in blocks if isinstance(block, Chart) and block.name.endswith("parallel"))
    texts = [text for mark in parallel.panels[0].marks if isinstance(mark, Labels) for text in mark.texts]
    assert texts.count("absent") == 3


def test_the_table_of_trials_has_no_row_of_an_absent_hyperparameter(results, view):
    rows = list(searched_trials(results))[1:]
    assert len(rows) == np.isfinite(view.unit).sum()


def test_the_positions_say_of_how_many_trials(blocks):
    (table,) = (block for block in blocks if isinstance(block, Table))
    names = [row[0] for row in table.rows]
    assert "kernel" in names
    assert any(name.startswith("gamma (") and name.endswith(" of 3)") for name in names)


def test_the_table_of_the_space_has_the_condition():
    found = {name: spaces._range(parameter) for name, parameter in SPACE.items()}
    assert found["kernel"] == "linear, rbf, poly"
    assert found["gamma"].endswith(" to 1; when kernel rbf or poly")
    assert found["offset"] == "none, one, free; when degree 3 or 4"


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"searcher": "ax"}, "the model of ax places an absent one at the middle of its range (on imputation see"),
        ({"searcher": "random", "others": ["tpe", "cmaes"]}, "the model of tpe and of cmaes places an absent one"),
        ({"searcher": "random"}, ""),
    ],
)
def test_the_methods_say_which_searchers_impute(make_results, search, said):
    found = make_results({"a": np.random.default_rng(0).normal(size=(3, 5))})
    changed = {"views": {"a": {"space": SPACE.model_dump(mode="json")}}, "search": {"trials": 5, **search}}
    found = dataclasses.replace(found, study=Study.model_validate({**found.study.model_dump(mode="json"), **changed}))
    text = " ".join(methods(found))
    assert said in text
    assert ("absent" in text) == any(one.startswith("Lévesque") for one in references(found)) == bool(said)


def test_the_text_says_how_absent_hyperparameters_count(blocks):
    assert any(
        "absent in a trial counts as the middle of its range" in block.text for block in blocks if isinstance(block, Paragraph)
    )
