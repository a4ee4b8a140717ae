import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pytest

from hpstudy.errors import UsageError
from hpstudy.report import numbers, style, write
from hpstudy.report.charts import best_so_far, difference, learning, sweep_metrics
from hpstudy.report.charts.marks import Band
from hpstudy.report.charts.model import Axis, Chart, Panel
from hpstudy.report.document import document
from hpstudy.report.html import compile_html
from hpstudy.report.interactive import embedded
from hpstudy.report.pens import plotly as pen
from hpstudy.report.pens.plotly import escaped, plain

NASTY = '#panic("no") $x^2$ <b>bold</b> `code` &lt; %{x} // \\ [x] "quoted" \'single\' \x00\x1b[31m 日本語 🙂 </title></style>'
ALERT = "</script><script>alert(1)</script>"
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Elements of a page in order: (tag, attributes, text in it)."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.open = [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_startendtag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag, **attributes):
        return [e for e in self.elements if e[0] == tag and all(e[1].get(k.rstrip("_")) == v for k, v in attributes.items())]


@pytest.fixture
def short_plotly(monkeypatch):
    """Stand in for plotly's script, which is several megabytes."""
    monkeypatch.setattr("hpstudy.report.html.plotly_script", lambda: "/* plotly */")


@pytest.fixture
def short_drawings(monkeypatch):
    """Draw nothing: every picture is the same few shapes."""
    drawn = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g id="a"/></svg>'
    monkeypatch.setattr("hpstudy.report.html.figure_bytes", lambda figure, form, dpi: drawn)


def page_of(results):
    with style.applied():
        return compile_html(document(results)).decode()


def panels_of(results, name):
    """Panels of the figure called `name`, as the page has them."""
    with style.applied():
        return pen.panels(next(chart for chart in document(results).charts if chart.name == name))


def traces_of(results, name):
    return [trace for panel in panels_of(results, name) for trace in panel["data"]]


def searches_of(results):
    """The thin lines of the first view."""
    return next(trace for trace in traces_of(results, "best_so_far") if trace["line"].get("shape") == "hv")


def shown(text):
    return text.replace("\x00", r"\x00").replace("\x1b", r"\x1b")


@pytest.fixture
def nasty(make_results, ramps):
    states = {"a": np.full((3, 10), "completed", dtype=object)}
    states["a"][0, 0] = "failed"
    return make_results(
        {"a": ramps(3, n=3), "b": ramps(n=3)},
        metric="acc <i> &amp; %{y}",
        labels={"a": ALERT[:27], "b": NASTY},
        study={"question": NASTY + ALERT},
        states=states,
        error=("Error#", NASTY + ALERT),
        identity={"data#": NASTY + ALERT},
    )


@pytest.mark.usefixtures("short_plotly", "short_drawings")
def test_users_words_come_back_unchanged_and_are_never_markup(nasty):
    page = Page(page_of(nasty))
    (question,) = page.all("p", class_="question")
    assert question[2] == shown(NASTY + ALERT)
    assert shown(NASTY + ALERT) in [found[2] for found in page.all("dd")]
    assert any(ALERT[:27] in found[2] for found in page.all("button", class_="entry"))
    assert not any(key.startswith("on") for _, attributes, _ in page.elements for key in attributes)


@pytest.mark.usefixtures("short_plotly", "short_drawings")
def test_no_script_runs_but_those_whose_hashes_the_policy_names(nasty):
    page = Page(page_of(nasty))
    scripts = page.all("script")
    data = [found for found in scripts if found[1].get("type") == "application/json"]
    running = [found for found in scripts if found not in data]
    assert len(data) == 4
    for found in data:
        json.loads(found[2])
    (policy,) = [found[1]["content"] for found in page.all("meta") if "http-equiv" in found[1]]
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(found[2].encode()).digest()).decode()}'" for found in running]
    assert len(running) == 2
    assert re.search(r"script-src ([^;]*);", policy)[1].split() == hashes
    assert policy.startswith("default-src 'none';")


