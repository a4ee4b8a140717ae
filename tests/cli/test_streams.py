"""Closed and full streams, full disks, signals, and names of any length: one message, and no file left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


@pytest.fixture(scope="module")
def finished_study(tmp_path_factory, study_text):
    """A folder with tiny.yaml and its finished database tiny.sqlite, which the tests copy."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.yaml").write_text(study_text)
    command = [sys.executable, "-m", "hpstudy", "run", "tiny.yaml", "--storage", "tiny.sqlite", "--executor", "inline"]
    subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=120)
    return folder


@pytest.fixture
def shell(tmp_path, finished_study):
    """Run shell text in a folder with a copy of the finished study, where $HPSTUDY is the command line."""
    shutil.copytree(finished_study, tmp_path, dirs_exist_ok=True)

    def call(text):
        environment = {**os.environ, "HPSTUDY": f"{sys.executable} -m hpstudy"}
        command = ["bash", "-c", text]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120)

    return call


COMMANDS = ["trials tiny.sqlite", "list methods", "--help", "--version", "schema", "export tiny.sqlite", "status tiny.sqlite"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("target", "said"), [("/dev/full", "No space left on device"), ("&-", "Bad file descriptor")])
def test_output_that_cannot_be_printed_is_one_message(shell, command, target, said):
    done = shell(f"$HPSTUDY {command} >{target}")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2] == f"error: stdout cannot be written: {said}"
    assert "Traceback" not in done.stderr


TEE = """\
import sys
class Tee:
    def __init__(self, stream): self.write, self.flush = stream.write, stream.flush
sys.stdout, sys.stderr = Tee(sys.stdout), Tee(sys.stderr)
def f(params, seed): return params["x"]
"""

TEE_STUDY = """\
name: tee
task: {use: "tee:f"}
metric: {name: value, goal: minimize}
views: {a: {space: {x: {type: float, low: 0, high: 1}}}}
search: {searcher: random, trials: 2}
replicates: 1
"""


def test_a_module_may_replace_the_streams_by_objects_that_only_write(shell, tmp_path):
    (tmp_path / "tee.py").write_text(TEE)
    (tmp_path / "tee.yaml").write_text(TEE_STUDY)
    for command in ("run tee.yaml -j 1", "status tee.yaml --format json"):
        done = shell(f"$HPSTUDY {command}")
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["completed"] == 2


@pytest.mark.parametrize("target", ["/dev/full", "&-"])
def test_a_run_without_a_stderr_is_complete(shell, tmp_path, target):
    done = shell(
        f"$HPSTUDY run tiny.yaml --storage second.sqlite -j 1 2>{target}; code=$?; $HPSTUDY db check second.sqlite; exit $code"
    )
    assert done.returncode == 0
    assert "no problems" in done.stderr
    assert "24  " in shell("$HPSTUDY status second.sqlite --format csv | tr , ' ' | awk '{s+=$4} END {print s\"  \"}'").stdout


def test_a_run_with_all_streams_closed_is_complete(shell, tmp_path):
    done = shell(
        "$HPSTUDY run tiny.yaml --storage second.sqlite -j 1 >&- 2>&- <&-; code=$?; $HPSTUDY db check second.sqlite; exit $code"
    )
    assert done.returncode == 0
    assert "no problems" in done.stderr


@pytest.mark.parametrize("target", ["/dev/full", "&-"])
def test_an_error_keeps_its_exit_code_without_a_stderr(shell, target):
    assert shell(f"$HPSTUDY validate none.yaml 2>{target}").returncode == 2


@pytest.mark.parametrize("command", ["trials tiny.sqlite --format csv", "schema"])
def test_a_reader_that_has_enough_is_no_error(shell, command):
    done = shell(f"$HPSTUDY {command} | head -1; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("export tiny.sqlite -o", "out.csv"),
        ("export tiny.sqlite --format parquet -o", "out.parquet"),
        ("report tiny.sqlite -o", "out.pdf"),
        ("report tiny.sqlite --format html -o", "out.html"),
        ("plot tiny.sqlite best_so_far -o", "out.png"),
    ],
)
def test_a_full_disk_is_one_message_and_leaves_no_draft(shell, tmp_path, command, output):
    program = tmp_path / "limited.py"
    program.write_text(
        "import resource, signal\n"
        "from hpstudy.store import Reader\n"
        "read = Reader.trials\n"
        "def limit(*arguments):\n"
        "    frame = read(*arguments)\n"
        "    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))\n"
        "    return frame\n"
        "Reader.trials = limit\n"
        "from hpstudy.cli import main\n"
        "main()\n"
    )
    done = shell(f"{sys.executable} limited.py {command} {output}")
    assert done.returncode in (1, 2)
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".") or path.name.endswith((".part", ".new"))]


