"""The live page as a reader's browser shows it. The pictures it takes stay in pytest's folder for the test, to be looked at."""

import threading

import pytest

from hpstudy.live import app, charts, feed
from hpstudy.store import EndedTrial, NewTrial, Store
from hpstudy.study.plan import SearchKey
from hpstudy.tasks.outcome import Outcome
from tests.support.browser import Browser, chromium
from tests.support.databases import example_study, synthetic_database
from tests.support.live import live_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: install it, or name it in HPSTUDY_CHROMIUM"),
]

DRAWN = "document.querySelectorAll('figure.drawn').length === 3 && !!document.querySelector('#answer .answer')"

POINTS = "document.querySelector('#curves-0 .panel')?.data?.find((trace) => trace.meta.join() === '1,2')?.x.length"
"""Trials in the curve of the search in view 'filter', the second view. The charts are read after the progress, so they lag behind it."""


@pytest.fixture
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "touch"), [(1440, False), (375, True)], ids=["desktop", "phone"])
def test_a_study_of_1000_trials_is_shown(browser, tmp_path, width, touch, dark):
    path = synthetic_database(tmp_path / "thousand.sqlite", example_study(trials=25, replicates=20), diverged=0.05, epochs=3)
    with live_page(path) as address:
        browser.open(address, width=width, touch=touch, dark=dark)
        browser.wait(DRAWN)
        browser.run("document.querySelector('#latest button.trial').click()")
        browser.wait("!!document.querySelector('#trial-0.drawn')")
        browser.screenshot(tmp_path / "page.png")
        point = "{points: [{text: 'latent<br>replicate 3, trial 7 (8th)<br>this trial 0.5', data: {meta: [0, 2]}}]}"
        browser.run(f"void document.querySelector('#curves-0 .panel').emit('plotly_click', {point})")
        browser.wait("document.body.dataset.trial === 'latent/3/7'")
        assert browser.run("document.querySelector('#trial h3').textContent") == "latent, replicate 3, trial 7"
        assert browser.run("document.activeElement.id") == "trial"
        assert browser.run("document.documentElement.scrollWidth") == width
        assert browser.run("document.querySelector('main').textContent").count("completed") > 1
        order = "[...document.querySelectorAll('#answer, nav')].map(e => e.id || e.tagName).join()"
        assert browser.run(order) == "answer,NAV"
        assert browser.complaints == []
        assert {request.split("/")[2] for request in browser.requests} <= {address.split("/")[2], "", ","}


def test_long_names_fit_a_phone_and_nothing_is_called_empty_before_it_is_read(browser, tmp_path, monkeypatch):
    study = example_study(trials=4, replicates=2)
    views = {
        f"a_view_with_a_very_long_name_of_64_characters_and_the_number_{n}": view for n, view in enumerate(study.views.values())
    }
    path = synthetic_database(tmp_path / "long.sqlite", study.model_copy(update={"views": views}))
    release = threading.Event()
    read = charts.read
    monkeypatch.setattr(charts, "read", lambda path: release.wait(60) and read(path))
    with live_page(path) as address:
        browser.open(address, width=375, touch=True)
        browser.wait("document.getElementById('status').textContent.includes('16 of 16 trials')")
        assert browser.run("document.querySelector('#curves .empty').textContent") == "Reading the database…"
        release.set()
        browser.wait(DRAWN)
        assert browser.run("document.querySelector('#curves .empty').textContent") == "No trial has a value yet."
        assert browser.run("document.documentElement.scrollWidth") == 375


def test_a_page_of_a_damaged_database_waits_for_nothing(browser, tmp_path):
    (tmp_path / "damaged.sqlite").write_bytes(b"no database" * 500)
    with live_page(tmp_path / "damaged.sqlite") as address:
        browser.open(address)
        browser.wait("!!document.querySelector('.problem')")
        assert browser.run("[...document.querySelectorAll('.waiting')].filter((each) => each.checkVisibility()).length") == 0


