"""The commands in the order of a study's life."""

import dataclasses
import json
import sqlite3

import pytest

from hpstudy.store import Reader


@pytest.fixture
def finished(hpstudy, study_text, tmp_path):
    done = hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text)
    assert done.returncode == 0, done.stderr
    return tmp_path / "runs/tiny.sqlite"


def test_help_names_every_command(hpstudy):
    text = hpstudy("--help").stdout
    commands = (
        "validate plan run resume merge slurm confirm status trials best export report plot serve power init schema list db data"
    )
    for command in commands.split():
        assert f"\n  {command} " in text


def test_validate_says_how_large_the_study_is(hpstudy, study_text):
    done = hpstudy("validate", "tiny.yaml", text=study_text)
    assert "2 views x 3 replicates x 4 trials = 24 trials" in done.stderr


def test_plan_counts_the_work_left(hpstudy, finished, study_text):
    done = hpstudy("plan", "tiny.yaml", "--format", "json", text=study_text.replace("replicates: 3", "replicates: 5"))
    assert {row["view"]: (row["planned"], row["left"]) for row in json.loads(done.stdout)} == {"both": (20, 8), "one": (20, 8)}


def test_running_again_runs_nothing(hpstudy, finished):
    before = hpstudy("trials", "tiny.yaml", "--format", "csv").stdout
    again = hpstudy("run", "tiny.yaml", "--executor", "inline")
    assert again.returncode == 0
    assert hpstudy("trials", "tiny.yaml", "--format", "csv").stdout == before


def test_the_next_command_is_quoted_for_the_shell(hpstudy, study_text, tmp_path):
    ran = hpstudy("run", "tiny.yaml", "--executor", "inline", "--storage", "my runs", text=study_text)
    assert f"next: hpstudy report '{tmp_path / 'my runs/tiny.sqlite'}'" in ran.stderr
    copied = hpstudy("init", "my studies")
    assert "cd 'my studies' && hpstudy run studies/quick.yaml" in copied.stderr


def test_resume_needs_no_study_file(hpstudy, finished, tmp_path):
    (tmp_path / "tiny.yaml").unlink()
    assert hpstudy("resume", "runs/tiny.sqlite", "--executor", "inline").returncode == 0


def test_a_study_is_found_by_database_by_file_and_by_name(hpstudy, finished):
    answers = {hpstudy("status", given, "--format", "csv").stdout for given in ("runs/tiny.sqlite", "tiny.yaml", "tiny")}
    assert len(answers) == 1


def test_best_prints_the_smallest_value_of_a_minimized_metric(hpstudy, finished):
    rows = json.loads(hpstudy("trials", "tiny", "--view", "both", "--format", "json").stdout)
    (best,) = json.loads(hpstudy("best", "tiny", "--view", "both", "--format", "json").stdout)
    assert best["objective"] == min(row["objective"] for row in rows)


def test_a_finished_database_has_no_problems(hpstudy, finished):
    done = hpstudy("db", "check", "runs/tiny.sqlite")
    assert (done.returncode, done.stdout) == (0, "")


def test_best_says_of_a_point_that_the_study_enqueued_it(hpstudy, study_text, tmp_path):
    (tmp_path / "mine.py").write_text('def measure(params, seed):\n    return abs(params["x1"] - 1)\n')
    text = study_text.replace("{use: branin, noise: 0.5}", '{use: "mine:measure"}')
    text = text.replace("  both:\n", "  both:\n    enqueue: [{x1: 1, x2: 2}]\n")
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=text).returncode == 0
    assert "(replicate 0, trial 0, enqueued)" in hpstudy("best", "tiny", "--view", "both").stdout


@pytest.mark.parametrize("form", ["csv", "json"])
def test_export_writes_every_trial(hpstudy, finished, tmp_path, form):
    hpstudy("export", "tiny", "--format", form, "-o", f"out.{form}")
    text = (tmp_path / f"out.{form}").read_text()
    assert len(json.loads(text) if form == "json" else text.splitlines()[1:]) == 24


def test_init_gives_a_folder_in_which_every_shipped_study_is_valid(hpstudy, tmp_path):
    assert hpstudy("init", "here").returncode == 0
    studies = sorted((tmp_path / "here/studies").rglob("*.yaml"))
    done = hpstudy("validate", *studies)
    assert done.returncode == 0, done.stderr
    assert all(f"{study}: valid." in done.stderr for study in studies)


def test_init_overwrites_nothing(hpstudy, tmp_path):
    hpstudy("init", "here")
    (tmp_path / "here/studies/quick.yaml").write_text("mine")
    done = hpstudy("init", "here")
    assert done.returncode != 0
    assert (tmp_path / "here/studies/quick.yaml").read_text() == "mine"


def test_the_storage_folder_of_the_environment_is_used(hpstudy, study_text, tmp_path, monkeypatch):
    monkeypatch.setenv("HPSTUDY_STORAGE", str(tmp_path / "elsewhere"))
    hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text)
    assert (tmp_path / "elsewhere/tiny.sqlite").exists()


