"""Writes small, random originals of data sets: recordings, CIFAR batches, folders of images."""

from __future__ import annotations

import pickle
import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.cifar import PIXELS, Cifar
from hpstudy.data.image_folder import PARTS


def write_wav(path: Path, samples: NDArray[np.int16], sample_rate_hz: int) -> None:
    """Write (n,) samples as a one-channel 16-bit wav file, making its folder. Does not wait for the disk, unlike soundfile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, sample_rate_hz, len(samples), "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


def write_audiomnist(folder: Path, speakers: int, repetitions: int) -> Path:
    """Write noise of 0.1 to 0.25 s at 48 kHz in the layout of AudioMNIST.

    Returns:
        `folder`.
    """
    rng = np.random.default_rng(0)
    for speaker in range(1, speakers + 1):
        for digit in range(10):
            for repetition in range(repetitions):
                samples = rng.integers(-3000, 3000, int(rng.integers(4800, 12000)), dtype=np.int16)
                write_wav(folder / "data" / f"{speaker:02}" / f"{digit}_{speaker:02}_{repetition}.wav", samples, 48000)
    return folder


def write_cifar(folder: Path, data: Cifar, images_of_a_class: int = 1) -> Path:
    """Write random originals of a CIFAR set: a number of images of every class in every batch, in random order.

    Returns:
        The folder of the batches, in `folder`.
    """
    inner = folder / data.inner
    inner.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name in (*data.train_files, data.test_file):
        labels = rng.permutation(np.repeat(np.arange(data.class_count), images_of_a_class))
        pixels = rng.integers(0, 256, (len(labels), PIXELS), dtype=np.uint8)
        batch = {b"data": pixels, data.label_key.encode(): labels.tolist()}
        (inner / name).write_bytes(pickle.dumps(batch, protocol=4))
    names = {data.names_key.encode(): [f"class {number}".encode() for number in range(data.class_count)]}
    (inner / data.meta_file).write_bytes(pickle.dumps(names, protocol=4))
    return inner


def write_image_folder(folder: Path, classes: Iterable[str], images_of_a_class: int = 1) -> Path:
    """Write random images of 4 to 11 pixels' height and width: a number of every class in train/ and in val/, as PNG and JPEG in turn.

    Returns:
        `folder`.
    """
    from PIL import Image

    rng = np.random.default_rng(0)
    for inner in PARTS.values():
        for name in classes:
            (within := folder / inner / name).mkdir(parents=True)
            for number in range(images_of_a_class):
                pixels = rng.integers(0, 256, (*rng.integers(4, 12, 2), 3), dtype=np.uint8)
                Image.fromarray(pixels).save(within / f"{number}.{('png', 'JPEG')[number % 2]}")
    return folder
