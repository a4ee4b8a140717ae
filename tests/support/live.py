"""The live page of studies, served to a test, and a reader of it that is no browser."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hpstudy.live.app import Live
from hpstudy.live.server import ADDRESS, LiveServer

TOKEN = "secret"


@contextmanager
def live_page(*databases: Path) -> Iterator[str]:
    """Serve databases inside; the address of the first page, which ends in a slash."""
    with socket.socket() as listening:
        listening.bind((ADDRESS, 0))
        listening.listen()
        server = LiveServer(Live(databases, TOKEN))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://{ADDRESS}:{listening.getsockname()[1]}/{TOKEN}/"
        finally:
            server.handle_exit(signal.SIGINT, None)
            thread.join(60)
            assert not thread.is_alive(), "the server does not end"


def ask(address: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of an answer."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def part(address: str, name: str) -> dict[str, Any]:
    """A part of the page of the study at `address`."""
    status, _, body = ask(f"{address}part/{name}")
    assert status == 200, (name, status)
    return dict(json.loads(body))


@contextmanager
def news(address: str) -> Iterator[Iterator[dict[str, str]]]:
    """The digests of the parts of a page, whenever they change."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request("GET", f"{parts.path}events")
    try:
        answer = connection.getresponse()
        assert answer.getheader("content-type", "").startswith("text/event-stream")
        yield (json.loads(line[len("data: ") :]) for line in iter(answer.readline, b"") if line.startswith(b"data: "))
    finally:
        connection.close()


def until(told: Iterator[dict[str, str]], *names: str) -> dict[str, str]:
    """The first news in which all these parts are known."""
    return next(digests for digests in told if set(names) <= set(digests))
