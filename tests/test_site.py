"""The documentation site is built without a warning, is complete, and needs no other host. `make docs` builds it."""

import json
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from filelock import FileLock
from typer.main import get_command

import hpstudy
from hpstudy.cli import app
from tests.support.browser import Browser, chromium
from tools.results import study_file

# Not sphinx: without Sphinx it is a folder of BoTorch without code, and then SciPy fails to import sphinx.ext.
pytest.importorskip("furo")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The folder of the site, built once for all processes of the test run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "site"
    log = folder.with_suffix(".log")
    with FileLock(folder.with_suffix(".lock")):
        if not log.exists():
            log.write_text(built(ROOT / "docs", folder, "-D", "draw_pictures=0"))
    assert log.read_text() == ""
    return folder


def built(source, folder, *options):
    """Build a site; returns its warnings and errors."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", *options, source, folder]
    return subprocess.run(command, capture_output=True, text=True).stderr


class Page(HTMLParser):
    """The anchors of a page, the targets of its links, and the addresses of what it loads."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[key] for key in ("id", "name") if key in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in {"link", "script", "img", "source", "iframe"}:
            self.loaded += [found[key] for key in ("href", "src") if key in found]


@pytest.fixture(scope="session")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_link_inside_the_site_leads_to_a_page_and_an_anchor(pages):
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path}: {link}"
            assert not parts.fragment or target.suffix != ".html" or unquote(parts.fragment) in pages[target].anchors, (
                f"{path}: {link}"
            )


def test_a_page_loads_nothing_from_another_host(site, pages):
    for path, page in pages.items():
        assert [address for address in page.loaded if urlsplit(address).netloc] == [], path
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert "url(http" not in text, style
        assert "url(//" not in text, style
        assert "@import" not in text.replace('@import url("basic.css")', ""), style


def test_every_public_name_is_on_the_page_of_the_python_api(site, pages):
    anchors = pages[site / "reference/api.html"].anchors
    names = {f"hpstudy.{name}" for name in hpstudy.__all__ if name != "datasets"}
    assert names | {f"hpstudy.datasets.{name}" for name in ("list_sets", "fetch", "import_set", "verify")} <= anchors


def test_every_command_is_on_the_page_of_the_command_line(site, pages):
    commands = get_command(app).commands
    names = {name for name, command in commands.items() if not hasattr(command, "commands")}
    names |= {f"{group}-{name}" for group, command in commands.items() for name in getattr(command, "commands", ())}
    assert {f"hpstudy-{name}" for name in names} <= pages[site / "reference/command-line.html"].anchors


def test_every_shipped_study_has_a_page_with_its_views_and_what_was_found(site):
    for path in (ROOT / "studies").rglob("*.yaml"):
        page = site / "generated/studies" / path.relative_to(ROOT / "studies").with_suffix(".html")
        text = unescape(re.sub("<[^>]+>", "", page.read_text(encoding="utf-8")))
        assert all(view in text for view in hpstudy.load_study(path).views), path
        for report in (ROOT / "reports").glob("*.json"):
            committed = report.with_suffix(".sqlite").exists()  # `make run` writes others
            if committed and study_file(report.stem) == path:
                body = json.loads(report.read_text(encoding="utf-8"))
                assert body["headline"] in text, report
                assert all(f"{claim['claim']}\n{claim['verdict']}" in text for claim in body.get("criteria") or ()), report


def test_a_picture_is_drawn_once(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs/_ext")
    import pictures

    monkeypatch.setattr(pictures, "path", lambda name: tmp_path / f"{name}.png")
    pictures.draw("figure_2-small")
    drawn = (tmp_path / "figure_2-small.png").stat()
    assert drawn.st_size > 10_000
    pictures.draw("figure_2-small")
    assert (tmp_path / "figure_2-small.png").stat().st_mtime_ns == drawn.st_mtime_ns


@pytest.mark.parametrize("link", ["[there](there.md)", "[there](#there)", "[there](page.md#there)"])
def test_a_broken_link_is_an_error(link, tmp_path):
    (tmp_path / "conf.py").write_text("extensions = ['myst_parser']\nmyst_heading_anchors = 6\nroot_doc = 'page'\n")
    (tmp_path / "page.md").write_text(f"# Page\n\n{link}\n")
    assert "WARNING" in built(tmp_path, tmp_path / "out")
    (tmp_path / "page.md").write_text(f"# Page\n\n{link.replace('there.md', 'page.md')}\n\n## There\n")
    assert built(tmp_path, tmp_path / "out") == ""


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="no Chromium")
def test_the_search_works_without_a_network(site, tmp_path):
    with Browser(tmp_path) as browser:
        browser.open(site / "index.html")
        browser.run("document.querySelector('input[name=q]').value = 'plateau'; document.querySelector('form').submit()")
        browser.wait("document.querySelectorAll('#search-results li').length > 3")
        assert {urlsplit(address).scheme for address in browser.requests} <= {"file", "data"}
