"""Steps of a user's code: each in a process of its own, forked by a trial server."""

import atexit
import errno
import logging
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from hpstudy.engine.executors import OutOfResources, StepTimedOut, WorkerDied
from hpstudy.engine.processes import ProcessExecutor

_kept = []
_calls = []


def at_import(what):
    """What a user's module does at its top."""
    kinds = {
        "nothing": lambda: None,
        "raise": lambda: 1 / 0,
        "exit": lambda: sys.exit(3),
        "file": Path(__file__).open,
        "socket": lambda: __import__("socket").socket(),
        "thread": lambda: threading.Thread(target=threading.Event().wait, daemon=True).start(),
        "child": sleeper,
        "fork": lambda: sys.exit() if os.fork() == 0 else os.wait(),
        "memory": lambda: mmap.mmap(-1, 4096),
        "log file": lambda: logging.FileHandler(os.environ["TEST_LOG_FILE"]),
        "null device": Path("/dev/null").open,
        "SIGCHLD ignored": lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        "SIGINT handled": lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        "die": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "atexit": lambda: atexit.register(print, "at exit of the server"),
        "no fork": lambda: setattr(os, "fork", refuse_to_fork),
    }
    _kept.append(kinds[what]())


def refuse_to_fork():
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


@dataclass(frozen=True)
class UserStep:
    """A request whose step runs user code."""

    argument: object = None
    top: str = "nothing"
    user_modules: tuple[str, ...] = ("mine",)

    @contextmanager
    def warm(self):
        at_import(self.top)
        yield


class OtherStep(UserStep):
    """A request of another kind."""


def sleeper():
    return subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])


def process_ids(_):
    """This process and the one that forked it."""
    return os.getpid(), os.getppid()


def count_calls(_):
    _calls.append(None)
    return len(_calls)


def die(request):
    if request.argument in signal.Signals.__members__:
        os.kill(os.getpid(), signal.Signals[request.argument])
    os._exit(int(request.argument))


def leave_running(_):
    """Leave a process, one that has lost its parent, and a thread."""
    orphan = "import subprocess as s; print(s.Popen(['sleep', '1000'], stdout=s.DEVNULL).pid)"
    pids = sleeper().pid, int(subprocess.run([sys.executable, "-c", orphan], stdout=subprocess.PIPE, check=True).stdout)
    threading.Thread(target=threading.Event().wait).start()
    return pids


def die_with_a_child_of_the_import(request):
    request.argument.write_text(f"{_kept[-1].pid}\n")
    os._exit(3)


def fork_and_leave(_):
    """Leave a forked process, which holds all descriptors of this one."""
    child = os.fork()
    if child == 0:
        time.sleep(1000)
    return child


def fork_and_die(request):
    child = fork_and_leave(request)
    request.argument.write_text(f"{child}\n")
    os.kill(os.getpid(), signal.SIGTERM)


def wait_with_a_child(request):
    request.argument.write_text(f"{os.getpid()} {os.getppid()} {sleeper().pid}\n")
    threading.Event().wait()


def raise_lookup_error(_):
    raise LookupError("no such thing")


def answer_of_10_mb(_):
    return bytes(10_000_000)


def print_everywhere(_):
    os.write(2, b"by descriptor\n")
    print("by print, without the end of a line", end="")


def close_stdout(_):
    sys.stdout.close()
    return "closed"


def close_descriptors(request):
    os.closerange(3, 256)
    time.sleep(request.argument)


def replace_descriptors(request):
    os.closerange(3, 256)
    _kept.extend((request.argument / f"{number}").open("w") for number in range(50))


def gone(pid):
    """Whether a process ends within a reasonable time."""
    deadline = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def pids_in(file):
    """The process numbers that another process is about to write."""
    deadline = time.monotonic() + 60
    while not file.exists() or not file.read_text().endswith("\n"):
        assert time.monotonic() < deadline, f"{file} was not written"
        time.sleep(0.02)
    return [int(pid) for pid in file.read_text().split()]


@pytest.fixture
def executor(tmp_path):
    executor = ProcessExecutor(1, tmp_path / "logs")
    yield executor
    executor.close()


def test_every_step_has_a_process_of_its_own_and_one_server(executor):
    (first, server), (second, same_server) = (executor.submit(process_ids, UserStep()).result() for _ in range(2))
    assert first != second
    assert server == same_server != os.getpid()


def test_a_step_without_user_code_runs_in_another_process(executor):
    (_, server), (worker, parent) = executor.submit(process_ids, UserStep()).result(), executor.submit(process_ids, None).result()
    assert worker != server
    assert parent == os.getpid()


def test_two_kinds_of_requests_have_two_servers(executor):
    assert len({executor.submit(process_ids, kind()).result()[1] for kind in (UserStep, OtherStep)}) == 2


