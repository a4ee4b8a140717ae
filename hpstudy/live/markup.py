"""The HTML of the pages and of their parts: templates, in which all texts are escaped."""

from __future__ import annotations

from typing import Any

from hpstudy.engine.duration import human_duration
from hpstudy.report import numbers
from hpstudy.report.chapters.failures import error_text
from hpstudy.report.interactive import templates

PAGES = templates("hpstudy.live")


def _measured(value: float | None) -> str:
    return numbers.MISSING if value is None else numbers.general(value, 6)


def _duration(seconds: float | None) -> str:
    return numbers.MISSING if seconds is None else human_duration(seconds)


PAGES.globals["MISSING"] = numbers.MISSING
PAGES.filters |= {
    "count": numbers.count,
    "duration": _duration,
    "error_text": error_text,
    "hyperparameter": numbers.hyperparameter,
    "measured": _measured,
    "words": lambda name: name.replace("_", " "),
}

PARTS: Any = PAGES.get_template("parts.html").module
"""The parts of the pages, as functions of templates/parts.html."""
