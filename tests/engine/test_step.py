import dataclasses
import errno
import math
import os
import random
import subprocess
import sys
import threading

import numpy as np
import pytest

from hpstudy.engine.executors import OutOfResources
from hpstudy.engine.requests import AskRequest, EvaluateRequest, Trial
from hpstudy.engine.step import SearcherFailed, ask, evaluate
from hpstudy.engine.stop import Aborted
from hpstudy.engine.tracebacks import TRACEBACK_LINES
from hpstudy.engine.trial_seeds import search_seed, training_seed
from hpstudy.errors import UsageError
from hpstudy.modules import module_path
from hpstudy.search.interface import Observation
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import SearchBlock
from tests.support.steps import ask_one, evaluate_one, evaluation, question

KEY = SearchKey("both", 1)
POINT = {"x1": 1.0, "x2": 2.0}


@pytest.fixture
def outcome_of(make_study, write_module, tmp_path):
    """The outcome of a user's function: outcome_of("return 1.0")."""

    def outcome_of(*lines, before="", report=False):
        body = "\n".join(f"    {line}" for line in lines)
        use = write_module(f"{before}\ndef f(params, seed{', report' if report else ''}):\n{body}\n")
        return evaluate_one(evaluation(make_study(use=use).to_json(), KEY, 0, POINT, str(tmp_path)))

    return outcome_of


def same(one, other):
    """Equal up to times and memory."""
    blank = {"duration_s": 0.0, "peak_rss_mib": 0.0, "log_path": None}
    return dataclasses.replace(one, **blank) == dataclasses.replace(other, **blank)


def test_the_training_seed_does_not_depend_on_the_view(make_study):
    study = make_study()
    assert len({training_seed(study, replicate, number) for replicate in range(3) for number in range(3)}) == 9


SWEEPS = {
    "points": {"points": [{"x1": 0, "x2": 0}, {"x1": 1, "x2": 1}, {"x1": 2, "x2": 2}]},
    "grid": {"levels": {"x1": 3, "x2": 3}},
}


@pytest.mark.parametrize(("bits", "below"), [(31, 2**31), (63, 2**63), (None, 2**63)])
def test_a_training_seed_has_the_bits_of_its_study(make_study, bits, below):
    study = make_study().model_copy(update={"seed_bits": bits})
    seeds = [training_seed(study, replicate, number) for replicate in range(5) for number in range(5)]
    seeds += [training_seed(study, 0, 0, number) for number in range(5)]
    seeds += [training_seed(searched_by(study, "points"), 0, 0)]
    assert below // 4 < max(seeds) < below


def test_seeds_of_a_database_that_states_no_size_stay_what_they_were(make_study):
    study = make_study()
    assert (study.seed_bits, training_seed(study, 1, 2), training_seed(study, 0, 0, 3)) == (
        None,
        381532481141669058,
        2613332882706193678,
    )


def searched_by(study, searcher):
    """The study with another searcher; in a sweep, with points."""
    search = SearchBlock(searcher=searcher, trials=study.search.trials, **SWEEPS.get(searcher, {}))
    return study.model_copy(update={"search": search})


@pytest.mark.parametrize("searcher", ["points", "grid"])
def test_all_points_of_a_replicate_of_a_sweep_train_with_one_seed(make_study, searcher):
    study = searched_by(make_study(), searcher)
    seeds = [{training_seed(study, replicate, number) for number in range(3)} for replicate in range(3)]
    assert [len(found) for found in seeds] == [1, 1, 1]
    assert len(set.union(*seeds)) == 3


@pytest.mark.parametrize("searcher", ["ax", "sobol", "random"])
def test_every_trial_of_a_search_trains_with_its_own_seed(make_study, searcher):
    study = searched_by(make_study(), searcher)
    assert len({training_seed(study, replicate, number) for replicate in range(3) for number in range(3)}) == 9


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_what_differs_between_equal_points_of_a_sweep_is_nothing(make_study, noise):
    study = searched_by(make_study(noise=noise), "points").to_json()
    first, second = (evaluate_one(evaluation(study, KEY, number, POINT, None)) for number in (0, 1))
    assert same(first, second)


