"""Escaping of text for LaTeX source, so that user text cannot contain commands."""

from __future__ import annotations

from hpstudy.display import visible

ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "^": r"\textasciicircum{}", "_": r"\_",
    "~": r"\textasciitilde{}", "%": r"\%", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "−": r"$-$", "≥": r"$\geq$", "≤": r"$\leq$", "±": r"$\pm$", "×": r"$\times$", "∞": r"$\infty$", "Δ": r"$\Delta$",
    "α": r"$\alpha$", "γ": r"$\gamma$", "τ": r"$\tau$", "θ": r"$\theta$", "…": r"\ldots{}", "–": "--", "—": "---",
    "“": "``", "”": "''", "‘": "`", "’": "'", "\u00a0": "~", "\u200b": r"\allowbreak{}", "\n": " ", "\t": " ",
}  # fmt: skip
"""The LaTeX source of special characters. Other characters outside ASCII and Latin-1 become a question mark."""


def text(source: str) -> str:
    """Text as LaTeX source."""
    return "".join(ESCAPES.get(letter, letter) if is_drawable(letter) else "?" for letter in visible(source))


def is_drawable(letter: str) -> bool:
    """Whether `text` keeps a character: it has an escape, or every LaTeX engine supports it with the encoding T1 and textcomp."""
    return letter in ESCAPES or (letter.isprintable() and ord(letter) < 256)