def test_best_prints_single_layers_in_json_and_not_in_a_table(hpstudy, study_text, tmp_path):
    (tmp_path / "mine.py").write_text(
        'def measure(params, seed):\n    return {"value": params["x1"], "loss": 1, "flip_ratio.layer1": 2}\n'
    )
    text = study_text.replace("{use: branin, noise: 0.5}", '{use: "mine:measure"}')
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=text).returncode == 0
    table, body = (hpstudy("best", "tiny", "--format", form).stdout for form in ("table", "json"))
    assert "loss=1" in table
    assert "layer" not in table
    assert json.loads(body)[0]["metrics"]["flip_ratio.layer1"] == 2


LOST = """\
from hpstudy.engine.executors import EngineLost
from hpstudy.engine.processes import ProcessExecutor


class Lost(ProcessExecutor):
    steps = 0

    def submit(self, call, request, timeout_s=None):
        self.steps += 1
        if self.steps > 5:
            raise EngineLost("the scheduler at tcp://10.0.0.1 does not answer")
        return super().submit(call, request, timeout_s)
"""


def test_a_run_that_loses_its_engine_ends_with_exit_code_3_and_one_sentence(hpstudy, study_text, tmp_path):
    (tmp_path / "lost.py").write_text(LOST)
    done = hpstudy("run", "tiny.yaml", "--executor", "lost:Lost", "-q", text=study_text)
    said = (
        "error: the scheduler at tcp://10.0.0.1 does not answer\n  hint: `hpstudy resume` continues the study when it is back\n"
    )
    assert (done.returncode, done.stderr) == (3, said)
    with Reader.open(tmp_path / "runs/tiny.sqlite") as reader:
        assert [event.kind for event in reader.events()] == ["created", "engine_lost"]
        assert reader.owner() is None
    assert hpstudy("resume", "tiny", "--executor", "inline").returncode == 0


def test_status_is_watched_until_the_study_is_complete(hpstudy, study_text):
    hpstudy("run", "tiny.yaml", text=study_text)
    done = hpstudy("status", "tiny", "--watch")
    assert done.returncode == 0
    assert done.stdout == hpstudy("status", "tiny").stdout
    assert hpstudy("status", "tiny", "--watch", "--format", "json").returncode == 2


def test_a_study_file_that_has_grown_is_noted_with_the_command_that_runs_the_rest(hpstudy, finished, study_text, tmp_path):
    (tmp_path / "tiny.yaml").write_text(study_text.replace("replicates: 3", "replicates: 4"))
    note = f"the study has grown to 32 trials, and {finished} is of 24; to add the others: hpstudy run tiny.yaml"
    for command in ("report", "status"):
        assert hpstudy(command, "tiny.yaml").stderr.splitlines().count(note) == 1
        assert "grown" not in hpstudy(command, "runs/tiny.sqlite").stderr
    assert f"{note} --storage runs" in hpstudy("status", "tiny.yaml", "--storage", "runs").stderr
    assert hpstudy("run", "tiny.yaml", "--executor", "inline").returncode == 0
    assert "grown" not in hpstudy("status", "tiny.yaml").stderr


def test_a_changed_study_file_is_not_called_grown(hpstudy, finished, study_text, tmp_path):
    (tmp_path / "tiny.yaml").write_text(study_text.replace("replicates: 3", "replicates: 4").replace("high: 15", "high: 16"))
    assert "grown" not in hpstudy("status", "tiny.yaml").stderr


def test_status_of_an_incomplete_study_has_the_command_that_continues_it(hpstudy, study_text, finished):
    connection = sqlite3.connect(finished)
    connection.execute("DELETE FROM metric_value")
    connection.execute("DELETE FROM trial WHERE number = 3")
    connection.commit()
    connection.close()
    assert f"Not running. To continue: hpstudy resume {finished}" in hpstudy("status", "tiny").stderr


def test_init_says_what_it_has_written(hpstudy, tmp_path):
    first = hpstudy("init", "here", "--template", "function")
    assert "written: here/my_module.py\nwritten: here/my_study.yaml\nNext: cd here && hpstudy validate" in first.stderr
    (tmp_path / "here/my_module.py").unlink()
    second = hpstudy("init", "here", "--template", "function")
    assert [line for line in second.stderr.splitlines() if "written" in line] == ["written: here/my_module.py"]
    assert hpstudy("init", "here", "--template", "function").stderr.startswith("here has these files already\n")
    assert "Next: hpstudy validate" in hpstudy("init", ".", "--template", "function").stderr


def test_long_notes_on_a_data_set_are_cut_below_the_table(monkeypatch, capsys):
    from hpstudy.cli import data
    from hpstudy.data import library

    status = library.list_sets()[0]
    notes = (f"99 voices excluded: {', '.join(['somebody'] * 99)}",)
    monkeypatch.setattr(library, "list_sets", lambda: [dataclasses.replace(status, problem="", notes=notes)])
    data.list_()
    note = capsys.readouterr().err.strip()
    assert note.startswith(f"{status.name}: 99 voices excluded: somebody, ")
    assert note.endswith("... (all: --format json)")
    assert len(note) < 200
