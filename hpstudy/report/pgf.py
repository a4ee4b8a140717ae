r"""A figure as PGF source for \input in a LaTeX document, which sets its text in the font of that document."""

from __future__ import annotations

import io
import shutil
from typing import Any

from matplotlib.backends.backend_pgf import LatexError
from matplotlib.figure import Figure

from hpstudy.errors import UsageError

PROGRAM = "pdflatex"
"""The LaTeX engine that measures the text of a figure."""

SETTINGS: dict[Any, Any] = {
    "text.usetex": True,
    "pgf.texsystem": PROGRAM,
    "pgf.rcfonts": False,
    "pgf.preamble": r"\usepackage[T1]{fontenc}\usepackage{textcomp,amsmath}",
}
"""Settings for `style.applied` to draw such a figure."""

DEFINITIONS = b"\\makeatletter%\n\\def\\mathdefault#1{#1}%\n"
"""The first line in the group of a figure, and the command around tick numbers."""


def source(figure: Figure) -> bytes:
    """The PGF source of a figure drawn with `SETTINGS`. Call it within `style.applied`.

    Raises:
        UsageError: LaTeX is not installed, or lacks a package.
    """
    hint = "install TeX Live with the packages pgf and scrextend (KOMA-Script), or choose a name that ends in .pdf"
    if shutil.which(PROGRAM) is None:
        raise UsageError(f"a .pgf figure needs {PROGRAM} to measure its text, which is not installed", hint)
    for artist in figure.findobj():
        artist.set_rasterized(False)  # PGF source cannot contain images
    written = io.BytesIO()
    try:
        figure.savefig(written, format="pgf")
    except LatexError as error:
        reason = next((line for line in error.latex_output.splitlines() if line.startswith("!")), str(error))
        raise UsageError(f"{PROGRAM} cannot set the text of this figure: {reason}", hint) from None
    return written.getvalue().replace(b"\\makeatletter%\n", DEFINITIONS, 1)
