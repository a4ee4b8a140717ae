"""Recording of the operations of a function on a CUDA device, to launch all of them at once.

https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import torch

T = TypeVar("T")


class Recording(Generic[T]):
    """Recorded operations. They read and write the same memory at every replay.

    Args:
        graph: the operations.
        results: what the function returned. A replay overwrites its tensors.
    """

    def __init__(self, graph: torch.cuda.CUDAGraph, results: T) -> None:
        self._graph = graph
        self._results = results

    def replay(self) -> T:
        """Run the operations, and return their results."""
        self._graph.replay()
        return self._results


def on_side_stream(call: Callable[[], object]) -> torch.cuda.Stream:
    """Call a function, whose operations run on a new stream, and return this stream."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # untyped in torch
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        call()
    torch.cuda.current_stream().wait_stream(stream)
    return stream


def record(call: Callable[[], T], stream: torch.cuda.Stream | None = None) -> Recording[T]:
    """Record the operations that a function launches. They are not run; what the function does in Python is done.

    Args:
        call: the function. The libraries that it calls must have run before, because they choose kernels at the first call.
        stream: stream of the recording.

    Raises:
        RuntimeError: the function waits for the device. torch raises it for all errors of a recording.
    """
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        results = call()
    return Recording(graph, results)
