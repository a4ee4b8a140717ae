"""Features of a data set, computed once and cached."""

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
"""Increase this if a change of the code changes features, so that old features in the cache are not used."""
BATCH_CLIPS = 500
ARRAY = "x.npy"
KEY_DIGITS = 16
"""Hexadecimal digits of the key in a folder name. 64 bits make collisions practically impossible."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FeatureSet(Labels):
    """Features and labels of all clips of a data set.

    Attributes:
        x: (n, d) float32, memory-mapped, read-only, not standardized; d = shape[0] * shape[1].
        shape: (frames, values per frame).
        checksum: SHA-256 digest over `x` and the recordings with their labels.
    """

    x: NDArray[np.float32]
    shape: tuple[int, int]
    checksum: str


def load_features(dataset: str, settings: FeatureSettings) -> FeatureSet:
    """Load the features of a data set from the cache. They are computed and cached if needed.

    The key in the cache is a hash of everything that determines the features: the recordings, the settings, the version of this code and
    the versions of torch and torchaudio. Opening checks file sizes only; `hpstudy data verify` also checks checksums.

    Args:
        dataset: a name in `hpstudy.data.DATASETS`, or "my_module:MyDigits".
        settings: settings of the features.

    Raises:
        UsageError: there is no such data set.
        DataError: the recordings are not on this machine (the hint has the command that gets them), or a file is damaged.
    """
    recorded = clips(dataset)
    folder = folder_of(recorded, settings)
    if not (record := manifest.read(folder)):
        with cache.locked(folder.name):
            if not (record := manifest.read(folder)):
                compute(recorded, settings, folder)
                record = manifest.read(folder)
    assert record is not None, "compute publishes the folder"
    if problems := manifest.problems(folder, record, thorough=False):
        raise DataError(
            f"features are damaged: {problems[0]}", f"delete {folder}; the features are then computed again when needed"
        )
    checksum = hashlib.sha256(f"{recorded.manifest.checksum} {record.checksum}".encode()).hexdigest()
    x = manifest.load_array(folder / ARRAY, "r")
    labels = {field.name: getattr(recorded, field.name) for field in fields(Labels)}
    return FeatureSet(**labels, x=x, shape=settings.shape, checksum=checksum)


def folder_of(recorded: Clips, settings: FeatureSettings) -> Path:
    """Return the folder of the features in the cache."""
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
    header = {"descr": "<f4", "fortran_order": False, "shape": (count, settings.shape[0] * settings.shape[1])}
    with cache.publishing(folder) as scratch:
        # Not a memory map: on a full disk, writing to one kills the process.
        with (scratch / ARRAY).open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, count, BATCH_CLIPS):
                batch = recorded.audio[start : start + BATCH_CLIPS]
                x = log_mel(batch, settings, transform) if transform is not None else waveform(batch)
                file.write(x.astype("<f4", copy=False).tobytes())
        manifest.seal(scratch, {"data set": recorded.manifest.facts["name"], "settings": settings.model_dump(mode="json")})
