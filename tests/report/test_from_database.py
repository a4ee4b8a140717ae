"""The whole way from a database to a report."""

import csv
import math

import numpy as np
import pytest

import hpstudy
from hpstudy.analysis import analyze
from hpstudy.errors import UsageError
from hpstudy.report import style, write
from hpstudy.report.document import document
from hpstudy.report.pdf import figure_bytes
from hpstudy.report.pens import matplotlib as pen
from hpstudy.store import Reader
from tests.support.databases import example_study, synthetic_database


@pytest.fixture
def database(tmp_path):
    return synthetic_database(tmp_path / "example.sqlite", example_study(trials=6, replicates=4), diverged=0.1)


def analyzed(path):
    with Reader.open(path) as reader:
        return analyze(reader)


@pytest.mark.usefixtures("fast_fonts")
def test_a_database_rendered_twice_gives_the_same_bytes(database, tmp_path):
    one, other = (write(analyzed(database), tmp_path / name) for name in ("one", "other"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_the_counts_are_those_of_the_reader(database):
    results = analyzed(database)
    with Reader.open(database) as reader:
        counts = reader.counts()
    for view in results.views:
        found = view.completeness
        assert (found.planned, found.completed, found.diverged) == tuple(
            getattr(counts[view.name], key) for key in ("planned", "completed", "diverged")
        )


def test_the_best_trial_is_that_of_the_reader(database):
    results = analyzed(database)
    with Reader.open(database) as reader:
        for view in results.views:
            best = reader.best(view.name)
            assert (view.best_trial.replicate, view.best_trial.number) == (best.replicate, best.number)
            assert view.best_trial.point == best.point


@pytest.mark.usefixtures("without_pdf")
def test_best_so_far_in_the_csv_is_that_of_plain_sql(database, tmp_path):
    import sqlite3

    write(analyzed(database), tmp_path / "out")
    with (tmp_path / "out" / "example" / "best_so_far.csv").open(newline="") as file:
        ours = {(row["view"], row["replicate"], row["number"]): row["best_so_far"] for row in csv.DictReader(file)}
    connection = sqlite3.connect(database)
    for view, replicate, number, best in connection.execute("SELECT view, replicate, number, best FROM best_so_far"):
        if best is not None:
            assert math.isclose(float(ours[view, str(replicate), str(number)]), best)
    connection.close()


@pytest.mark.usefixtures("fast_fonts")
def test_a_half_finished_database_has_a_report(tmp_path):
    path = synthetic_database(tmp_path / "half.sqlite", example_study(trials=6, replicates=3), complete=0.5)
    results = analyzed(path)
    assert results.provisional
    assert write(results, tmp_path / "out")[0].read_bytes().startswith(b"%PDF")


def test_the_thorough_analysis_adds_figures_and_changes_none(database):
    drawings = []
    for thorough in (False, True):
        with Reader.open(database) as reader, style.applied():
            drawings.append({drawing.name: drawing for drawing in document(analyze(reader, thorough=thorough)).charts})
    quick, all_ = drawings
    assert list(quick) == ["best_so_far", "difference", "trials_to_target", "budgets"]
    assert set(all_) > set(quick)
    for name in quick:
        one, other = (figure_bytes(pen.figure(found[name]), "png", 30) for found in drawings)
        assert one == other, name


def test_a_plot_waits_for_the_thorough_analysis_only_where_its_figure_needs_it(database, tmp_path, monkeypatch):
    asked, results = [], analyzed(database)
    monkeypatch.setattr(
        "hpstudy.api.figures.analyze", lambda study, storage, *, scale, thorough=True: asked.append(thorough) or results
    )
    assert hpstudy.plot_figure(database, "budgets", tmp_path / "budgets.svg").exists()
    assert asked == [False]
    with pytest.raises(UsageError, match="no figure 'anytime'"):
        hpstudy.plot_figure(database, "anytime", tmp_path / "anytime.svg")
    assert asked == [False, False, True]


def test_the_points_of_the_results_are_those_of_the_trials(database):
    results = analyzed(database)
    with Reader.open(database) as reader:
        points = {
            (key.view, key.replicate, row.number): row.point for key in reader.search_counts() for row in reader.history(key)
        }
    found = {(view.name, *at): view.point(*at) for view in results.views for at in np.ndindex(*view.best.shape)}
    assert found == points


def test_a_study_and_a_figure_in_the_wrong_order_are_one_error(database, tmp_path):
    with pytest.raises(UsageError, match="'budgets' is given as the study") as raised:
        hpstudy.figure("budgets", str(database))
    assert raised.value.hint == "give the study first, then the figure"
    with pytest.raises(UsageError, match="'budgets' is given as the study"):
        hpstudy.plot_figure("budgets", str(database), tmp_path / "budgets.svg")
    with pytest.raises(UsageError, match="'budgets' is given as the study"):
        hpstudy.figure("budgets", "example", storage=database.parent)
    results = hpstudy.analyze(database, thorough=False)
    for given in (results, results.study, database):
        with pytest.raises(UsageError, match="name must be text, not "):
            hpstudy.figure("budgets", given)


def test_a_figure_of_results_is_saved(database, tmp_path):
    results = hpstudy.analyze(database, thorough=False)
    assert hpstudy.plot_figure(results, "budgets", tmp_path / "budgets.svg").exists()
