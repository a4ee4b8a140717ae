"""Import of torchaudio with a torch that was built without CUDA.

The torchaudio wheel on PyPI has a native extension that is linked against CUDA, so that `import torchaudio` fails if torch was built
without CUDA. The transforms are pure Python and do not need the extension. In this case only, the module `torchaudio._extension` is
replaced by a stand-in that reports what the module itself reports without an extension: not available.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


def import_transforms() -> ModuleType:
    """Return the module `torchaudio.transforms`."""
    import torch

    if torch.version.cuda is None and "torchaudio" not in sys.modules:
        stand_in: Any = ModuleType("torchaudio._extension")
        stand_in._IS_TORCHAUDIO_EXT_AVAILABLE = False
        stand_in._IS_ALIGN_AVAILABLE = False
        stand_in.fail_if_no_align = _unchanged
        sys.modules.setdefault("torchaudio._extension", stand_in)
    return import_module("torchaudio.transforms")


def _unchanged(function: Callable[..., Any]) -> Callable[..., Any]:
    return function
