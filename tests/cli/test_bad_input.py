"""Bad input is answered with one clear message and the right exit code, never with a traceback."""

import os
import sqlite3
import subprocess
import sys
import textwrap

import pytest


def answered(done, code, *fragments):
    """The process ended with this exit code and said these things, without a traceback."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for fragment in fragments:
        assert fragment in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("old", "new", "line", "fragments"),
    [
        ("replicates: 3", "replicate: 3", 15, ["replicate", "did you mean 'replicates'"]),
        ("low: -5, high: 10}\n      x2", "low: 10, high: -5}\n      x2", 9, ["low", "smaller than high"]),
        ("high: 15}", "high: 15, log: true}", 10, ["log range needs low > 0"]),
        ("use: branin", "use: branim", 4, ["branim", "did you mean 'branin'"]),
        ("searcher: sobol", "searcher: soboll", 14, ["did you mean 'sobol'"]),
        ("name: value", "name: valu", 5, ["did you mean 'value'"]),
        ("trials: 4", "trials: 0", 14, ["trials"]),
        ("noise: 0.5", "nose: 0.5", 4, ["did you mean 'noise'"]),
        ("x2: {type: float, low: 0", "y2: {type: float, low: 0", 10, ["y2"]),
        ("replicates: 3", "replicates: 3\nanalysis: {compare: [[both, three]]}", 16, ["three", "both"]),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else None,
)
def test_a_mistake_in_a_study_names_file_and_line(hpstudy, study_text, old, new, line, fragments):
    assert old in study_text
    done = hpstudy("validate", "tiny.yaml", text=study_text.replace(old, new))
    answered(done, 2, f"tiny.yaml:{line}:", *fragments)


def test_all_mistakes_are_reported_at_once(hpstudy, study_text):
    text = study_text.replace("replicates: 3", "replicate: 3").replace("trials: 4", "trials: 0").replace("branin", "branim")
    answered(hpstudy("validate", "tiny.yaml", text=text), 2, "tiny.yaml:4:", "tiny.yaml:14:", "tiny.yaml:15:")


def test_malformed_yaml_names_the_line(hpstudy):
    answered(hpstudy("validate", "tiny.yaml", text="version: 1\nviews: {a: [\n"), 2, "tiny.yaml:")


@pytest.mark.parametrize("command", ["status", "trials", "best", "report", "export"])
def test_a_missing_database_is_named_with_the_next_step(hpstudy, command):
    answered(hpstudy(command, "runs/none.sqlite"), 1, "none.sqlite", "hint")


@pytest.mark.parametrize("command", ["validate", "plan", "run", "status", "best", "report"])
def test_a_missing_study_file_is_not_called_a_study_with_mistakes(hpstudy, study_text, command):
    done = hpstudy(command, "tyni.yaml", text=study_text)
    answered(done, 2, "there is no file tyni.yaml: did you mean 'tiny.yaml'?", "hint: `hpstudy init DIR`")
    assert "mistake" not in done.stderr


def test_the_count_of_mistakes_does_not_say_what_was_not_done(hpstudy):
    done = hpstudy("plan", "tiny.yaml", text="version: 1")
    assert done.stderr.splitlines()[-1] == "error: 6 mistakes found"


@pytest.mark.parametrize("command", ["run", "validate", "report", "status"])
def test_a_path_with_a_space_needs_quotes(hpstudy, study_text, command):
    done = hpstudy(command, "my", "tiny", "study.yaml", "--scale", "x", text=study_text, name="my tiny study.yaml")
    assert done.returncode in (1, 2)
    assert (
        done.stderr.splitlines()[-1]
        == f"  hint: quote a path that contains spaces: hpstudy {command} 'my tiny study.yaml' --scale x"
    )
    assert "quote" not in hpstudy(command, "my", "study.yaml").stderr


@pytest.mark.parametrize("existing", ["run tiny.yaml", "--observer tensorbaord", "none.csv --view"])
def test_an_error_about_something_else_has_no_hint_about_quotes(hpstudy, study_text, tmp_path, existing):
    (tmp_path / existing).touch()
    done = hpstudy("run", "tiny.yaml", "--observer", "tensorbaord", text=study_text.replace("replicates: 3", "replicates: 0"))
    answered(done, 2, "tiny.yaml:", "replicates")
    assert "quote" not in done.stderr
    done = hpstudy("import", "trials", "tiny.yaml", "none.csv", "--view", "none", text=study_text)
    answered(done, 2, "the study has no view 'none'")
    assert "quote" not in done.stderr


def test_a_foreign_database_is_refused(hpstudy, tmp_path):
    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    answered(hpstudy("status", "other.sqlite"), 1, "other.sqlite", "not an hpstudy database")


def test_a_run_never_writes_into_a_foreign_database(hpstudy, tmp_path, study_text):
    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = (tmp_path / "other.sqlite").read_bytes()
    answered(hpstudy("run", "tiny.yaml", "--storage", "other.sqlite", text=study_text), 1, "not an hpstudy database")
    assert (tmp_path / "other.sqlite").read_bytes() == before


def test_a_text_file_is_not_a_database(hpstudy, tmp_path):
    (tmp_path / "text.sqlite").write_text("this is no database" * 100)
    answered(hpstudy("status", "text.sqlite"), 1, "text.sqlite")


@pytest.fixture
def finished(hpstudy, study_text, tmp_path):
    """A finished run of the tiny study; returns its database."""
    done = hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text)
    assert done.returncode == 0, done.stderr
    return tmp_path / "runs/tiny.sqlite"


def test_a_truncated_database_is_reported(hpstudy, finished):
    finished.write_bytes(finished.read_bytes()[:5000])
    answered(hpstudy("status", "runs/tiny.sqlite"), 1, "tiny.sqlite")


def test_a_database_of_a_newer_version_is_refused(hpstudy, finished):
    connection = sqlite3.connect(finished)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    answered(hpstudy("status", "runs/tiny.sqlite"), 5, "newer")


def test_a_changed_study_is_refused_with_the_changed_keys(hpstudy, finished, study_text):
    done = hpstudy("run", "tiny.yaml", text=study_text.replace("high: 15", "high: 14"))
    answered(done, 4, "x2.high", "15", "14")


def test_a_study_may_grow(hpstudy, finished, study_text):
    done = hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text.replace("trials: 4", "trials: 5"))
    assert done.returncode == 0, done.stderr
    assert hpstudy("status", "tiny.yaml", "--format", "csv").stdout.splitlines()[1].split(",")[1] == "15"


def test_a_study_may_not_shrink(hpstudy, finished, study_text):
    answered(hpstudy("run", "tiny.yaml", text=study_text.replace("trials: 4", "trials: 3")), 4, "trials")


def test_an_unknown_view_is_answered_with_the_known_ones(hpstudy, finished):
    answered(hpstudy("trials", "runs/tiny.sqlite", "--view", "bth"), 2, "did you mean 'both'")


def test_an_export_never_overwrites(hpstudy, finished, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    answered(hpstudy("export", "runs/tiny.sqlite", "-o", "out.csv"), 2, "out.csv", "--force")
    assert (tmp_path / "out.csv").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_named(hpstudy, study_text, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    answered(hpstudy("run", "tiny.yaml", "--storage", "locked/x.sqlite", text=study_text), 1, "locked")


def test_a_storage_below_a_file_is_named(hpstudy, study_text, tmp_path):
    (tmp_path / "file").write_text("")
    answered(hpstudy("run", "tiny.yaml", "--storage", "file/x.sqlite", text=study_text), 1, "file")


def test_a_database_given_as_a_study_file_is_answered_with_resume(hpstudy, finished):
    done = hpstudy("run", "runs/tiny.sqlite")
    answered(done, 2, "runs/tiny.sqlite is a database, not a study file", "hint: `hpstudy resume runs/tiny.sqlite` continues")
    assert hpstudy("resume", "runs/tiny.sqlite").returncode == 0


@pytest.mark.parametrize("folder", [".", "..", "/"])
def test_a_folder_is_no_study(hpstudy, finished, folder):
    answered(hpstudy("status", folder), 2, f"'{folder}' is a folder, not a study")


def test_a_name_without_a_database_is_answered_with_the_databases_there(hpstudy, finished):
    answered(hpstudy("status", "quite_another_name"), 1, "hint: databases in this folder: tiny.sqlite")
    answered(hpstudy("status", "tyni"), 1, "hint: did you mean 'tiny.sqlite'? databases in this folder: tiny.sqlite")


def test_a_replicate_that_the_study_does_not_have_is_refused(hpstudy, finished):
    answered(hpstudy("trials", "tiny", "--replicate", "3"), 2, "this study has no replicate 3: the last of its 3 is 2")
    none = hpstudy("trials", "tiny", "--state", "failed")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "No such trial yet.\n")


def test_a_missing_bundle_is_named_without_an_error_number(hpstudy):
    answered(hpstudy("open", "none.zip"), 1, "none.zip cannot be read as a zip file: No such file or directory\n")


def test_a_storage_that_is_another_file_is_answered_with_valid_ones(hpstudy, study_text, tmp_path):
    (tmp_path / "notes.txt").write_text("")
    done = hpstudy("run", "tiny.yaml", "--storage", "notes.txt", text=study_text)
    answered(
        done, 1, "notes.txt is a file, not a folder", "hint: choose another --storage: a folder, or a file that ends in .sqlite"
    )


PLUGIN = """\
version: 1
name: plugin
task: {use: "mine:f"}
metric: {name: loss, goal: minimize}
views: {a: {space: {x: {type: float, low: 0, high: 1}}}}
search: {searcher: random, trials: 3}
replicates: 1
limits: {max_failures: 3}
"""


def plugin(hpstudy, tmp_path, code):
    (tmp_path / "mine.py").write_text(textwrap.dedent(code))
    return hpstudy("run", "plugin.yaml", "--executor", "inline", text=PLUGIN, name="plugin.yaml")


def test_a_plugin_that_raises_on_import_is_one_error(hpstudy, tmp_path):
    answered(plugin(hpstudy, tmp_path, "1 / 0"), 2, "ZeroDivisionError", "mine.py:1")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("import sys\ndef f(params, seed): return 1.0\nsys.exit(0)", 3),
        ("import argparse\np = argparse.ArgumentParser()\np.add_argument('file')\np.parse_args([])", 4),
    ],
    ids=["exit", "argparse"],
)
@pytest.mark.parametrize("command", ["validate", "run"])
def test_a_plugin_that_ends_the_program_on_import_is_one_error(hpstudy, tmp_path, code, line, command):
    (tmp_path / "mine.py").write_text(code)
    done = hpstudy(command, "plugin.yaml", text=PLUGIN, name="plugin.yaml")
    answered(done, 2, "SystemExit", f"mine.py:{line}", "__main__")


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_function_that_raises_keyboard_interrupt_has_failed_trials(hpstudy, tmp_path, executor):
    (tmp_path / "mine.py").write_text("def f(params, seed):\n    if params['x'] >= 0: raise KeyboardInterrupt")
    done = hpstudy("run", "plugin.yaml", "--executor", executor, text=PLUGIN, name="plugin.yaml")
    assert (done.returncode, "trial 2: failed: KeyboardInterrupt" in done.stderr) == (1, True), done.stderr
    rows = hpstudy("trials", "runs/plugin.sqlite", "--format", "csv").stdout
    assert rows.count("failed") == 3


def test_a_plugin_that_returns_nan_has_diverged_trials(hpstudy, tmp_path):
    answered(plugin(hpstudy, tmp_path, "def f(params, seed): return float('nan')"), 1, "gave no value", "metric is nan")
    rows = hpstudy("trials", "runs/plugin.sqlite", "--format", "csv").stdout
    assert rows.count("diverged") == 3


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_a_complete_study_without_a_value_is_an_error(hpstudy, tmp_path, quiet):
    (tmp_path / "mine.py").write_text("def f(params, seed): return float('nan')")
    text = PLUGIN.replace("max_failures: 3", "max_failures: 4")
    answered(hpstudy("run", "plugin.yaml", *quiet, text=text, name="plugin.yaml"), 1, "No trial has a value: 3 diverged.")
    answered(hpstudy("run", "plugin.yaml", *quiet), 1, "No trial has a value: 3 diverged.")
    answered(hpstudy("status", "plugin.yaml"), 0, "warning: No trial has a value: 3 diverged.")


@pytest.mark.parametrize("value", ["None", "'0.5'", "{'other': 1.0}"])
def test_a_plugin_that_returns_no_number_is_told_what_to_return(hpstudy, tmp_path, value):
    done = plugin(hpstudy, tmp_path, f"def f(params, seed): return {value}")
    answered(done, 1, "loss", "must return" if value != "{'other': 1.0}" else "other")


@pytest.mark.parametrize(
    "command",
    [
        "run tiny.yaml --storage file/x.sqlite",
        "report tiny.yaml -o file/reports",
        "plot tiny.yaml best_so_far -o file/x.png",
        "export tiny.yaml -o file/x.csv",
        "bundle tiny.yaml -o file/x.zip",
        "schema -o file/x.json",
        "init file/studies",
    ],
)
def test_a_place_that_cannot_be_written_is_exit_code_1_in_every_command(hpstudy, finished, tmp_path, command):
    (tmp_path / "file").write_text("")
    answered(hpstudy(*command.split()), 1, "file", "cannot be", "hint: ")


@pytest.mark.parametrize("start", ["-m hpstudy", "-c 'from hpstudy.cli import main; main()'"])
def test_a_deleted_current_folder_is_one_message(tmp_path, start):
    (tmp_path / "deleted").mkdir()
    script = f"cd deleted && rmdir ../deleted && {sys.executable} {start} status x"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    answered(done, 2, "error: the current folder does not exist")


def test_words_of_one_path_are_one_message(hpstudy, study_text, tmp_path):
    (tmp_path / "my dir").mkdir()
    (tmp_path / "my dir/x.yaml").write_text(study_text)
    for command in ("validate", "merge"):
        assert hpstudy(command, "my", "dir/x.yaml").stderr == (
            "error: 'my dir/x.yaml' is one path, but it was given as 2 arguments\n"
            f"  hint: quote a path that contains spaces: hpstudy {command} 'my dir/x.yaml'\n"
        )
    assert hpstudy("report", "my", "dir/x.yaml").stderr.count("hint") == 1


def test_a_folder_without_study_files_is_said(hpstudy, tmp_path):
    (tmp_path / "empty").mkdir()
    answered(hpstudy("validate", "empty"), 2, "empty is a folder, not a study file, and it has no .yaml file\n")
    answered(hpstudy("validate", "empty/x.yaml"), 2, "there is no file empty/x.yaml, and its folder has no .yaml file\n")


@pytest.mark.parametrize("command", ["status", "trials", "report", "confirm", "serve", "bundle"])
def test_a_study_that_has_not_run_is_answered_with_the_command_that_runs_it(hpstudy, study_text, command):
    text = study_text + "scales: {small: {replicates: 2}}\n"
    done = hpstudy(command, "tiny.yaml", "--scale", "small", "--storage", "my runs", text=text)
    answered(done, 1, "my runs/tiny-small.sqlite does not exist: the study has not been run\n")
    answered(done, 1, "  hint: `hpstudy run tiny.yaml --scale small --storage 'my runs'` runs it\n")


@pytest.mark.parametrize("command", ["status", "best", "report", "serve"])
def test_a_folder_of_the_name_of_a_study_is_no_study(hpstudy, tmp_path, command):
    (tmp_path / "results").mkdir()
    done = hpstudy(command, "results")
    answered(done, 1, "error: results is a folder, not a study, and ", "runs/results.sqlite does not exist\n")
    answered(done, 1, "hint: give a study file, a database, or the name of a study")


def test_a_misspelled_suffix_of_a_study_file_is_answered_with_the_file(hpstudy, study_text):
    done = hpstudy("report", "tiny.ymal", text=study_text)
    answered(done, 1, "hint: did you mean 'tiny.yaml'? databases and study files in this folder: tiny.yaml")


def test_a_missing_database_is_not_checked(hpstudy):
    done = hpstudy("db", "check", "none")
    answered(done, 1, "none.sqlite does not exist", "hint: ")
    assert "problem" not in done.stderr


def test_the_kinds_of_lists_are_named(hpstudy):
    answered(hpstudy("list"), 2, "error: no kind is given: valid: tasks, ", "hint: for instance `hpstudy list searchers`")


@pytest.mark.parametrize("command", ["report tiny.yaml -o", "serve --storage"])
def test_a_folder_that_the_system_refuses_is_one_message(hpstudy, finished, command):
    answered(hpstudy(*command.split(), "p" * 300), 1, "File name too long\n  hint: choose another --")


def test_a_file_in_place_of_a_folder_is_named(hpstudy, study_text):
    done = hpstudy("init", "tiny.yaml", text=study_text)
    answered(done, 1, "error: tiny.yaml/", "cannot be written: tiny.yaml is a file, not a folder\n")
    answered(hpstudy("schema", "-o", "tiny.yaml/x.json"), 1, "tiny.yaml/x.json cannot be written: tiny.yaml is a file, not a")


def test_a_figure_is_given_after_the_study(hpstudy, study_text):
    assert hpstudy("run", "tiny.yaml", text=study_text).returncode == 0
    done = hpstudy("plot", "best_so_far", "tiny")
    answered(done, 2, "error: 'best_so_far' is given as the study, and the study as the figure\n", "the study first")
    answered(hpstudy("plot", "tiny", "-o", "a.pdf"), 2, "error: --output needs the name of a figure\n", "`hpstudy plot tiny`")
