"""The task `command`: what is run, what is read, and what is said of a failure."""

import errno
import os
import re
import shutil
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from pydantic import ValidationError

from hpstudy.engine.recorder import Recorder
from hpstudy.errors import TrialFailed, UsageError
from hpstudy.modules import module_path
from hpstudy.study.schema import View
from hpstudy.tasks.command.task import Command, CommandSettings
from hpstudy.tasks.command.template import Template

VIEW = View(
    space={
        "rate": {"type": "float", "low": 0.0, "high": 1.0},
        "name": {"type": "choice", "values": ["a b", "\"; rm -rf $HOME; $(id) '"]},
    },
    fixed={"nesterov": True},
)
POINT = {"rate": 0.1, "name": "\"; rm -rf $HOME; $(id) '"}
ARGUMENTS = "{rate} {name} {nesterov}"


def command(text, **settings):
    return Command(CommandSettings(command=text, **settings))


def shell(script):
    """A command that runs a script of the shell."""
    Path("script.sh").write_text(script)
    return "sh script.sh"


def run(text, *, seed=3, **settings):
    """The metrics and the curves of a trial of a command that ends with the hyperparameters as its arguments."""
    recorder = Recorder()
    found = command(f"{text} {ARGUMENTS}", **settings).evaluate(VIEW, POINT, seed, recorder)
    return found, recorder.curves


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_value_is_one_argument_whatever_is_in_it(folder):
    (folder / "show.py").write_text("import json, sys\nprint(json.dumps({'arguments': sys.argv[1:]}))")
    found, _ = run(f"{sys.executable} show.py --seed={{seed}} 'two words'")
    assert found == {"arguments": ["--seed=3", "two words", "0.1", POINT["name"], "true"]}


def test_arguments_and_overrides_name_every_hyperparameter():
    values = {"rate": 1e-05, "width": 8, "nesterov": False}
    assert Template("r {arguments} x={width}").fill(values, {}) == ["r", "--rate=1e-05", "--width=8", "--nesterov=false", "x=8"]
    assert Template("r {overrides}").fill(values, {}) == ["r", "rate=1e-05", "width=8", "nesterov=false"]


def test_double_braces_are_braces():
    assert Template("r '{{\"lr\": {rate}}}'").fill({"rate": 0.5}, {}) == ["r", '{"lr": 0.5}']


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the command is empty"),
        ("python 'train.py", "No closing quotation"),
        ("python {rate", "expected '}'"),
        ("python {}", "{} needs a name"),
        ("python {rate:.3f}", "must be a name alone"),
        ("python --{arguments}", "put spaces around it"),
    ],
)
def test_a_command_that_cannot_be_read_is_refused(text, message):
    with pytest.raises(ValidationError, match=message.replace("{", r"\{").replace("}", r"\}")):
        CommandSettings(command=text)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({}, "either 'file' or 'regex'"),
        ({"file": "a.json", "regex": "(?P<a>.)"}, "a placeholder in its path"),
        ({"file": "a.json"}, "each trial needs its own file"),
        ({"regex": "("}, "not a regular expression"),
        ({"regex": "(?P<epoch>.)"}, "name the metric as a group"),
    ],
)
def test_metrics_that_cannot_be_read_are_refused(metrics, message):
    with pytest.raises(ValidationError, match=message):
        CommandSettings(command="r", metrics=metrics)


def test_the_last_json_object_on_standard_output_is_the_result():
    lines = ["""echo '{"a": 1}'""", "echo '[1]'", """echo '{"a": 2, "note": "x"}'""", "echo done", """echo '{"a": 3}' >&2"""]
    found, curves = run(shell("\n".join(lines)))
    assert found == {"a": 2, "note": "x"}
    assert curves == []


def test_json_lines_with_an_epoch_or_step_are_curves(folder):
    lines = [
        '{"epoch": 1, "loss": 3}',
        '{"epoch": 2, "loss": 2, "text": "x"}',
        '{"epoch": 2, "loss": 1}',
        '{"step": 9, "a": 0.5}',
    ]
    (folder / "lines").write_text("\n".join(lines))
    found, curves = run("sh -c 'cat lines'")
    assert found == {"a": 0.5}
    assert curves == [(1, "loss", 3.0), (2, "loss", 1.0), (9, "a", 0.5)]


