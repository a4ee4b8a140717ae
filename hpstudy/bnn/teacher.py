"""Trained networks as teachers for knowledge distillation."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import Tensor, nn

from hpstudy.bnn.layers import to_device
from hpstudy.bnn.settings import Teacher
from hpstudy.data import cache, manifest
from hpstudy.data.download import download
from hpstudy.data.sets import log_progress
from hpstudy.data.without_cuda import import_without_cuda
from hpstudy.errors import DataError, HpstudyError, PluginError, nearest
from hpstudy.plugins import is_plugin, load_callable
from hpstudy.sources import source_identity

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def load_teacher(settings: Teacher, device: str) -> nn.Module:
    """Load the teacher with its weights on a device, in evaluation mode and without gradients.

    Raises:
        DataError: torchvision or the weights are not on this machine, or the weights are damaged.
        PluginError: a user's function fails, or does not return a network.
    """
    network = _own(settings.network) if is_plugin(settings.network) else _published(settings)
    return to_device(network, device).eval().requires_grad_(False)


def check_teacher(settings: Teacher, classes: int, size: int, device: str) -> None:
    """Check that the teacher can be loaded and returns one output for each of `classes`, for images of `size` pixels.

    Raises:
        DataError: it does not; see also `load_teacher`.
    """
    teacher = load_teacher(settings, device)
    try:
        outputs = teacher(torch.zeros(1, 3, size, size, device=device))
    except Exception as error:  # a network can raise any exception for images of the wrong size
        raise DataError(
            f"task.teacher {settings.network} cannot take images of {size} pixels: {error}",
            "change the size of the images (task.images), or use another teacher",
        ) from error
    if not isinstance(outputs, Tensor) or outputs.shape != (1, classes):
        output = f"{tuple(outputs.shape[1:])} outputs" if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
        raise DataError(
            f"task.teacher {settings.network} returns {output} for an image, but the data set has {classes} classes",
            "its outputs must be the classes of the data set, sorted by name",
        )
    if not outputs.isfinite().all():
        raise DataError(f"task.teacher {settings.network} returns outputs that are not finite", "use other weights")


def teacher_identity(settings: Teacher) -> dict[str, str]:
    """Return the checksum of the weights, or of the source of a user's function."""
    if is_plugin(settings.network):
        return source_identity(settings.network)
    return {f"weights {settings.weights} of {settings.network}": manifest.checksum_of(weights_file(settings))}


def weights_file(settings: Teacher) -> Path:
    """Return the file of published weights in the data cache. It is downloaded if needed.

    Raises:
        DataError: there is no such network, or there are no such weights; or they cannot be downloaded, or are damaged.
    """
    url = _url(settings)
    file = cache.root() / "teachers" / "checkpoints" / PurePosixPath(urlsplit(url).path).name
    digest = _digest(file)
    if not file.exists():
        with cache.locked(file.name):
            if not file.exists():
                log.warning("downloading the weights of %s once: %s", settings.network, url)
                try:
                    download(url, file, digest, log_progress)
                except DataError as error:
                    raise DataError(error.message, f"{error.hint}; or copy the file to {file}") from error
    if digest and not manifest.checksum_of(file).startswith(digest):
        raise DataError(
            f"{file} is damaged: its SHA-256 digest does not start with {digest}", "delete it; it is then downloaded again"
        )
    return file


def import_models() -> ModuleType:
    """Return the module `torchvision.models`.

    Raises:
        DataError: torchvision is not installed, or is not compatible with the installed torch.
    """
    try:
        return import_without_cuda("torchvision.models", "torchvision._meta_registrations")
    except (ImportError, OSError, RuntimeError) as error:  # the last two: a wheel for another version of torch
        raise DataError(
            f"the teacher is a network of torchvision, but torchvision cannot be imported: {error}",
            'pip install "hpstudy[imagenet]", with a torchvision that is compatible with your torch',
        ) from error


def _own(use: str) -> nn.Module:
    """Call a user's function and return its network."""
    make = load_callable(use)
    try:
        network = make()
    except HpstudyError:
        raise
    except Exception as error:  # a user's function can raise any exception
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise PluginError(
            f"the teacher '{use}' failed: {type(error).__name__}: {error} ({where.filename}:{where.lineno})"
        ) from error
    if not isinstance(network, nn.Module):
        raise PluginError(f"'{use}' returned {type(network).__name__}: a teacher must be a trained torch module")
    return network


def _published(settings: Teacher) -> nn.Module:
    """Create a torchvision network with its weights. torchvision loads them, because some networks need more than the weights.

    GoogLeNet needs the normalization of its images, the weights of DenseNet have old names, and some vision transformers have another
    size.
    """
    file = weights_file(settings)
    with _hub_in(file.parents[1]):
        network: nn.Module = import_models().get_model(settings.network, weights=settings.weights)
    return network


@contextmanager
def _hub_in(folder: Path) -> Iterator[None]:
    """Make torchvision load weights from `folder`/checkpoints within the block."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(folder)
    try:
        yield
    finally:
        torch.hub.set_dir(before)


def _digest(file: Path) -> str | None:
    """Return the prefix of the SHA-256 digest that torchvision includes in the file name."""
    match = re.search(r"-([0-9a-f]{8,})\.", file.name)
    return match[1] if match else None


def _url(settings: Teacher) -> str:
    """Return the URL of published weights. Raises DataError with the valid names if there are none."""
    models = import_models()
    if settings.network not in (names := models.list_models(models)):
        raise DataError(
            f"task.teacher.network: torchvision has no network '{settings.network}'", nearest(settings.network, names)
        )
    published: Any = models.get_model_weights(settings.network)
    if settings.weights not in (names := list(published.__members__)):
        raise DataError(
            f"task.teacher.weights: {settings.network} has no weights '{settings.weights}'", nearest(str(settings.weights), names)
        )
    return str(published[settings.weights].url)