def test_the_page_grows_while_it_is_open(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(feed, "POLL_S", 0.1)
    monkeypatch.setattr(feed, "PAUSE_FACTOR", 0)
    study, path = example_study(trials=5, replicates=2), tmp_path / "growing.sqlite"
    with live_page(path) as address:
        with Store.create(path, study) as store:
            browser.open(address)
            browser.wait("document.getElementById('status').textContent.includes('0 of 20 trials')")
            assert browser.run("document.querySelectorAll('figure').length") == 0
            for number in range(5):
                if number == 4:  # a complete search gives the legend another entry, with which the figure is drawn again
                    assert browser.run("window.kept === document.querySelector('#curves-0 .panel')")
                key = SearchKey("filter", 0)
                store.start_trials([NewTrial(key, number, study.views["filter"].space.default())])
                store.finish_trials([EndedTrial(key, number, Outcome("completed", {"accuracy": 0.5}, duration_s=1.0), 0.5)])
                browser.wait(f"document.getElementById('status').textContent.includes('{number + 1} of 20 trials')")
                browser.wait(f"!!document.querySelector('#curves-0.drawn') && {POINTS} === {number + 1}")
                if number == 0:
                    browser.run("document.querySelector('#curves-0 button.entry[data-group=\"1\"]').click()")
                    browser.run("void (window.kept = document.querySelector('#curves-0 .panel'))")
            browser.wait("[...document.querySelectorAll('#curves-0 .entry')].some(e => e.textContent.startsWith('target'))")
            key = SearchKey("latent", 0)
            store.start_trials([NewTrial(key, 0, study.views["latent"].space.default())])
            store.finish_trials([EndedTrial(key, 0, Outcome("completed", {"accuracy": 0.75}, duration_s=1.0), 0.75)])
            browser.wait("document.querySelectorAll('figure.drawn').length === 3")
            pressed = "[...document.querySelectorAll('#curves-0 .entry')].map(e => e.getAttribute('aria-pressed'))"
            browser.wait(f"{pressed}.join() === 'true,false,true,true'")
        browser.wait("document.getElementById('status').textContent.includes('Not running')")
        path.unlink()
        browser.wait("document.getElementById('problem').textContent.includes('does not exist')")
        assert browser.run("document.querySelectorAll('figure.drawn').length") == 3
    browser.wait("document.getElementById('connection').textContent.startsWith('No connection')")


@pytest.fixture
def two_trials(browser, tmp_path):
    """A page of a study with two finished trials in view 'filter', and the store of its database."""
    study, path = example_study(trials=5, replicates=2), tmp_path / "two.sqlite"
    with Store.create(path, study) as store:
        for number in range(2):
            add_trial(store, number)
        with live_page(path) as address:
            browser.open(address)
            browser.wait(
                "document.querySelectorAll('#latest button.trial').length === 2 && !!document.querySelector('#curves-0.drawn')"
            )
            yield store


def add_trial(store, number):
    key = SearchKey("filter", 0)
    store.start_trials([NewTrial(key, number, store.study.views["filter"].space.default())])
    store.finish_trials([EndedTrial(key, number, Outcome("completed", {"accuracy": 0.5}, duration_s=1.0), 0.5)])


def test_of_two_requested_trials_the_last_is_shown_although_the_first_answer_comes_later(browser, two_trials):
    browser.run(
        """void (() => {
          const real = window.fetch, held = new Promise((resolve) => { window.release = resolve; });
          window.fetch = async (url) => {
            const response = await real(url);
            if (url.includes("number=0")) await held;
            return response;
          };
        })()"""
    )
    for number in range(2):
        browser.run(f"document.querySelector('#latest button.trial[data-number=\"{number}\"]').click()")
    browser.wait("document.body.dataset.trial === 'filter/0/1'")
    browser.run("window.release()")
    browser.run("new Promise((resolve) => setTimeout(resolve, 300))")
    assert browser.run("document.querySelector('#trial h3').textContent") == "filter, replicate 0, trial 1"
    assert browser.run("document.body.dataset.trial") == "filter/0/1"


def test_a_part_that_cannot_be_fetched_is_fetched_again_and_holds_up_no_other(browser, two_trials, monkeypatch):
    monkeypatch.setattr(app, "KEEPALIVE_S", 0.5)
    browser.run(
        """void (() => {
          const real = window.fetch;
          window.fetch = (url) => window.repaired || url !== "part/status" ? real(url) : Promise.reject(new Error("lost"));
        })()"""
    )
    add_trial(two_trials, 2)
    browser.wait("document.querySelectorAll('#latest button.trial').length === 3")
    assert browser.run("document.getElementById('status').textContent.includes('2 of 20 trials')")
    browser.run("void (window.repaired = true)")
    browser.wait("document.getElementById('status').textContent.includes('3 of 20 trials')")


def test_a_page_that_hears_nothing_connects_again(browser, two_trials):
    def connections():
        return sum(request.endswith("/events") for request in browser.requests)

    browser.wait("document.getElementById('connection').textContent === 'Connected.'")
    before = connections()
    said = browser.run(  # in one call: the page may have connected again before the next
        """(() => {
          const now = Date.now;
          Date.now = () => now() + 60_000;
          document.dispatchEvent(new Event("visibilitychange"));
          return document.getElementById("connection").textContent;
        })()"""
    )
    assert said.startswith("No connection")
    browser.wait("document.getElementById('connection').textContent === 'Connected.'")
    assert connections() == before + 1
