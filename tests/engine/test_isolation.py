"""Which steps run a user's code, and what a run says about their isolation."""

import random
import time

import pytest

from hpstudy.engine.executors import UserCodeRequest
from hpstudy.engine.progress import Observer
from hpstudy.seeds import derive_seed, seeded_block
from hpstudy.store import Reader, check
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import TaskBlock
from tests.support import steps

FUNCTION = "def f(params, seed): return params['x1']\n"

SEARCHER = """
from pydantic import BaseModel
from hpstudy.search.interface import Searcher

calls = []

class f(Searcher):
    class Settings(BaseModel): ...
    def ask(self, space, history, *, goal, seed, number):
        calls.append(number)
        return space.from_unit([len(calls) / 10] * len(space))
"""


class Notes(Observer):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


def evaluation(study, view="both"):
    return steps.evaluation(study.to_json(), SearchKey(view, 0), 0, {"x1": 1.0, "x2": 2.0})


def question(study, view="both"):
    return steps.question(study.to_json(), SearchKey(view, 0), 0, ())


def test_requests_of_a_study_without_user_code_have_no_user_modules(make_study):
    for request in (evaluation(make_study()), question(make_study())):
        assert isinstance(request, UserCodeRequest)
        assert request.user_modules == ()


def test_a_users_function_is_user_code_of_evaluations_only(make_study, write_module):
    study = make_study(use=write_module(FUNCTION))
    assert evaluation(study).user_modules == (study.task.use.partition(":")[0],)
    assert question(study).user_modules == ()


def test_a_users_searcher_is_user_code_but_not_that_of_controls(make_study, write_module):
    study = make_study(searcher=write_module(SEARCHER)).model_copy(update={"controls": ("random",)})
    module = (study.search.searcher.partition(":")[0],)
    assert evaluation(study).user_modules == question(study).user_modules == module
    assert question(study, "both/random").user_modules == ()


@pytest.mark.parametrize(
    ("settings", "modules"),
    [
        ({"dataset": "digits:Mine", "network": {"name": "birealnet20"}}, ("digits",)),
        (
            {"dataset": "cifar10", "network": {"name": "nets.wide:Wide"}, "teacher": {"network": "nets:Big"}},
            ("nets", "nets.wide"),
        ),
    ],
)
def test_a_users_data_set_network_and_teacher_are_user_code(make_study, settings, modules):
    study = make_study().model_copy(update={"task": TaskBlock(use="cifar", **settings)})
    assert evaluation(study).user_modules == modules


def test_a_users_method_is_user_code(make_study):
    study = make_study()
    views = {"both": study.views["both"].model_copy(update={"method": "mine:M"})}
    assert evaluation(study.model_copy(update={"views": views})).user_modules == ("mine",)


def test_a_constant_with_a_colon_is_no_module(make_study, write_module):
    study = make_study(use=write_module(FUNCTION), constants={"address": "http://localhost"})
    assert evaluation(study).user_modules == (study.task.use.partition(":")[0],)


def test_points_are_chosen_in_processes_that_never_import_the_users_module(run, make_study, write_module, tmp_path):
    imports = tmp_path / "imports"
    note = f"import os\nwith open({str(imports)!r}, 'a') as file: file.write(f'{{os.getpid()}}\\n')\n"
    run(make_study(use=write_module(note + FUNCTION)), executor="processes", workers=1)
    assert len(set(imports.read_text().split())) == 2  # this process and the trial server; not the worker that chose points


def test_every_point_of_a_users_searcher_is_chosen_in_a_process_of_its_own(run, make_study, write_module, measured, storage):
    run(make_study(searcher=write_module(SEARCHER)), executor="processes", workers=2)
    assert {point["x1"] for point, _, _ in measured(storage).values()} == {-5 + 15 / 10}


def test_what_a_module_draws_when_it_is_imported_is_the_same_in_every_process(run, make_study, write_module, measured, storage):
    top = "import random, numpy, os\nwith open(os.devnull): noise = random.random() + numpy.random.rand()\n"
    use = write_module(top + "def f(params, seed): return noise\n")
    run(make_study(use=use), executor="processes", workers=2)
    values = {objective for _, _, objective in measured(storage).values()}
    storage.unlink()
    run(make_study(use=use), executor="processes", workers=1)
    assert values == {objective for _, _, objective in measured(storage).values()}
    assert len(values) == 1