def test_what_a_step_changes_is_not_there_in_the_next(executor):
    assert [executor.submit(count_calls, UserStep()).result() for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("how", "said"), [("SIGKILL", "SIGKILL"), ("SIGSEGV", "SIGSEGV"), ("3", "exit code 3"), ("0", "exit code 0")]
)
def test_the_death_of_a_trial_is_told_with_its_cause_and_the_server_lives_on(executor, how, said):
    server = executor.submit(process_ids, UserStep()).result()[1]
    with pytest.raises(WorkerDied, match=said):
        executor.submit(die, UserStep(how)).result()
    assert executor.submit(process_ids, UserStep()).result()[1] == server


def test_a_killed_trial_hints_at_memory(executor):
    with pytest.raises(WorkerDied) as caught:
        executor.submit(die, UserStep("SIGKILL")).result()
    assert "memory" in caught.value.hint


def test_the_exception_of_a_step_arrives(executor):
    with pytest.raises(LookupError, match="no such thing"):
        executor.submit(raise_lookup_error, UserStep()).result()


def test_a_large_answer_arrives(executor):
    assert executor.submit(answer_of_10_mb, UserStep()).result() == bytes(10_000_000)


def test_all_that_a_step_left_running_is_ended(executor):
    assert all(gone(pid) for pid in executor.submit(leave_running, UserStep()).result())


def test_a_forked_process_that_a_step_left_delays_no_answer(executor):
    executor.submit(process_ids, UserStep()).result()
    started = time.monotonic()
    assert gone(executor.submit(fork_and_leave, UserStep()).result())
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("top", ["nothing", "file"])
def test_a_forked_process_that_a_dead_step_left_is_ended(executor, tmp_path, top):
    with pytest.raises(WorkerDied, match="SIGTERM"):
        executor.submit(fork_and_die, UserStep(tmp_path / "pids", top)).result()
    assert all(gone(pid) for pid in pids_in(tmp_path / "pids"))


def test_a_time_out_ends_the_trial_with_all_it_started(executor, tmp_path):
    executor.submit(process_ids, UserStep()).result()
    with pytest.raises(StepTimedOut):
        executor.submit(wait_with_a_child, UserStep(tmp_path / "pids"), 5).result()
    assert all(gone(pid) for pid in pids_in(tmp_path / "pids"))
    assert executor.submit(count_calls, UserStep()).result() == 1


@pytest.mark.parametrize("top", ["nothing", "file"])
def test_aborting_ends_trials_under_way(tmp_path, top):
    executor = ProcessExecutor(1, tmp_path / "logs")
    future = executor.submit(wait_with_a_child, UserStep(tmp_path / "pids", top))
    pids = pids_in(tmp_path / "pids")
    executor.close(abort=True)
    assert isinstance(future.exception(), WorkerDied)
    assert all(gone(pid) for pid in pids if pid != os.getpid())


def test_a_killed_server_takes_its_trial_along(executor, tmp_path):
    future = executor.submit(wait_with_a_child, UserStep(tmp_path / "pids"))
    trial, server, child = pids_in(tmp_path / "pids")
    os.kill(server, signal.SIGKILL)
    assert isinstance(future.exception(), WorkerDied)
    assert gone(trial)
    assert gone(child)


@pytest.mark.parametrize("top", ["nothing", "file"])
def test_no_trial_outlives_a_parent_that_was_killed(tmp_path, top):
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "import test_trial_server as t\n"
        "t.ProcessExecutor(1, None).submit(t.wait_with_a_child, t.UserStep(Path(sys.argv[1]), sys.argv[3])).result()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "pids"), str(Path(__file__).parent), top])
    pids = pids_in(tmp_path / "pids")
    parent.kill()
    parent.wait()
    assert all(gone(pid) for pid in pids)


def test_closing_ends_the_server(tmp_path):
    executor = ProcessExecutor(1, tmp_path / "logs")
    server = executor.submit(process_ids, UserStep()).result()[1]
    executor.close()
    assert not psutil.pid_exists(server)


@pytest.mark.parametrize("top", ["nothing", "SIGINT handled"])
def test_a_server_and_its_trials_ignore_ctrl_c(executor, top):
    server = executor.submit(process_ids, UserStep(top=top)).result()[1]
    os.kill(server, signal.SIGINT)
    assert executor.submit(process_ids, UserStep()).result()[1] == server


def test_what_a_trial_prints_goes_to_the_log_of_its_server(tmp_path):
    executor = ProcessExecutor(1, tmp_path / "logs")
    server = executor.submit(process_ids, UserStep()).result()[1]
    executor.submit(print_everywhere, UserStep()).result()
    executor.close()
    assert (tmp_path / f"logs/worker-{server}.log").read_text() == "by descriptor\nby print, without the end of a line"


