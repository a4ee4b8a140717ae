"""The server of the pages, on this machine only."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from hpstudy.errors import UsageError
from hpstudy.live.app import Live

ADDRESS = "127.0.0.1"
"""Other machines cannot reach it."""


class LiveServer(uvicorn.Server):
    """A server that ends at a signal although pages wait for news: their connections would keep it alive."""

    def __init__(self, live: Live) -> None:
        """Serve `live`."""
        super().__init__(uvicorn.Config(live.app, log_level="error", access_log=False, server_header=False))
        self._live = live

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal comes."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: object) -> None:
        """Begin to end."""
        self._loop.call_soon_threadsafe(self._live.close)
        super().handle_exit(sig, frame)  # type: ignore[arg-type]  # a frame, which is not used


def serve(databases: Sequence[Path], port: int, announce: Callable[[str], None]) -> None:
    """Serve the live pages of studies until a signal ends it.

    Args:
        databases: of the studies.
        port: of this machine; 0 for any that is free.
        announce: is given the address once it can be opened.

    Raises:
        UsageError: the port is taken.
    """
    token = secrets.token_urlsafe(24)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((ADDRESS, port))
        except OSError as error:
            raise UsageError(
                f"port {port} of {ADDRESS} cannot be used: {error.strerror}", "choose another one, or leave --port out"
            ) from error
        listening.listen()
        announce(f"http://{ADDRESS}:{listening.getsockname()[1]}/{token}/")
        LiveServer(Live(databases, token)).run([listening])