def test_json_in_a_page_holds_no_letter_that_ends_its_element():
    value = {"a": [ALERT, "<!--", "&", "\u2028"], "b": np.array([1.5, np.nan, np.inf])}
    written = embedded(value)
    assert not set("<>&\u2028") & set(written)
    assert json.loads(written) == {"a": value["a"], "b": [1.5, None, None]}


def test_words_for_plotly_hold_no_tag_entity_or_template():
    assert escaped("<b>&lt;%{x}\x00") == r"&lt;b&gt;&amp;lt;&#37;{x}\x00"


@pytest.mark.usefixtures("short_plotly")
def test_the_page_asks_no_address_for_anything(results):
    source = page_of(results)
    page = Page(source)
    addresses = [a[key] for _, a, _ in page.elements for key in ("src", "href", "srcset", "data", "action") if key in a]
    assert addresses
    assert all(address.startswith(("#", "data:")) for address in addresses)
    drawings = [unquote(found[1]["src"]) for found in page.all("img", class_="still")]
    assert drawings
    assert not any(re.search(r"url\((?!#)|@import", one) for one in [source, *drawings])


@pytest.mark.usefixtures("short_plotly")
def test_names_on_a_page_are_unique_and_every_reference_has_its_target(nasty):
    source = page_of(nasty)
    page = Page(source)
    names = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    referred = [a[key].removeprefix("#") for _, a, _ in page.elements for key in ("href", "aria-labelledby") if key in a]
    referred = [name for name in referred if not name.startswith("data:")]
    assert set(referred) | set(re.findall(r"url\(#([^)]+)\)", source)) <= set(names)


@pytest.mark.usefixtures("short_plotly", "short_drawings")
def test_the_page_is_semantic(results):
    page = Page(page_of(results))
    assert page.all("html")[0][1]["lang"] == "en"
    assert page.all("title")[0][2] == "small: report"
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert set(levels[1:]) <= {2, 3}
    assert {found[1].get("scope") for found in page.all("th")} == {"col", "row"}
    with style.applied():
        drawn = len(document(results).charts)
    assert len(page.all("figure")) == len(page.all("figcaption")) == len(page.all("img", class_="still")) == drawn >= 4
    assert all(found[1]["alt"] for found in page.all("img", class_="still"))


@pytest.mark.usefixtures("short_plotly", "short_drawings")
def test_every_section_is_in_the_contents_and_every_block_in_the_page(results):
    page = Page(page_of(results))
    with style.applied():
        made = document(results)
    headings = [text for tag, _, text in page.elements if tag in ("h2", "h3")]
    links = [found[2] for found in page.all("a") if found[1].get("class") != "skip"]
    assert headings == links == [section.title for section in made.sections]
    text = page.all("main")[0][2]
    for section in made.sections:
        for block in section.blocks:
            for words_of in ("text", "caption", "reading", "note"):
                assert getattr(block, words_of, "") in text


@pytest.mark.usefixtures("short_plotly", "short_drawings")
def test_the_answer_comes_before_the_contents(results):
    page = Page(page_of(results))
    order = [attributes.get("id") or tag for tag, attributes, _ in page.elements if tag in ("main", "h2", "nav")]
    assert order[:3] == ["report", "section-answer", "nav"]
    assert order.count("nav") == 1


@pytest.mark.usefixtures("short_plotly")
def test_a_page_made_again_has_the_same_bytes(make_results, ramps):
    one, other = (page_of(make_results({"a": ramps(3), "b": ramps()})) for _ in range(2))
    assert one == other


@pytest.mark.usefixtures("short_drawings")
def test_the_real_script_of_plotly_can_stand_in_the_page(results):
    source = page_of(results)
    assert source.count("plotly.js v") == 1
    assert len(Page(source).all("script")) == 6


