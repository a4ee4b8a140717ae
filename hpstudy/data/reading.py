"""Reading many files, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hpstudy.data.dataset import Progress

T = TypeVar("T")

READERS = 16
"""Files read at the same time. A disk on a network answers many requests as fast as one; fewer would leave it waiting."""
CHUNK = 256
"""Files between two calls of `progress`. An interrupted reading ends when the chunks in hand are read."""


def read_many(read: Callable[[int], T], count: int, progress: Progress) -> Iterator[T]:
    """Results of `read(0)` to `read(count - 1)`, in this order; `read` is called in threads.

    Args:
        read: reads one file, by its number.
        count: of the files.
        progress: told of images.
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
