"""The pages and what they ask for, as an ASGI application. Every route only reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from hpstudy.errors import HpstudyError
from hpstudy.live import charts, page, progress, trial
from hpstudy.live.feed import PROBLEM, Feed, Part
from hpstudy.live.guard import Guard
from hpstudy.report.interactive import plotly_script, resource, text
from hpstudy.store import Reader
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey

KEEPALIVE_S = 15.0
"""Without news, how often a page hears from the server. Longer: proxies and SSH tunnels close a connection that looks idle."""

COMPRESSION = 4
"""Level of gzip. Higher: more time for few bytes less, most of them of plotly's script."""

SCRIPTS = "text/javascript"
STYLES = "text/css"

SUMMARY = "summary"
"""The part that the page of all studies shows."""


class Live:
    """The application, its feeds, and the threads that read databases."""

    def __init__(self, databases: Sequence[Path], token: str) -> None:
        """Serve pages about `databases` to those who know `token`. Reads nothing yet."""
        # One thread draws all charts: matplotlib's settings are those of the whole process.
        self._quick, self._slow = ThreadPoolExecutor(1, "progress"), ThreadPoolExecutor(1, "charts")
        tiers = {"progress": (progress.read, self._quick), "charts": (charts.read, self._slow)}
        self._feeds = [Feed(path, **tiers) for path in databases]
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
        """End the connections that wait for news."""
        self._closing = True
        for stream in self._streams:
            stream.set()

    async def _overview(self, request: Request) -> Response:
        if len(self._feeds) == 1:
            return RedirectResponse("0/")
        return HTMLResponse(page.overview_page([feed.path.stem for feed in self._feeds]))

    async def _study(self, request: Request) -> Response:
        feed = self._feed(request)
        name, question, views = await asyncio.get_running_loop().run_in_executor(self._quick, _about, feed.path)
        return HTMLResponse(page.study_page(name, str(feed.path), question, views, several=len(self._feeds) > 1))

    async def _overview_events(self, request: Request) -> Response:
        def parts() -> Mapping[str, Part]:
            known = {f"summary-{number}": _summary(feed) for number, feed in enumerate(self._feeds)}
            return {name: part for name, part in known.items() if part is not None}

        return StreamingResponse(self._news(self._feeds, ("progress",), parts), media_type="text/event-stream")

    async def _study_events(self, request: Request) -> Response:
        feed = self._feed(request)

        def parts() -> Mapping[str, Part]:
            return {name: part for name, part in feed.parts.items() if name != SUMMARY}

        news = self._news([feed], ("progress", "charts"), parts)
        return StreamingResponse(news, media_type="text/event-stream")

    async def _news(
        self, feeds: Sequence[Feed], tiers: Sequence[str], parts: Callable[[], Mapping[str, Part]]
    ) -> AsyncIterator[str]:
        """Server-sent events: the digest of every part, at once and whenever one of them has changed."""
        changed, sent = asyncio.Event(), dict[str, str]()
        with ExitStack() as followed:
            self._streams.add(changed)
            followed.callback(self._streams.discard, changed)
            for feed in feeds:
                followed.enter_context(feed.followed(changed, tiers))
            while not self._closing:
                changed.clear()
                digests = {name: part.digest for name, part in parts().items()}
                yield f"data: {json.dumps(digests)}\n\n" if digests != sent else ": nothing new\n\n"
                sent = digests
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), KEEPALIVE_S)

    async def _summary(self, request: Request) -> Response:
        return _json(_summary(self._feed(request)))

    async def _part(self, request: Request) -> Response:
        return _json(self._feed(request).parts.get(request.path_params["name"]))

    async def _trial(self, request: Request) -> Response:
        feed, asked = self._feed(request), request.query_params
        try:
            key, number = SearchKey(asked["view"], int(asked["replicate"])), int(asked["number"])
        except (KeyError, ValueError):
            raise HTTPException(400, "give view, replicate and number") from None
        return _json(await asyncio.get_running_loop().run_in_executor(self._quick, _trial, feed.path, key, number))

    async def _static(self, request: Request) -> Response:
        match request.path_params["name"]:
            case "plotly.js":
                return Response(plotly_script(), media_type=SCRIPTS)
            case "figures.js":
                return Response(resource("figures.js"), media_type=SCRIPTS)
            case "page.css":
                return Response(resource("page.css"), media_type=STYLES)
            case "live.js":
                return Response(page.script("live.js"), media_type=SCRIPTS)
            case "live.css":
                return Response(page.script("live.css"), media_type=STYLES)
        raise HTTPException(404)

    def _feed(self, request: Request) -> Feed:
        number: int = request.path_params["study"]
        if number >= len(self._feeds):
            raise HTTPException(404)
        return self._feeds[number]


def _summary(feed: Feed) -> Part | None:
    """The progress of a study in a line, or what is wrong with its database; None before the first look."""
    return feed.parts.get(PROBLEM) or feed.parts.get(SUMMARY)


def _about(path: Path) -> tuple[str, str, tuple[str, ...]]:
    """Name and question of a study, and its arms. Of a database that cannot be read only the file's name is known."""
    try:
        with Reader.open(path) as reader:
            return reader.study.name, reader.study.question, tuple(arms(reader.study))
    except HpstudyError:
        return path.stem, "", ()


def _trial(path: Path, key: SearchKey, number: int) -> Part:
    """The part of a trial, or one that says why there is none."""
    try:
        return trial.read(path, key, number)
    except HpstudyError as error:
        return Part.of({"html": f'<p class="warning">{text(error.message)}</p>'})


def _json(part: Part | None) -> Response:
    if part is None:
        raise HTTPException(404)
    return Response(part.body, media_type="application/json")
