"""The HTML of the pages. live.js fills in their parts."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from hpstudy.report.interactive import text

SECTIONS = (
    ("workers", "Workers"),
    ("curves", "Curves"),
    ("parallel", "Parallel coordinates"),
    ("failures", "Failures"),
    ("trials", "Trials"),
    ("events", "Events"),
)
"""Sections below the progress: (id, title)."""

WAITING = '<p class="empty">Reading the database…</p>'


def script(name: str) -> bytes:
    """Read a script or style sheet of this package."""
    return resources.files("hpstudy.live").joinpath(name).read_bytes()


def study_page(name: str, database: str, question: str, views: Sequence[str], *, several: bool) -> str:
    """Return the page of one study.

    Args:
        name: name of the study.
        database: path of its database.
        question: the question that the study asks; "" if it has none.
        views: names of its arms.
        several: whether there is a page of all studies.
    """
    links = "".join(f'<li><a href="#{key}">{title}</a></li>\n' for key, title in SECTIONS)
    back = '<p class="back"><a href="../">All studies</a></p>\n' if several else ""
    question_line = f'<p class="question">{text(question)}</p>\n' if question else ""
    body = f"""{back}<header>
<h1>{text(name)}</h1>
{question_line}<div id="problem" role="alert"></div>
</header>
<main id="study" tabindex="-1">
<div class="top">
<section aria-labelledby="h-progress">
<h2 id="h-progress">Progress</h2>
<div id="status" aria-live="off">{WAITING}</div>
</section>
<section aria-labelledby="h-answer">
<h2 id="h-answer">Answer</h2>
<div id="answer">{WAITING}</div>
</section>
</div>
<nav aria-label="Contents">
<ul>
{links}</ul>
</nav>
{_section("workers", f'<div id="workers-now">{WAITING}</div>')}
{_section("curves", '<p class="empty">No trial has a value yet.</p>')}
{_section("parallel", '<p class="empty">No trial to draw yet. Sweeps have no such chart.</p>')}
{_section("failures", f'<div id="failures-now">{WAITING}</div>')}
{_section("trials", _inspector(views) + f'<div id="latest">{WAITING}</div>')}
{_section("events", f'<div id="events-now">{WAITING}</div>')}
</main>
<footer><p>Database: <code>{text(database)}</code>. <span id="connection" role="status"></span></p></footer>
"""
    return _document(f"{name}: live", body, "../static/", skip=("study", "Skip to the study"))


def overview_page(names: Sequence[str]) -> str:
    """Return the page with the progress of all studies."""
    items = "".join(
        f'<section aria-labelledby="h-{number}">\n<h2 id="h-{number}"><a href="{number}/">{text(name)}</a></h2>\n'
        f'<div id="summary-{number}">{WAITING}</div>\n</section>\n'
        for number, name in enumerate(names)
    )
    body = f"""<header>
<h1>Studies</h1>
</header>
<main id="studies" tabindex="-1" class="overview">
{items}</main>
<footer><p><span id="connection" role="status"></span></p></footer>
"""
    return _document("Studies: live", body, "static/", skip=("studies", "Skip to the studies"))


def _section(key: str, content: str) -> str:
    title = dict(SECTIONS)[key]
    return f'<section id="{key}" aria-labelledby="h-{key}">\n<h2 id="h-{key}">{title}</h2>\n{content}\n</section>'


def _inspector(views: Sequence[str]) -> str:
    """Return the form that shows one trial."""
    options = "".join(f"<option>{text(view)}</option>" for view in views)
    return f"""<form id="inspect" aria-label="Show a trial">
<label>view <select name="view">{options}</select></label>
<label>replicate <input name="replicate" type="number" min="0" value="0" required></label>
<label>trial <input name="number" type="number" min="0" value="0" required></label>
<button type="submit">Show</button>
</form>
<div id="trial" role="region" aria-live="polite" aria-label="One trial" tabindex="-1"></div>
"""


def _document(title: str, body: str, static: str, skip: tuple[str, str]) -> str:
    target, label = skip
    scripts = "".join(f'<script src="{static}{name}" defer></script>\n' for name in ("plotly.js", "figures.js", "live.js"))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(title)}</title>
<link rel="stylesheet" href="{static}page.css">
<link rel="stylesheet" href="{static}live.css">
<link rel="icon" href="data:,">
{scripts}</head>
<body>
<a class="skip" href="#{target}">{label}</a>
{body}<noscript><p class="warning">This page needs JavaScript. `hpstudy status --watch` shows the progress in a terminal.</p></noscript>
</body>
</html>
"""
