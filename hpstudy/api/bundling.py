"""A study as one zip file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.api.databases import AnyStudy, open
from hpstudy.api.results import analyzed
from hpstudy.arguments import checked
from hpstudy.store.paths import check_output

if TYPE_CHECKING:
    from hpstudy.bundles import Bundle


@checked
def bundle(
    study: AnyStudy,
    output: str | Path | None = None,
    *,
    storage: str | Path | None = None,
    scale: str | None = None,
    force: bool = False,
) -> Bundle:
    """Write a study's database, code, environments and report as one zip file with checksums (`hpstudy.bundles`).

    Args:
        study: see `locate`.
        output: the zip file. When None, NAME.zip in the current folder.
        storage: see `locate`.
        scale: see `locate`.
        force: replace an existing file.

    Raises:
        UsageError: the file exists.
        OutputError: the file cannot be written.
        StoreError: the database cannot be read.
    """
    from hpstudy.bundles import write_bundle
    from hpstudy.report import write

    with open(study, storage, scale=scale) as reader, tempfile.TemporaryDirectory(prefix="hpstudy-bundle-") as folder:
        path = Path(output or f"{reader.study.name}.zip")
        check_output(path, force=force)
        write(analyzed(reader, None, thorough=True), Path(folder))
        return write_bundle(reader, path, Path(folder), force=force)
