"""Atomic creation of files: they are written under a temporary name first."""

from __future__ import annotations

import glob
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hpstudy.errors import OutputError, UsageError


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Provide a temporary path next to `path`. The file and its SQLite journal are removed at the end if they still exist."""
    draft = path.with_name(f"{_start(path)}{secrets.token_hex(4)}.new")
    try:
        yield draft
    finally:
        for file in (draft, draft.with_name(f"{draft.name}-journal")):
            with suppress(OSError):
                file.unlink()


@contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """Provide a temporary path, whose file replaces `path` at the end of the block.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        with drafted(path) as draft:
            yield draft
            draft.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {write_problem(path, error)}", "choose another --output") from error


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file atomically.

    Raises:
        UsageError: it is not a regular file.
        OutputError: it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    if not path.name:
        raise UsageError(f"{path} is not a regular file", "choose another --output")
    with output_file(path) as draft:
        if path.exists() and not path.is_file():  # a device would be replaced
            raise UsageError(f"{path} is not a regular file", "choose another --output")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)


def drafts_of(path: Path) -> Iterator[Path]:
    """Return the drafts of `path`, and their journals, that exist now."""
    return path.parent.glob(f"{glob.escape(_start(path))}*.new*")


def _start(path: Path) -> str:
    """Return how the names of all drafts of `path` begin: shortened, because file names have at most 255 bytes."""
    return f".{path.name[:50]}."


def write_new(contents: Mapping[Path, bytes]) -> list[Path]:
    """Write several files and the folders that they need. Existing files with the same content are kept.

    If any file would have to be overwritten, nothing is written.

    Args:
        contents: the content of each file.

    Returns:
        The files that did not exist.

    Raises:
        UsageError: an existing file has different content.
        OutputError: a folder cannot be written.
    """
    file, written = None, []
    try:
        if differing := [str(path) for path, content in contents.items() if path.exists() and path.read_bytes() != content]:
            raise UsageError(
                f"nothing was written, because files with different content exist: {', '.join(differing)}",
                "choose another folder",
            )
        for file, content in contents.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                with drafted(file) as draft:
                    draft.write_bytes(content)
                    draft.replace(file)
                written.append(file)
    except OSError as error:
        path = file or Path(error.filename)
        raise OutputError(f"{path} cannot be written: {write_problem(path, error)}", "choose another folder") from error
    return written


def write_problem(path: Path, error: OSError) -> str:
    """The reason why `path` could not be written: a file is where it needs a folder, or what the operating system says."""
    if isinstance(error, NotADirectoryError | FileExistsError):  # then all folders above the file can be entered
        for folder in path.parents:
            if folder.exists() and not folder.is_dir():
                return f"{folder} is a file, not a folder"
    return error.strerror or str(error)