def test_every_search_has_its_own_seed(make_study):
    study = make_study()
    keys = [SearchKey(view, replicate) for view in study.views for replicate in range(3)]
    assert len({search_seed(study, key) for key in keys}) == 6


@pytest.mark.parametrize("searcher", ["random", "sobol"])
def test_asking_again_gives_the_same_point(make_study, searcher):
    request = question(make_study(searcher=searcher).to_json(), KEY, 0, ())
    assert ask_one(request) == ask_one(request)


def test_asking_leaves_the_global_generators_alone(make_study):
    random.seed(7)
    ask(question(make_study().to_json(), KEY, 0, ()))
    after = random.random()
    random.seed(7)
    assert after == random.random()


def test_a_point_outside_its_space_is_refused(make_study, monkeypatch):
    from hpstudy.errors import HpstudyError
    from hpstudy.search.random import RandomSearcher

    monkeypatch.setattr(RandomSearcher, "ask", lambda *_, **__: {"x1": 11.0, "x2": 0.0})
    with pytest.raises(HpstudyError, match=r"'random' proposed .* outside the space of view 'both'"):
        ask(question(make_study().to_json(), KEY, 0, ()))


def test_evaluating_again_gives_the_same_outcome(make_study):
    request = evaluation(make_study(noise=1.0).to_json(), KEY, 3, POINT, None)
    assert same(evaluate_one(request), evaluate_one(request))


