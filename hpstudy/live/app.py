"""The pages and their parts as an ASGI application. Every route only reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from hpstudy.errors import HpstudyError
from hpstudy.live import charts, progress, trial
from hpstudy.live.feed import PROBLEM, Feed, Part, Tier
from hpstudy.live.guard import Guard
from hpstudy.live.markup import PAGES, PARTS
from hpstudy.report.interactive import plotly_script, resource
from hpstudy.store import Reader
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey

KEEPALIVE_S = 15.0
"""Maximum time between two events of a stream. Longer: proxies and SSH tunnels close a connection that looks idle. live.js takes a
connection for lost when three events are missing."""

COMPRESSION = 4
"""Level of gzip. Higher: much slower for a few bytes less, most of them of plotly's script."""

STATIC: Mapping[str, Callable[[], str]] = {
    "plotly.js": plotly_script,
    "figures.js": partial(resource, "figures.js"),
    "page.css": partial(resource, "page.css"),
    "live.js": partial(resource, "live.js", "hpstudy.live"),
    "live.css": partial(resource, "live.css", "hpstudy.live"),
}
"""Functions that return the scripts and style sheets."""

MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}

SUMMARY = "summary"
"""Name of the part that the page of all studies shows."""


class Live:
    """The application, its feeds, and the threads that read databases."""

    def __init__(self, databases: Sequence[Path], token: str) -> None:
        """Serve pages about `databases` to clients that have `token`. Reads nothing yet."""
        # One thread draws all charts, because matplotlib's settings are global.
        self._quick, slow = ThreadPoolExecutor(1, "progress"), ThreadPoolExecutor(1, "charts")
        self._feeds = [
            Feed(path, progress=Tier(progress.read, self._quick), charts=Tier(charts.read, slow)) for path in databases
        ]
        self._closing = False
        self._streams: set[asyncio.Event] = set()
        routes = [
            Route("/", self._overview),
            Route("/events", self._overview_events),
            Route("/part/summary-{study:int}", self._summary),
            Route("/static/{name}", self._static),
            Route("/{study:int}/", self._study),
            Route("/{study:int}/events", self._study_events),
            Route("/{study:int}/part/{name}", self._part),
            Route("/{study:int}/trial", self._trial),
        ]
        app = Starlette(
            routes=[Mount("/{token}", routes=routes)], middleware=[Middleware(GZipMiddleware, compresslevel=COMPRESSION)]
        )
        self.app = Guard(app, token)

    def close(self) -> None:
        """End all event streams."""
        self._closing = True
        for stream in self._streams:
            stream.set()

    async def _overview(self, request: Request) -> Response:
        if len(self._feeds) == 1:
            return RedirectResponse("0/")
        return _page("overview.html", names=[feed.path.stem for feed in self._feeds])

    async def _study(self, request: Request) -> Response:
        feed = self._feed(request)
        name, question, views = await asyncio.get_running_loop().run_in_executor(self._quick, _heading, feed.path)
        study = {"name": name, "question": question, "views": views, "database": str(feed.path)}
        return _page("study.html", **study, several=len(self._feeds) > 1)

    async def _overview_events(self, request: Request) -> Response:
        def parts() -> Mapping[str, Part]:
            summaries = {f"summary-{number}": _summary(feed) for number, feed in enumerate(self._feeds)}
            return {name: part for name, part in summaries.items() if part is not None}

        return self._stream(self._feeds, ("progress",), parts)

    async def _study_events(self, request: Request) -> Response:
        feed = self._feed(request)

        def parts() -> Mapping[str, Part]:
            return {name: part for name, part in feed.parts.items() if name != SUMMARY}

        return self._stream([feed], ("progress", "charts"), parts)

    def _stream(self, feeds: Sequence[Feed], tiers: Sequence[str], parts: Callable[[], Mapping[str, Part]]) -> Response:
        """Return a stream of server-sent events. Each event has the digests of all parts by name."""

        async def events() -> AsyncIterator[str]:
            changed = asyncio.Event()
            with ExitStack() as subscriptions:
                self._streams.add(changed)
                subscriptions.callback(self._streams.discard, changed)
                for feed in feeds:
                    subscriptions.enter_context(feed.subscribed(changed, tiers))
                while not self._closing:
                    changed.clear()
                    yield f"data: {json.dumps({name: part.digest for name, part in parts().items()})}\n\n"
                    with suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), KEEPALIVE_S)

        return StreamingResponse(events(), media_type="text/event-stream")

    async def _summary(self, request: Request) -> Response:
        return _json(_summary(self._feed(request)))

    async def _part(self, request: Request) -> Response:
        return _json(self._feed(request).parts.get(request.path_params["name"]))

    async def _trial(self, request: Request) -> Response:
        feed, query = self._feed(request), request.query_params
        try:
            key, number = SearchKey(query["view"], _count(query["replicate"])), _count(query["number"])
        except (KeyError, ValueError):
            raise HTTPException(400, "give view, replicate and number") from None
        return _json(await asyncio.get_running_loop().run_in_executor(self._quick, _trial, feed.path, key, number))

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            raise HTTPException(404)
        return Response(STATIC[name](), media_type=MEDIA_TYPES[PurePath(name).suffix])

    def _feed(self, request: Request) -> Feed:
        number: int = request.path_params["study"]
        if number >= len(self._feeds):
            raise HTTPException(404)
        return self._feeds[number]


def _summary(feed: Feed) -> Part | None:
    """Return the progress of a study in one line, or the problem of its database; None before the first reading."""
    return feed.parts.get(PROBLEM) or feed.parts.get(SUMMARY)


def _heading(path: Path) -> tuple[str, str, tuple[str, ...]]:
    """Return the name and the question of a study, and its arms; the name of the file if the database cannot be read."""
    try:
        with Reader.open(path) as reader:
            return reader.study.name, reader.study.question, tuple(arms(reader.study))
    except HpstudyError:
        return path.stem, "", ()


def _trial(path: Path, key: SearchKey, number: int) -> Part:
    """Return the part of a trial, or a message if it cannot be read."""
    try:
        return trial.read(path, key, number)
    except HpstudyError as error:
        return Part.of({"html": PARTS.warning(error.message)})


def _count(digits: str) -> int:
    """Convert the number of a replicate or trial. Raises ValueError if a database cannot contain it."""
    number = int(digits)
    if not 0 <= number < 2**63:
        raise ValueError(digits)
    return number


def _page(template: str, **values: Any) -> Response:
    return HTMLResponse(PAGES.get_template(template).render(values))


def _json(part: Part | None) -> Response:
    if part is None:
        raise HTTPException(404)
    return Response(part.body, media_type="application/json")
