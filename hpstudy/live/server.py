"""The web server of the live pages. Only programs on this machine can connect to it."""

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
"""The address at which the server listens. Other machines cannot reach it."""


class LiveServer(uvicorn.Server):
    """A server that ends at a signal. It closes the event streams of open pages, which would keep it running."""

    def __init__(self, live: Live) -> None:
        """Serve `live`."""
        super().__init__(uvicorn.Config(live.app, log_level="error", access_log=False, server_header=False, ws="none"))
        self._live = live

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal arrives."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: object) -> None:
        """Start the shutdown."""
        self._loop.call_soon_threadsafe(self._live.close)
        super().handle_exit(sig, frame)  # type: ignore[arg-type]  # a frame, which is not used


def serve(databases: Sequence[Path], port: int, announce: Callable[[str], None]) -> None:
    """Serve the live pages of studies until a signal arrives.

    Args:
        databases: paths of the databases.
        port: port of 127.0.0.1; 0 for any free port.
        announce: receives the address of the first page when the server accepts connections.

    Raises:
        UsageError: the port is in use.
    """
    token = secrets.token_urlsafe(24)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((ADDRESS, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(
                f"port {port} of {ADDRESS} cannot be used: {reason}", "choose another port, or omit --port"
            ) from error
        listening.listen()
        announce(f"http://{ADDRESS}:{listening.getsockname()[1]}/{token}/")
        LiveServer(Live(databases, token)).run([listening])
