"""Seeds come from names, never from the order in which things happen.

`derive_seed(root, *names)` is the only source of randomness in a study: two processes that ask for the same name get the
same seed, whoever asks first. This is the only module that seeds a process-wide generator.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def derive_seed(root: int, *names: str | int) -> int:
    """A 63-bit seed for the stream called `names` under `root`.

    SHA-256 of the JSON list, so ("a", 1) and ("a1",) differ, and 0 is a seed like any other.

    Args:
        root: the study's seed, or a seed derived before.
        names: what the stream is for, for instance ("train", replicate, number).

    Returns:
        An integer in [0, 2**63).

    >>> derive_seed(0, "train", 0, 0) == derive_seed(0, "train", 0, 0)
    True
    >>> derive_seed(0, "train", 0, 1) == derive_seed(0, "train", 0, 0)
    False
    """
    digest = hashlib.sha256(json.dumps([root, *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def seed_process(seed: int) -> None:
    """Seed this process's global generators (random, numpy, and torch: now, or when it is imported).

    For a user's own function, which may draw from them; hpstudy's own code draws only from generators it is given.
    """
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)
    _SeedsTorch.forget()
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(seed)
    else:
        sys.meta_path.insert(0, _SeedsTorch(seed))


class _SeedsTorch(MetaPathFinder):
    """Seeds torch as soon as it is imported.

    A function may import torch only when it is called. Without this its first call in every process would draw from torch's
    default seed, and which trial is the first of its process depends on who was free.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    @staticmethod
    def forget() -> None:
        """Take back what an earlier seed asked for."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _SeedsTorch)]

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Torch's own spec, whose loader seeds once it has loaded; None for every other module."""
        if fullname != "torch":
            return None
        self.forget()
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_seed(module: ModuleType) -> None:
            load(module)
            module.manual_seed(self.seed)

        spec.loader.exec_module = load_and_seed  # type: ignore[method-assign]
        return spec


@contextmanager
def seeded_block(seed: int) -> Iterator[None]:
    """Run a block under freshly seeded global generators (random, numpy, torch on the CPU), then put them back as they were.

    For libraries that draw from them. Generators of accelerators are neither touched nor started.
    """
    import numpy as np

    torch = sys.modules.get("torch")
    before = random.getstate(), np.random.get_state(), torch.get_rng_state() if torch else None
    try:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        if torch:
            torch.default_generator.manual_seed(seed)
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        if torch:
            torch.set_rng_state(before[2])