@pytest.mark.usefixtures("short_plotly")
def test_a_page_without_interactive_figures_does_not_carry_plotly(make_results):
    source = page_of(make_results({"a": np.full((1, 2), np.nan)}))
    assert "/* plotly */" not in source
    assert len(Page(source).all("script")) == 1


@pytest.mark.usefixtures("short_plotly", "short_drawings")
@pytest.mark.parametrize("kind", ["barely begun", "one replicate", "one trial", "never reached", "three views"])
def test_a_study_in_any_condition_has_a_page(make_results, ramps, kind):
    first = np.full((6, 10), "missing", dtype=object)
    first[0, 0] = "completed"
    whole = {"a": ramps(3), "b": ramps()}
    values, settings = {
        "barely begun": (whole, {"states": {"a": first, "b": np.full((6, 10), "missing", dtype=object)}}),
        "one replicate": ({"a": ramps(3, n=1), "b": ramps(n=1)}, {}),
        "one trial": ({"a": ramps(trials=1), "b": ramps(trials=1)}, {}),
        "never reached": (whole, {"analysis": {"target": {"value": 1e9}}}),
        "three views": ({**whole, "c": ramps(1)}, {}),
    }[kind]
    assert Page(page_of(make_results(values, **settings))).all("h2")


def rows_of(table, results):
    head, *rows = table(results)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_mean_curves_are_those_of_the_csv(results):
    means = [trace for trace in traces_of(results, "best_so_far") if trace["mode"] == "lines+markers"]
    rows = rows_of(best_so_far.mean_curves, results)
    assert [trace["y"].tolist() for trace in means] == [[r["mean"] for r in rows if r["view"] == view] for view in "ab"]


@pytest.mark.parametrize("every", [20_000, 0])
def test_each_thin_line_is_one_search_of_the_csv(results, monkeypatch, every):
    monkeypatch.setattr("hpstudy.report.charts.best_so_far.EVERY_TRIAL_UP_TO", every)
    searches = searches_of(results)
    rows = {
        (r["replicate"], r["trials"]): r["best_so_far"] for r in rows_of(best_so_far.best_so_far, results) if r["view"] == "a"
    }
    replicate, met = 0, 0
    for x, y in zip(searches["x"], searches["y"], strict=True):
        if np.isnan(x):
            replicate += 1
        else:
            assert rows[replicate, x] == y
            met += 1
    assert replicate == 5
    assert met == 60 if every else 12 <= met < 60


def test_the_differences_are_those_of_the_csv(results):
    (line,) = [trace for trace in traces_of(results, "difference") if trace["mode"] == "lines+markers"]
    assert line["y"].tolist() == [row["mean"] for row in rows_of(difference.differences, results)]


def test_the_means_of_a_sweep_are_those_of_the_csv(swept):
    rows = rows_of(sweep_metrics.sweep_means, swept)
    for metric, panel in zip(("score", "flip_ratio"), panels_of(swept, "sweep"), strict=True):
        means = [y for trace in panel["data"] if trace["mode"] == "lines+markers" for y in trace["y"].tolist()]
        assert means == [row["mean"] for row in rows if row["metric"] == metric]


def test_the_learning_curves_are_those_of_the_csv(swept):
    rows = rows_of(learning.learning_curves, swept)
    drawn = [y for trace in traces_of(swept, "learning_curves") if trace["mode"] == "lines+markers" for y in trace["y"].tolist()]
    assert drawn == [row["mean"] for row in rows if row["metric"] == "score"]


def two_ways(make_sweep):
    rate = {"type": "float", "low": 1e-5, "high": 1, "log": True}
    decay = {"type": "float", "low": 0, "high": 1}
    points = [{"rate": r, "decay": d} for r in (0.01, 0.1, 1.0) for d in (0.0, 0.5)]
    score = np.array([[1.0, 2.0, 3.0, 9.0, 5.0, np.nan], [3.0, 2.0, 3.0, 9.0, 5.0, np.nan]])
    return make_sweep({"a": points}, {"a": {"score": score}}, spaces={"a": {"rate": rate, "decay": decay}})


