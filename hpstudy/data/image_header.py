"""The size of an image in pixels, read from the file header without decoding pixels."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

FORMATS = ("JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP")
"""Image formats, detected by content and not by file name: one image of ImageNet is a PNG file named .JPEG."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Suffixes of image files in lower case, as in torchvision's `ImageFolder`."""


@contextmanager
def strict_headers() -> Iterator[None]:
    """Turn Pillow's size warning into an error. Enclose all calls of `height_and_width` in all threads: warning filters are global.

    Pillow warns at every decoding of an image with more than `PIL.Image.MAX_IMAGE_PIXELS` (89 million) pixels. Such a file is refused
    here. Other warnings of Pillow do not concern the size and are ignored.
    """
    from PIL.Image import DecompressionBombWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", DecompressionBombWarning)
        yield


def height_and_width(content: bytes) -> tuple[int, int]:
    """Return the stored height and width in pixels, before an EXIF rotation. Call within `strict_headers`.

    Raises:
        ValueError: the file is invalid; the message is the reason.
    """
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise ValueError("empty")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
    except UnidentifiedImageError as error:
        raise ValueError("not an image") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(f"too large: more than {Image.MAX_IMAGE_PIXELS:,} pixels") from error
    except Exception as error:  # Pillow can raise any exception for a damaged image
        raise ValueError(f"unreadable: {str(error) or type(error).__name__}") from error
    if min(height, width) < 1:
        raise ValueError(f"{width} x {height} pixels")
    return height, width
