"""Recordings on the CPU. As a CUDA graph, a tape repeats operations on the same memory with the same Python numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def tensors(value: object) -> list[Tensor]:
    """All tensors of nested lists, tuples and dictionaries."""
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


class Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]  # untyped in torch
    """Records the operations of a block. All memory that they use is as before after it, because a graph is recorded without a run."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in torch
        self._operations: list[tuple[Any, Any, Any, Any]] = []
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, and record it."""
        kwargs = kwargs or {}
        if operation is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("a recording cannot wait for the device")
        for tensor in tensors((args, kwargs)):  # schemas do not tell of all arguments that they are written
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in self._before:
                self._before[storage.data_ptr()] = storage, storage.clone()  # type: ignore[no-untyped-call]  # untyped in torch
        out = operation(*args, **kwargs)
        self._operations.append((operation, args, kwargs, out))
        return out

    def __exit__(self, *error: Any) -> None:
        """Restore the memory."""
        super().__exit__(*error)  # type: ignore[no-untyped-call]  # untyped in torch
        for storage, before in self._before.values():
            storage.copy_(before)

    @torch.no_grad()
    def repeat(self) -> None:
        """Run the operations again. Their results are in the same tensors."""
        for operation, args, kwargs, out in self._operations:
            again = operation(*args, **kwargs)
            for old, new in zip(tensors(out), tensors(again), strict=True):
                if old.untyped_storage().data_ptr() != new.untyped_storage().data_ptr():
                    old.copy_(new)


class TapeRecording:
    """As `hpstudy.bnn.recording.Recording`, on the CPU."""

    def __init__(self, tape: Tape, results: Any) -> None:
        self._tape = tape
        self._results = results

    def replay(self) -> Any:
        """Run the operations, and return their results."""
        self._tape.repeat()
        return self._results


def record_on_tape(call: Callable[[], Any]) -> TapeRecording:
    """As `hpstudy.bnn.recording.record`, on the CPU."""
    with Tape() as tape:
        results = call()
    return TapeRecording(tape, results)