def test_the_cells_of_a_map_are_the_means_and_the_best_is_framed(make_sweep):
    (panel,) = panels_of(two_ways(make_sweep), "heat_map")
    cells, crosses, frame = panel["data"]
    assert plain(cells["z"]) == [[2.0, 3.0, 5.0], [2.0, 9.0, None]]
    assert (plain(frame["x"]), frame["width"], frame["base"], frame["y"]) == ([1], [1], [0.5], [1])
    assert (plain(crosses["x"]), plain(crosses["y"])) == ([2], [1])
    assert crosses["text"] == ["a, point 5<br>rate 1<br>decay 0.5<br>no value"]
    assert panel["x"]["ticktext"] == ["0.01", "0.1", "1"]


def varied(make_results, values):
    """Results in which the rate of a trial tells its replicate and number: 0.001 * replicate + 0.0001 * number."""
    found = make_results(values)
    shape = found.views[0].best.shape
    rates = np.fromfunction(lambda replicate, number: 0.001 * replicate + 0.0001 * number, shape).astype(object)
    points = {"rate": rates, "clip": np.full(shape, "<none>", dtype=object)}
    return dataclasses.replace(found, views=tuple(dataclasses.replace(view, points=points) for view in found.views))


def hovered(trace, at):
    """What a reader sees at one point of a trace."""
    shown = trace["hovertemplate"].replace("%{text}", trace["text"][at])
    for place, value in enumerate(trace["customdata"][at]):
        shown = shown.replace(f"%{{customdata[{place}]}}", value)
    return shown


@pytest.mark.parametrize("every", [20_000, 0])
def test_a_trial_of_a_search_tells_what_it_tried(make_results, ramps, monkeypatch, every):
    monkeypatch.setattr("hpstudy.report.charts.best_so_far.EVERY_TRIAL_UP_TO", every)
    searches = searches_of(varied(make_results, {"a": ramps(3), "b": ramps()}))
    shown = [hovered(searches, at) for at, x in enumerate(searches["x"]) if not np.isnan(x)]
    for text in shown:
        replicate, number = map(int, re.search(r"replicate (\d+), trial (\d+)", text).groups())
        assert text.endswith(
            f"<br>rate {numbers.general(0.001 * replicate + 0.0001 * number)}<br>clip &lt;none&gt;<extra></extra>"
        )
    assert len(shown) == 60 if every else 12 <= len(shown) < 60


def test_a_dot_of_a_budget_tells_which_trial_was_best_and_what_it_tried(make_results):
    found = varied(make_results, {"a": np.array([[1.0, 3.0, 3.0], [2.0, 1.0, 5.0]]), "b": np.ones((2, 3))})
    dots = next(trace for trace in traces_of(found, "budgets") if trace.get("customdata"))
    shown = [hovered(dots, at) for at in range(2)]
    assert "best after 3 trials 3, of trial 1 (2nd)<br>rate 0.0001<br>" in shown[0]
    assert "best after 3 trials 5, of trial 2 (3rd)<br>rate 0.0012<br>" in shown[1]


def test_a_search_without_a_value_yet_has_no_point_to_tell(make_results):
    found = varied(make_results, {"a": np.array([[np.nan, np.nan], [2.0, 1.0]]), "b": np.ones((2, 2))})
    dots = next(trace for trace in traces_of(found, "budgets") if trace.get("customdata"))
    assert hovered(dots, 0) == "a, replicate 0<br>best after 2 trials 1<br>rate –<br>clip –<extra></extra>"


