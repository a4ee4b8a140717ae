"""Features of a data set, computed once and kept."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpstudy.data import cache, manifest
from hpstudy.data.clips import Clips, Labels
from hpstudy.data.sets import clips
from hpstudy.data.settings import FeatureSettings
from hpstudy.errors import DataError

CODE_VERSION = 1
"""Raise it whenever the code of a feature changes its numbers, so that no old ones are taken for new ones."""
BATCH_CLIPS = 500
ARRAY = "x.npy"
KEY_DIGITS = 16
"""Of the key in a folder's name: 64 bits, far more than the number of feature sets that anyone computes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FeatureSet(Labels):
    """Features and labels of all clips of a data set.

    Attributes:
        x: (n, d) float32, memory-mapped, read-only, not standardised; d = shape[0] * shape[1].
        shape: (frames, values per frame).
        checksum: of the numbers in `x` and of the recordings with their labels.
    """

    x: NDArray[np.float32]
    shape: tuple[int, int]
    checksum: str


def load_features(dataset: str, settings: FeatureSettings) -> FeatureSet:
    """Features of a data set: from the cache, or else computed and kept there.

    The cache's key is a hash of all that determines the numbers: the recordings, the settings, this code's version and the versions of
    torch and torchaudio. Opening checks sizes, not checksums; `hpstudy data verify` checks those too.

    Args:
        dataset: a name in `hpstudy.data.DATASETS`, or "my_module:MyDigits".
        settings: what to compute.

    Raises:
        UsageError: there is no such data set.
        DataError: the recordings are not on this machine (with the command that gets them), or a file is damaged.
    """
    recorded = clips(dataset)
    folder = folder_of(recorded, settings)
    if not (made := manifest.read(folder)):
        with cache.locked(folder.name):
            if not (made := manifest.read(folder)):
                compute(recorded, settings, folder)
                made = manifest.read(folder)
    assert made is not None, "compute publishes the folder"
    if problems := manifest.problems(folder, made, thorough=False):
        raise DataError(f"features are damaged: {problems[0]}", f"delete {folder}; they are computed again when needed")
    checksum = hashlib.sha256(f"{recorded.manifest.checksum} {made.checksum}".encode()).hexdigest()
    x = np.load(folder / ARRAY, mmap_mode="r")
    labels = {field.name: getattr(recorded, field.name) for field in fields(Labels)}
    return FeatureSet(**labels, x=x, shape=settings.shape, checksum=checksum)


def folder_of(recorded: Clips, settings: FeatureSettings) -> Path:
    """Where features lie."""
    from importlib.metadata import version

    determined_by = {
        "recordings": recorded.manifest.checksum,
        "settings": settings.model_dump(mode="json"),
        "code": CODE_VERSION,
        "versions": {package: version(package) for package in ("torch", "torchaudio")},
    }
    key = hashlib.sha256(json.dumps(determined_by, sort_keys=True).encode()).hexdigest()
    return cache.root() / "features" / f"{recorded.manifest.facts['name']}-{key[:KEY_DIGITS]}"


def compute(recorded: Clips, settings: FeatureSettings, folder: Path) -> None:
    """Compute the features of all clips, batch by batch, and publish them in `folder`."""
    from hpstudy.data.log_mel import log_mel, mel_transform
    from hpstudy.data.waveform import waveform

    log.info("computing %s features of %s", settings.kind, recorded.manifest.facts["name"])
    count = len(recorded.audio)
    transform = mel_transform(settings) if settings.kind == "log_mel" else None
    with cache.publishing(folder) as scratch:
        shape = (count, settings.shape[0] * settings.shape[1])
        x = np.lib.format.open_memmap(scratch / ARRAY, mode="w+", dtype=np.float32, shape=shape)
        for start in range(0, count, BATCH_CLIPS):
            batch = recorded.audio[start : start + BATCH_CLIPS]
            x[start : start + BATCH_CLIPS] = log_mel(batch, settings, transform) if transform is not None else waveform(batch)
        x.flush()
        del x
        manifest.seal(scratch, {"data set": recorded.manifest.facts["name"], "settings": settings.model_dump(mode="json")})
