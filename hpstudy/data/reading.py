"""Concurrent reading of many files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hpstudy.data.dataset import Progress

T = TypeVar("T")

READERS = 16
"""Number of concurrent reads. A network disk serves many requests as fast as one; with fewer threads it would be idle."""
CHUNK = 256
"""Files between two progress reports. After an interruption, the chunks that are being read are still finished."""


def read_many(read: Callable[[int], T], count: int, progress: Progress) -> Iterator[T]:
    """Yield the results of `read(0)` to `read(count - 1)`, in this order. `read` is called in threads.

    Args:
        read: reads one file, given its index.
        count: number of files.
        progress: called with the number of images.
    """

    def chunk(start: int) -> list[T]:
        return [read(row) for row in range(start, min(start + CHUNK, count))]

    starts = range(0, count, CHUNK)
    pool = ThreadPoolExecutor(READERS)
    try:
        for start, results in zip(starts, pool.map(chunk, starts), strict=True):
            yield from results
            progress(start + len(results), count, "images")
    finally:
        pool.shutdown(cancel_futures=True)
