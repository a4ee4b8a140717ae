"""Escaping of text for LaTeX source, so that user text cannot contain commands."""

from __future__ import annotations

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
    return "".join(ESCAPES.get(letter) or (letter if is_supported(letter) else "?") for letter in source)


def is_supported(letter: str) -> bool:
    """Whether every LaTeX engine supports a character with the font encoding T1 and textcomp."""
    return letter.isprintable() and ord(letter) < 256