@pytest.mark.parametrize("study", ["searches", "sweep", "map", "nasty"])
def test_plotly_accepts_every_figure(study, results, swept, make_sweep, nasty):
    import plotly.graph_objects as go

    found = {"searches": results, "sweep": swept, "map": two_ways(make_sweep), "nasty": nasty}[study]
    with style.applied():
        charts = document(found).charts
    assert len(charts) == {"searches": 4, "sweep": 2, "map": 2, "nasty": 4}[study]
    for figure in charts:
        for panel in panels_of(found, figure.name):
            layout = {"xaxis": panel["x"], "yaxis": panel["y"], "annotations": panel["annotations"]}
            go.Figure(plain({"data": panel["data"], "layout": layout}))
            assert all(0 <= group < len(figure.legend) for trace in panel["data"] for group in trace["meta"])


def test_no_label_of_an_axis_of_integers_appears_twice():
    def axis(high):
        panel = Panel(Axis("trials", (0.5, high), ticks="integers"), Axis("", (0.0, 1.0)), ())
        return pen.panels(Chart("one", (panel,), "", "", (), 2.0))[0]["x"]

    assert axis(4.5)["dtick"] == 1
    assert "dtick" not in axis(50.5)
    assert axis(50.5)["tickformat"] == "~r"  # 1.5 after zooming in, not 2


def test_a_band_is_interrupted_where_an_end_is_missing():
    low, high = np.array([0, 1, np.nan, 3]), np.array([5, 6, 7, 8.0])
    band = Band(x=np.array([1.0, 2, 3, 4]), low=low, high=high, color="#000000", alpha=0.5)
    panel = Panel(Axis("x", (1, 4)), Axis("y", (0, 8)), (band,))
    found = plain(pen.panels(Chart("one", (panel,), "", "", (), 2.0))[0]["data"][0])
    assert found["x"] == [1, 2, 2, 1, None, 4, 4]
    assert found["y"] == [0, 1, 6, 5, None, 3, 8]


@pytest.mark.usefixtures("short_plotly", "short_drawings", "without_pdf")
def test_both_formats_stand_beside_each_other(results, tmp_path):
    written = write(results, tmp_path, ("html", "pdf"))
    assert written[:3] == [tmp_path / "small.pdf", tmp_path / "small.html", tmp_path / "small.json"]
    assert json.loads(written[2].read_text())["files"][:2] == ["small.pdf", "small.html"]
    assert all(path.exists() for path in written)


@pytest.mark.usefixtures("short_plotly", "short_drawings", "without_pdf")
def test_an_output_that_ends_in_html_is_the_page_itself(results, tmp_path):
    assert write(results, tmp_path / "mine.html")[:2] == [tmp_path / "mine.html", tmp_path / "mine.json"]
    assert not (tmp_path / "mine.pdf").exists()


@pytest.mark.usefixtures("short_plotly", "short_drawings", "without_pdf")
@pytest.mark.parametrize("formats", [("html",), ("pdf",)])
def test_a_page_that_is_no_report_is_left_alone(results, tmp_path, formats):
    (tmp_path / "small.html").write_text("mine")
    with pytest.raises(UsageError, match="not a report of this study"):
        write(results, tmp_path, formats)
    assert (tmp_path / "small.html").read_text() == "mine"


def test_an_unknown_format_names_the_valid_ones(results, tmp_path):
    with pytest.raises(UsageError, match="no format 'htlm': did you mean 'html'\\? valid: pdf, html"):
        write(results, tmp_path, ("htlm",))


def test_an_output_of_another_format_is_refused(results, tmp_path):
    with pytest.raises(UsageError, match=r"ends in \.html, but the format asked for is pdf"):
        write(results, tmp_path / "x.html", ("pdf",))


@pytest.mark.usefixtures("short_plotly", "short_drawings")
def test_the_patch_of_an_area_in_the_legend_is_as_opaque_as_the_area(results):
    buttons = re.findall(r'<button[^>]*class="entry".*?</button>', page_of(results))
    opacities = {re.search(r"</svg>(.*?)</button>", one)[1]: re.search(r'opacity="(.*?)"', one) for one in buttons}
    assert opacities["pointwise 95% interval"][1] == "0.38"
    assert opacities["simultaneous 95% band"][1] == "0.14"
    assert opacities["a"] is None