def test_a_regular_expression_is_searched_in_both_streams_and_its_last_match_counts():
    script = "sh -c 'echo loss=3; echo loss=2 acc=0.5 >&2; echo loss=nan'"
    found, curves = run(script, metrics={"regex": "loss=(?P<loss>[0-9a-z.]+)(?: acc=(?P<acc>[0-9.]+))?"})
    assert str(found) == "{'loss': nan, 'acc': 0.5}"
    assert sorted(curve for curve in curves if curve[1] == "acc")[0][2] == 0.5
    assert len(curves) == 4


def test_a_regular_expression_with_an_epoch_gives_the_epochs_of_the_curve():
    script = "sh -c 'echo epoch 10 loss 3; echo epoch 20 loss 2'"
    found, curves = run(script, metrics={"regex": "epoch (?P<epoch>[0-9]+) loss (?P<loss>[0-9]+)"})
    assert found == {"loss": 2.0}
    assert curves == [(10, "loss", 3.0), (20, "loss", 2.0)]
    assert command("r", metrics={"regex": "(?P<epoch>.) (?P<loss>.)"}).objectives() == ["loss"]


def test_one_match_is_no_curve():
    assert run("sh -c 'echo loss 3'", metrics={"regex": "loss (?P<loss>[0-9]+)"}) == ({"loss": 3.0}, [])


@pytest.mark.parametrize(
    ("name", "text", "found", "curves"),
    [
        ("m.json", '{\n"a": 1,\n"b": [2]}', {"a": 1, "b": [2]}, []),
        ("m.jsonl", '{"epoch": 1, "a": 1}\n{"epoch": 2, "a": 2}\n', {"a": 2}, [(1, "a", 1.0), (2, "a", 2.0)]),
        ("m.csv", "epoch,a,b\n1,5,\n1,,7\n2,6,\n", {"a": 6.0, "b": 7.0}, [(1, "a", 5.0), (1, "b", 7.0), (2, "a", 6.0)]),
    ],
)
def test_metrics_are_read_from_a_file(folder, name, text, found, curves):
    (folder / "source").write_text(text)
    assert run(f"sh -c 'cp source {{checkpoint}}/{name}'", metrics={"file": f"{{checkpoint}}/{name}"}) == (found, curves)


def test_a_file_that_was_there_before_is_not_taken_for_the_result(folder):
    (folder / "old-3.json").write_text('{"a": 1}')
    with pytest.raises(TrialFailed, match=r"gave no value: it wrote no values to .*old-3\.json"):
        run("sh -c true", metrics={"file": "old-{seed}.json"})


HALVES = [
    ("m.json", '{"a": 0.', "cut off: the last line of {path} is not complete"),
    ("m.json", '{\n  "a": 1,\n  "b"', "{path} holds no values"),
    ("m.json", "", "{path} holds no values"),
    ("m.jsonl", '{"epoch": 1, "a": 1}\n{"epoch": 2, "a": 0.', "cut off: the last line of {path} is not complete"),
    ("m.csv", "epoch,a,b\n1,5,6\n2,0.", "cut off: the last row of {path} is not complete"),
]


@pytest.mark.parametrize(("name", "text", "message"), HALVES)
def test_a_metrics_file_that_is_half_written_gives_no_value(folder, name, text, message):
    """Not that of an earlier epoch either."""
    (folder / "source").write_text(text)
    with pytest.raises(TrialFailed, match=re.escape(message.format(path=f"{folder}/out-3-{name}"))):
        run(f"sh -c 'cp source out-{{seed}}-{name}'", metrics={"file": f"out-{{seed}}-{name}"})


def test_a_last_json_line_that_is_cut_off_gives_no_value():
    lines = ["""echo '{"epoch": 1, "a": 1}'""", """printf '{"a": 0.'"""]
    with pytest.raises(TrialFailed, match="the last JSON line of its standard output is not complete"):
        run(shell("\n".join(lines)))
    whole = [*lines, "echo", """echo '{"a": 3}'""", "echo '{done}'"]
    assert run(shell("\n".join(whole)))[0] == {"a": 3}


def test_a_long_output_is_read_to_the_end_without_keeping_it():
    tracemalloc.start()
    try:
        found, _ = run(shell("""head -c 30000000 /dev/zero | tr '\\0' y; yes | head -c 3000000; echo '{"a": 1}'"""))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert found == {"a": 1}


