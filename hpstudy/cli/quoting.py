"""A hint for paths that contain spaces and were not quoted on the command line."""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence

from hpstudy.errors import UsageError, shell_command


def check_quoted(paths: Sequence[object]) -> None:
    """Raise UsageError if arguments that can only be paths are the words of one path. `quoting_hint` names the next step."""
    words = [str(path) for path in paths]
    if joined := [path for path in _joined(words, None) if path not in words]:
        raise UsageError(f"'{joined[0]}' is one path, but it was given as {len(joined[0].split(' '))} arguments")


def quoting_hint(words: Sequence[str], message: str | None) -> str:
    """Return a hint with the quoted command if consecutive words together are the path of an existing file or folder; else "".

    Args:
        words: the words after `hpstudy` on the command line; the first is the command. Words that exist on their own are not joined.
        message: the error that ended the command, which must name one of the other words; None if the arguments could not be parsed.
    """
    command, *arguments = words or [""]
    joined = _joined(arguments, message)
    if len(joined) == len(arguments):
        return ""
    return f"quote a path that contains spaces: {shell_command('hpstudy', command, *joined)}"


def _joined(words: Sequence[str], message: str | None) -> list[str]:
    """The words, with those joined that are one path."""
    for start in range(len(words)):
        for end in range(len(words), start + 1, -1):
            path, absent = " ".join(words[start:end]), [word for word in words[start:end] if not _exists(word)]
            if _exists(path) and any(message is None or _names(message, word) for word in absent):
                return [*words[:start], path, *_joined(words[end:], message)]
    return list(words)


def _names(message: str, word: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?!\w)", message) is not None


def _exists(path: str) -> bool:
    return os.path.exists(path)
