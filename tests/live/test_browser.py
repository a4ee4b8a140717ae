"""The live page as a reader's browser shows it. The pictures it takes stay in pytest's folder for the test, to be looked at."""

import pytest

from hpstudy.live import feed
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


def test_the_page_grows_while_it_is_open(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(feed, "LOOK_S", 0.1)
    monkeypatch.setattr(feed, "REST", 0)
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
            browser.wait(f"{pressed}.join() === 'true,false,true,true,true'")
        browser.wait("document.getElementById('status').textContent.includes('Not running')")
        path.unlink()
        browser.wait("document.getElementById('problem').textContent.includes('does not exist')")
        assert browser.run("document.querySelectorAll('figure.drawn').length") == 3
    browser.wait("document.getElementById('connection').textContent.startsWith('No connection')")