def test_another_process_gives_the_same_outcome(make_study):
    study = make_study(noise=1.0).to_json()
    script = (
        "import sys\n"
        "from hpstudy.engine.requests import EvaluateRequest, Trial\n"
        "from hpstudy.engine.step import evaluate\n"
        "from hpstudy.study.plan import SearchKey\n"
        f"request = EvaluateRequest(sys.stdin.read(), (Trial(SearchKey('both', 1), 3, {POINT!r}),), None)\n"
        "print(evaluate(request).outcomes[0].metrics['value'].hex())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], input=study, capture_output=True, text=True, check=True)
    here = evaluate_one(evaluation(study, KEY, 3, POINT, None))
    assert done.stdout.strip() == here.metrics["value"].hex()


@pytest.mark.parametrize(
    "draw", ["random.random()", "numpy.random.rand()", "torch.rand(()).item()"], ids=lambda draw: draw.split(".")[0]
)
def test_the_global_generators_are_seeded_for_a_users_function(outcome_of, draw):
    values = {outcome_of(f"return {draw}", before=f"import {draw.split('.')[0]}").metrics["value"] for _ in range(3)}
    assert len(values) == 1


def test_torch_is_seeded_even_when_a_function_imports_it_late(make_study, write_module, tmp_path):
    use = write_module("def f(params, seed):\n    import torch\n    return torch.rand(()).item()")
    script = (
        "import sys\n"
        "from hpstudy.engine.requests import EvaluateRequest, Trial\n"
        "from hpstudy.engine.step import evaluate\n"
        "from hpstudy.study.plan import SearchKey\n"
        f"request = lambda n: EvaluateRequest(study, (Trial(SearchKey('both', 1), n, {POINT!r}),), {str(tmp_path)!r})\n"
        "study = sys.stdin.read()\n"
        "assert 'torch' not in sys.modules\n"
        "print(*(evaluate(request(n)).outcomes[0].metrics['value'].hex() for n in (0, 1, 0)))\n"
    )
    study = make_study(use=use).to_json()
    done = subprocess.run([sys.executable, "-c", script], input=study, capture_output=True, text=True, check=True)
    first, second, third = done.stdout.split()
    assert first == third != second


def test_evaluating_leaves_the_global_generators_as_they_were(outcome_of):
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    outcome_of("return random.random() + numpy.random.rand()", before="import numpy, random")
    after = random.random(), np.random.rand()  # noqa: NPY002
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    assert after == (random.random(), np.random.rand())  # noqa: NPY002


def test_a_number_completes_a_trial(outcome_of):
    outcome = outcome_of("return params['x1'] + params['x2']")
    assert (outcome.state, outcome.metrics) == ("completed", {"value": 3.0})


def test_reports_become_curves(outcome_of):
    outcome = outcome_of("report(1, loss=0.5)", "report(2, loss=0.25)", "return 0.25", report=True)
    assert outcome.curves == ((1, "loss", 0.5), (2, "loss", 0.25))


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_an_objective_that_is_not_finite_is_a_diverged_trial(outcome_of, value):
    outcome = outcome_of(f"return float('{value}')")
    assert outcome.state == "diverged"
    assert str(outcome.metrics["value"]) == value


def test_another_metric_may_be_nan(outcome_of):
    outcome = outcome_of("return {'value': 1.0, 'other': float('nan')}")
    assert outcome.state == "completed"
    assert math.isnan(outcome.metrics["other"])


def test_a_task_may_say_that_it_diverged(outcome_of):
    outcome = outcome_of("raise Diverged('loss above 1e6')", before="from hpstudy.errors import Diverged")
    assert (outcome.state, outcome.failure.message) == ("diverged", "loss above 1e6")


def test_curves_of_a_failed_trial_are_kept(outcome_of):
    outcome = outcome_of("report(1, loss=0.5)", "raise ValueError", report=True)
    assert (outcome.state, outcome.curves) == ("failed", ((1, "loss", 0.5),))


def test_an_exception_is_a_failed_trial_with_its_traceback(outcome_of):
    outcome = outcome_of("return 1 / (params['x1'] - 1)")
    assert (outcome.state, outcome.failure.type, outcome.failure.message) == (
        "failed",
        "ZeroDivisionError",
        "float division by zero",
    )
    assert "return 1 / (params['x1'] - 1)" in outcome.failure.traceback


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize(
    "body",
    [
        "raise OSError({0}, 'full', '/data/model')",
        "try: raise OSError({0}, 'full', '/data/model')\n    except OSError as error: raise ValueError('no model') from error",
        "try: raise OSError({0}, 'full', '/data/model')\n    except OSError: raise TrialFailed('no model') from None",
    ],
)
def test_a_full_disk_is_no_outcome_of_a_trial(outcome_of, number, body):
    with pytest.raises(OutOfResources, match=r"could not write a file: .*'/data/model' \(.*users_.*\.py:\d+\)"):
        outcome_of(body.format(number), before="from hpstudy.errors import TrialFailed")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import torch; torch.save(torch.zeros(9), '/dev/full')", r".* \(.*users_.*\.py:\d+\)"),
        ("import numpy; numpy.zeros(99_999).tofile('/dev/full')", r"99999 requested and 0 written \(.*users_.*\.py:\d+\)"),
        (
            "import subprocess; raise TrialFailed(subprocess.run('echo | cat > /dev/full', shell=True, capture_output=True).stderr)",
            r".*No space left on device\\n'",
        ),
    ],
    ids=["torch", "numpy", "command"],
)
def test_a_full_disk_whose_error_has_no_number_is_no_outcome_of_a_trial(outcome_of, line, said):
    with pytest.raises(OutOfResources, match=rf"could not write a file: {said}\n  hint"):
        outcome_of(line, before="from hpstudy.errors import TrialFailed")


def test_other_errors_of_the_system_are_those_of_the_trial(outcome_of):
    outcome = outcome_of("error = OSError('no such file')", "error.__cause__ = error", "raise error")
    assert (outcome.state, outcome.failure.type) == ("failed", "OSError")


def test_a_traceback_begins_with_the_users_function(outcome_of):
    lines = outcome_of("raise ValueError('mine')").failure.traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith(", in f")


