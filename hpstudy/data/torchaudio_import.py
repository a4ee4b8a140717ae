"""torchaudio beside a torch without CUDA.

The torchaudio wheel of PyPI has a native extension that links CUDA, and `import torchaudio` fails where torch has no CUDA. Its
transforms are plain Python on torch and need no extension. So there, and only there, a stand-in takes the place of the module
`torchaudio._extension` and says what that module itself says when no extension was built: not available.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


def import_transforms() -> ModuleType:
    """The module `torchaudio.transforms`."""
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
