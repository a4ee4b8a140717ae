"""Opening and building data sets on this machine."""

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
from hpstudy.plugins import methods_of

log = logging.getLogger(__name__)


def dataset(name: str) -> DataSet:
    """Return the data set with this name. Raises UsageError with the nearest name if there is none."""
    return datasets.load(name)()


def spoken_digits(name: str) -> SpokenDigits:
    """Return the data set of spoken digits with this name. Raises UsageError with the valid names if there is none."""
    datasets.check_kind(name, SpokenDigits)
    data = dataset(name)
    assert isinstance(data, SpokenDigits), "check_kind refuses others"
    return data


def folder_of(data: DataSet) -> Path:
    """Return the folder of a data set, which may not exist."""
    return cache.root() / "sets" / f"{data.name}-{data.version}"


def available(name: str) -> Manifest:
    """Check that a data set is on this machine and that every file has the right size. Generates it on first use, if possible.

    Raises:
        UsageError: there is no such data set.
        DataError: it is not on this machine, or damaged; the hint has instructions with the command that gets it.
    """
    data = dataset(name)
    folder = folder_of(data)
    if (record := manifest.opened(folder)) is not None:
        if problems := data.problems(folder, record.facts, log_progress, thorough=False):
            raise DataError(f"the data set {name} cannot be used: {problems[0]}", data.repair)
        return record
    if data.origin is not Origin.GENERATED:
        raise DataError(f"the data set {name} is not on this machine ({folder})", data.instructions)
    log.warning("generating the data set %s once (takes about a minute)", name)
    make(data, None, log_progress)
    return available(name)


def opened(name: str, kind: type[object]) -> tuple[Path, Manifest]:
    """Return the folder and the manifest of a data set of a kind. Checks file sizes, but not checksums (see `verify`).

    Raises:
        UsageError: there is no such data set of this kind.
        DataError: see `available`.
    """
    datasets.check_kind(name, kind)
    record = available(name)
    return folder_of(dataset(name)), record


def clips(name: str) -> Clips:
    """Open a data set of spoken digits. A data set that can be generated is generated on first use. Raises as `opened` does."""
    return open_clips(*opened(name, SpokenDigits))


def make(data: DataSet, source: Path | None, progress: Progress, *, replace: bool = False) -> None:
    """Build a data set from its original files and publish it. If another process is building it, wait and use its result.

    Args:
        data: the data set.
        source: folder or archive with the original files; None for a data set that is generated.
        progress: called as items are written.
        replace: replace an existing copy.
    """
    from importlib.metadata import version

    folder = folder_of(data)
    with cache.locked(folder.name):
        if not replace and manifest.opened(folder) is not None:
            return
        originals_in = f"{cache.UNFINISHED}{folder.name}-originals-"
        with cache.publishing(folder) as building, TemporaryDirectory(prefix=originals_in, dir=folder.parent) as scratch:
            with methods_of(_plugin(data)):
                facts = data.write(building, source, Path(scratch), progress)
            identity = {"name": data.name, "version": data.version, "licence": data.licence, "command": data.command}
            made_with = {package: version(package) for package in data.made_with} | {"python": platform.python_version()}
            manifest.seal(building, {**facts, **identity, "made_with": made_with})


def _plugin(data: DataSet) -> str:
    """Return the name of a user's data set as "my_module:MySet"; "" for a data set of this package."""
    kind = type(data)
    return "" if kind.__module__.partition(".")[0] == "hpstudy" else f"{kind.__module__}:{kind.__qualname__}"


def log_progress(done: int, total: int | None, what: str) -> None:
    """Log the progress."""
    log.info("%s of %s %s", f"{done:,}", "?" if total is None else f"{total:,}", what)