def test_the_traceback_of_code_that_calls_hpstudy_has_the_frames_of_both(outcome_of):
    """Also in the engine, which runs the trial itself."""
    call = "return hpstudy.resume('none.sqlite')"
    trace = outcome_of(call, before="import hpstudy").failure.traceback
    assert call in trace
    assert "in resume" in trace
    assert trace.endswith("none.sqlite does not exist\n  hint: `hpstudy run STUDY` creates a database")
    inside = "return hpstudy.engine.roots.on_this_host('x')"
    assert inside in outcome_of(inside, before="import hpstudy.engine.roots").failure.traceback


def test_a_long_traceback_keeps_the_users_frames_and_leaves_out_those_of_libraries(outcome_of):
    body = "return pd.DataFrame({'a': [1]}).apply(lambda row: row.apply(mine), axis=1)"
    trace = outcome_of(body, before="import pandas as pd\ndef mine(cell): return [cell][7]").failure.traceback
    assert "def mine(cell): return [cell][7]" in trace
    assert body in trace
    assert trace.endswith("IndexError: list index out of range")
    assert 0 < trace.count("site-packages") < 8
    assert len(trace.splitlines()) <= TRACEBACK_LINES


def test_the_traceback_of_a_built_in_task_begins_outside_the_engine(make_study, tmp_path):
    study = make_study()
    outcome = evaluate_one(evaluation(study.to_json(), KEY, 0, {"x1": "no number", "x2": 2.0}, str(tmp_path)))
    lines = outcome.failure.traceback.splitlines()
    assert "tasks/functions.py" in lines[1]


def test_a_long_traceback_keeps_its_end(outcome_of):
    outcome = outcome_of(
        "return deep(200)",
        before="def deep(n):\n    return deep(n - 1) if n % 2 else wide(n)\ndef wide(n):\n    return deep(n - 1) if n else 1 / 0",
    )
    lines = outcome.failure.traceback.splitlines()
    assert (len(lines), lines[-1]) == (TRACEBACK_LINES, "ZeroDivisionError: division by zero")


@pytest.mark.parametrize("code", ["sys.exit()", "sys.exit(3)", "raise GeneratorExit", "raise BaseException('x')"])
def test_an_exit_asked_for_by_the_task_is_a_failed_trial(outcome_of, code):
    assert outcome_of(code, before="import sys").state == "failed"


def test_an_exception_that_cannot_be_printed_is_a_failed_trial(outcome_of):
    before = "class Silent(Exception):\n    def __str__(self): raise RuntimeError"
    outcome = outcome_of("raise Silent", before=before)
    assert (outcome.state, outcome.failure.type) == ("failed", "Silent")


def test_a_keyboard_interrupt_of_the_function_is_a_failed_trial(outcome_of):
    outcome = outcome_of("raise KeyboardInterrupt")
    assert (outcome.state, outcome.failure.type) == ("failed", "KeyboardInterrupt")


def test_an_abort_passes(outcome_of):
    with pytest.raises(Aborted):
        outcome_of("raise Aborted", before="from hpstudy.engine.stop import Aborted")


@pytest.mark.parametrize("result", ["None", "'0.5'", "{'other': 1.0}", "[1.0]"])
def test_a_result_without_the_objective_is_a_failed_trial(outcome_of, result):
    outcome = outcome_of(f"return {result}")
    assert (outcome.state, outcome.failure.type) == ("failed", "InvalidResult")


def test_a_function_that_is_not_there_is_a_failed_trial(make_study, write_module, tmp_path):
    study = make_study(use=write_module("def f(params, seed): return 1.0"))
    request = evaluation(study.to_json().replace(":f", ":g"), KEY, 0, POINT, str(tmp_path))
    assert "no function 'g'" in evaluate_one(request).failure.message


def test_the_peak_memory_is_recorded(outcome_of):
    assert outcome_of("return 1.0").peak_rss_mib > 10


