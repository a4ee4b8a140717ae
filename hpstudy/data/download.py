"""Downloads that resume after an interruption."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path

from hpstudy.data import manifest
from hpstudy.data.cache import writing
from hpstudy.data.dataset import Progress
from hpstudy.errors import DataError

TIMEOUT_S = 60
"""Seconds without data before a download fails. Shorter: archives that a server creates on request time out."""
CHUNK_BYTES = 1 << 18
PARTIAL, UNSATISFIABLE = 206, 416


def download(url: str, target: Path, sha256: str | None, progress: Progress, *, md5: str | None = None) -> None:
    """Download `url` to `target`.

    The data are written to `target`.part, which is renamed when it is complete. A later call requests the remaining bytes (HTTP Range,
    If-Range). It starts again from the beginning if the server does not support this or the file has changed. A file is complete if
    its size is the one announced by the server and its checksums match.

    Args:
        url: http or https URL.
        target: output file; its folder is created.
        sha256: SHA-256 digest or a prefix of it, hexadecimal; None if unknown.
        progress: called with the number of bytes.
        md5: MD5 digest, hexadecimal, if the publisher gives no other. It detects damage but offers little protection against forgery.

    Raises:
        DataError: the server does not answer, the connection is interrupted, or the file is not the expected one.
    """
    part = target.with_name(f"{target.name}.part")
    tag = target.with_name(f"{target.name}.etag")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        expected = _receive(url, part, tag, progress)
    except (OSError, http.client.HTTPException) as error:
        raise DataError(
            f"{url} cannot be downloaded: {str(error) or type(error).__name__}",
            "try again: the download resumes where it stopped",
        ) from error
    size = part.stat().st_size
    if expected is not None and size < expected:
        raise DataError(
            f"the download of {url} stopped after {size:,} of {expected:,} bytes", "try again: it resumes where it stopped"
        )
    digests = {"sha256": sha256, "md5": md5}
    differs = any(
        digest and not manifest.checksum_of(part, algorithm).startswith(digest) for algorithm, digest in digests.items()
    )
    if (expected is not None and size > expected) or differs:
        part.unlink()
        raise DataError(f"{url} is not the expected file: its checksum or size differs", "try again later")
    with writing(target):
        part.replace(target)
        tag.unlink(missing_ok=True)


def _receive(url: str, part: Path, tag: Path, progress: Progress) -> int | None:
    """Append the missing bytes to `part`, or write it from the start. Returns the size of the complete file if the server sends it."""
    received = part.stat().st_size if part.exists() and tag.exists() else 0
    request = urllib.request.Request(url)
    if received:
        request.add_header("Range", f"bytes={received}-")
        request.add_header("If-Range", tag.read_text(encoding="utf-8"))
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == UNSATISFIABLE and received:  # the file on the server is not longer than the partial file: start again
            error.close()
            part.unlink()
            return _receive(url, part, tag, progress)
        raise
    with answer:
        # A server that ignores Range, or whose file has changed, sends the complete file with another status.
        if answer.status != PARTIAL:
            received = 0
            with writing(part):
                part.write_bytes(b"")
            _write_validator(answer.headers, tag)
        total = _total(answer.headers, received)
        while chunk := answer.read(CHUNK_BYTES):
            with writing(part), part.open("ab") as file:  # closing it writes too
                file.write(chunk)
            received += len(chunk)
            progress(received, total, "bytes")
    return total


def _write_validator(headers: http.client.HTTPMessage, tag: Path) -> None:
    """Store the validator (ETag or Last-Modified) of this version of the file. Without it a download cannot be resumed safely."""
    etag = headers.get("ETag") or ""
    validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
    with writing(tag):
        if validator:
            tag.write_text(validator, encoding="utf-8")
        else:
            tag.unlink(missing_ok=True)


def _total(headers: http.client.HTTPMessage, received: int) -> int | None:
    """Return the size of the complete file in bytes, from Content-Range, or from the existing bytes and Content-Length."""
    if match := re.fullmatch(r"bytes \d+-\d+/(\d+)", headers.get("Content-Range", "")):
        return int(match[1])
    length = headers.get("Content-Length")
    return received + int(length) if length else None
