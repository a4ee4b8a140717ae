"""Templates, scripts and data of pages, shared by the report's page and the live page."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hpstudy.display import visible
from hpstudy.report.pens import plotly


def templates(package: str) -> Environment:
    """The templates of pages of a package, and those of `hpstudy.report`. They escape every value that is not `Markup`."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("hpstudy.report")]),
        autoescape=True,
        finalize=lambda value: visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )


def embedded(value: Any) -> Markup:
    """A value as JSON for a script element, escaped so that it cannot end the element."""
    written = json.dumps(plotly.plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        written = written.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(written)


def resource(name: str, package: str = "hpstudy.report") -> str:
    """Read a script or style sheet of a package."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def plotly_script() -> str:
    """The plotly script, from the installed package."""
    from plotly.offline import get_plotlyjs

    # An HTML parser converts every line end to \n before it hashes a script.
    script = str(get_plotlyjs()).replace("\r\n", "\n").replace("\r", "\n")
    assert not re.search(r"</script|<!--|\0", script, re.IGNORECASE), "the script of plotly would end its element"
    return script
