"""The live page, asked as a browser asks."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from hpstudy.live import app, charts, feed, progress, thin, trial
from hpstudy.live.guard import HEADERS
from hpstudy.store import EndedTrial, NewTrial, Store
from hpstudy.study.plan import SearchKey
from hpstudy.tasks.outcome import Failure, Outcome
from tests.report.test_provisional import VERDICTS
from tests.support.databases import example_study, synthetic_database
from tests.support.live import ask, live_page, news, part, until

PROGRESS = ("status", "workers", "latest", "events")
CHARTS = ("answer", "failures", "curves-0", "parallel-0", "parallel-1")


@pytest.fixture
def page(half):
    with live_page(half) as address:
        yield f"{address}0/"


@pytest.mark.parametrize("path", ["", "wrong/", "wrong/0/", "wrong/0/events", "secre/", "secret2/0/"])
def test_without_the_token_there_is_nothing(page, path):
    status, headers, body = ask(page.replace("secret/0/", path))
    assert status == 404
    assert b"example" not in body
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1]:80"])
def test_a_name_that_was_made_to_lead_here_is_refused(page, host):
    assert ask(page, headers={"Host": host})[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "localhost:9000"])
def test_a_forwarded_port_is_allowed(page, host):
    assert ask(page, headers={"Host": host})[0] == 200


@pytest.mark.parametrize(
    "path", ["secret/0/", "secret/0/part/none", "secret/static/live.js", "secret/static/none", "secret/9/", ""]
)
def test_every_answer_has_the_headers_and_lets_no_other_origin_in(page, path):
    _, headers, _ = ask(page.replace("secret/0/", path), headers={"Origin": "http://evil.example"})
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= headers.items()
    assert not [name for name in headers if name.startswith("access-control")]


def test_the_policy_allows_no_address_but_the_page_s_own():
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "http" not in policy


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_sent(page, method):
    assert ask(page, method=method)[0] == 405


def test_all_parts_of_a_study_come_by_themselves(page):
    with news(page) as told:
        until(told, *PROGRESS, *CHARTS)
    assert "24</strong> of 40 trials" in part(page, "status")["html"]
    assert "Not running" in part(page, "status")["html"]
    assert {panel["x"]["title"]["text"] for panel in part(page, "curves-0")["panels"]} == {"trials"}
    assert "PROVISIONAL" in part(page, "answer")["html"]


def test_a_study_that_is_not_complete_has_no_verdict(tmp_path):
    study = example_study(trials=6, replicates=12)
    study = study.model_copy(update={"analysis": study.analysis.model_copy(update={"compare": (("latent", "filter"),)})})
    whole, part_of_it = (
        charts.read(synthetic_database(tmp_path / f"{share}.sqlite", study, complete=share)) for share in (1.0, 0.5)
    )
    assert VERDICTS.search(whole.parts["answer"].body.decode())
    for name, found in part_of_it.parts.items():
        assert not VERDICTS.search(found.body.decode()), name


def test_only_what_has_changed_is_news(complete, study, monkeypatch):
    monkeypatch.setattr(feed, "POLL_S", 0.05)
    monkeypatch.setattr(feed, "PAUSE_FACTOR", 0)
    with live_page(complete) as address, news(f"{address}0/") as told:
        before = until(told, *PROGRESS, *CHARTS)
        with Store.open(complete) as store:
            store.event("note", text="hello")
            after = next(digests for digests in told if digests["events"] != before["events"])
            assert "hello" in part(f"{address}0/", "events")["html"]
    assert {name for name in before if before[name] != after[name]} <= {"events", "status", "workers"}


def test_a_trial_that_ends_is_shown_while_the_page_is_open(tmp_path, study, monkeypatch):
    monkeypatch.setattr(feed, "POLL_S", 0.05)
    monkeypatch.setattr(feed, "PAUSE_FACTOR", 0)
    path = tmp_path / "running.sqlite"
    with Store.create(path, study) as store, live_page(path) as address, news(f"{address}0/") as told:
        page = f"{address}0/"
        until(told, *PROGRESS, "answer")
        assert "Running" in part(page, "status")["html"]
        key, point = SearchKey("filter", 0), study.views["filter"].space.default()
        store.start_trials([NewTrial(key, 0, point)])
        eventually(lambda: "1 trial running" in part(page, "workers")["html"])
        store.finish_trials([EndedTrial(key, 0, Outcome("completed", {"accuracy": 0.75}, duration_s=1.0), 0.75)])
        until(told, "curves-0")
        eventually(lambda: "0.75" in part(page, "latest")["html"])
        assert "<strong>1</strong> of 40 trials" in part(page, "status")["html"]
        assert " left" in part(page, "status")["html"]


def eventually(condition):
    """Wait until something is so."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def contents(folder):
    """Digest and time of the last change of every file."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith("-shm")  # where the connections to a live database keep their locks
    }


def test_not_a_byte_is_written(complete, half, monkeypatch):
    monkeypatch.setattr(feed, "POLL_S", 0.05)
    before = contents(complete.parent)
    with live_page(complete, half) as address:
        for number in range(2):
            with news(f"{address}{number}/") as told:
                until(told, *PROGRESS, *CHARTS)
            assert ask(f"{address}{number}/trial?view=latent&replicate=0&number=1")[0] == 200
        time.sleep(0.3)
    assert contents(complete.parent) == before


WRITER = """
import sys, time
from hpstudy.store import NewTrial, Store
from hpstudy.study.plan import SearchKey