@pytest.mark.parametrize("value", ["a b", 'it\'s "q"', "100% {rate} $(id) `id`", "ünï 日本 \\n", "", "--x=1", "a\nb"])
def test_a_value_of_any_text_is_one_argument(folder, value):
    (folder / "show.py").write_text("import json, sys\nprint(json.dumps({'arguments': sys.argv[1:]}))")
    arguments = Template("python show.py '50% {{x}}' {v} --v={v} {arguments}").fill({"v": value}, {})
    assert arguments[2:] == ["50% {x}", value, f"--v={value}", f"--v={value}"]
    view = View(space={"v": {"type": "choice", "values": [value, "other"]}})
    found = command(f"{sys.executable} show.py {{v}}").evaluate(view, {"v": value}, 1, Recorder())
    assert found == {"arguments": [value]}


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")
def test_a_script_in_r(folder):
    (folder / "train.R").write_text(
        "a <- commandArgs(trailingOnly = TRUE)\n"
        'for (epoch in 1:2) cat(sprintf(\'{"epoch": %d, "loss": %f}\\n\', epoch, as.numeric(a[1]) / epoch))\n'
        "cat(sprintf('{\"loss\": %f}\\n', as.numeric(a[1])))\n"
    )
    view = View(space={"rate": {"type": "float", "low": 0, "high": 1}})
    recorder = Recorder()
    assert command("Rscript train.R {rate} {seed}").evaluate(view, {"rate": 0.5}, 1, recorder) == {"loss": 0.5}
    assert recorder.curves == [(1, "loss", 0.5), (2, "loss", 0.25)]


def test_a_failed_command_is_quoted_with_its_exit_code():
    with pytest.raises(TrialFailed) as caught:
        run("sh -c 'echo begun; echo bad rate >&2; exit 7'")
    first, *rest = str(caught.value).splitlines()
    assert first == "the command ended with exit code 7: bad rate"
    assert {"  begun", "  bad rate"} <= set(rest)


def test_a_command_that_a_signal_ends_is_failed():
    with pytest.raises(TrialFailed, match=r"ended by signal 9 \(SIGKILL\)\. It printed nothing"):
        run("sh -c 'kill -9 $$'")


def test_a_command_without_a_value_is_failed():
    with pytest.raises(TrialFailed, match="gave no value: no line of its standard output is a JSON object") as caught:
        run("sh -c 'echo accuracy 0.5'")
    assert "  accuracy 0.5" in str(caught.value)


def test_the_seed_is_in_the_environment():
    assert run(shell("""echo '{"a":' "$HPSTUDY_SEED" '}'"""), seed=11)[0] == {"a": 11}


def test_it_runs_in_the_folder_of_the_study_and_what_it_prints_is_kept(folder, capfd):
    inner = folder / "study"
    inner.mkdir()
    (inner / "run.sh").write_text('#!/bin/sh\nbasename "$PWD"\necho \'{"a": 1}\'\n')
    (inner / "run.sh").chmod(0o755)
    with module_path(str(inner)):
        assert run("./run.sh")[0] == {"a": 1}
    assert "\nstudy\n" in capfd.readouterr().err


