"""The size of an image in pixels, from the beginning of its file; no pixel is decoded."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

FORMATS = ("JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP")
"""Found by the bytes, not by the file's name: one image of ImageNet is a PNG called .JPEG."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Endings of image files, in small letters: those of torchvision's `ImageFolder`."""


@contextmanager
def strict_headers() -> Iterator[None]:
    """Use around all calls of `height_and_width`, in all threads: warning filters belong to the process.

    Pillow warns of images with more pixels than it decodes without a doubt (`PIL.Image.MAX_IMAGE_PIXELS`, 89 million), and would do so at
    every later decoding: here such a file is refused. Its other warnings are of no consequence for the size.
    """
    from PIL.Image import DecompressionBombWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", DecompressionBombWarning)
        yield


def height_and_width(content: bytes) -> tuple[int, int]:
    """Rows and columns of pixels as they are stored, before any rotation that EXIF asks for. Call within `strict_headers`.

    Raises:
        ValueError: what is wrong with the file, in a few words.
    """
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise ValueError("empty")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
    except UnidentifiedImageError as error:
        raise ValueError("is no image") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(f"too large: more than {Image.MAX_IMAGE_PIXELS:,} pixels") from error
    except Exception as error:  # a damaged image may raise anything
        raise ValueError(f"unreadable: {str(error) or type(error).__name__}") from error
    if min(height, width) < 1:
        raise ValueError(f"{width} x {height} pixels")
    return height, width