with Store.open(sys.argv[1]) as store:
    store.start_trials([NewTrial(SearchKey("filter", 1), 3, store.study.views["filter"].space.default())])
    print("begun", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def writer(half):
    """A process that holds the database `half`, in which it has begun a trial."""
    with subprocess.Popen([sys.executable, "-c", WRITER, half], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"begun\n"
            yield process
        finally:
            process.kill()


def test_a_writer_that_is_killed_is_noticed_although_the_database_stays_as_it_is(half, writer, monkeypatch):
    monkeypatch.setattr(feed, "POLL_S", 0.05)
    monkeypatch.setattr(feed, "PAUSE_FACTOR", 0)
    with live_page(half) as address, news(f"{address}0/") as told:
        until(told, *PROGRESS)
        assert "Running" in part(f"{address}0/", "status")["html"]
        assert "1 trial running" in part(f"{address}0/", "workers")["html"]
        before = contents(half.parent)
        writer.kill()
        eventually(lambda: "Stopped unexpectedly" in part(f"{address}0/", "status")["html"])
        assert "1 trial that a run evaluates again" in part(f"{address}0/", "workers")["html"]
    assert contents(half.parent) == before


def test_a_deleted_database_is_one_clear_line_and_the_last_state_stays(half, monkeypatch):
    monkeypatch.setattr(feed, "POLL_S", 0.05)
    monkeypatch.setattr(feed, "PAUSE_FACTOR", 0)
    with live_page(half) as address, news(f"{address}0/") as told:
        until(told, *PROGRESS, *CHARTS)
        half.unlink()
        after = until(told, feed.PROBLEM)
        assert {*PROGRESS, *CHARTS} <= set(after)
        assert part(f"{address}0/", feed.PROBLEM)["html"].startswith(f'<p class="problem">{half} does not exist')
        assert part(f"{address}0/", feed.PROBLEM)["html"].count("<p") == 1


def test_a_damaged_database_is_one_clear_line(complete, half):
    data = bytearray(half.read_bytes())
    data[2000:] = os.urandom(len(data) - 2000)
    half.write_bytes(data)
    with live_page(complete, half) as address:
        with news(f"{address}1/") as told:
            until(told, feed.PROBLEM)
            assert part(f"{address}1/", feed.PROBLEM)["html"].count("<p") == 1
        assert b"<h1>half</h1>" in ask(f"{address}1/")[2]
        with news(address) as told:
            until(told, "summary-0", "summary-1")
        assert "Complete" in part(address, "summary-0")["html"]
        assert "half.sqlite" in part(address, "summary-1")["html"]


def test_several_studies_have_a_page_of_all(complete, half):
    with live_page(complete, half) as address:
        page = ask(address)[2].decode()
        assert page.index('<a href="0/">complete</a>') < page.index('<a href="1/">half</a>')
        assert 'href="../"' in ask(f"{address}1/")[2].decode()
        assert ask(f"{address}2/")[0] == 404
    with live_page(half) as address:
        assert ask(address)[0] == 307


@pytest.fixture
def failed(tmp_path, study):
    """A database with one failed trial, whose worker has a log, and one whose log lies elsewhere."""
    path = tmp_path / "failed.sqlite"
    logs = tmp_path / "failed.sqlite.logs"
    logs.mkdir()
    (logs / "worker-1.log").write_text("<b>epoch 1</b>\n")
    (tmp_path / "elsewhere.log").write_text("private\n")
    with Store.create(path, study) as store:
        for number, log in enumerate((logs / "worker-1.log", logs / "../elsewhere.log")):
            key = SearchKey("filter", 0)
            store.start_trials([NewTrial(key, number, study.views["filter"].space.default())])
            failure = Failure("ValueError", "<i>bad</i> rate", "Traceback (most recent call last):\n  <module>")
            outcome = Outcome("failed", {}, ((1, "loss", 0.5), (2, "loss", 0.25)), failure, 1.0, log_path=str(log))
            store.finish_trials([EndedTrial(key, number, outcome, None)])
    return path


def test_a_trial_has_its_point_curves_traceback_and_log(failed):
    with live_page(failed) as address:
        shown = ask_trial(address, 0)
        assert "&lt;i&gt;bad&lt;/i&gt; rate" in shown["html"]
        assert "Traceback (most recent call last):\n  &lt;module&gt;" in shown["html"]
        assert "&lt;b&gt;epoch 1&lt;/b&gt;" in shown["html"]
        assert "<dt>decay</dt><dd>0.5</dd>" in shown["html"]
        (panel,) = shown["figure"]["panels"]
        assert (panel["title"], panel["data"][0]["x"], panel["data"][0]["y"]) == ("loss", [1, 2], [0.5, 0.25])
        with news(f"{address}0/") as told:
            until(told, "failures")
        assert 'data-replicate="0" data-number="0"' in part(f"{address}0/", "failures")["html"]


def test_a_log_outside_the_folder_of_logs_is_named_and_not_opened(failed):
    with live_page(failed) as address:
        shown = ask_trial(address, 1)["html"]
    assert "elsewhere.log" in shown
    assert "private" not in shown


def test_a_trial_that_is_not_there_is_told(failed):
    with live_page(failed) as address:
        assert "there is no trial 7 of view" in ask_trial(address, 7)["html"]
        assert ask(f"{address}0/trial?view=filter")[0] == 400


@pytest.mark.parametrize("query", ["replicate=0&number=-1", "replicate=x&number=0", f"replicate=0&number={2**63}"])
def test_numbers_that_no_trial_can_have_are_refused(failed, query):
    with live_page(failed) as address:
        assert ask(f"{address}0/trial?view=filter&{query}")[0] == 400


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_folder_of_logs_that_is_a_link_and_a_log_that_is_no_file_are_not_opened(failed, kind):
    logs = failed.with_name("failed.sqlite.logs")
    (logs / "worker-1.log").unlink()
    if kind == "link":
        logs.rename(failed.with_name("elsewhere"))
        logs.symlink_to(failed.with_name("elsewhere"))
        (logs / "worker-1.log").write_text("private\n")
    else:
        os.mkfifo(logs / "worker-1.log")
    with live_page(failed) as address:
        shown = ask_trial(address, 0)["html"]
    assert "worker-1.log" in shown
    assert "private" not in shown


def test_names_that_are_equal_are_all_shown(tmp_path, study):
    path, key = tmp_path / "same.sqlite", SearchKey("filter", 0)
    with Store.create(path, study) as store:
        store.start_trials([NewTrial(key, 0, study.views["filter"].space.default())])
        outcome = Outcome("completed", {"accuracy": 0.75, "decay": 0.125}, attributes={"decay": "slow"})
        store.finish_trials([EndedTrial(key, 0, outcome, 0.75)])
    with live_page(path) as address:
        shown = ask_trial(address, 0)["html"]
    for fact in ("0.5", "0.125", "slow"):
        assert f"<dt>decay</dt><dd>{fact}</dd>" in shown


def test_attributes_of_trials_are_no_events(tmp_path, study):
    path, key = tmp_path / "attributes.sqlite", SearchKey("filter", 0)
    with Store.create(path, study) as store:
        store.event("note", text="hello")
        store.start_trials([NewTrial(key, 0, study.views["filter"].space.default())])
        outcome = Outcome("completed", {"accuracy": 0.75}, attributes={"answer": "many words"})
        store.finish_trials([EndedTrial(key, 0, outcome, 0.75)])
    events = progress.read(path).parts["events"].body.decode()
    assert "hello" in events
    assert "many words" not in events


HOSTILE = "<img src=x onerror=alert(1)>\"'&"


def test_no_text_of_a_database_is_markup(tmp_path, study):
    """Every text that a study, its trials or its events can contain is escaped."""
    metric = study.metric.model_copy(update={"name": HOSTILE})
    views = {name: view.model_copy(update={"label": HOSTILE}) for name, view in study.views.items()}
    study = study.model_copy(update={"question": HOSTILE, "metric": metric, "views": views})
    path, key = tmp_path / f"{HOSTILE}.sqlite", SearchKey("filter", 0)
    with Store.create(path, study) as store:
        store.begin_session({"executor": HOSTILE, HOSTILE: HOSTILE})
        store.event(HOSTILE, **{HOSTILE: HOSTILE})
        point = study.views["filter"].space.default()
        store.start_trials([NewTrial(key, number, point) for number in range(3)])
        good = Outcome("completed", {HOSTILE: 0.5}, ((1, HOSTILE, 0.5),), attributes={HOSTILE: HOSTILE})
        bad = Outcome("failed", {}, failure=Failure(HOSTILE, HOSTILE, HOSTILE), log_path=HOSTILE)
        store.finish_trials([EndedTrial(key, 0, good, 0.5), EndedTrial(key, 1, bad, None)])
        parts = {**progress.read(path).parts, **charts.read(path).parts}
        parts |= {f"trial {number}": trial.read(path, key, number) for number in range(3)}
    with live_page(path) as address:
        page = ask(f"{address}0/")[2].decode()
    assert "<img" not in page
    assert "&lt;img" in page
    assert [name for name, shown in parts.items() if b"<img" in shown.body] == []
    assert len(parts) > 8


def test_the_digests_are_sent_again_when_nothing_changes(complete, monkeypatch):
    """So a page notices a lost connection, and tries again what it could not fetch."""
    monkeypatch.setattr(app, "KEEPALIVE_S", 0.05)
    with live_page(complete) as address, news(f"{address}0/") as digests:
        first = until(digests, *PROGRESS, *CHARTS)
        assert [next(digests), next(digests)] == [first, first]


def ask_trial(address, number):
    status, _, body = ask(f"{address}0/trial?view=filter&replicate=0&number={number}")
    assert status == 200
    return json.loads(body)


def test_a_large_study_is_thinned(tmp_path, monkeypatch):
    monkeypatch.setattr(thin, "MOST_POINTS", 50)
    path = synthetic_database(tmp_path / "large.sqlite", example_study(trials=20, replicates=30))
    found = charts.read(path)
    for name in ("curves-0", "parallel-0"):
        for panel in json.loads(found.parts[name].body)["panels"]:
            for trace in panel["data"]:
                if trace["type"] == "scatter" and "fill" not in trace:
                    assert len(trace["x"]) <= 100
                    assert len(trace.get("text", trace["x"])) == len(trace["x"])


def test_a_database_is_read_again_when_its_last_write_has_settled(tmp_path, monkeypatch):
    """SQLite shows a transaction to readers some time after it wrote it to the file."""
    monkeypatch.setattr(feed, "POLL_S", 0.02)
    monkeypatch.setattr(feed, "PAUSE_FACTOR", 0)
    monkeypatch.setattr(feed, "SETTLED_S", 0.5)
    path, read = tmp_path / "file", []
    path.write_text("frames")

    def reading(_):
        read.append(time.time())
        return feed.Reading({})

    async def follow():
        followed = feed.Feed(path, progress=feed.Tier(reading, ThreadPoolExecutor(1)))
        with followed.subscribed(asyncio.Event(), ["progress"]):
            await asyncio.sleep(1.5)

    asyncio.run(follow())
    assert len(read) == 2
    assert read[1] - path.stat().st_mtime > 0.5


def test_a_slow_reading_rests_for_nine_times_as_long(tmp_path, monkeypatch):
    monkeypatch.setattr(feed, "POLL_S", 0.01)
    path, read = tmp_path / "file", []

    def reading(_):
        read.append(time.monotonic())
        time.sleep(0.05)
        path.write_text(str(len(read)))
        return feed.Reading({})

    async def follow():
        followed = feed.Feed(path, progress=feed.Tier(reading, ThreadPoolExecutor(1)))
        with followed.subscribed(asyncio.Event(), ["progress"]):
            await asyncio.sleep(1.8)

    asyncio.run(follow())
    assert len(read) >= 2
    assert min(after - before for before, after in pairwise(read)) >= 0.45
