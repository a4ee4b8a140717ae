"""Seeds that are derived from names and do not depend on the order of execution.

`derive_seed(root, *names)` is the only source of randomness in a study: processes that use the same names get the same seed, independent
of their order. This is the only module that seeds process-wide generators.
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
    """Return a 63-bit seed for the stream `names` of the seed `root`.

    The seed is computed from the SHA-256 digest of the JSON list [root, *names]. ("a", 1) and ("a1",) are therefore different streams,
    and 0 has no special meaning.

    Args:
        root: the seed of the study, or a derived seed.
        names: name of the stream, for instance ("train", replicate, number).

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
    """Seed the global generators of this process: random, numpy and torch. If torch is not imported yet, it is seeded at its import.

    This is for user functions that use the global generators. hpstudy's own code uses only generators that it receives as arguments.
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
    """Import finder that seeds torch when it is imported.

    A user function can import torch when it is called. Without this class its first call in every process would use torch's default seed,
    and which trial is the first in a process depends on scheduling.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    @staticmethod
    def forget() -> None:
        """Remove the finder of an earlier seed."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _SeedsTorch)]

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return torch's spec with a loader that seeds torch after loading it; None for any other module."""
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
    """Seed the global generators (random, numpy, torch on the CPU) within the block, then restore their states.

    This is for libraries that use the global generators. Generators of accelerators are not changed or initialized.
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
