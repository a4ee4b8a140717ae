"""The live page of studies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from hpstudy.api.databases import AnyStudy, default_storage, locate, open
from hpstudy.arguments import checked
from hpstudy.errors import UsageError
from hpstudy.store.paths import database_exists


@checked
def serve(
    studies: AnyStudy | Sequence[AnyStudy] = (),
    storage: str | Path | None = None,
    *,
    scale: str | None = None,
    port: int = 0,
    announce: Callable[[str], None] = print,
) -> None:
    """Serve a live page of studies on this machine until Ctrl-C. Reads the databases and writes nothing.

    Args:
        studies: one or several; see `locate`. When empty: all databases in the folder for databases.
        storage: see `locate`.
        scale: see `locate`.
        port: port of 127.0.0.1; 0 for any free port.
        announce: receives the address of the page, which contains a random token.

    Raises:
        UsageError: the extra hpstudy[serve] is not installed, the port is taken, there is no database, or an event loop runs in this
            thread, as in a notebook.
        StoreError: a database does not exist.
    """
    if missing := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
        raise UsageError(f"the live page needs {' and '.join(missing)}: not installed", "pip install 'hpstudy[serve]'")
    with suppress(RuntimeError):  # of a thread without an event loop
        asyncio.get_running_loop()
        raise UsageError(
            "a page cannot be served while an event loop runs, as in a notebook", "run `hpstudy serve` in a terminal"
        )
    from hpstudy.live.server import serve as run_server

    studies = list(studies) if isinstance(studies, Sequence) and not isinstance(studies, str) else [studies]
    databases = [locate(study, storage, scale=scale) for study in studies]
    for study, database in zip(studies, databases, strict=True):
        if not database_exists(database):
            open(study, storage, scale=scale)  # raises what all functions raise; a damaged database is a line on its page
    if not databases:
        folder = default_storage("all", storage).parent
        databases = sorted(folder.glob("*.sqlite")) if database_exists(folder) else []
        if not databases:
            raise UsageError(f"there is no database in {folder}", "name a study, or run one first")
    run_server(databases, port, announce)
