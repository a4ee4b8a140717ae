"""Known results are imported as the first trials of searches: the searchers see them, and nothing trains them."""

import json
import re

import pytest
from typer.testing import CliRunner

import hpstudy
from hpstudy.cli import app
from hpstudy.errors import StudyChanged, StudyError, UsageError
from hpstudy.report.chapters.methods import methods
from hpstudy.report.charts import best_so_far
from hpstudy.store import Store
from hpstudy.study.plan import SearchKey

MODULE = '''
from pydantic import BaseModel
from hpstudy.search.interface import Searcher

def train(params, seed):
    assert params["rate"] != 0.125, "an imported point is trained"
    return {"value": params["rate"], "trained": 1.0}

class Sees(Searcher):
    """Proposes the sum of what it has seen."""
    class Settings(BaseModel): ...
    def ask(self, space, history, *, goal, seed, number):
        return {"rate": min(1.0, sum(each.value for each in history) / 100), "kind": "a"} if number else {"rate": 0.5, "kind": "a"}
'''
SPACE = {
    "rate": {"type": "float", "low": 0, "high": 1},
    "kind": {"type": "choice", "values": ["a", "b"]},
    "depth": {"type": "int", "low": 1, "high": 8, "when": {"kind": "b"}},
}
STUDY = {
    "name": "known",
    "task": {"use": "imports_known:train"},
    "metric": {"name": "value", "goal": "maximize"},
    "views": {"v": {"space": SPACE}, "w": {"space": SPACE}},
    "search": {"searcher": "imports_known:Sees", "trials": 3},
    "replicates": 2,
    "analysis": {"resamples": 1000},
}
GOOD = "depth,rate,kind,value\n,0.125,a,12.5\n3,0.125,b,7\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imports_known.py").write_text(MODULE)
    (tmp_path / "good.csv").write_text(GOOD)
    return tmp_path


def import_good(view="v", **options):
    return hpstudy.import_trials({**STUDY, **options.pop("study", {})}, "good.csv", view, storage="known.sqlite", **options)


def run(**study):
    return hpstudy.run({**STUDY, **study}, "known.sqlite", executor="inline")


def trials(view, replicate=0):
    with hpstudy.open("known.sqlite") as reader:
        frame = reader.trials()
    return frame[(frame["view"] == view) & (frame["replicate"] == replicate)]


def test_results_are_the_first_trials_and_the_history_and_are_never_trained():
    assert import_good() == 2
    summary = run()
    assert summary.complete
    assert summary.ran == 2 * (1 + 3)
    for replicate in (0, 1):
        v = trials("v", replicate)
        assert v["objective"].tolist() == [12.5, 7.0, 0.195]
        assert v["point.rate"].tolist() == [0.125, 0.125, 0.195]
        assert v["point.depth"].tolist()[1] == 3
        assert v["metric.value"].tolist() == v["objective"].tolist()
        assert v["metric.trained"].isna().tolist() == v["evaluate_s"].isna().tolist() == [True, True, False]
        assert v["imported"].tolist() == [True, True, False]
        assert not trials("w", replicate)["imported"].any()
    assert hpstudy.check("known.sqlite") == []
    assert run().ran == 0


def test_one_replicate_may_get_them():
    import_good(replicate=1)
    run()
    assert trials("v", 0)["objective"].tolist() == [0.5, 0.005, 0.00505]
    assert trials("v", 1)["objective"].tolist() == [12.5, 7.0, 0.195]
    with hpstudy.open("known.sqlite") as reader:
        assert reader.imported() == {SearchKey("v", 1): 2}


def test_searches_by_other_searchers_begin_with_them_too():
    controls = {"controls": ["random", "default"]}
    import_good(study=controls)
    with hpstudy.open("known.sqlite") as reader:
        assert set(reader.imported()) == {SearchKey(arm, replicate) for arm in ("v", "v/random") for replicate in (0, 1)}
    run(**controls)
    assert trials("v/random")["objective"].tolist()[:2] == [12.5, 7.0]


def test_shards_keep_them_when_they_are_merged():
    import_good()
    run()
    whole = [trials("v", replicate)["objective"].tolist() for replicate in (0, 1)]
    for shard in ("0/2", "1/2"):
        hpstudy.import_trials(STUDY, "good.csv", "v", storage="part.sqlite", shard=shard)
        hpstudy.run(STUDY, "part.sqlite", executor="inline", shard=shard)
    with pytest.raises(UsageError, match="shard 1/2 does not hold replicate 0"):
        hpstudy.import_trials("part.shard-1-of-2.sqlite", "good.csv", "w", replicate=0)
    merged = hpstudy.merge(["part.shard-0-of-2.sqlite", "part.shard-1-of-2.sqlite"], "merged.sqlite")
    with hpstudy.open(merged) as reader:
        assert reader.imported() == {SearchKey("v", 0): 2, SearchKey("v", 1): 2}
        frame = reader.trials()
    found = frame[frame["view"] == "v"]
    assert [found[found["replicate"] == replicate]["objective"].tolist() for replicate in (0, 1)] == whole
    assert hpstudy.check(merged) == []


