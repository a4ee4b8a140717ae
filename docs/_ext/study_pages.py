"""Generates a page for each shipped study from its file and its committed reports."""

import re
from pathlib import Path
from typing import Any

import pictures

import hpstudy
from hpstudy.study.include import read_source
from tools.results import study_file

ROOT = Path(__file__).parents[2]
STUDIES = sorted(path.relative_to(ROOT / "studies").with_suffix("") for path in (ROOT / "studies").rglob("*.yaml"))
"""The shipped studies, as paths below studies/ without a suffix."""


def page(study: Path) -> str:
    """The page of a study in Markdown: its question, views, commands, results and file."""
    path = ROOT / "studies" / study.with_suffix(".yaml")
    loaded = hpstudy.load_study(path)
    up = "../" * (len(study.parts) + 2)
    parts = [
        f"# {study.name}\n",
        f"*{plain(loaded.question)}*\n" if loaded.question else "",
        header(path.read_text(encoding="utf-8")),
        "## Views\n",
        views(loaded),
        "## Run it\n",
        run(loaded, path),
        *(found(report, up) for report in reports(study.name)),
        "## Study file\n",
        f"```{{literalinclude}} {up}studies/{study}.yaml\n:language: yaml\n```\n",
    ]
    return "\n".join(part for part in parts if part)


def plain(text: str) -> str:
    """Escape the characters that have a meaning in Markdown."""
    return re.sub(r"([\\*_<>\[\]$|])", r"\\\1", text)


def header(text: str) -> str:
    """The comment before the first key of a study file, as paragraphs: after an empty line, and before the parts that the comments name."""
    lines = [line.removeprefix("#").strip() for line in text.partition("version:")[0].splitlines()]
    return plain(re.sub(r"\n(?=Claim|Holds when|Size:)", "\n\n", "\n".join(lines))) + "\n"


def views(study: hpstudy.Study) -> str:
    """A table of the views: their tuned and fixed hyperparameters."""
    rows = ["| view | tuned | fixed |", "| --- | --- | --- |"]
    for name, view in study.views.items():
        tuned = "<br>".join(f"`{key}`: {bounds(each)}" for key, each in view.space.root.items())
        fixed = "<br>".join(f"`{key}`: {value}" for key, value in view.fixed.items())
        rows.append(f"| `{name}` | {tuned} | {fixed} |")
    return "\n".join(rows) + "\n"


def bounds(parameter: Any) -> str:
    """The range of a hyperparameter, or its choices."""
    if parameter.type in {"float", "int"}:
        return f"{parameter.low:g} to {parameter.high:g}{' (log)' if parameter.log else ''}"
    return ", ".join(str(value) for value in parameter.values)


def run(study: hpstudy.Study, path: Path) -> str:
    """The size of a study, and the commands that run it at every scale."""
    file = path.relative_to(ROOT).as_posix()
    search = f"{study.search.trials} trials per search (searcher `{study.search.searcher}`)"
    size = f"{len(study.views)} views, {study.replicates} replicates, {search}."
    scales = [f" --scale {name}" for name in read_source(path).scales]
    commands = [f"hpstudy run {file}{scale}" for scale in ("", *scales)]
    return size + "\n\n```\n" + "\n".join(commands) + f"\nhpstudy report {file}{scales[-1] if scales else ''}\n```\n"


def reports(name: str) -> list[str]:
    """The names of the committed reports of a study: of the study itself, and of its scales."""
    return [report for report in pictures.NAMES if study_file(report).stem == name]


def found(name: str, up: str) -> str:
    """The result of a report: its headline, a picture, the verdicts on its claims, and its files."""
    body = pictures.report(name)
    claims = [f"| {plain(claim['claim'])} | **{claim['verdict']}** |" for claim in body.get("criteria") or ()]
    files = [path for suffix in (".pdf", ".json") if (path := ROOT / "reports" / f"{name}{suffix}").exists()]
    links = ", ".join(f"[{path.suffix[1:].upper()}]({up}reports/{path.name})" for path in files)
    parts = [
        f"## Result of {name}\n",
        plain(body["headline"]) + "\n",
        pictures.markdown(name, f"{up}docs/"),
        "\n".join(["| claim | verdict |", "| --- | --- |", *claims]) + "\n" if claims else "",
        f"`hpstudy report reports/{name}.sqlite` computes this report: {links}.\n",
    ]
    return "\n".join(part for part in parts if part)


def gallery() -> str:
    """The gallery: for each committed report its picture and headline, with a link to the page of its study."""
    pages = {study.name: f"generated/studies/{study}.md" for study in STUDIES}
    parts = []
    for name in sorted(pictures.NAMES, key=lambda name: (not name.endswith("-large"), name)):
        parts += [f"## [{name}]({pages[study_file(name).stem]})\n", plain(pictures.report(name)["headline"]) + "\n"]
        parts += [pictures.markdown(name, "")]
    return "\n".join(parts)
