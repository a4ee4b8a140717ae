"""What the isolation of a user's trial costs, against a call in this process, side by side in one run.

    python benchmarks/isolation.py

A function that does next to nothing, in a module that imports a library or makes an array at its top. Each trial is evaluated in
this process and by the executor `processes`, in turn. Printed, for each module: milliseconds per trial and their difference; the
processor time of the trial server and its forks per trial, which depends less on what else the machine does; and the seconds that the
trial server takes once, to start and to import the module.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from hpstudy.engine.executors import THREAD_VARIABLES
from hpstudy.engine.processes import ProcessExecutor
from hpstudy.engine.requests import EvaluateRequest, Trial
from hpstudy.engine.step import evaluate
from hpstudy.loading.bind import bind
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study

TOPS = {
    "nothing": ("", "params['x']"),
    "numpy": ("import numpy", "float(numpy.square(params['x']))"),
    "torch": ("import torch", "float(torch.tensor(params['x']).square())"),
    "torch, an optimizer": (
        "import torch",
        "float(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=params['x']).defaults['lr'])",
    ),
    "sklearn": (
        "import numpy\nfrom sklearn.linear_model import Ridge",
        "float(Ridge().fit(numpy.ones((3, 2)), numpy.ones(3)).score(numpy.ones((3, 2)), numpy.ones(3)))",
    ),
    "numpy, an array of 1 GB": ("import numpy\nDATA = numpy.ones(125_000_000)", "float(DATA[7] * params['x'])"),
}
"""Name -> (top of the module, the value of a trial)."""


def request(folder: Path, module: str) -> EvaluateRequest:
    study = Study.model_validate(
        {
            "name": module,
            "task": {"use": f"{module}:f"},
            "metric": {"name": "value", "goal": "minimize"},
            "views": {"a": {"space": {"x": {"type": "float", "low": 0, "high": 1}}}},
            "search": {"searcher": "random", "trials": 1},
            "replicates": 1,
        }
    )
    return EvaluateRequest(bind(study, str(folder)).study.to_json(), (Trial(SearchKey("a", 0), 0, {"x": 0.5}),), str(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    trials = parser.parse_args().trials
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    heads = f"{'inline ms':>10}{'isolated ms: median':>21}{'10%':>7}{'90%':>7}{'cost ms':>9}{'CPU ms':>8}{'start s':>9}"
    print(f"{'top of the module':26}{heads}")
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        for number, (name, (top, value)) in enumerate(TOPS.items()):
            Path(folder, f"module_{number}.py").write_text(f"{top}\ndef f(params, seed): return {value}\n")
            step = request(Path(folder), f"module_{number}")
            executor = ProcessExecutor(1)
            started = time.perf_counter()
            executor.submit(evaluate, step).result()
            start_s = time.perf_counter() - started
            evaluate(step)
            server = psutil.Process().children()[0]
            cpu_s = sum(server.cpu_times()[:4])
            inline, isolated = [], []
            for _ in range(trials):
                started = time.perf_counter()
                (here,) = evaluate(step).outcomes
                inline.append(1e3 * (time.perf_counter() - started))
                started = time.perf_counter()
                (there,) = executor.submit(evaluate, step).result().outcomes
                isolated.append(1e3 * (time.perf_counter() - started))
                assert here.metrics == there.metrics, (here, there)
            cpu_ms = 1e3 * (sum(server.cpu_times()[:4]) - cpu_s) / trials
            notes = executor.take_notes()
            executor.close()
            deciles = statistics.quantiles(isolated, n=10)
            medians = statistics.median(inline), statistics.median(isolated)
            row = f"{medians[0]:>10.2f}{medians[1]:>21.1f}{deciles[0]:>7.1f}{deciles[-1]:>7.1f}{medians[1] - medians[0]:>9.1f}"
            print(f"{name:26}{row}{cpu_ms:>8.1f}{start_s:>9.1f}", *notes, flush=True)


if __name__ == "__main__":
    main()
