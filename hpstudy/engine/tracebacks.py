"""Tracebacks of failed trials, as they are stored."""

from __future__ import annotations

import traceback
from pathlib import Path

from hpstudy.errors import MESSAGE_CHARACTERS
from hpstudy.plugins import PACKAGE, in_library, is_users

TRACEBACK_LINES = 30
"""Maximum stored length of a traceback: enough for the user's own frames, small enough for 100,000 rows."""

LAST_FRAMES = 3
"""Number of frames at the end of a long traceback that are kept although they are in installed libraries."""


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an exception that a task raised.

    It begins with the first frame in the user's code; in a built-in task, with the first frame outside the engine. Of more than
    TRACEBACK_LINES lines, frames in installed libraries are left out first, except the last ones, and then the first lines.
    """
    frames = error.__traceback__
    is_called = (
        is_users if any(is_users(frame.f_code.co_filename) for frame, _ in traceback.walk_tb(frames)) else _is_outside_engine
    )
    while frames is not None and not is_called(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    report = traceback.TracebackException(type(error), error, frames, compact=True)
    lines = _lines(report)
    if len(lines) > TRACEBACK_LINES:
        _leave_out_libraries(report)
        lines = _lines(report)
    return "\n".join(line[:MESSAGE_CHARACTERS] for line in lines[-TRACEBACK_LINES:])


def _leave_out_libraries(report: traceback.TracebackException) -> None:
    """Remove the frames in installed libraries, except the last ones, from an exception and those that caused it."""
    each: traceback.TracebackException | None = report
    while each is not None:
        last = len(each.stack) - LAST_FRAMES
        each.stack[:] = [frame for index, frame in enumerate(each.stack) if index >= last or not in_library(frame.filename)]
        each = each.__cause__ or each.__context__


def _lines(report: traceback.TracebackException) -> list[str]:
    return "".join(report.format()).splitlines()


def _is_outside_engine(filename: str) -> bool:
    return Path(filename).parent != PACKAGE / "engine"
