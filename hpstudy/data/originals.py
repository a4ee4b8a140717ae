"""Finding the original files of a data set that someone else published; checking and reading original recordings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.archive import unpack
from hpstudy.data.dataset import Progress
from hpstudy.errors import DataError

SHOWN = 5
"""Mistakes of a kind that a message names before it only counts."""

PROGRESS_CLIPS = 500
"""Clips between two calls of a progress bar."""


def find_folder(source: Path, scratch: Path, inner: str, pattern: str, suffix: str = ".wav") -> Path:
    """The folder that holds the original files.

    Args:
        source: the archive or folder that the user gave.
        scratch: an empty folder to unpack an archive into.
        inner: name of the folder of the files in the original layout. It may be `source` itself, stand in it, or one level down.
        pattern: of files, relative to that folder; one must be there.
        suffix: unpack only the files whose names end so.

    Raises:
        DataError: there is no such file or folder, or it holds no such files.
    """
    if not source.exists():
        raise DataError(f"there is no {source}", "give the folder or archive that holds the original files")
    if source.is_dir():
        top = source
    else:
        unpack(source, scratch, suffix=suffix)
        top = scratch
    for folder in (top / inner, *sorted(top.glob(f"*/{inner}")), top):
        if next(folder.glob(pattern), None) is not None:
            return folder
    raise DataError(f"{source} holds no {inner}/{pattern}", "give the folder or archive as its publisher packed it")


def check_names(folder: Path, pattern: str, expected: Collection[str], what: str) -> None:
    """Compare the recordings in `folder` with the `expected` names.

    Raises:
        DataError: one error with all that are missing and all that should not be there.
    """
    present = {path.relative_to(folder).as_posix() for path in folder.glob(pattern) if not path.name.startswith(".")}
    missing = [name for name in expected if name not in present]
    unexpected = sorted(present - set(expected))
    complaints = []
    if missing:
        complaints.append(f"{len(missing):,} of {len(expected):,} recordings are missing: {enumerated(missing)}")
    if unexpected:
        complaints.append(f"{len(unexpected):,} files do not belong to it: {enumerated(unexpected)}")
    if complaints:
        raise DataError(f"{folder} is not the whole {what}: {'; '.join(complaints)}", "get it again, whole; nothing was imported")


def read_all(
    folder: Path, names: Sequence[str], sample_rate_hz: int, progress: Progress
) -> Iterator[tuple[str, NDArray[np.int16]]]:
    """Names with samples, (n,) int16, in the given order; unusable ones are skipped until the end.

    Raises:
        DataError: after the last one, when some could not be read: one error for all of them.
    """
    complaints = []
    for number, name in enumerate(names, 1):
        try:
            yield name, read_wav(folder / name, sample_rate_hz)
        except ValueError as error:
            complaints.append(f"{name} ({error})")
        if number % PROGRESS_CLIPS == 0:
            progress(number, len(names), "clips")
    if complaints:
        raise DataError(
            f"{len(complaints):,} of {len(names):,} recordings in {folder} cannot be used: {enumerated(complaints)}",
            "get them again; nothing was imported",
        )


def read_wav(path: Path, sample_rate_hz: int) -> NDArray[np.int16]:
    """Samples of a one-channel 16-bit wav file, (n,).

    Raises:
        ValueError: what is wrong with the file, in a few words.
    """
    import soundfile

    try:
        if path.exists() and not path.is_file():  # opening a FIFO would wait without end
            raise ValueError("not a regular file")
        with path.open("rb") as file:
            head = file.read(8)
        # libsndfile reads a truncated file without complaint, as a shorter one.
        if int.from_bytes(head[4:], "little") + len(head) > path.stat().st_size:
            raise ValueError("truncated")
        with soundfile.SoundFile(path) as sound:
            if sound.samplerate != sample_rate_hz:
                raise ValueError(f"{sound.samplerate} Hz instead of {sample_rate_hz} Hz")
            if sound.channels != 1:
                raise ValueError(f"{sound.channels} channels instead of 1")
            if sound.subtype != "PCM_16":
                raise ValueError(f"{sound.subtype} instead of PCM_16")
            samples: NDArray[np.int16] = sound.read(dtype="int16")
    except (OSError, soundfile.SoundFileError) as error:
        raise ValueError(f"unreadable: {getattr(error, 'error_string', error)}") from error
    if len(samples) == 0:
        raise ValueError("empty")
    return samples


def enumerated(items: Sequence[str]) -> str:
    """The first few, and how many more.

    >>> enumerated(["a", "b"])
    'a, b'
    """
    rest = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")
