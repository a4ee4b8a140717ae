"""The numbers on the live page are those of the database."""

import json
import re

import pytest

from hpstudy.live import progress
from hpstudy.report.numbers import MISSING
from hpstudy.store import Reader, Store
from hpstudy.study.confirm import Retraining
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm
from hpstudy.tasks.outcome import Failure, Outcome
from tests.support.databases import example_study
from tests.support.trials import finish, start

KEY, AGAIN = SearchKey("filter", 0), SearchKey("filter/confirm", 0)
ENDS = ("completed", "diverged", "failed", "timed_out", "timed_out")


def html(path, part):
    """A part of the page."""
    return json.loads(progress.read(path).parts[part].body)["html"]


def cells(text, name):
    """The cells of a row of a table."""
    row = re.search(rf'<tr><th scope="row">{name}</th>(.*?)</tr>', text, re.DOTALL)[1]
    return re.findall(r"<td[^>]*>(.*?)</td>", row)


@pytest.fixture
def path(tmp_path):
    """A study with trials of every state, a finished confirmation, and no process that runs it."""
    path = tmp_path / "example.sqlite"
    study = example_study(trials=8, replicates=1).model_copy(update={"confirm": Confirm(seeds=1)})
    point = study.views["filter"].space.default()
    with Store.create(path, study) as store:
        for number, state in enumerate(ENDS):
            start(store, KEY, number, point)
            failure = None if state == "completed" else Failure("E", "m")
            finish(store, KEY, number, Outcome(state, {}, failure=failure), 0.25 if state == "completed" else None)
        start(store, KEY, len(ENDS), point)
        start(store, AGAIN, 0, point, retrained=Retraining(None, 0))
        finish(store, AGAIN, 0, Outcome("completed", {"accuracy": 0.75}), 0.75)
    return path


def test_a_view_has_its_trials_by_state_and_its_best_value(path):
    assert cells(html(path, "status"), "filter") == ["5", "8", "1", "4", "0.25"]


def test_confirmations_have_no_best_value(path):
    assert cells(html(path, "status"), "filter/confirm")[-1] == MISSING


def test_running_trials_without_a_process_are_evaluated_again(path):
    assert "1 trial that a run evaluates again" in html(path, "workers")
    with Store.open(path):
        assert "1 trial running" in html(path, "workers")


def test_the_remaining_time_follows_the_pace_of_this_session(path, monkeypatch):
    monkeypatch.setattr(progress, "seconds_since", lambda moment: 60.0)
    with Store.open(path) as store:
        assert "left" not in html(path, "summary")
        finish(store, KEY, len(ENDS), Outcome("completed", {}), 0.5)
        left = sum(count.left for count in store.search_counts().values())
        assert left > 10
        assert f"about {left} min 0 s left" in html(path, "summary")


def test_the_latest_events_are_listed_and_the_earlier_ones_counted(path):
    with Store.open(path) as store:
        for number in range(progress.MOST_EVENTS + 1):
            store.event("noticed", number=number)
        text = html(path, "events")
        assert len(re.findall("<li>", text)) == progress.MOST_EVENTS
        assert text.index(f"number: {progress.MOST_EVENTS}<") < text.index("number: 1<")
        assert "number: 0<" not in text
        with Reader.open(path) as reader:
            earlier = len(reader.events()) - progress.MOST_EVENTS
        assert f"{earlier} earlier events are not listed" in text
