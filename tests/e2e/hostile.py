"""A user's module whose function disturbs its process, as the view says, and measures what it finds there first."""

import atexit
import locale
import math
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import torch

calls = 0
noise_at_import = random.random() + np.random.rand() + torch.rand(1).item()

_open = []

OWN_VARIABLES = ("HPSTUDY_WORKER_LOG", "PYTEST_CURRENT_TEST", "RUN")
"""Not the same in every worker, or in every run."""


def found():
    """What a trial can see of its process: aspect -> its state."""
    return {
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "torch_threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "folder": str(Path.cwd()),
        "environ": sorted(item for item in os.environ.items() if item[0] not in OWN_VARIABLES),
        "errstate": np.geterr(),
        "locale": locale.setlocale(locale.LC_ALL),
        "path": list(sys.path),
        "functions": [math.sqrt(4), float(np.mean([1, 3])), random.Random(0).random(), random.random.__name__],
        "atexit": atexit._ncallbacks(),
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM)],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "limit": resource.getrlimit(resource.RLIMIT_NOFILE),
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "children": os.system("true"),
        "calls": calls,
        "stdout": sys.stdout.closed,
        "recursion": sys.getrecursionlimit(),
        "warnings": [str(entry[0]) for entry in warnings.filters],
        "umask": umask(),
        "niceness": os.nice(0),
        "noise": noise_at_import,
    }


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def leave_a_thread():
    threading.Thread(target=threading.Event().wait).start()


def leave_a_process():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], stdout=subprocess.DEVNULL)
    with Path("left_running").open("a") as file:
        file.write(f"{child.pid}\n")


def ignore_signals():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    signal.setitimer(signal.ITIMER_REAL, 1000)


def replace_functions():
    math.sqrt = lambda x: 7.0
    np.mean = lambda x: 7.0
    random.random = lambda: 7.0


def seed_generators():
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


def leak_files():
    _open.extend(os.open("/dev/zero", os.O_RDONLY) for _ in range(60))


def count_up():
    global calls
    calls += 1


DISTURBANCES = {
    "nothing": lambda: None,
    "dtype": lambda: torch.set_default_dtype(torch.bfloat16),
    "device": lambda: torch.set_default_device("meta"),
    "torch_threads": lambda: torch.set_num_threads(3),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "generators": seed_generators,
    "folder": lambda: os.chdir("/"),
    "environ": lambda: os.environ.update(OMP_NUM_THREADS="2", MINE="1"),
    "errstate": lambda: np.seterr(all="ignore"),
    "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"),
    "path": lambda: sys.path.insert(0, "/nowhere"),
    "functions": replace_functions,
    "atexit": lambda: atexit.register(time.sleep, 1000),
    "signals": ignore_signals,
    "mask": ignore_signals,
    "descriptors": leak_files,
    "limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)),
    "threads": leave_a_thread,
    "children": lambda: [leave_a_process(), signal.signal(signal.SIGCHLD, signal.SIG_IGN)],
    "calls": count_up,
    "stdout": lambda: sys.stdout.close(),
    "recursion": lambda: sys.setrecursionlimit(3000),
    "warnings": lambda: warnings.simplefilter("error"),
    "umask": lambda: os.umask(0o777),
    "niceness": lambda: os.nice(5),
}
"""Aspect -> what disturbs it."""


def f(params, seed):
    metrics = {aspect: float(zlib.crc32(repr(state).encode())) for aspect, state in found().items()}
    drawn = random.random() + np.random.rand() + torch.rand(1).item()
    value = params["x"] + drawn + math.sqrt(2) + torch.tensor([0.1]).double().sum().item()
    DISTURBANCES[params["disturb"]]()
    return {**metrics, "value": value}


def without_effect():
    """The disturbances that `found` does not see, each tried in a copy of this process."""
    missed = []
    for aspect, disturb in DISTURBANCES.items():
        child = os.fork()
        if child == 0:
            before = found()
            disturb()
            os._exit(repr(found().get(aspect)) != repr(before.get(aspect)))
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 1:
            missed.append(aspect)
    return missed


if __name__ == "__main__":
    print(*without_effect())
