"""Trials are joined to the host and the versions that evaluated them."""

from concurrent.futures import Future
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from hpstudy.analysis.analyze import analyze
from hpstudy.cli import app
from hpstudy.engine.admission import Admission, HostReport, HostRequest, program_digest
from hpstudy.engine.environment import host_environment
from hpstudy.engine.executors import Executor
from hpstudy.engine.identity import KnownSources
from hpstudy.engine.progress import Observer
from hpstudy.engine.requests import AskRequest
from hpstudy.engine.roots import is_rooted
from hpstudy.engine.scheduler import Scheduler
from hpstudy.engine.stop import StopSignal
from hpstudy.errors import StudyChanged
from hpstudy.report.chapters.environment import chapter
from hpstudy.report.model import Paragraph
from hpstudy.store import Reader, Store


class Elsewhere(Executor):
    """Runs steps here and says of those of the view "both" that they ran on other hosts."""

    def __init__(self):
        super().__init__(1)

    def submit(self, call, request, timeout_s=None):
        answer = call(request)
        if not isinstance(request, AskRequest) and request.trials[0].search.view == "both":
            there = {**host_environment(), "host": f"n{request.trials[0].search.replicate}"}
            answer = replace(answer, outcomes=tuple(replace(outcome, environment=there) for outcome in answer.outcomes))
        future = Future()
        future.set_result(answer)
        return future

    def close(self, *, abort=False):
        pass


@pytest.fixture
def storage_of_hosts(make_study, storage):
    with Store.create(storage, make_study(trials=2, replicates=2)) as store:
        store.begin_session({**host_environment(), "command": "run"})
        Scheduler(store, Elsewhere(), Observer(), StopSignal()).run()
    return storage


def test_every_host_has_a_row_that_its_trials_refer_to(storage_of_hosts):
    with Reader.open(storage_of_hosts) as reader:
        rows = [(row.detail["host"], row.detail.get("role"), row.trials) for row in reader.environments()]
        here = host_environment()["host"]
        assert rows == [(here, None, 4), ("n0", "worker", 2), ("n1", "worker", 2)]
        assert all(row.ended_at for row in reader.environments())
        trials = reader.trials()
        assert {tuple(group["view"]) for _, group in trials.groupby("environment_id")} == {("both",) * 2, ("one",) * 4}
        assert str(reader.broken_seals() or "") == ""


def test_steps_of_this_machine_have_the_row_of_the_session(run, make_study, storage):
    for executor in ("inline", "processes"):
        run(make_study(trials=2 + (executor == "processes")), executor=executor)
    with Reader.open(storage) as reader:
        assert [row.trials for row in reader.environments()] == [8, 4]
        assert not any("role" in row.detail for row in reader.environments())


def test_a_session_is_compared_with_the_last_session_not_with_a_worker(run, make_study, storage, storage_of_hosts):
    class Notes(Observer):
        notes = ()

        def note(self, text):
            self.notes += (text,)

    with Store.open(storage) as store:
        store.add_environment({**host_environment(), "numpy": "1.0", "role": "worker"})
    run(make_study(trials=3, replicates=2), observer=(observer := Notes()))
    assert not [note for note in observer.notes if "differs from the last one" in note]


class OneDiffers(Elsewhere):
    """Says of the steps of the view "one" that they ran with another numpy."""

    def submit(self, call, request, timeout_s=None):
        future = super().submit(call, request, timeout_s)
        if not isinstance(request, AskRequest) and request.trials[0].search.view == "one":
            answer, there = future.result(), {**host_environment(), "numpy": "1.0"}
            future = Future()
            future.set_result(replace(answer, outcomes=tuple(replace(one, environment=there) for one in answer.outcomes)))
        return future


def test_an_answer_of_other_versions_that_is_allowed_is_recorded(make_study, storage):
    with Store.create(storage, make_study(trials=2, replicates=1)) as store:
        store.begin_session({**host_environment(), "command": "run"})
        Scheduler(store, OneDiffers(), Observer(), StopSignal(), allow_mixed=True).run()
    with Reader.open(storage) as reader:
        (event,) = [event for event in reader.events() if event.kind == "mixed_hosts"]
        assert "numpy 1.0, here " in event.detail["mixed_libraries"][0]
        assert set(reader.trials()["state"]) == {"completed"}


def test_a_refused_answer_leaves_those_that_came_with_it(make_study, storage):
    executor = OneDiffers()
    executor.workers = 2
    with Store.create(storage, make_study(trials=1, replicates=1)) as store:
        store.begin_session({**host_environment(), "command": "run"})
        with pytest.raises(StudyChanged, match=r"numpy 1\.0"):
            Scheduler(store, executor, Observer(), StopSignal()).run()
    with Reader.open(storage) as reader:
        assert list(reader.trials()["state"]) == ["completed", "running"]


@pytest.mark.parametrize("there", [{}, {"features": "b"}, {"features": "a", "more": "c"}])
def test_a_host_without_the_data_of_the_study_may_not_run_steps(make_study, there):
    study = make_study()
    admission = Admission(HostRequest(study.to_json(), None), KnownSources(study, {}), {"features": "a"})
    report = HostReport(host_environment(), program_digest(), {"features": "a"}, is_rooted())
    assert admission.obstacles(report) == []
    assert admission.obstacles(replace(report, identity=there)) == [f"{'more' if 'more' in there else 'features'} differs"]


def test_status_and_report_say_that_trials_ran_in_several_environments(storage_of_hosts):
    sentence = f"Different: host {host_environment()['host']} (4 trials), n0 (2 trials), n1 (2 trials)."
    said = CliRunner().invoke(app, ["status", str(storage_of_hosts)])
    assert sentence in " ".join(said.output.split())
    with Reader.open(storage_of_hosts) as reader:
        (section,) = (section for section in chapter(analyze(reader)) if section.title == "Environment")
    texts = [block.text for block in section.blocks if isinstance(block, Paragraph)]
    assert texts[0].endswith(sentence)
    assert [text.partition(",")[0] for text in texts[1:]] == ["One session", *["A host that ran steps for 1 session"] * 2]