def test_other_studies_have_no_column():
    run()
    assert "imported" not in trials("v")


def test_the_event_says_what_was_imported():
    import_good()
    with hpstudy.open("known.sqlite") as reader:
        (event,) = (event for event in reader.events() if event.kind == "imported")
    assert event.detail["file"] == "good.csv"
    assert re.fullmatch("[0-9a-f]{64}", event.detail["sha256"])
    assert (event.detail["arms"], event.detail["replicates"], event.detail["trials"]) == (["v"], [0, 1], 2)


def test_the_report_marks_and_names_them():
    import_good()
    run()
    results = hpstudy.analyze("known.sqlite", thorough=False)
    chart = best_so_far.chart(results)
    assert "results that were imported and not trained in this study (v: up to 2 trials in 2 searches)" in chart.reading
    circles = [
        mark for panel in chart.panels for mark in panel.marks if getattr(getattr(mark, "marker", None), "fill", "") == "none"
    ]
    assert [mark.x.tolist() for mark in circles if mark.groups == (0,)] == [[1.0, 2.0]]
    assert any("known results that were imported (2 of v in 2 searches)" in text for text in methods(results))
    assert results.view("v").best_trial.value == 12.5


def test_a_study_in_which_no_trained_trial_has_a_value_is_broken(folder):
    (folder / "imports_broken.py").write_text("def train(params, seed): return 1 / 0")
    search = {"searcher": "random", "trials": 3}
    changes = {"task": {"use": "imports_broken:train"}, "search": search, "limits": {"max_failures": 2}}
    import_good(study=changes)
    with pytest.raises(hpstudy.StudyBroken):
        run(**changes)


def test_confirmations_that_all_fail_are_broken_off_also_if_results_were_imported(folder):
    search = {"searcher": "random", "trials": 3}
    task = {"use": "imports_fails_later:train"}
    (folder / "imports_fails_later.py").write_text(
        "import os\ndef train(params, seed): return 0 if os.path.exists('ok') else 1 / 0"
    )
    changes = {"task": task, "search": search, "limits": {"max_failures": 2}}
    (folder / "ok").touch()
    import_good(study=changes)
    run(**changes)
    (folder / "ok").unlink()
    with pytest.raises(hpstudy.StudyBroken, match="first 2 trials") as caught:
        hpstudy.confirm("known.sqlite", executor="inline")
    assert "If you change the code, add --allow-changed-code" in caught.value.hint


def test_the_command_imports_and_best_says_so(folder):
    (folder / "known.yaml").write_text(json.dumps(STUDY))
    command = ["import", "trials", "known.yaml", "good.csv", "--view", "v", "--storage", "known.sqlite"]
    found = CliRunner().invoke(app, command)
    assert (found.exit_code, found.stderr) == (0, "v: 2 results imported into every search\n")
    best = CliRunner().invoke(app, ["best", "known.sqlite", "--view", "v"])
    assert "v: value 12.5 (replicate 0, trial 0, imported)" in best.stdout


