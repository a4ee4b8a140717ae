"""Getting a file over the network, going on where an earlier attempt was interrupted."""

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
"""Without a byte; shorter would give up on archives that a server packs on request."""
CHUNK_BYTES = 1 << 18
PARTIAL, UNSATISFIABLE = 206, 416


def download(url: str, target: Path, sha256: str | None, progress: Progress, *, md5: str | None = None) -> None:
    """Get `url` into `target`.

    Bytes go to `target`.part, which keeps its name until it is whole: a later call asks the server for the rest (HTTP Range, If-Range),
    and starts again where the server cannot do that or the file has changed. Whole means as long as the server says, with the
    checksums that are known.

    Args:
        url: http or https.
        target: its folder is made.
        sha256: hexadecimal, or as much of its beginning as is known, or None.
        progress: told of bytes.
        md5: hexadecimal, for a publisher who gives only this. It shows damage, and says little against forgery.

    Raises:
        DataError: no answer, an answer that breaks off, or a file that is not the one expected.
    """
    part = target.with_name(f"{target.name}.part")
    tag = target.with_name(f"{target.name}.etag")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        expected = _receive(url, part, tag, progress)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise DataError(
            f"{url} cannot be fetched: {str(error) or type(error).__name__}",
            "try again: the download continues from what has arrived",
        ) from error
    size = part.stat().st_size
    if expected is not None and size < expected:
        raise DataError(
            f"{url} broke off after {size:,} of {expected:,} bytes", "try again: the download continues from what has arrived"
        )
    known = {"sha256": sha256, "md5": md5}
    differs = any(digest and not manifest.checksum_of(part, algorithm).startswith(digest) for algorithm, digest in known.items())
    if (expected is not None and size > expected) or differs:
        part.unlink()
        raise DataError(f"{url} did not send the file that was expected: its checksum or size differs", "try again later")
    with writing(target):
        part.replace(target)
        tag.unlink(missing_ok=True)


def _receive(url: str, part: Path, tag: Path, progress: Progress) -> int | None:
    """Append to `part` what is missing, or write it from the start; returns the whole file's size where the server says it."""
    have = part.stat().st_size if part.exists() and tag.exists() else 0
    request = urllib.request.Request(url)
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", tag.read_text(encoding="utf-8"))
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == UNSATISFIABLE and have:
            error.close()
            part.unlink()
            return _receive(url, part, tag, progress)
        raise
    with answer:
        resumed = answer.status == PARTIAL
        if not resumed:
            have = 0
            _remember(answer.headers, tag)
        total = _total(answer.headers, have)
        with writing(part):
            file = part.open("ab" if resumed else "wb")
        with file:
            while chunk := answer.read(CHUNK_BYTES):
                with writing(part):
                    file.write(chunk)
                have += len(chunk)
                progress(have, total, "bytes")
    return total


def _remember(headers: http.client.HTTPMessage, tag: Path) -> None:
    """Keep what identifies this version of the file; without it a part cannot be continued safely."""
    etag = headers.get("ETag") or ""
    validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
    with writing(tag):
        if validator:
            tag.write_text(validator, encoding="utf-8")
        else:
            tag.unlink(missing_ok=True)


def _total(headers: http.client.HTTPMessage, have: int) -> int | None:
    """Size of the whole file in bytes: from Content-Range, or what was there and what is coming."""
    if match := re.fullmatch(r"bytes \d+-\d+/(\d+)", headers.get("Content-Range", "")):
        return int(match[1])
    length = headers.get("Content-Length")
    return have + int(length) if length else None
