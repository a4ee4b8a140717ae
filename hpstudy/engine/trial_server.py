"""A trial server: a process that runs every step of a user's code in a separate process.

It imports the user's modules once and calls none of their functions. It forks for each step, so every step starts from the state after the
import, and its process ends with it. If the import leaves resources that a fork would share or lose, the server runs one step in its own
process, and the next step needs a new server.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

from hpstudy.engine.environment import host_environment
from hpstudy.engine.executors import OutOfResources, UserCodeRequest
from hpstudy.engine.forked import ending_forks, flush_streams
from hpstudy.engine.forking import CAN_FORK, Resources, resources
from hpstudy.engine.worker import LOG_VARIABLE, PARENT_CHECK_S, answer, connect, death, end_with, packed
from hpstudy.seeds import seed_process

LENGTH = struct.Struct("!Q")
"""Precedes the answer of a child."""

SHUTDOWN_GRACE_S = 1.0
"""Seconds that the process of a step may take to end after it has closed its end of the pipe. Shorter: on a busy machine it is killed while
it ends, and the reason is lost."""

LAZY_IMPORTS = {"torch": "torch._dynamo"}
"""Modules that a library imports at first use instead of at import. For torch.optim this takes a second."""


@dataclass(frozen=True)
class WarmUp:
    """Result of importing the user's modules.

    Attributes:
        obstacles: resources left by the import that a fork would share or lose; None if this system cannot fork.
        duration_s: wall seconds of the import.
    """

    obstacles: tuple[str, ...] | None
    duration_s: float


def serve(descriptor: int, parent: int, logs: str | None) -> None:
    """Warm up for the first message, a request, and reply with a WarmUp. Then answer requests until the other end is closed.

    Arguments, requests and answers as for `hpstudy.engine.worker.serve`.
    """
    os.setsid()  # processes that the import starts are in this group, and end with it
    connection = connect(descriptor, logs)
    first = _received(connection, parent)
    if first is None:
        return
    with ExitStack() as stack:
        warm_up = _warm_up(first, parent, stack)
        connection.send_bytes(pickle.dumps(warm_up))
        if warm_up.obstacles != ():
            if (payload := _received(connection, parent)) is not None:
                _serve_once(connection, payload, parent)
            os.killpg(os.getpid(), signal.SIGKILL)
        server = _Server(connection, parent)
        while (payload := _received(connection, parent)) is not None:
            server.serve(payload)


def _received(connection: Connection, parent: int) -> bytes | None:
    """The next message; None if the other end was closed or the parent has ended."""
    try:
        while not connection.poll(PARENT_CHECK_S):
            if os.getppid() != parent:
                return None
        return connection.recv_bytes()
    except (EOFError, OSError):
        return None


def _warm_up(packed_request: bytes, parent: int, stack: ExitStack) -> WarmUp:
    """Import the user's modules for a request, until `stack` is closed, and compare this process's resources before and after."""
    started = time.perf_counter()
    before: Resources = resources() if CAN_FORK else frozenset()
    # User code may raise anything. The step imports the module again and reports the error.
    with _ending_with(parent), ending_forks(), suppress(BaseException):
        request: UserCodeRequest = pickle.loads(packed_request)
        stack.enter_context(request.warm())
        for library, module in LAZY_IMPORTS.items():
            if library in sys.modules:
                import_module(module)
        seed_process(0)  # its first call reads source files
        host_environment()
    gc.collect()
    gc.freeze()
    obstacles = tuple(sorted({description for _, description in resources() - before})) if CAN_FORK else None
    return WarmUp(obstacles, time.perf_counter() - started)


@contextmanager
def _ending_with(parent: int) -> Iterator[None]:
    """End this process if its parent ends within the body. No thread remains afterwards."""
    left = threading.Event()

    def watch() -> None:
        while not left.wait(PARENT_CHECK_S):
            if os.getppid() != parent:
                os.killpg(os.getpid(), signal.SIGKILL)

    thread = threading.Thread(target=watch, name="parent-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()
        # Python forgets a thread a moment before the system does.
        while Path(f"/proc/self/task/{thread.native_id}").exists():
            time.sleep(0.001)


def _serve_once(connection: Connection, payload: bytes, parent: int) -> None:
    """Answer in this process."""
    threading.Thread(target=end_with, args=(parent,), name="parent-watch", daemon=True).start()
    pipe = os.fstat(connection.fileno())
    packed_answer = answer(payload)
    flush_streams()
    _refuse_replaced(connection.fileno(), pipe)
    connection.send_bytes(packed_answer)


class _Server:
    """Answers requests, each in a child process. It has no threads, because a fork copies only the thread that forks.

    Args:
        connection: to the parent; the children close their copy.
        parent: process number of the parent.
    """

    def __init__(self, connection: Connection, parent: int) -> None:
        self._connection = connection
        self._parent = parent
        # Only the parent handles Ctrl-C, and an ignored SIGCHLD hides exit codes. The children get both handlers as the import left them.
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        self._on_child = signal.getsignal(signal.SIGCHLD)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.environ.get(LOG_VARIABLE)
        self._log = Path(log) if log else None

    def serve(self, payload: bytes) -> None:
        """Answer a packed request, then end all processes that its step left running."""
        flush_streams()
        try:
            source, sink = os.pipe()
            child = os.fork()
        except OSError as error:
            self._connection.send_bytes(packed(OutOfResources(f"the process of a trial cannot be started: {error.strerror}")))
            return
        if child == 0:
            os.close(source)
            self._run_step(payload, sink)
        os.close(sink)
        packed_answer = self._read(source, child)
        os.close(source)
        if packed_answer is not None:
            self._connection.send_bytes(packed_answer)
        alive = packed_answer is None and not ends(child, SHUTDOWN_GRACE_S)
        _kill_group(child)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if packed_answer is None:
            self._connection.send_bytes(packed(death("the process of the trial", None if alive else code, self._log)))

    def _run_step(self, payload: bytes, sink: int) -> NoReturn:
        """In the child: write the length of the answer and the answer, and exit. atexit handlers do not run."""
        code = 1
        try:
            server, pipe = os.getppid(), os.fstat(sink)
            os.setsid()
            self._connection.close()
            if self._on_child is not None:
                signal.signal(signal.SIGCHLD, self._on_child)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            threading.Thread(target=end_with, args=(server,), name="parent-watch", daemon=True).start()
            packed_answer = answer(payload)
            flush_streams()
            _refuse_replaced(sink, pipe)
            with open(sink, "wb") as file:
                file.write(LENGTH.pack(len(packed_answer)) + packed_answer)
            code = 0
        except BaseException:  # the server reports the exit code, the log has the reason
            traceback.print_exc()
            flush_streams()
        finally:
            os._exit(code)

    def _read(self, source: int, child: int) -> bytes | None:
        """The answer of a child; None if it ended without one. This process ends with its parent."""
        received = bytearray()
        while True:
            if select.select([source], [], [], PARENT_CHECK_S)[0]:
                received += (part := os.read(source, 1 << 20))
                if len(received) >= LENGTH.size and len(received) == LENGTH.size + LENGTH.unpack_from(received)[0]:
                    return bytes(received[LENGTH.size :])
                if not part:
                    return None
            # A process that the step started may hold the other end open.
            elif os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return None
            if os.getppid() != self._parent:
                _kill_group(child)
                os._exit(1)


def _refuse_replaced(descriptor: int, file: os.stat_result) -> None:
    """Raise OSError if a descriptor is no longer that of a file: user code may have closed it, and opened a file with this number."""
    with suppress(OSError):
        if os.path.samestat(os.fstat(descriptor), file):
            return
    raise OSError(f"user code has closed file descriptor {descriptor}, which it did not open: the answer cannot be sent")


def ends(child: int, seconds: float) -> bool:
    """Wait until a child ends, for at most this long; whether it has ended. It is not reaped."""
    deadline = time.monotonic() + seconds
    with suppress(ChildProcessError):  # other code of this process has reaped it
        while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
    return True


def _kill_group(leader: int) -> None:
    """Kill a child that is not reaped yet, and the processes of its group."""
    with suppress(ProcessLookupError):  # it ended before it led a group
        os.killpg(leader, signal.SIGKILL)
    os.kill(leader, signal.SIGKILL)