MISTAKES = {
    "rate,kind,value\n0.5,a,1\n": ":1: the column 'depth' is missing",
    "rate,kind,depth,values\n0.5,a,,1\n": ":1: unknown column 'values': did you mean 'value'?",
    "rate,rate,kind,depth,value\n": "has no results",
    "rate,rate,kind,depth,value\n1,1,a,,1\n": ":1: the column 'rate' appears twice",
    "": "has no results",
    "rate,kind,depth,value\n2,a,,1\n": ":2: 'rate' must be a number in [0, 1], not 2",
    "rate,kind,depth,value\n0.5,a,,1\n\n,a,,1\n": ":4: the point has no value of 'rate'",
    "rate,kind,depth,value\n0.5,c,,1\n": ":2: 'kind' must be one of 'a', 'b', not 'c'",
    "rate,kind,depth,value\n0.5,b,1.5,1\n": ":2: 'depth' must be a whole number in [1, 8], not '1.5'",
    "rate,kind,depth,value\n0.5,a,3,1\n": ":2: the condition of 'depth' does not hold in this point",
    "rate,kind,depth,value\n0.5,a,,\n": ":2: 'value' must be a finite number, not ''",
    "rate,kind,depth,value\n0.5,a,,nan\n": ":2: 'value' must be a finite number, not 'nan'",
    "rate,kind,depth,value\n0.5,a,1\n": ":2: the line has 1 cells fewer than there are columns",
    'rate,kind,depth,value\n0.5,"a\n': "cannot be read as CSV",
    "number,params_rate,kind,depth,value\n0,0.5,a,,1\n": ":1: unknown columns 'number', 'params_rate': valid: rate, kind, depth, value",
    "SQLite format 3\x84": "is not a CSV file",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_named_with_its_line_and_nothing_is_stored(folder, text):
    (folder / "good.csv").write_text(text, encoding="latin-1")
    with pytest.raises((StudyError, UsageError)) as caught:
        import_good()
    assert "good.csv" in str(caught.value)
    assert MISTAKES[text] in str(caught.value)
    assert not (folder / "known.sqlite").exists()


def test_values_of_all_kinds_are_read(folder):
    space = {**SPACE, "on": {"type": "choice", "values": [True, False]}, "size": {"type": "choice", "values": [1, 16]}}
    (folder / "good.csv").write_text("rate,kind,depth,on,size,value\n1,b,8.0,True,16,1\n1e-3,a,,false, 1 ,-2e1\n")
    import_good(study={"views": {"v": {"space": space}}})
    with Store.open("known.sqlite") as store:
        rows = store.history(SearchKey("v", 0))
    assert [row.point for row in rows] == [
        {"rate": 1.0, "kind": "b", "depth": 8, "on": True, "size": 16},
        {"rate": 0.001, "kind": "a", "on": False, "size": 1},
    ]
    assert [type(value) for value in rows[0].point.values()] == [float, str, int, bool, int]
    assert [row.objective for row in rows] == [1.0, -20.0]


def test_numbers_that_other_programs_computed_are_read(folder):
    space = {
        "share": {"type": "float", "low": -0.3, "high": 0.5, "step": 0.1},
        "size": {"type": "choice", "values": [1, 16]},
        "rate": {"type": "choice", "values": [0.01, 0.1]},
    }
    (folder / "good.csv").write_text("share,size,rate,value\n0.30000000000000004,16.0,1e-2,1\n5.551115123125783e-17,1.0,0.10,2\n")
    import_good(study={"views": {"v": {"space": space}}})
    with Store.open("known.sqlite") as store:
        points = [row.point for row in store.history(SearchKey("v", 0))]
    assert points == [{"share": 0.3, "size": 16, "rate": 0.01}, {"share": 0.0, "size": 1, "rate": 0.1}]
    assert [type(value) for value in points[0].values()] == [float, int, float]


REFUSED = [
    ({"view": "x"}, "the study has no view 'x'"),
    ({"replicate": 2}, "there is no replicate 2: the study has the replicates 0 to 1"),
    ({"study": {"search": {"searcher": "imports_known:Sees", "trials": 1}}}, "has 2 results, but a search has 1 trials"),
    (
        {"study": {"search": {"searcher": "ax", "trials": 8, "lockstep": 2}}, "replicate": 0},
        "with search.lockstep, results are imported into all replicates",
    ),
    ({"study": {"views": {"v": {"space": SPACE, "enqueue": [{"rate": 0.5, "kind": "a"}]}}}}, "view 'v' enqueues points"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_what_cannot_begin_with_results_is_refused(folder, options, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        import_good(**options)
    assert not (folder / "known.sqlite").exists()


def test_a_search_that_has_begun_is_refused_and_stays(folder):
    import_good()
    with pytest.raises(UsageError, match="the search v/0 has begun: results can be imported only before"):
        import_good()
    assert len(trials("v")) == 2
    assert hpstudy.import_trials("known.sqlite", "good.csv", "w") == 2
    assert len(trials("w")) == 2


def test_the_hint_for_changed_code_names_no_option_that_the_command_lacks(folder):
    import_good()
    run()
    (folder / "imports_known.py").write_text(MODULE + "# changed\n")
    with pytest.raises(StudyChanged, match=r"source of imports_known\.py") as caught:
        hpstudy.import_trials("known.sqlite", "good.csv", "w")
    assert "allow" not in caught.value.hint
    with pytest.raises(StudyChanged, match=r"source of imports_known\.py") as caught:
        hpstudy.resume("known.sqlite")
    assert "--allow-changed-code continues" in caught.value.hint
