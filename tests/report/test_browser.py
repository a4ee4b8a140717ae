"""The page as a reader's browser shows it. The pictures it takes stay in pytest's folder for the test, to be looked at."""

import re

import pytest

from hpstudy.report import style
from hpstudy.report.document import document
from hpstudy.report.html import compile_html
from tests.support.browser import Browser, chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: install it, or name it in HPSTUDY_CHROMIUM"),
]

LABEL = "<b>x</b> &lt; %{y} $z$"


@pytest.fixture
def page(tmp_path, make_results, ramps):
    found = make_results({"a": ramps(3), "b": ramps()}, labels={"a": LABEL}, analysis={"target": {"value": 5}, "budgets": [4, 8]})
    path = tmp_path / "page.html"
    with style.applied():
        path.write_bytes(compile_html(document(found)))
    return path


@pytest.fixture
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


DRAWN = "document.querySelectorAll('figure.drawn').length === document.querySelectorAll('figure.interactive').length"
LINES = "document.querySelectorAll('#figure-1 .scatterlayer .js-line').length"


def test_the_page_draws_its_figures_without_a_network_and_switches_views(browser, page, tmp_path):
    browser.open(page)
    browser.wait(DRAWN)
    assert browser.run("document.querySelectorAll('.js-plotly-plot .main-svg .trace').length") > 10
    assert browser.run("[...document.querySelectorAll('.interactive .still')].every(e => getComputedStyle(e).display === 'none')")
    before = browser.run(LINES)
    browser.run("document.querySelector('#figure-1 button[data-group=\"0\"]').click()")
    browser.wait(f"{LINES} < {before}")
    # Six searches and one mean of view a are gone.
    assert before - browser.run(LINES) == 7
    browser.run("document.querySelector('#figure-1 button[data-group=\"0\"]').click()")
    browser.wait(f"{LINES} === {before}")
    browser.screenshot(tmp_path / "desktop.png")
    browser.open(page, width=390, height=800, dark=True, touch=True)
    browser.wait(DRAWN)
    browser.screenshot(tmp_path / "phone.png")
    assert browser.run("document.documentElement.scrollWidth") == 390
    assert browser.complaints == []
    assert {request.split(":")[0] for request in browser.requests} <= {"file", "data", "blob"}


def test_words_that_look_like_markup_are_shown_letter_by_letter(browser, page):
    browser.open(page)
    browser.wait(DRAWN)
    point = "{curveNumber: 1, pointNumber: 3}"
    browser.run(f"Plotly.Fx.hover(document.getElementById('figure-1-panel-1'), [{point}])")
    browser.wait("document.querySelector('#figure-1 .hovertext') !== null")
    shown = browser.run("document.querySelector('#figure-1 .hovertext').textContent")
    assert shown.startswith(LABEL)
    assert re.search(r"best so far \S+?rate [\d.]+clip none$", shown)


@pytest.mark.parametrize("width", [1280, 375])
def test_a_long_title_is_in_lines_between_the_buttons_and_the_plot(browser, tmp_path, make_results, ramps, width):
    names = [f"a_view_with_a_long_name_{end * 8}" for end in "ab"]
    path = tmp_path / "page.html"
    with style.applied():
        path.write_bytes(compile_html(document(make_results({names[0]: ramps(3), names[1]: ramps()}))))
    browser.open(path, width=width, touch=width < 500)
    browser.wait(DRAWN)
    box = "document.querySelector('#figure-2-panel-1 {}').getBoundingClientRect()"
    title, buttons, plot = (
        browser.run(f"(({box.format(part)}).toJSON())") for part in (".gtitle", ".modebar-group", ".nsewdrag")
    )
    assert buttons["bottom"] <= title["top"] + 2
    assert title["bottom"] <= plot["top"] + 2
    assert title["right"] <= width
    captions = browser.run("Math.max(...[...document.querySelectorAll('caption')].map((each) => each.clientWidth))")
    assert captions <= width


def test_a_panel_of_many_rows_is_as_high_as_their_names_need(browser, tmp_path, make_results, ramps):
    path = tmp_path / "page.html"
    with style.applied():
        path.write_bytes(compile_html(document(make_results({name: ramps() for name in "abcdefg"}))))
    browser.open(path)
    browser.wait(DRAWN)
    panels = (
        "[...document.querySelectorAll('.panel')].map((each) => [each.clientHeight, (each.layout.yaxis.ticktext || []).length])"
    )
    found = browser.run(panels)
    assert max(rows for _, rows in found) == 21
    assert all(height >= 18 * rows + 120 for height, rows in found)
    assert browser.run("[...document.querySelectorAll('th.short')].every((each) => each.clientHeight < 40)")
