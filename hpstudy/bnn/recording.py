"""Recording of the operations of a function on a CUDA device, to launch all of them at once.

https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
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


@cache
def _stream() -> torch.cuda.Stream:
    """Return the stream of all recordings. On each new stream, cuBLAS would get a workspace that torch never frees."""
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]  # untyped in torch


def warm_up(call: Callable[[], object]) -> None:
    """Call a function on the stream of recordings. Libraries choose kernels and allocate workspaces at their first call.

    The global generators are then as before.
    """
    stream = _stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.random.fork_rng([torch.cuda.current_device()]), torch.cuda.stream(stream):
        call()
    torch.cuda.current_stream().wait_stream(stream)


def record(call: Callable[[], T]) -> Recording[T]:
    """Record the operations that a function launches. They are not run; what the function does in Python is done.

    Args:
        call: the function. Its operations must have run before (`warm_up`).

    Raises:
        RuntimeError: the function waits for the device. torch raises it for all errors of a recording.
    """
    graph, stream = torch.cuda.CUDAGraph(), _stream()
    # The outer block restores the current stream, which torch.cuda.graph does not if the recording fails.
    with torch.cuda.stream(stream), torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        results = call()
    return Recording(graph, results)
