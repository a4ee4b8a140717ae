"""What the live page of a study costs: seconds of a refresh, and bytes that a browser receives.

    OMP_NUM_THREADS=1 python benchmarks/live.py

For synthetic studies of 1,000 and 100,000 trials in two views, half of each search done: CPU seconds of the two tiers of a refresh (the
progress; the answer, charts and failures), the bytes of all parts of the page, compressed as they are sent, and the bytes of the parts
that differ after one more trial. Where there is Chromium also seconds of wall time: from opening a page whose parts the server has read
until all is drawn, and to draw all figures again.
"""

from __future__ import annotations

import gzip
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from hpstudy.live import charts, progress
from hpstudy.live.app import COMPRESSION
from hpstudy.live.feed import Part, Reading
from hpstudy.store import EndedTrial, NewTrial, Reader, Store
from hpstudy.study.plan import SearchKey
from hpstudy.tasks.outcome import Outcome
from tests.support.browser import Browser, chromium
from tests.support.databases import example_study, synthetic_database
from tests.support.live import live_page

SIZES = {1_000: (20, 50), 100_000: (500, 200)}
"""Replicates and trials of studies of which half the trials are done, by the number of trials that are done."""

ROUNDS = 3
"""Refreshes that are timed; the fastest counts."""


def seconds(read: Callable[[Path], Reading], path: Path) -> tuple[float, Mapping[str, Part]]:
    """CPU seconds of a refresh, and its parts."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        parts = read(path).parts
        best = min(best, time.process_time() - started)
    return best, parts


def sent(parts: Mapping[str, Part]) -> int:
    """Bytes of parts as they are sent."""
    return sum(len(gzip.compress(part.body, COMPRESSION)) for part in parts.values())


def one_more(path: Path) -> None:
    """End another trial."""
    with Store.open(path) as store, Reader.open(path) as reader:
        key = SearchKey("filter", 0)
        number, point = len(reader.history(key)), store.study.views["filter"].space.default()
        store.start_trials([NewTrial(key, number, point)])
        store.finish_trials([EndedTrial(key, number, Outcome("completed", {"accuracy": 0.5}, duration_s=1.0), 0.5)])


DRAWN = "document.querySelectorAll('figure.drawn').length === 3 && !!document.querySelector('#answer .answer')"

REDRAW = """(async () => {
  const start = performance.now();
  for (const place of document.querySelectorAll(".js-plotly-plot")) {
    await Plotly.react(place, structuredClone(place.data), place.layout);
  }
  return (performance.now() - start) / 1000;
})()"""


def drawn(path: Path, folder: Path) -> list[str]:
    """Seconds to open the page, and to draw its figures again; nothing without Chromium."""
    if chromium() is None:
        return []
    with live_page(path) as address, Browser(folder) as browser:
        browser.open(address)
        browser.wait(DRAWN)
        started = time.perf_counter()
        browser.open(address)
        browser.wait(DRAWN)
        opened = time.perf_counter() - started
        return [f"{opened:.1f}", f"{browser.run(REDRAW):.2f}"]


def main() -> None:
    def row(*cells: str) -> None:
        print("".join(f"{cell:>20}" for cell in cells), flush=True)

    row("trials", "progress, s", "charts, s", "page, KB", "one more trial, KB", "open, s", "redraw, s")
    with tempfile.TemporaryDirectory() as folder:
        for trials, (replicates, planned) in SIZES.items():
            study = example_study(trials=planned, replicates=replicates)
            path = synthetic_database(Path(folder) / f"{trials}.sqlite", study, complete=0.5, diverged=0.02)
            (quick, first), (slow, second) = seconds(progress.read, path), seconds(charts.read, path)
            before = {**first, **second}
            one_more(path)
            after = {**progress.read(path).parts, **charts.read(path).parts}
            changed = {name: part for name, part in after.items() if before.get(name) != part}
            kilobytes = (f"{sent(parts) / 1e3:.0f}" for parts in (before, changed))
            row(f"{trials:,}", f"{quick:.2f}", f"{slow:.2f}", *kilobytes, *drawn(path, Path(folder) / f"browser-{trials}"))


if __name__ == "__main__":
    main()