def test_processes_that_a_command_leaves_behind_are_ended(folder):
    run(shell("""sleep 300 & echo $! > pid; echo '{"a": 1}'"""))
    number = int((folder / "pid").read_text())
    deadline = time.monotonic() + 30
    while Path(f"/proc/{number}").exists() and "Z" not in Path(f"/proc/{number}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_command_ends_with_the_process_that_runs_it(folder):
    code = (
        "from hpstudy.tasks.command.program import run; import os; from pathlib import Path; "
        "run(['sh', '-c', 'echo $$ > pid; exec sleep 300'], Path('.'), os.environ, print)"
    )
    runner = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    runner.kill()
    runner.wait()
    number = int((folder / "pid").read_text())
    while Path(f"/proc/{number}").exists() and "Z" not in Path(f"/proc/{number}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("fails", ["/bin/sh", "sh"], ids=["guard", "program"])
def test_no_process_remains_if_the_program_or_its_guard_cannot_be_started(folder, monkeypatch, fails):
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, arguments, **options):
            if arguments[0] == fails:
                raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
            super().__init__(arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    with pytest.raises(TrialFailed, match="cannot be run: Resource temporarily unavailable"):
        run(shell("sleep 300"))
    assert [process.poll() for process in started] in ([], [1])


def test_a_view_is_compared_with_the_placeholders():
    task = command("r {rate} {nome}")
    assert [problem.key for problem in task.check_view(VIEW)] == [("space", "name"), ("fixed", "nesterov")]
    (problem,) = task.check_views({"v": VIEW})
    assert problem.key == ("task", "command")
    assert "did you mean 'name'?" in problem.message
    other = View(space={"nome": {"type": "int", "low": 1, "high": 2}, "rate": {"type": "int", "low": 1, "high": 2}})
    assert [problem.key for problem in task.check_views({"v": VIEW, "w": other})] == [("views", "v", "space")]
    assert command("r {arguments}").check_view(VIEW) == [] == command("r {arguments}").check_views({"v": VIEW})


def test_a_hyperparameter_may_not_have_the_name_of_another_placeholder():
    view = View(space={"seed": {"type": "int", "low": 1, "high": 2}}, method="latent")
    assert [problem.key for problem in command("r {seed}").check_view(view)] == [("method",), ("space", "seed")]


def test_a_missing_program_is_said_before_the_first_trial():
    with pytest.raises(UsageError, match="there is no program 'no-such-program'"):
        command("no-such-program {rate}").prepare()
    with pytest.raises(UsageError, match=r"there is no program '\./no\.sh'"):
        command("./no.sh {rate}").prepare()
    command("sh {rate}").prepare()


def test_the_identity_has_the_files_that_the_command_names(folder):
    for name in ("train.py", "config.yaml", "model.py", "unnamed.py"):
        (folder / name).write_text(name)
    task = command("python train.py --config=config.yaml --out=none.txt", files=("mod*.py",))
    assert sorted(task.identity()) == ["source of config.yaml", "source of model.py", "source of train.py"]
    before = task.identity()["source of train.py"]
    os.truncate(folder / "train.py", 1)
    assert task.sources()["source of train.py"] != before


@pytest.mark.parametrize("text", ["python src/train.py {rate}", "python -m src.train {rate}"])
def test_the_identity_has_the_modules_that_a_script_imports_from_its_folder(folder, text):
    """Python searches the folder of the script first, and with -m the working directory."""
    for name, source in {
        "src/train.py": "import json\nfrom src.net import make\ndef main():\n    import optim",
        "src/optim.py": "import tools.schedules",
        "src/tools/__init__.py": "",
        "src/tools/schedules.py": "from .base import Schedule",
        "src/tools/base.py": "import missing",
        "src/unused.py": "",
        "src/net.py": "",
        "optim.py": "",
        "json.txt": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source)
    found = {name.removeprefix("source of ") for name in command(text).sources()}
    in_folder = {"src/optim.py", "src/tools/__init__.py", "src/tools/schedules.py", "src/tools/base.py"}
    assert found == {"src/train.py"} | ({"src/net.py", "optim.py"} if "-m" in text else in_folder)


def test_a_pattern_without_files_is_refused():
    (problem,) = command("r {rate}", files=("conf/*.yaml",)).check_views({"v": View(space={"rate": VIEW.space.root["rate"]})})
    assert problem.key == ("task", "files", 0)


@pytest.mark.parametrize(
    ("file", "shared"),
    [
        ("{checkpoint}/a.json", None),
        ("{rate}/{momentum}/{seed}.json", None),
        ("{seed}.json", "rate"),
        ("{rate}/{momentum}.json", "seed"),
        ("{rate}/{seed}.json", "momentum"),
    ],
)
def test_a_metrics_file_that_trials_would_share_is_refused(file, shared):
    """Trials with the same number have the same seed in all views."""
    task = command("r {rate} {momentum} {nesterov}", metrics={"file": file})
    views = {
        name: View(space={"rate": VIEW.space.root["rate"]}, fixed={"nesterov": True, "momentum": momentum})
        for name, momentum in (("a", 0.0), ("b", 0.9))
    }
    problems = task.check_views(views)
    assert [problem.key for problem in problems] == [("task", "metrics", "file")] * (shared is not None)
    assert all(f"trials that differ only in '{shared}' would write the same file" in problem.message for problem in problems)
