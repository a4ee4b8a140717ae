"""Finding the original files of a published data set, and checking and reading its recordings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.archive import unpack
from hpstudy.data.dataset import Progress
from hpstudy.errors import DataError

MAX_LISTED = 5
"""Number of items that a message lists; the remaining ones are counted."""

PROGRESS_CLIPS = 500
"""Clips between two progress reports."""


def find_folder(source: Path, scratch: Path, inner: str, pattern: str, suffix: str = ".wav") -> Path:
    """Return the folder that contains the original files.

    Args:
        source: the archive or folder given by the user.
        scratch: an empty folder into which an archive is unpacked.
        inner: name of the folder in the original layout. It may be `source` itself, a subfolder, or one level deeper.
        pattern: glob pattern of the files relative to that folder; at least one file must match.
        suffix: unpack only files whose names have this suffix.

    Raises:
        DataError: there is no such file or folder, or it does not contain such files.
    """
    if not source.exists():
        raise DataError(f"{source} does not exist", "give the folder or archive that contains the original files")
    if source.is_dir():
        top = source
    else:
        unpack(source, scratch, suffix=suffix)
        top = scratch
    for folder in (top / inner, *sorted(top.glob(f"*/{inner}")), top):
        if next(folder.glob(pattern), None) is not None:
            return folder
    raise DataError(f"{source} contains no {inner}/{pattern}", "give the folder or archive in the publisher's layout")


def check_names(folder: Path, pattern: str, expected: Collection[str], what: str) -> None:
    """Compare the recordings in `folder` with the `expected` names.

    Raises:
        DataError: recordings are missing or unexpected; one error lists all of them.
    """
    present = {path.relative_to(folder).as_posix() for path in folder.glob(pattern) if not path.name.startswith(".")}
    missing = [name for name in expected if name not in present]
    unexpected = sorted(present - set(expected))
    complaints = []
    if missing:
        complaints.append(f"{len(missing):,} of {len(expected):,} recordings are missing: {enumerated(missing)}")
    if unexpected:
        complaints.append(f"{len(unexpected):,} unexpected files: {enumerated(unexpected)}")
    if complaints:
        raise DataError(
            f"{folder} is not a complete copy of {what}: {'; '.join(complaints)}", "get a complete copy; nothing was imported"
        )


def read_all(
    folder: Path, names: Sequence[str], sample_rate_hz: int, progress: Progress
) -> Iterator[tuple[str, NDArray[np.int16]]]:
    """Yield the name and the samples, (n,) int16, of each recording, in the given order. Unreadable recordings are skipped.

    Raises:
        DataError: after the last recording, if some could not be read; one error lists all of them.
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
    """Read the samples, (n,), of a 16-bit mono WAV file.

    Raises:
        ValueError: the file is invalid; the message is the reason.
    """
    import soundfile

    try:
        if path.exists() and not path.is_file():  # opening a FIFO would block
            raise ValueError("not a regular file")
        with path.open("rb") as file:
            head = file.read(8)
        # libsndfile reads a truncated file as a shorter one, without an error.
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
    """List the first items and count the others.

    >>> enumerated(["a", "b"])
    'a, b'
    """
    rest = len(items) - MAX_LISTED
    return ", ".join(items[:MAX_LISTED]) + (f" and {rest:,} more" if rest > 0 else "")