def test_an_open_file_is_noted_once_and_every_trial_starts_at_its_beginning(run, make_study, write_module, measured, storage):
    code = """
import os
file = os.open(__file__, os.O_RDONLY)
def f(params, seed): return len(os.read(file, 10)) + os.lseek(file, 0, os.SEEK_CUR)
"""
    use = write_module(code)
    notes = Notes()
    run(make_study(use=use, replicates=1), executor="processes", workers=2, observer=notes)
    assert {objective for _, _, objective in measured(storage).values()} == {20.0}
    (note,) = notes.texts
    assert note.startswith(f"importing {use.partition(':')[0]} leaves an open file (")


def test_the_inline_executor_says_that_it_does_not_isolate_user_code(run, make_study, write_module):
    notes = Notes()
    run(make_study(use=write_module(FUNCTION)), observer=notes)
    (note,) = notes.texts
    assert "'inline' does not isolate your code" in note


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_run_without_user_code_says_nothing_of_isolation(run, make_study, executor):
    notes = Notes()
    run(make_study(trials=1, replicates=1), executor=executor, workers=1, observer=notes)
    assert notes.texts == []


def test_a_trial_that_fails_at_import_is_a_failed_trial(run, make_study, write_module, storage, tmp_path):
    top = f"import os, pathlib\nif pathlib.Path({str(storage)!r}).exists(): raise RuntimeError('not twice')\n"
    run(make_study(use=write_module(top + FUNCTION), trials=1, replicates=1), executor="processes", workers=1)
    with Reader.open(storage) as reader:
        trials = reader.trials()
    assert set(trials["state"]) == {"failed"}


def test_what_a_module_draws_when_it_is_imported_depends_on_the_seed_of_the_study(make_study):
    for seed in (0, 1):
        with seeded_block(7), evaluation(make_study().model_copy(update={"seed": seed})).warm():
            assert random.random() == random.Random(derive_seed(seed, "import")).random()


FORKS = """
import os, sys

def in_a_fork(end):
    child = os.fork()
    if child == 0:
        return end()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def ends():
    ENDS

def f(params, seed):
    code = in_a_fork(ends)
    return {"value": params["x1"], "code": code}
"""


@pytest.mark.parametrize("executor", ["inline", "processes"])
@pytest.mark.parametrize(
    ("ends", "code"), [("sys.exit(3)", 3), ("sys.exit()", 0), ("sys.exit('bad')", 1), ("1 / 0", 1), ("return -1", 0)]
)
def test_a_process_that_a_function_forks_gives_no_answer(run, make_study, write_module, storage, executor, ends, code):
    study = make_study(use=write_module(FORKS.replace("ENDS", ends)), trials=2, replicates=1)
    assert run(study, executor=executor, workers=1).counts.completed == 4
    with Reader.open(storage) as reader:
        trials = reader.trials()
    assert trials["objective"].tolist() == trials["point.x1"].tolist()
    assert set(trials["metric.code"]) == {code}


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_process_that_a_searcher_forks_gives_no_answer(run, make_study, write_module, executor):
    forks = "import os\n" + SEARCHER.replace(
        "        calls.append", "        if os.fork() == 0: raise SystemExit\n        calls.append"
    )
    assert run(make_study(searcher=write_module(forks), trials=2), executor=executor, workers=1).counts.completed == 8


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_function_that_changes_the_clock_of_its_process_leaves_a_sound_database(
    run, make_study, write_module, storage, monkeypatch, executor
):
    monkeypatch.setattr(time, "perf_counter", time.perf_counter)  # restored after the inline run
    use = write_module("import time\ndef f(params, seed):\n    time.perf_counter = lambda: -1e9\n    return params['x1']")
    assert run(make_study(use=use, trials=1), executor=executor, workers=1).complete
    assert check(storage) == []
