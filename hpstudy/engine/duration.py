"""Durations as text."""

from __future__ import annotations


def human_duration(seconds: float | None) -> str:
    """A duration in its two largest units; with one significant digit below a second.

    >>> human_duration(0.043), human_duration(42.4), human_duration(125), human_duration(3 * 3600 + 120)
    ('0.04 s', '42 s', '2 min 5 s', '3 h 2 min')
    """
    if seconds is not None and 0.001 <= seconds < 1:
        return f"{seconds:.1g} s"
    whole = round(seconds or 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
