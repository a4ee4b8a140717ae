import csv
import json

import numpy as np
import pytest

from hpstudy.errors import OutputError, UsageError
from hpstudy.report import headline, save_figure, write
from hpstudy.report.files import outdated

pytestmark = pytest.mark.usefixtures("without_pdf")


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_report_is_a_pdf_a_json_file_and_csv_files(results, tmp_path):
    written = write(results, tmp_path)
    assert written[:2] == [tmp_path / "small.pdf", tmp_path / "small.json"]
    assert all(path.exists() for path in written)
    assert {path.parent for path in written[2:]} == {tmp_path / "small"}


def test_an_output_that_ends_in_pdf_is_the_pdf_itself(results, tmp_path):
    assert write(results, tmp_path / "deep" / "mine.pdf")[0] == tmp_path / "deep" / "mine.pdf"
    assert (tmp_path / "deep" / "mine.json").exists()


def test_a_report_written_again_has_the_same_bytes(results, tmp_path, monkeypatch):
    monkeypatch.undo()
    one, other = (write(results, tmp_path / name) for name in ("one", "other"))
    assert len(one[0].read_bytes()) > 10_000
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_a_newer_report_of_the_same_study_replaces_the_old_one(make_results, ramps, tmp_path):
    old = make_results({"a": ramps(3), "b": ramps()}, analysis={"target": {"value": 5}})
    new = make_results({"a": ramps(3), "b": ramps()}, analysis={"target": {"value": 4}})
    write(old, tmp_path)
    write(new, tmp_path)
    assert json.loads((tmp_path / "small.json").read_text())["target"]["value"] == 4


@pytest.mark.parametrize(("before_s", "after_s"), [(None, 60.0), (60.0, 90.0), (60.0, None)])
def test_a_study_whose_time_limit_has_changed_replaces_its_report(make_results, ramps, tmp_path, before_s, after_s):
    old, new = (make_results({"a": ramps()}, study={"limits": {"timeout_s": limit}}) for limit in (before_s, after_s))
    write(old, tmp_path)
    write(new, tmp_path)
    assert json.loads((tmp_path / "small.json").read_text())["fingerprint"] == new.study.fingerprint()
    with pytest.raises(UsageError, match="a study of this name with other settings"):
        write(make_results({"a": ramps()}, study={"limits": {"timeout_s": after_s}, "seed": 1}), tmp_path)


@pytest.mark.parametrize(
    ("other", "said"),
    [({"seed": 1}, "the report of a study of this name with other settings"), ({"name": "big"}, r"of another study \(small\)")],
)
def test_the_report_of_another_study_is_left_alone(make_results, ramps, tmp_path, other, said):
    write(make_results({"a": ramps()}), tmp_path / "small.pdf")
    before = (tmp_path / "small.json").read_bytes()
    with pytest.raises(UsageError, match=said):
        write(make_results({"a": ramps()}, study=other), tmp_path / "small.pdf")
    assert (tmp_path / "small.json").read_bytes() == before