def test_a_task_is_bound_once_per_process(make_study, monkeypatch):
    from hpstudy.engine import requests

    bound = []
    monkeypatch.setattr(requests, "make_task", lambda block, make=requests.make_task: bound.append(block) or make(block))
    request = evaluation(make_study(noise=0.125).to_json(), KEY, 0, POINT, None)
    for _ in range(3):
        evaluate_one(request)
    assert len(bound) == 1


def test_history_reaches_the_searcher(make_study, monkeypatch):
    from hpstudy.search.random import RandomSearcher

    seen = []
    monkeypatch.setattr(
        RandomSearcher, "ask", lambda self, space, history, **given: seen.append((history, given)) or space.default()
    )
    study, history = make_study(), (Observation(0, POINT, 0.5),)
    ask(question(study.to_json(), KEY, 1, history))
    assert seen == [(history, {"goal": "minimize", "seed": search_seed(study, KEY), "number": 1})]


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('x' * 10**7)",
        "return {'value': 1.0, 'x' * 10**7: 1.0}",
        "raise type('E', (Exception,), {'__str__': lambda self: exit(7)})",
    ],
)
def test_a_failure_of_any_length_is_kept_in_short(outcome_of, body):
    outcome = outcome_of(body)
    assert outcome.state == "failed"
    assert len(outcome.failure.message) + len(outcome.failure.traceback) < 10_000


STACK = """
from pydantic import BaseModel
from hpstudy.errors import Diverged
from hpstudy.tasks.interface import Task

class Settings(BaseModel):
    ...

class f(Task):
    Settings = Settings
    def objectives(self): return None
    def check_view(self, view): return []
    def evaluate(self, view, point, seed, report): return point["x1"]
    def evaluate_many(self, view, points, seeds, reports):
        for number, report in enumerate(reports):
            report(1, slot=number)
        {body}
"""


@pytest.fixture
def outcomes_of(make_study, write_module, tmp_path):
    """The outcomes of trials that a task evaluates together: outcomes_of("return [1.0, 2.0, 3.0]")."""

    def outcomes_of(body, before="", trials=3):
        study = make_study(use=write_module(before + STACK.format(body=body))).to_json()
        stack = tuple(Trial(SearchKey("both", slot), 4, {"x1": float(slot), "x2": 2.0}) for slot in range(trials))
        return evaluate(EvaluateRequest(study, stack, str(tmp_path))).outcomes

    return outcomes_of


def test_several_trials_are_evaluated_together_each_with_its_point_seed_and_curves(outcomes_of, make_study):
    outcomes = outcomes_of("return [{'value': point['x1'], 'seed': seed} for point, seed in zip(points, seeds)]")
    seeds = [training_seed(make_study(), slot, 4) % 2**31 for slot in range(3)]
    assert [outcome.metrics for outcome in outcomes] == [{"value": float(n), "seed": seed} for n, seed in enumerate(seeds)]
    assert [outcome.curves for outcome in outcomes] == [((1, "slot", float(slot)),) for slot in range(3)]
    assert len({outcome.duration_s for outcome in outcomes}) == 1


def test_one_trial_is_evaluated_alone(outcomes_of):
    (outcome,) = outcomes_of("1 / 0", trials=1)
    assert (outcome.state, outcome.metrics) == ("completed", {"value": 0.0})


def test_the_exception_of_a_trial_ends_that_trial_only(outcomes_of):
    body = "try: return 1 / 0\n        except ZeroDivisionError as error: return [Diverged('high'), error, 1.0]"
    diverged, failed, completed = outcomes_of(body)
    assert (diverged.state, diverged.failure.message, diverged.failure.traceback) == ("diverged", "high", "")
    assert (failed.state, failed.failure.type) == ("failed", "ZeroDivisionError")
    assert "return 1 / 0" in failed.failure.traceback
    assert "engine/step.py" not in failed.failure.traceback
    assert (completed.state, completed.metrics) == ("completed", {"value": 1.0})


def test_a_full_disk_is_no_outcome_of_trials_that_are_evaluated_together(outcomes_of):
    with pytest.raises(OutOfResources, match="full"):
        outcomes_of(f"return [1.0, OSError({errno.ENOSPC}, 'full'), 1.0]")


