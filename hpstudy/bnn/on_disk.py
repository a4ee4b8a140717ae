"""Images on disk, which are read, cropped and resized when a batch needs them, by threads that prefetch batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from hpstudy.bnn.batches import Batch, Part
from hpstudy.bnn.photographs import crop_boxes
from hpstudy.cores import usable_cores
from hpstudy.errors import DataError

PREFETCHED_BATCHES = 2
"""Number of prefetched batches."""

MAX_THREADS = 16
"""Maximum number of threads. With more, the threads wait for Python's global interpreter lock."""

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

Job: TypeAlias = tuple[int, Box | None]
"""Row of an image and the box to crop; None for the center crop of an evaluation."""


class ImageFiles(Protocol):
    """The image files of a data set."""

    @property
    def paths(self) -> Sequence[str]:
        """(n,) paths of the files, for messages."""

    @property
    def shape(self) -> NDArray[np.int32]:
        """(n, 2) height and width in pixels."""

    def read(self, row: int) -> bytes:
        """Return the content of an image's file. Called in threads."""


class OnDisk(Part):
    """Images on disk, cropped to squares of bytes.

    In training a random crop (`hpstudy.bnn.photographs.crop_boxes`) is resized to the square, bilinearly. In evaluation the image is
    resized until its shorter side has `short_side` pixels, and the square is its center crop. The result does not depend on the number of
    threads. For a GPU, batches are prefetched; on a CPU, where training has one thread, they are read in that thread. A damaged file raises
    a DataError with its name.

    Args:
        images: the images of the data set.
        rows: (n,) rows of the images in this part.
        y: (n,) int64 classes, on the training device.
        size: width and height of the network's input in pixels.
        short_side: shorter side in evaluation in pixels; at least `size`.
        smallest_piece: minimum area of a crop in training, as a share of the image's area.
    """

    def __init__(
        self, images: ImageFiles, rows: NDArray[np.int64], y: Tensor, *, size: int, short_side: int, smallest_piece: float
    ) -> None:
        self.images = images
        self.rows = rows
        self.y = y
        self.size = size
        self.short_side = short_side
        self.smallest_piece = smallest_piece

    def batches(self, rows: Tensor, draws: Tensor | None, size: int) -> Iterator[Batch]:
        """Yield random crops, or center crops without draws. Classes and draws are moved to the device once."""
        y = self.y[rows.to(self.y.device)]
        moved = None if draws is None else draws.to(self.y.device)
        starts = range(0, len(rows), size)
        jobs = (self._jobs(rows[i : i + size], None if draws is None else draws[i : i + size]) for i in starts)
        for start, x in zip(starts, self._squares(jobs), strict=True):
            batch = slice(start, start + size)
            yield x, y[batch], None if moved is None else moved[batch]

    def _jobs(self, rows: Tensor, draws: Tensor | None) -> list[Job]:
        listed = self.rows[rows.numpy()]
        if draws is None:
            return [(row, None) for row in listed.tolist()]
        shapes = torch.from_numpy(self.images.shape[listed])
        return list(zip(listed.tolist(), map(_box, crop_boxes(draws, shapes, self.smallest_piece).tolist()), strict=True))

    def in_order(self, size: int) -> Iterator[Tensor]:
        """Yield center crops of all images."""
        listed = self.rows.tolist()
        yield from self._squares([(row, None) for row in listed[i : i + size]] for i in range(0, len(listed), size))

    def _squares(self, batches: Iterable[Sequence[Job]]) -> Iterator[Tensor]:
        """Yield (batch, size, size, 3) bytes on the training device for each batch of jobs."""
        device = self.y.device
        on_cuda = device.type == "cuda"
        with _readers(_threads() if on_cuda else 0) as submit:
            waiting: deque[tuple[Tensor, list[Future[None]]]] = deque()
            for jobs in batches:
                squares = torch.empty((len(jobs), self.size, self.size, 3), dtype=torch.uint8, pin_memory=on_cuda)
                array = squares.numpy()
                waiting.append((squares, [submit(self._read, array, index, *job) for index, job in enumerate(jobs)]))
                if len(waiting) > PREFETCHED_BATCHES:
                    yield _wait_for(*waiting.popleft()).to(device, non_blocking=True)
            while waiting:
                yield _wait_for(*waiting.popleft()).to(device, non_blocking=True)

    def _read(self, squares: NDArray[np.uint8], index: int, row: int, piece: Box | None) -> None:
        content = self.images.read(row)
        try:
            with Image.open(BytesIO(content)) as file:
                file.info.pop("transparency", None)  # not used; Pillow would warn about it
                image = file.convert("RGB")
        except Exception as error:  # Pillow can raise any exception for a damaged file
            raise DataError(
                f"the image {self.images.paths[row]} cannot be read: {str(error) or type(error).__name__}",
                "replace the file, then import the data set again",
            ) from error
        if piece is not None:
            square = image.crop(piece).resize((self.size, self.size), Image.Resampling.BILINEAR)
        else:
            square = center_crop(image, self.size, self.short_side)
        squares[index] = np.asarray(square)


def center_crop(image: Image.Image, size: int, short_side: int) -> Image.Image:
    """Resize an image bilinearly so that its shorter side has `short_side` pixels, and return its central square of `size` pixels."""
    width, height = image.size
    shorter = min(width, height)
    scaled = image.resize((short_side * width // shorter, short_side * height // shorter), Image.Resampling.BILINEAR)
    left, top = round((scaled.width - size) / 2), round((scaled.height - size) / 2)
    return scaled.crop((left, top, left + size, top + size))


@contextmanager
def _readers(threads: int) -> Iterator[Callable[..., Future[None]]]:
    """Provide a function that submits calls to threads, or calls directly if `threads` is 0. Calls pending at the end are canceled."""
    if threads == 0:
        yield _call_directly
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="hpstudy-images")
    try:
        yield pool.submit
    finally:
        pool.shutdown(cancel_futures=True)


def _call_directly(call: Callable[..., None], *args: object) -> Future[None]:
    future: Future[None] = Future()
    call(*args)
    future.set_result(None)
    return future


def _wait_for(squares: Tensor, read: Sequence[Future[None]]) -> Tensor:
    for future in read:
        future.result()
    return squares


def _threads() -> int:
    return max(1, min(usable_cores(), MAX_THREADS))


def _box(piece: Sequence[int]) -> Box:
    left, top, right, bottom = piece
    return left, top, right, bottom
