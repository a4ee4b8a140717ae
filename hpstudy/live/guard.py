"""Access control: only requests that come through this machine's own name and have the token are answered."""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")
"""Allowed names in the Host header. In DNS rebinding, a web page makes its own name resolve to this machine, and the header has that name.
Any port is allowed, so that a port forwarded by SSH works."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every response. Plotly sets styles in the page, hence 'unsafe-inline'; no script is inline."""


class Guard:
    """An application that answers only requests whose path begins with a token, and whose Host header names this machine."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        """Guard `app` with `token`."""
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to the application, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        token = scope["path"].split("/")[1] if "/" in scope["path"] else ""
        if scope["type"] != "http" or (host.rpartition(":")[0] not in HOSTS and host not in HOSTS):
            refusal = PlainTextResponse("This host name is not allowed.\n", 403)
        elif not secrets.compare_digest(token.encode(), self._token.encode()):
            refusal = PlainTextResponse("Not found. The terminal of `hpstudy serve` shows the full address.\n", 404)
        else:
            await self._app(scope, receive, send_with_headers)
            return
        await refusal(scope, receive, send_with_headers)
