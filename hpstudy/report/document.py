"""The report as a PDF: what stands on its pages, and its typesetting.

Users' words (questions, labels, errors) reach the typesetter as data in a JSON file and never as markup.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hpstudy.analysis.results import Results
from hpstudy.report import claims, numbers, style, sweeps, tables, wording
from hpstudy.report.figures import draw
from hpstudy.report.labels import long_name
from hpstudy.report.methods import methods, references

_TOGETHER = re.compile(r"(?<=\d) (?=%)|(?<=%) (?=CI)|(?<=[≥≤<=]) (?=[\d−])|(?<=\w) (?=[≥≤<=] )")
"""Spaces at which no line may break: "95 % CI", "p < 0.001"."""

LONG_WORD = 24
"""Letters after which a word may be broken anywhere, so that a path or a hash stays within its column."""


def compile_pdf(results: Results) -> bytes:
    """The whole report as a PDF. It holds no date: the same results give the same bytes."""
    import typst

    with tempfile.TemporaryDirectory(prefix="hpstudy-report-") as folder:
        root = Path(folder)
        figures = []
        with style.applied():
            for place, drawn in enumerate(draw(results)):
                # A short name of our own, which `_clean` leaves as it is.
                (root / f"{place}.pdf").write_bytes(figure_bytes(drawn.figure, "pdf"))
                figures.append(
                    {
                        "file": f"{place}.pdf",
                        "caption": drawn.caption,
                        "reading": drawn.reading,
                        "section": drawn.section,
                        "data": ", ".join(f"{name}.csv" for name in drawn.data),
                    }
                )
        (root / "content.json").write_text(json.dumps(_clean(content(results, figures)), ensure_ascii=False), encoding="utf-8")
        template = resources.files("hpstudy.report").joinpath("template.typ").read_text(encoding="utf-8")
        (root / "report.typ").write_text(template, encoding="utf-8")
        # DejaVu Sans comes with matplotlib: letters that the text's font lacks are set in it on every machine.
        compiler = typst.Compiler(str(root / "report.typ"), root=str(root), font_paths=[str(Path(style.font_path()).parent)])
        pdf = compiler.compile(format="pdf", timestamp=0)
    assert isinstance(pdf, bytes)
    return pdf


def figure_bytes(figure: Figure, form: str, dpi: int = 200) -> bytes:
    """A figure as a file of the form pdf, svg or png, without dates or program versions."""
    nothing: dict[str, dict[str, Any]] = {
        "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
        "svg": {"Date": None, "Creator": None},
        "png": {"Software": None},
    }
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=dpi, metadata=nothing[form])
    return buffer.getvalue()


def content(results: Results, figures: list[dict[str, str]]) -> dict[str, Any]:
    """Everything that stands in the report, as text."""
    study = results.study
    made = {
        "completeness": tables.completeness(results),
        "budget_values": tables.budget_values(results),
        "budget_differences": tables.budget_differences(results),
        "trials": tables.trials_to_target(results),
        "trials_differences": tables.trials_differences(results),
        "distances": tables.distances(results),
        "failures": tables.failures(results),
        "cost": tables.cost(results),
        "claims": tables.claims(results),
    }
    views = [tables.hyperparameters(results, view) for view in results.views]
    if results.sweep:
        views = [table(results, view) for view in results.sweep for table in (tables.sweep_points, tables.sweep_space)]
    return {
        "kind": "sweep" if results.sweep else "search",
        "name": study.name,
        "question": study.question,
        "design": _design(results),
        "provisional": wording.provisional(results) if results.provisional else "",
        "answers": _answers(results),
        "figures": figures,
        "tables": {key: asdict(table) if table else None for key, table in made.items()},
        "views": [asdict(table) for table in views],
        "methods": methods(results),
        "references": references(results),
        "facts": _facts(results),
        "environments": _environments(results),
        "events": [{"at": at, "what": _event(kind, detail)} for at, kind, detail in results.events if kind not in _UNREMARKABLE],
    }


def _answers(results: Results) -> list[dict[str, str]]:
    """Sentences with what stands behind them: comparisons or views, then claims."""
    told = [{"headline": claims.sentence(results, found), "evidence": ""} for found in results.criteria]
    if results.sweep:
        views = [(sweeps.best_sentence(results, view), sweeps.evidence(results, view)) for view in results.sweep]
        return [*told, *({"headline": sentence, "evidence": behind} for sentence, behind in views)]
    if len(results.views) == 1:
        return [{"headline": wording.comparisons(results), "evidence": ""}, *told]
    full = len(results.pairs) if len(results.pairs) <= wording.HEADLINES else 1
    compared = [
        {
            "headline": wording.needs(results, pair),
            "evidence": " ".join(wording.evidence(results, pair)) if place < full else "",
        }
        for place, pair in enumerate(results.pairs)
    ]
    return [*compared, *told]


_UNREMARKABLE = {"created"}
"""Events that every study has."""


def _design(results: Results) -> str:
    study = results.study
    if results.sweep:
        return _sweep_design(results)
    views = ", ".join(f"{long_name(results, name)} with {len(view.space)}" for name, view in study.views.items())
    return (
        f"{len(study.views)} view{'s' if len(study.views) > 1 else ''} (hyperparameters tuned: {views}), "
        f"{numbers.count(study.replicates)} replicate{'s' if study.replicates > 1 else ''} of "
        f"{numbers.count(study.search.trials)} trial{'s' if study.search.trials > 1 else ''} each, searcher "
        f"{study.search.searcher}, "
        f"task {study.task.use}, {study.metric.name} to {study.metric.goal}."
    )


def _sweep_design(results: Results) -> str:
    study, points = results.study, results.study.search.trials
    views = ", ".join(
        long_name(results, view.name) + (f" over {' and '.join(view.swept)}" if view.swept else "") for view in results.sweep
    )
    return (
        f"Sweep of {numbers.count(points)} point{'s' if points > 1 else ''} in {len(study.views)} "
        f"view{'s' if len(study.views) > 1 else ''} ({views}), {numbers.count(study.replicates)} "
        f"replicate{'s' if study.replicates > 1 else ''} of every point, searcher {study.search.searcher}, task {study.task.use}, "
        f"{study.metric.name} to {study.metric.goal}."
    )


def _facts(results: Results) -> list[list[str]]:
    study = results.study
    return [
        ["study fingerprint", study.fingerprint()],
        ["seed of the study", str(study.seed)],
        ["seed of the analysis", str(results.seed)],
        *([] if results.sweep else [["bootstrap resamples", numbers.count(study.analysis.resamples)]]),
        ["confidence", numbers.percent(study.analysis.confidence)],
        *([name, value] for name, value in results.identity.items()),
    ]


def _environments(results: Results) -> list[dict[str, Any]]:
    """Sessions with the same environment together, in the order in which each was first seen."""
    seen: dict[str, dict[str, Any]] = {}
    for started, _, detail in results.environments:
        key = json.dumps(dict(detail), sort_keys=True)
        entry = seen.setdefault(key, {"sessions": [], "detail": [[name, str(value)] for name, value in detail.items()]})
        entry["sessions"].append(started)
    return [{"sessions": _sessions(entry["sessions"]), "detail": entry["detail"]} for entry in seen.values()]


def _sessions(started: list[str]) -> str:
    if len(started) == 1:
        return f"One session, begun {started[0]}."
    return f"{len(started)} sessions, the first begun {started[0]}, the last {started[-1]}."


def _event(kind: str, detail: Any) -> str:
    parts = ", ".join(f"{key} {value}" for key, value in detail.items())
    return f"{kind.replace('_', ' ')}{': ' if parts else ''}{parts}"


def _clean(value: Any) -> Any:
    """The same content with letters that cannot be set replaced, and long words made breakable."""
    if isinstance(value, str):
        value = _TOGETHER.sub("\u00a0", value)
        shown = "".join(
            letter if letter == "\n" or letter.isprintable() or letter in "\u200b\u00a0" else "\ufffd" for letter in value
        )
        return " ".join(_breakable(word) for word in shown.split(" "))
    if isinstance(value, dict):
        return {key: _clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    return value


def _breakable(word: str) -> str:
    if len(word) <= LONG_WORD:
        return word
    return "\u200b".join(word[start : start + 8] for start in range(0, len(word), 8))