def test_a_result_of_a_trial_that_is_no_number_fails_that_trial_only(outcomes_of):
    outcomes = outcomes_of("return [None, float('nan'), 1.0]")
    assert [outcome.state for outcome in outcomes] == ["failed", "diverged", "completed"]


@pytest.mark.parametrize(
    ("body", "message"),
    [("1 / 0", "float division by zero"), ("return [1.0]", "evaluate_many returned 1 results for 3 trials"), ("exit()", "None")],
)
def test_what_ends_the_evaluation_as_a_whole_fails_each_trial(outcomes_of, body, message):
    outcomes = outcomes_of(body.replace("1 / 0", "1.0 / 0"))
    assert [(outcome.state, outcome.failure.message) for outcome in outcomes] == [("failed", message)] * 3
    assert [outcome.curves for outcome in outcomes] == [((1, "slot", float(slot)),) for slot in range(3)]


def test_an_abort_of_a_trial_passes(outcomes_of):
    with pytest.raises(Aborted):
        outcomes_of("return [1.0, Aborted(), 1.0]", before="from hpstudy.engine.stop import Aborted\n")


def test_the_seed_of_the_first_trial_seeds_the_global_generators(outcomes_of, make_study):
    outcomes = outcomes_of("return [random.random() for _ in points]", before="import random\n")
    random.seed(training_seed(make_study(), 0, 4) % 2**31)
    assert [outcome.metrics["value"] for outcome in outcomes] == [random.random() for _ in range(3)]


def ask_several(study, searches=3):
    keys = tuple(SearchKey("both", replicate) for replicate in range(searches))
    return ask(AskRequest(study.to_json(), keys, 0, ((),) * searches))


def test_several_points_are_asked_for_together_each_with_the_seed_of_its_search(make_study):
    study = make_study()
    points = [ask_one(question(study.to_json(), SearchKey("both", replicate), 0, ())) for replicate in range(3)]
    assert ask_several(study).points == tuple(points)


def test_histories_and_seeds_reach_the_searcher(make_study, monkeypatch):
    from hpstudy.search.random import RandomSearcher

    seen = []
    monkeypatch.setattr(
        RandomSearcher, "ask_many", lambda self, space, histories, **given: seen.append((histories, given)) or [POINT] * 3
    )
    study = make_study()
    ask_several(study)
    seeds = [search_seed(study, SearchKey("both", replicate)) for replicate in range(3)]
    assert seen == [(((),) * 3, {"goal": "minimize", "seeds": seeds, "number": 0})]


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([POINT, {"x1": 11.0, "x2": 0.0}, POINT], "proposed .*11.* outside the space of view 'both'"),
        ([POINT], "proposed 1 points for 3 searches"),
        (None, "TypeError"),
    ],
)
def test_points_that_are_not_one_of_the_space_for_each_search_are_refused(make_study, monkeypatch, points, said):
    from hpstudy.search.random import RandomSearcher

    monkeypatch.setattr(RandomSearcher, "ask_many", lambda *_, **__: points)
    with pytest.raises(SearcherFailed, match=said):
        ask_several(make_study())


def test_a_step_that_waits_too_long_for_the_modules_of_another_thread_gives_no_outcome(
    make_study, write_module, tmp_path, monkeypatch
):
    monkeypatch.setattr("hpstudy.modules.path.WAIT_S", 0.05)
    study = make_study(use=write_module("def f(params, seed): return 1.0")).to_json()
    (tmp_path / "other").mkdir()
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with module_path(str(tmp_path / "other")):
            inside.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    try:
        with pytest.raises(UsageError, match=r"waited 0\.05 s to use the modules of"):
            evaluate_one(evaluation(study, KEY, 0, POINT, str(tmp_path)))
    finally:
        leave.set()
        thread.join()
    assert evaluate_one(evaluation(study, KEY, 0, POINT, str(tmp_path))).metrics == {"value": 1.0}
