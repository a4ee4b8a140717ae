import io
from types import SimpleNamespace

import pytest

from hpstudy.engine.progress import Bars, Lines, Observer, progress_for
from hpstudy.store import Counts, TrialRow
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm
from hpstudy.tasks.outcome import Outcome


@pytest.fixture
def lines(run, make_study):
    """What a run prints, line by line."""

    def lines(study, *, verbose=False):
        stream = io.StringIO()
        run(study, observer=Lines(stream, verbose))
        return stream.getvalue().splitlines()

    return lines


def test_a_line_for_every_finished_search(lines, make_study):
    assert sum(line.startswith("[") for line in lines(make_study())) == 4


def test_the_first_line_says_how_much_is_left(lines, make_study):
    assert lines(make_study())[0] == "tiny: 12 of 12 trials to run, 1 worker"


def test_verbose_prints_a_line_for_every_trial(lines, make_study):
    assert sum(", trial " in line for line in lines(make_study(), verbose=True)) == 12


def test_a_failed_trial_is_told_with_its_reason(lines, make_study, write_module):
    use = write_module("def f(params, seed):\n    if seed % 2: raise ValueError('odd')\n    return 1.0")
    assert any("failed: ValueError: odd" in line for line in lines(make_study(use=use, trials=6)))


def test_a_terminal_does_not_obey_the_text_of_a_failure(lines, make_study, write_module):
    use = write_module(r"def f(params, seed):" "\n" r"    if seed % 2: raise ValueError('\x1b[2Jodd')" "\n    return 1.0")
    assert any(line.endswith(r"failed: ValueError: \x1b[2Jodd") for line in lines(make_study(use=use, trials=6)))


def test_a_failure_without_a_message_is_told_by_its_type(lines, make_study, write_module):
    use = write_module("def f(params, seed):\n    if seed % 2: raise ValueError\n    return 1.0")
    assert any(line.endswith("failed: ValueError") for line in lines(make_study(use=use, trials=6)))


def test_the_best_value_of_a_search_is_that_of_its_goal(lines, make_study, write_module):
    use = write_module("def f(params, seed): return round(params['x1'])")
    (low,) = [line for line in lines(make_study(use=use, trials=8)) if line.startswith("[8/")]
    assert "best value -" in low


def test_confirmations_have_a_mean_and_no_best_value(lines, run, make_study, storage):
    study = make_study().model_copy(update={"confirm": Confirm(seeds=2)})
    finished = [line for line in lines(study) if line.startswith("[")]
    assert len(finished) == 8
    assert all(("mean value " if "/confirm, " in line else "best value ") in line for line in finished)
    storage.unlink()
    bars = Bars(verbose=False)
    run(study, observer=bars)
    shown = {task.description: task.fields["info"] for task in bars._progress.tasks}
    assert shown["both"].startswith("best value ")
    assert shown["both/confirm"] == shown["one/confirm"] == ""


@pytest.mark.parametrize("lockstep", [1, 2])
def test_the_time_left_does_not_include_the_start_of_workers(make_study, monkeypatch, lockstep):
    now, stream, key = [0.0], io.StringIO(), SearchKey("both", 0)
    monkeypatch.setattr("hpstudy.engine.progress.time", SimpleNamespace(monotonic=lambda: now[0]))
    lines = Lines(stream, verbose=False)
    lines.run_started(make_study(lockstep=lockstep), {"both": Counts(12)}, 1)
    now[0] = 70.0
    trial = TrialRow(0, {}, "completed", 1.0, 1)
    for _ in range(lockstep):
        lines.trial_finished(key, trial, Outcome("completed", {"value": 1.0}, duration_s=10.0))
    lines.search_finished(key, [trial])
    left = {1: "1 min 50 s left", 2: "1 min 40 s left"}[lockstep]
    assert stream.getvalue().splitlines()[-1] == f"[{lockstep}/12] both, replicate 0: best value 1; {left}"


def test_no_time_is_left_after_the_last_trial(run, make_study):
    bars = Bars(verbose=False)
    run(make_study(), observer=bars)
    assert [task.fields["info"] for task in bars._progress.tasks if task.description == "tiny"] == [""]


@pytest.mark.parametrize(("terminal", "kind"), [("xterm", Bars), ("dumb", Lines)])
def test_bars_need_a_terminal_that_can_move_its_cursor(monkeypatch, terminal, kind):
    monkeypatch.setenv("TERM", terminal)
    monkeypatch.setattr("sys.stderr", SimpleNamespace(isatty=lambda: True))
    assert type(progress_for()) is kind


def test_quiet_is_the_observer_that_says_nothing():
    assert type(progress_for(quiet=True)) is Observer


def test_without_a_finished_search_a_line_says_how_many_workers_are_busy(lines, make_study, monkeypatch):
    monkeypatch.setattr("hpstudy.engine.progress.SILENCE_S", 0.0)
    assert "1 worker busy" in " ".join(lines(make_study()))


def test_a_line_follows_the_last_one_only_after_a_while(lines, make_study, monkeypatch):
    monkeypatch.setattr("hpstudy.engine.progress.SILENCE_S", 1e9)
    assert "busy" not in " ".join(lines(make_study()))