@pytest.mark.parametrize("name", ["small.pdf", "small.json", "small"])
def test_a_file_that_is_no_report_is_left_alone(results, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="not a report of this study"):
        write(results, tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_force_overwrites_what_is_in_the_way(results, tmp_path):
    (tmp_path / "small.pdf").write_text("mine")
    write(results, tmp_path, force=True)
    assert (tmp_path / "small.pdf").read_bytes().startswith(b"%PDF")


def test_other_files_in_the_folder_survive(results, tmp_path):
    write(results, tmp_path)
    (tmp_path / "small" / "notes.txt").write_text("mine")
    write(results, tmp_path)
    assert (tmp_path / "small" / "notes.txt").read_text() == "mine"


def test_a_csv_file_of_an_older_report_that_is_no_longer_written_goes(results, tmp_path):
    write(results, tmp_path)
    listed = json.loads((tmp_path / "small.json").read_text())
    (tmp_path / "small" / "gone.csv").write_text("old")
    (tmp_path / "small.json").write_text(json.dumps({**listed, "files": [*listed["files"], "small/gone.csv"]}))
    write(results, tmp_path)
    assert not (tmp_path / "small" / "gone.csv").exists()


def test_a_report_file_that_lists_files_elsewhere_removes_none_of_them(results, tmp_path):
    (tmp_path / "precious.csv").write_text("mine")
    write(results, tmp_path / "out")
    path = tmp_path / "out" / "small.json"
    listed = json.loads(path.read_text())
    names = ["../precious.csv", str(tmp_path / "precious.csv"), "small/../../precious.csv"]
    path.write_text(json.dumps({**listed, "files": names}))
    write(results, tmp_path / "out")
    assert (tmp_path / "precious.csv").exists()


def test_a_folder_that_cannot_be_written_is_an_error_for_the_user(results, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write(results, tmp_path / "file" / "below")


def test_nothing_is_left_half_written(results, tmp_path):
    write(results, tmp_path)
    assert not list(tmp_path.rglob("*.part"))


def test_the_json_file_holds_the_headline_and_the_settings(results, tmp_path):
    write(results, tmp_path)
    found = json.loads((tmp_path / "small.json").read_text())
    assert found["headline"] == headline(results)
    assert found["settings"]["seed"] == results.seed
    assert found["settings"]["resamples"] == 1000
    assert found["fingerprint"] == results.study.fingerprint()


def test_the_json_file_holds_the_numbers_of_every_comparison(results, tmp_path):
    write(results, tmp_path)
    (comparison,) = json.loads((tmp_path / "small.json").read_text())["comparisons"]
    assert comparison["trials"]["difference"] == results.pairs[0].trials.difference
    assert comparison["curve"]["mean"] == results.pairs[0].curve.mean.tolist()


def test_the_csv_file_of_best_so_far_has_a_row_for_every_trial(results, tmp_path):
    write(results, tmp_path)
    rows = read_csv(tmp_path / "small" / "best_so_far.csv")
    assert len(rows) == 2 * 6 * 10
    assert float(rows[7]["best_so_far"]) == results.views[0].best[0, 7]
    assert (rows[7]["number"], rows[7]["trials"]) == ("7", "8")


def test_the_mean_curve_can_be_recomputed_from_the_csv_of_best_so_far(results, tmp_path):
    write(results, tmp_path)
    rows = read_csv(tmp_path / "small" / "best_so_far.csv")
    values = [float(row["best_so_far"]) for row in rows if row["view"] == "b" and row["trials"] == "4"]
    (mean,) = [
        float(row["mean"])
        for row in read_csv(tmp_path / "small" / "mean_curves.csv")
        if row["view"] == "b" and row["trials"] == "4"
    ]
    assert np.mean(values) == pytest.approx(mean)


def test_the_csv_file_of_searches_says_when_each_reached_the_target(results, tmp_path):
    write(results, tmp_path)
    rows = read_csv(tmp_path / "small" / "searches.csv")
    assert len(rows) == 12
    times = [int(row["trials_to_target_or_censored"]) for row in rows if row["view"] == "a"]
    assert times == results.views[0].trials.times.trials.tolist()


@pytest.mark.parametrize("name", ["best_so_far", "difference", "trials_to_target", "budgets"])
def test_a_single_figure_can_be_saved(results, tmp_path, name):
    assert save_figure(results, name, tmp_path / "figure.svg").read_text().startswith("<?xml")


def test_an_unknown_figure_names_the_nearest_one(results, tmp_path):
    with pytest.raises(UsageError, match="did you mean 'best_so_far'"):
        save_figure(results, "best_so_fat", tmp_path / "figure.svg")


def test_an_unknown_form_is_refused(results, tmp_path):
    with pytest.raises(UsageError, match=r"figure\.jpeg"):
        save_figure(results, "budgets", tmp_path / "figure.jpeg")


def test_a_figure_without_data_is_refused(make_results, tmp_path):
    empty = make_results({"a": np.full((1, 2), np.nan)})
    with pytest.raises(UsageError, match="nothing to draw"):
        save_figure(empty, "budgets", tmp_path / "figure.png")


def files_of(folder):
    return json.loads((folder / "small.json").read_text())["files"]


@pytest.fixture
def without_html(monkeypatch):
    monkeypatch.setattr("hpstudy.report.html.compile_html", lambda document: b"<html>")


@pytest.mark.usefixtures("without_html")
@pytest.mark.parametrize(("first", "second"), [("pdf", "html"), ("html", "pdf")])
def test_a_report_in_one_form_keeps_the_other_one_that_shows_the_same_numbers(results, tmp_path, first, second):
    write(results, tmp_path, [first])
    written = write(results, tmp_path, [second])
    assert outdated(written) == []
    assert files_of(tmp_path)[:2] == [f"small.{second}", f"small.{first}"]
    assert outdated(write(results, tmp_path, [second])) == []


@pytest.mark.usefixtures("without_html")
@pytest.mark.parametrize(("first", "second"), [("pdf", "html"), ("html", "pdf")])
def test_the_other_form_is_outdated_until_it_is_written_again(make_results, ramps, tmp_path, first, second):
    old, new = (
        make_results({"a": ramps(3), "b": ramps()}, analysis={"target": {"value": value}, "resamples": 1000}) for value in (5, 4)
    )
    write(old, tmp_path, [first, second])
    left = tmp_path / f"small.{first}"
    for _ in range(2):
        assert outdated(write(new, tmp_path, [second])) == [left]
    assert left.exists()
    assert left.name not in files_of(tmp_path)
    assert outdated(write(new, tmp_path, [first])) == []


@pytest.mark.usefixtures("without_html")
def test_a_page_of_another_study_beside_a_forced_report_is_outdated(make_results, ramps, tmp_path):
    write(make_results({"a": ramps()}), tmp_path, ["html"])
    assert outdated(write(make_results({"a": ramps()}, study={"seed": 1}), tmp_path, force=True)) == [tmp_path / "small.html"]
