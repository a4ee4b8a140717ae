import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from hpstudy.engine import processes, worker_process
from hpstudy.engine.executors import OutOfResources, StepTimedOut, WorkerDied
from hpstudy.engine.options import RunOptions
from hpstudy.engine.processes import ProcessExecutor
from hpstudy.engine.run import run_study
from hpstudy.errors import UsageError
from hpstudy.loading.load import read_study
from hpstudy.testing.executors import double


def pid(_):
    return os.getpid()


def die(how):
    if how in signal.Signals.__members__:
        os.kill(os.getpid(), signal.Signals[how])
    os._exit(int(how))


def hold_out(file):
    """Ignore the polite signals, note this process and one it started, and never end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
    file.write_text(f"{os.getpid()} {child.pid}\n")
    threading.Event().wait()


def print_everywhere(text):
    print(text, "by print")
    os.write(2, f"{text} by descriptor\n".encode())


def environment(name):
    return os.environ.get(name)


def work(file):
    """Work for two seconds of its own time."""
    file.write_text("begun\n")
    for _ in range(40):
        time.sleep(0.05)
    return "done"


def gone(process):
    """Whether a process ends within a reasonable time."""
    try:
        psutil.Process(process).wait(timeout=20)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def await_text(file):
    """The first line of a file that another process is about to write."""
    deadline = time.monotonic() + 60
    while not file.exists() or not file.read_text().endswith("\n"):
        assert time.monotonic() < deadline, f"{file} was not written"
        time.sleep(0.02)
    return file.read_text()


@pytest.fixture
def executor(tmp_path):
    executor = ProcessExecutor(1, tmp_path / "logs")
    yield executor
    executor.close()


def test_a_system_that_cannot_fork_is_refused_before_there_is_a_database(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "fork")
    loaded = read_study(Path(__file__).parents[2] / "studies" / "functions.yaml")
    with pytest.raises(UsageError, match="cannot do") as caught:
        run_study(loaded, tmp_path / "study.sqlite", RunOptions())
    assert "WSL" in caught.value.hint
    assert "--executor inline" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_worker_keeps_freed_memory_unless_the_user_decides(tmp_path, monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "7")
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    executor = ProcessExecutor(1, tmp_path)
    try:
        seen = [executor.submit(environment, name).result() for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")]
    finally:
        executor.close()
    assert seen == [str(2**30), "7"]


def test_no_process_is_started_before_the_first_step(executor):
    before = len(psutil.Process().children())
    assert len(psutil.Process().children()) == before
    executor.submit(double, 1).result()
    assert len(psutil.Process().children()) == before + 1


def test_a_worker_is_kept_for_the_next_step(executor):
    assert executor.submit(pid, None).result() == executor.submit(pid, None).result() != os.getpid()


@pytest.mark.parametrize(
    ("how", "said"), [("SIGKILL", "SIGKILL"), ("SIGSEGV", "SIGSEGV"), ("3", "exit code 3"), ("0", "exit code 0")]
)
def test_the_death_of_a_worker_is_told_with_its_cause(executor, how, said):
    with pytest.raises(WorkerDied, match=said):
        executor.submit(die, how).result()


def test_a_worker_that_died_is_replaced(executor):
    executor.submit(die, "SIGKILL").exception()
    assert executor.submit(double, 1).result() == 2


def test_workers_that_die_at_once_lose_no_other_step(tmp_path):
    executor = ProcessExecutor(2, tmp_path / "logs")
    for _ in range(5):
        dying, living = executor.submit(die, "SIGKILL"), executor.submit(double, 1)
        assert isinstance(dying.exception(timeout=60), WorkerDied)
        assert living.result(timeout=60) == 2
    executor.close()


def test_an_idle_worker_that_is_killed_costs_no_step(executor):
    worker = executor.submit(pid, None).result()
    os.kill(worker, signal.SIGKILL)
    os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
    assert executor.submit(double, 1).result() == 2


def test_output_that_cannot_be_written_is_no_outcome_of_a_step(tmp_path, capfd):
    (tmp_path / "logs").touch()
    executor = ProcessExecutor(1, tmp_path / "logs")
    with pytest.raises(OutOfResources, match=r"output of a worker cannot be written to .*/logs/worker-\d+\.log: File exists"):
        executor.submit(double, 1).result()
    executor.close()
    assert capfd.readouterr() == ("", "")


def test_a_program_that_cannot_be_started_is_no_outcome_of_a_step(executor, monkeypatch):
    monkeypatch.setattr(processes, "START_PAUSE_S", 0)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(OutOfResources, match="worker processes cannot be started: FileNotFoundError"):
        executor.submit(double, 1).result()


@pytest.mark.parametrize(("failures", "answer"), [(2, 2), (3, "worker processes cannot be started: .* ended with exit code 7")])
def test_a_worker_that_ends_while_it_starts_is_started_again(executor, monkeypatch, tmp_path, failures, answer):
    monkeypatch.setattr(processes, "START_PAUSE_S", 0)
    (tmp_path / "left").write_text("x" * failures)
    left = f"left = pathlib.Path({str(tmp_path / 'left')!r}); text = left.read_text(); left.write_text(text[1:])"
    fail = f"import os, pathlib; {left}; text and os._exit(7); "
    monkeypatch.setattr(worker_process, "BOOT", fail + worker_process.BOOT)
    future = executor.submit(double, 1)
    if isinstance(answer, int):
        assert future.result() == answer
    else:
        with pytest.raises(OutOfResources, match=answer):
            future.result()


def test_a_killed_worker_hints_at_memory(executor):
    with pytest.raises(WorkerDied) as caught:
        executor.submit(die, "SIGKILL").result()
    assert "memory" in caught.value.hint


def test_a_crash_in_native_code_leaves_its_traceback_in_the_log(executor, tmp_path):
    executor.submit(die, "SIGSEGV").exception()
    (log,) = (tmp_path / "logs").iterdir()
    assert "Segmentation fault" in log.read_text()


def test_a_worker_that_ignores_signals_is_ended_with_all_it_started(executor, tmp_path):
    executor.submit(pid, None).result()  # so that the time-out holds no imports
    with pytest.raises(StepTimedOut):
        executor.submit(hold_out, tmp_path / "pids", 5).result()
    assert all(gone(int(process)) for process in await_text(tmp_path / "pids").split())


def test_aborting_ends_steps_under_way(tmp_path):
    executor = ProcessExecutor(1, tmp_path / "logs")
    future = executor.submit(hold_out, tmp_path / "pids")
    pids = await_text(tmp_path / "pids").split()
    executor.close(abort=True)
    assert isinstance(future.exception(), WorkerDied)
    assert all(gone(int(process)) for process in pids)


def test_closing_ends_the_workers(tmp_path):
    executor = ProcessExecutor(1, tmp_path / "logs")
    worker = executor.submit(pid, None).result()
    executor.close()
    assert not psutil.pid_exists(worker)


def test_a_worker_ignores_ctrl_c(executor):
    worker = executor.submit(pid, None).result()
    os.kill(worker, signal.SIGINT)
    assert executor.submit(pid, None).result() == worker


def test_what_a_task_prints_goes_to_the_workers_log(tmp_path, capfd):
    executor = ProcessExecutor(1, tmp_path / "logs")
    worker = executor.submit(pid, None).result()
    executor.submit(print_everywhere, "hello").result()
    executor.close()
    assert (tmp_path / f"logs/worker-{worker}.log").read_text() == "hello by print\nhello by descriptor\n"
    assert capfd.readouterr() == ("", "")


def test_sets_of_strings_have_one_order_in_all_workers(executor):
    assert executor.submit(environment, "PYTHONHASHSEED").result() == "0"


def test_no_worker_outlives_a_parent_that_was_killed(tmp_path):
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "import test_processes\n"
        "from hpstudy.engine.processes import ProcessExecutor\n"
        "ProcessExecutor(1, None).submit(test_processes.hold_out, Path(sys.argv[1])).result()\n"
    )
    folder = os.path.dirname(__file__)  # noqa: PTH120
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "pids"), folder])
    worker, child = map(int, await_text(tmp_path / "pids").split())
    parent.kill()
    parent.wait()
    assert gone(worker)
    os.kill(child, signal.SIGKILL)


def test_time_in_which_the_run_is_stopped_does_not_count_toward_the_time_limit(tmp_path):
    """As with Ctrl-Z and fg."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "import test_processes\n"
        "from hpstudy.engine.processes import ProcessExecutor\n"
        "executor = ProcessExecutor(1, None)\n"
        "executor.submit(test_processes.pid, None).result()\n"
        "print(executor.submit(test_processes.work, Path(sys.argv[1]), 10).result())\n"
        "executor.close()\n"
    )
    folder = os.path.dirname(__file__)  # noqa: PTH120
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "begun"), folder], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    await_text(tmp_path / "begun")
    os.killpg(parent.pid, signal.SIGSTOP)
    time.sleep(11)
    os.killpg(parent.pid, signal.SIGCONT)
    assert parent.communicate(timeout=60)[0] == "done\n"


def test_a_script_without_a_main_guard_can_run_a_study(tmp_path):
    (tmp_path / "mine.py").write_text("def f(params, seed): return params['x']\n")
    (tmp_path / "study.yaml").write_text(
        "{version: 1, name: s, task: {use: 'mine:f'}, metric: {name: loss, goal: minimize}, replicates: 2,\n"
        " views: {a: {space: {x: {type: float, low: 0, high: 1}}}}, search: {searcher: random, trials: 2}}\n"
    )
    (tmp_path / "script.py").write_text("import hpstudy\nprint(hpstudy.run('study.yaml', workers=2).complete)\n")
    root = str(psutil.Process().cwd())
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"
