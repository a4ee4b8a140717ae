"""A hint for paths that contain spaces and were not quoted on the command line."""

from __future__ import annotations

import os.path
from collections.abc import Sequence

from hpstudy.errors import shell_command


def quoting_hint(words: Sequence[str]) -> str:
    """Return a hint with the quoted command if consecutive words together are the path of an existing file or folder; otherwise "".

    Args:
        words: the words after `hpstudy` on the command line. Words that exist on their own are not joined.
    """
    joined = _joined(words)
    return "" if len(joined) == len(words) else f"quote a path that contains spaces: {shell_command('hpstudy', *joined)}"


def _joined(words: Sequence[str]) -> list[str]:
    """The words, with those joined that are one path."""
    for start in range(len(words)):
        for end in range(len(words), start + 1, -1):
            path = " ".join(words[start:end])
            if _exists(path) and not all(map(_exists, words[start:end])):
                return [*words[:start], path, *_joined(words[end:])]
    return list(words)


def _exists(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110  # Path.exists raises an error for a name that is too long
