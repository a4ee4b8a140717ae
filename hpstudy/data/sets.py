"""Data sets on this machine: opening them, and making them."""

from __future__ import annotations

import logging
import platform
from pathlib import Path
from tempfile import TemporaryDirectory

from hpstudy.data import cache, datasets, manifest
from hpstudy.data.clips import Clips, open_clips
from hpstudy.data.dataset import DataSet, Origin, Progress
from hpstudy.data.manifest import Manifest
from hpstudy.data.spoken_digits import SpokenDigits
from hpstudy.errors import DataError

log = logging.getLogger(__name__)


def dataset(name: str) -> DataSet:
    """The data set of that name. Raises UsageError with the nearest name when there is none."""
    return datasets.load(name)()


def spoken_digits(name: str) -> SpokenDigits:
    """The data set of that name. Raises UsageError with the valid names when it is none of spoken digits."""
    datasets.check_kind(name, SpokenDigits)
    data = dataset(name)
    assert isinstance(data, SpokenDigits), "check_kind refuses others"
    return data


def folder_of(data: DataSet) -> Path:
    """Where a data set lies, or would lie."""
    return cache.root() / "sets" / f"{data.name}-{data.version}"


def available(name: str) -> Manifest:
    """See that a data set is on this machine, and every file has its size; one that is made here is made on first use.

    Raises:
        UsageError: there is no such data set.
        DataError: it is not on this machine, or damaged; the hint is what to do, with the command that gets it.
    """
    data = dataset(name)
    folder = folder_of(data)
    if (record := manifest.opened(folder)) is not None:
        if problems := data.problems(folder, record.facts, log_progress, thorough=False):
            raise DataError(f"the data set {name} cannot be used: {problems[0]}", data.repair)
        return record
    if data.origin is not Origin.MADE:
        raise DataError(f"the data set {name} is not on this machine ({folder})", data.instructions)
    log.warning("making the data set %s, once (about a minute)", name)
    make(data, None, log_progress)
    return available(name)


def opened(name: str, kind: type[object]) -> tuple[Path, Manifest]:
    """The folder and the manifest of a data set of a kind; sizes are checked, checksums are not (see `verify`).

    Raises:
        UsageError: there is no such data set of that kind.
        DataError: see `available`.
    """
    datasets.check_kind(name, kind)
    record = available(name)
    return folder_of(dataset(name)), record


def clips(name: str) -> Clips:
    """Open a data set of spoken digits; one that is made here is made on first use. Raises as `opened` does."""
    return open_clips(*opened(name, SpokenDigits))


def make(data: DataSet, source: Path | None, progress: Progress, *, again: bool = False) -> None:
    """Read the originals and publish their arrays. Waits for another process that does the same, and then leaves it at that.

    Args:
        data: what to make.
        source: folder or archive of the originals; None for a set that is made here.
        progress: told of what is made as it is made.
        again: replace what is there.
    """
    from importlib.metadata import version

    folder = folder_of(data)
    with cache.locked(folder.name):
        if not again and manifest.opened(folder) is not None:
            return
        originals_in = f"{cache.UNFINISHED}{folder.name}-originals-"
        with cache.publishing(folder) as building, TemporaryDirectory(prefix=originals_in, dir=folder.parent) as scratch:
            facts = data.write(building, source, Path(scratch), progress)
            own = {"name": data.name, "version": data.version, "licence": data.licence, "command": data.command}
            made_with = {package: version(package) for package in data.made_with} | {"python": platform.python_version()}
            manifest.seal(building, {**facts, **own, "made_with": made_with})


def log_progress(done: int, total: int | None, what: str) -> None:
    """Progress as log lines."""
    log.info("%s of %s %s", f"{done:,}", "?" if total is None else f"{total:,}", what)
