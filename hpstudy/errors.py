"""All errors for users, as one class hierarchy. Each error has a message, a hint for the next step, and an exit code.

| exit code | meaning |
|---|---|
| 0 | complete |
| 1 | error: no trial has a value; a database, bundle or data set is missing or damaged; or a file or stdout cannot be written |
| 2 | usage: an invalid argument, a study file that is missing or has mistakes, or an output file that already exists |
| 3 | stopped or incomplete |
| 4 | the study no longer matches its database |
| 5 | the database is busy or newer than this program |
| 130 | interrupted |
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


class HpstudyError(Exception):
    """An error that the user can act on.

    Args:
        message: what is wrong, in one sentence with the affected file, key or name.
        hint: the next step; "" if the message is sufficient.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type[HpstudyError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class UsageError(HpstudyError):
    """A command or call with invalid arguments."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One mistake in a study file.

    Attributes:
        key: position in the study as a path of keys, for instance ("views", "latent", "space").
        message: what is wrong and what would be valid.
        file, line: position of the key (lines count from 1); None if it is not in a file.
    """

    key: tuple[str | int, ...]
    message: str
    file: Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " if self.file and self.line else f"{self.file}: " if self.file else ""
        key = ".".join(str(part) for part in self.key)
        return f"{where}{key}: {self.message}" if key else f"{where}{self.message}"


SHOWN_PROBLEMS = 100
"""Maximum number of listed mistakes of a study."""


class StudyError(HpstudyError):
    """A study file with mistakes, each with its file, line and key."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem], hint: str = "") -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        if (more := len(self.problems) - SHOWN_PROBLEMS) > 0:
            lines.append(f"... and {more:,} more")
        super().__init__("\n".join(lines), hint)

    def __reduce__(self) -> tuple[type[StudyError], tuple[tuple[Problem, ...], str]]:  # type: ignore[override]
        return type(self), (self.problems, self.hint)


class StudyChanged(HpstudyError):
    """The study, its code or its data differ from those with which the database was created."""

    exit_code = 4


class StoreError(HpstudyError):
    """A database or bundle is missing, damaged or not one of hpstudy, or the database cannot be written."""


class StoreBusy(StoreError):
    """Another live process owns the database."""

    exit_code = 5


class StoreTooNew(StoreError):
    """The database was written by a newer version of hpstudy."""

    exit_code = 5


class OutputError(HpstudyError):
    """A file, a folder or stdout cannot be written."""


class DataError(HpstudyError):
    """A data set is missing, damaged, or its archive is not acceptable."""


class PluginError(HpstudyError):
    """A user's module cannot be imported, or does not contain the object that the study refers to."""


class StudyBroken(HpstudyError):
    """No trial so far has a value, so that the run stops."""


class Diverged(Exception):
    """Raised by a task when training diverges. A diverged trial counts as a trial; it is not an error."""


class TrialFailed(Exception):
    """Raised by a task for a failed trial whose message is sufficient; no traceback is stored."""


def shell_command(*words: object) -> str:
    """Return a command for a hint that can be pasted into a POSIX shell. Words are quoted where needed; `*` remains a wildcard.

    >>> shell_command("hpstudy", "merge", "my runs/audio.shard-*-of-3.sqlite")
    "hpstudy merge 'my runs/audio.shard-'*-of-3.sqlite"
    """
    return " ".join("*".join(part and shlex.quote(part) for part in str(word).split("*")) for word in words)


MESSAGE_CHARACTERS = 2_000
"""Maximum length of an exception's message. Some libraries include a whole tensor."""


def text_of(error: BaseException) -> str:
    """Return the beginning of an exception's message. Also works if the class raises an error when it is converted to text."""
    try:
        return str(error)[:MESSAGE_CHARACTERS]
    except (Exception, SystemExit):  # a user's exception class can raise any exception
        return "(its message cannot be printed)"


LISTED = 50
"""Maximum number of listed valid choices."""


def nearest(word: str, choices: Iterable[str], kind: str = "valid") -> str:
    """Return a suggestion for a misspelled word: the nearest choice and all valid choices, introduced by `kind`.

    >>> nearest("filtre", ["filter", "latent"])
    "did you mean 'filter'? valid: filter, latent"
    """
    names = [str(choice) for choice in choices]
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    valid = f"{kind}: {', '.join(names[:LISTED])}{more}" if names else "there are no valid choices"
    return f"did you mean '{close[0]}'? {valid}" if close else valid
