"""Code that changes before a trial has completed starts the study over; afterwards it is refused."""

import pytest

import hpstudy
from hpstudy.engine.progress import Observer
from hpstudy.errors import StudyBroken, StudyChanged
from hpstudy.store import Reader, check

STUDY = """\
name: s
task: {use: "mine:f"}
metric: {name: value, goal: minimize}
views: {v: {space: {a: {type: float, low: 0, high: 1}}}}
search: {searcher: random, trials: 3}
replicates: 2
limits: {max_failures: MAX}
"""
BROKEN = "def f(params, seed):\n    raise ValueError(f'no file number {seed}')\n"
FIXED = "def f(params, seed):\n    return params['a']\n"


class Notes(Observer):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def run(tmp_path):
    """Run the study with some code: run(code, most=2) -> (summary, notes)."""

    def run(code, *, most=2):
        (tmp_path / "mine.py").write_text(code)
        (tmp_path / "s.yaml").write_text(STUDY.replace("MAX", str(most)))
        observer = Notes()
        summary = hpstudy.run(tmp_path / "s.yaml", tmp_path / "s.sqlite", executor="inline", progress=observer)
        return summary, observer.notes

    return run


def test_a_function_that_is_fixed_before_a_trial_completed_needs_no_flag(run, tmp_path):
    with pytest.raises(StudyBroken):
        run(BROKEN)
    summary, notes = run(FIXED)
    assert (summary.counts.completed, summary.counts.failed, summary.failure) == (6, 0, None)
    assert [note for note in notes if "mine.py changed before a trial completed" in note and "2 trials" in note]
    with Reader.open(tmp_path / "s.sqlite") as reader:
        (event,) = [event for event in reader.events() if event.kind == "started_over"]
        assert event.detail["removed_trials"] == 2
        assert set(reader.trials()["attempts"]) == {1}
    assert check(tmp_path / "s.sqlite") == []
    assert run(FIXED)[0].ran == 0


@pytest.mark.parametrize("code", [BROKEN, FIXED])
def test_a_changed_study_file_may_delete_a_database_without_a_completed_trial(run, tmp_path, code):
    if code == BROKEN:
        with pytest.raises(StudyBroken):
            run(BROKEN)
    else:
        run(FIXED)
    (tmp_path / "s.yaml").write_text(STUDY.replace("MAX", "2").replace("high: 1}", "high: 2}"))
    with pytest.raises(StudyChanged, match=r"views\.v\.space\.a\.high: 1 -> 2") as caught:
        hpstudy.run(tmp_path / "s.yaml", tmp_path / "s.sqlite", executor="inline")
    advice = f"no trial has completed: delete {tmp_path / 's.sqlite'} and run again, or undo the change"
    assert caught.value.hint.startswith(advice) is (code == BROKEN)


def test_so_does_a_study_whose_trials_all_failed(run):
    summary, _ = run(BROKEN, most=100)
    assert summary.complete
    assert run(FIXED, most=100)[0].counts.completed == 6


def test_attributes_of_removed_trials_are_removed_too(run, tmp_path):
    with pytest.raises(StudyBroken):
        run("def f(params, seed): return {'value': float('nan'), 'note': 'old'}")
    run(FIXED)
    with Reader.open(tmp_path / "s.sqlite") as reader:
        assert reader.attributes() == {}


def test_with_a_completed_trial_a_change_is_refused(run):
    run(FIXED)
    with pytest.raises(StudyChanged, match=r"mine\.py"):
        run(FIXED + "# changed\n")


def test_the_same_broken_code_continues(run):
    with pytest.raises(StudyBroken):
        run(BROKEN)
    summary, notes = run(BROKEN, most=100)
    assert summary.counts.failed == 6
    assert not [note for note in notes if "changed" in note]


def test_the_summary_has_the_most_common_failure(run):
    summary, _ = run(
        "def f(params, seed):\n    if seed % 2: raise ValueError(f'odd seed {seed}')\n    raise KeyError(seed)\n", most=100
    )
    assert summary.failure.of == 6
    expected = "ValueError: odd seed " if "odd" in summary.failure.text else "KeyError: "
    assert summary.failure.sentence().startswith(f"most common failure ({summary.failure.trials} of 6 failures): {expected}")
    summary, _ = run(BROKEN, most=100)
    assert summary.failure.sentence().startswith("most common failure (6 times): ValueError: no file number ")