def test_a_trial_may_close_its_output(executor):
    assert [executor.submit(close_stdout, UserStep()).result() for _ in range(2)] == ["closed", "closed"]


@pytest.mark.parametrize(("waits_s", "said"), [(0.0, "exit code 1"), (1000.0, "closed its connection")])
def test_a_trial_that_closes_all_descriptors_says_so(tmp_path, waits_s, said):
    executor = ProcessExecutor(1, tmp_path / "logs")
    with pytest.raises(WorkerDied, match=said) as caught:
        executor.submit(close_descriptors, UserStep(waits_s)).result()
    assert "memory" not in caught.value.hint
    executor.close()
    logs = "".join(log.read_text() for log in tmp_path.glob("logs/*"))
    assert ("which it did not open: the answer cannot be sent" in logs) == (waits_s == 0)


@pytest.mark.parametrize(("top", "said"), [("nothing", "exit code 1"), ("file", "ended with exit code 1|closed its connection")])
def test_no_answer_is_written_to_a_file_that_replaced_the_pipe(executor, tmp_path, top, said):
    with pytest.raises(WorkerDied, match=said):
        executor.submit(replace_descriptors, UserStep(tmp_path, top)).result()
    assert {file.stat().st_size for number in range(50) if (file := tmp_path / f"{number}").exists()} == {0}


@pytest.mark.parametrize("top", ["raise", "exit"])
def test_an_import_that_fails_does_not_end_the_server(executor, top):
    servers = {executor.submit(process_ids, UserStep(top=top)).result()[1] for _ in range(2)}
    assert len(servers) == 1
    assert executor.take_notes() == []


def test_a_process_that_an_import_forks_is_no_second_server(executor):
    processes = [executor.submit(process_ids, UserStep(top="fork")).result() for _ in range(5)]
    assert len({server for _, server in processes}) == 1
    assert executor.take_notes() == []


def test_an_import_that_ends_its_process_is_told(executor):
    with pytest.raises(WorkerDied, match="SIGKILL"):
        executor.submit(process_ids, UserStep(top="die")).result()


def test_a_system_without_free_processes_is_no_outcome_of_a_trial(executor):
    with pytest.raises(OutOfResources, match="process of a trial cannot be started: Resource temporarily unavailable"):
        executor.submit(process_ids, UserStep(top="no fork")).result()


def test_an_ignored_sigchld_hides_no_exit_code(executor):
    with pytest.raises(WorkerDied, match="exit code 3"):
        executor.submit(die, UserStep("3", top="SIGCHLD ignored")).result()


@pytest.mark.parametrize(
    ("top", "said"),
    [
        ("file", f"an open file ({__file__})"),
        ("socket", "an open socket:"),
        ("thread", "a running thread"),
        ("child", "a child process"),
        ("memory", "shared memory (/dev/zero (deleted))"),
    ],
)
def test_what_a_fork_would_share_or_lose_makes_every_trial_start_a_process(executor, top, said):
    processes = [executor.submit(process_ids, UserStep(top=top)).result() for _ in range(2)]
    assert [parent for _, parent in processes] == [os.getpid()] * 2
    assert processes[0] != processes[1]
    (note,) = executor.take_notes()
    assert note.startswith(f"importing mine leaves {said}")
    assert "each trial starts a new process and imports again" in note
    assert executor.take_notes() == []


@pytest.mark.parametrize("top", ["file", "thread", "child"])
def test_a_trial_that_has_a_new_process_is_isolated_all_the_same(executor, top):
    assert [executor.submit(count_calls, UserStep(top=top)).result() for _ in range(2)] == [1, 1]
    assert all(gone(pid) for pid in executor.submit(leave_running, UserStep(top=top)).result())
    with pytest.raises(WorkerDied, match="exit code 3"):
        executor.submit(die, UserStep("3", top=top)).result()


def test_a_process_that_an_import_starts_ends_with_a_trial_that_dies(executor, tmp_path):
    with pytest.raises(WorkerDied, match="exit code 3"):
        executor.submit(die_with_a_child_of_the_import, UserStep(tmp_path / "pids", "child")).result()
    assert all(gone(pid) for pid in pids_in(tmp_path / "pids"))


@pytest.mark.parametrize("top", ["log file", "null device", "atexit"])
def test_what_forks_can_share_costs_nothing(executor, monkeypatch, tmp_path, top):
    monkeypatch.setenv("TEST_LOG_FILE", str(tmp_path / "train.log"))
    assert len({executor.submit(process_ids, UserStep(top=top)).result()[1] for _ in range(2)}) == 1
    assert executor.take_notes() == []