@pytest.mark.parametrize("name", ["p" * 250 + ".csv", "p" * 300 + ".csv", "p" * 5000 + ".csv"])
def test_an_export_with_a_long_name_is_written_or_refused(hpstudy, shell, tmp_path, name):
    done = hpstudy("export", "tiny.sqlite", "-o", name)
    assert "Traceback" not in done.stderr
    assert (done.returncode == 0) == (len(name) <= 255)
    assert (done.returncode == 0) == (name in [path.name for path in tmp_path.iterdir()])


@pytest.mark.parametrize("name", ["p" * 238 + ".sqlite", "p" * 300 + ".sqlite", "p" * 5000 + ".sqlite"])
@pytest.mark.parametrize("command", ["run", "status", "report"])
def test_a_database_with_a_long_name_is_opened_or_refused(hpstudy, study_text, tmp_path, name, command):
    options = ("run", "tiny.yaml", "--executor", "inline", "--storage", name) if command == "run" else (command, name)
    done = hpstudy(*options, text=study_text)
    assert "Traceback" not in done.stderr
    assert (done.returncode == 0) == (command == "run" and len(name) <= 255)


@pytest.mark.parametrize("command", ["export tiny.sqlite --force -o", "plot tiny.sqlite best_so_far -o"])
def test_a_device_or_a_fifo_is_not_replaced(shell, tmp_path, command):
    os.mkfifo(tmp_path / "out.png")
    done = shell(f"$HPSTUDY {command} out.png")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: out.png is not a regular file")
    assert (tmp_path / "out.png").is_fifo()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_a_file_is_written_leaves_no_draft(shell, tmp_path, number):
    program = tmp_path / "slow.py"
    program.write_text(
        "import pathlib, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts in the background\n"
        "def write(self, text, **_):\n"
        "    self.write_bytes(b'half'); time.sleep(60)\n"
        "pathlib.Path.write_text = write\n"
        "from hpstudy.cli import main\n"
        "main()\n"
    )
    process = subprocess.Popen([sys.executable, "slow.py", "export", "tiny.sqlite", "-o", "out.csv"], cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.csv.*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    assert not list(tmp_path.glob(".out.csv.*"))
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_while_a_users_module_is_imported_is_not_called_a_mistake_of_it(shell, tmp_path, number):
    (tmp_path / "mine.py").write_text(
        "import os, signal, time\n"
        f"signal.signal({signal.SIGINT.value}, signal.default_int_handler)\n"
        f"os.kill(os.getpid(), {number.value})\n"
        "time.sleep(60)\n"
    )
    (tmp_path / "mine.yaml").write_text(
        "name: s\ntask: {use: 'mine:f'}\nmetric: {name: value, goal: minimize}\nreplicates: 1\n"
        "views: {v: {space: {x: {type: float, low: 0, high: 1}}}}\nsearch: {searcher: random, trials: 1}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "hpstudy", "plan", "mine.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (128 + number, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_python_shuts_down_shows_no_traceback(shell, tmp_path, number):
    program = tmp_path / "late.py"
    program.write_text(
        "import atexit, os, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts in the background\n"
        f"atexit.register(os.kill, os.getpid(), {number.value})\n"
        "from hpstudy.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "late.py", "status", "tiny.sqlite"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == -number
    assert "Traceback" not in done.stderr
    assert "complete" in done.stdout + done.stderr


@pytest.mark.parametrize(("form", "shown"), [("table", "gr\\xf6\\xdfe x2"), ("json", "gr\\u00f6\\u00dfe x2")])
def test_a_character_that_the_terminal_does_not_have_is_escaped(hpstudy, study_text, tmp_path, form, shown):
    (tmp_path / "named.py").write_text("def train(params, seed): return 1.0")
    text = study_text.replace("{use: branin, noise: 0.5}", "{use: 'named:train'}").replace("x1:", "größe:")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = hpstudy("plan", "tiny.yaml", "--format", form, text=text, env=environment)
    assert (done.returncode, shown in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("start", [["-m", "hpstudy"], ["-c", "from hpstudy.__main__ import main; main()"]])
def test_a_signal_while_the_command_line_is_imported_shows_no_traceback(tmp_path, start):
    (tmp_path / "typer.py").write_text(f"import os, time\nos.kill(os.getpid(), {signal.SIGINT.value})\ntime.sleep(60)\n")
    done = subprocess.run(
        [sys.executable, *start, "status", "x"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # of a process without threads
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
