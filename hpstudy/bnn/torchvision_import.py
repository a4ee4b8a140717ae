"""torchvision beside a torch without CUDA.

The torchvision wheel of PyPI has a native extension that links CUDA and is passed over where torch has no CUDA. `import torchvision`
then fails at one module, which describes the extension's operators to torch.compile. Its classification networks use none of them. So
there, and only there, an empty stand-in takes the place of that module.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from hpstudy.errors import DataError


def import_models() -> ModuleType:
    """The module `torchvision.models`.

    Raises:
        DataError: torchvision is not installed, or does not go with the installed torch.
    """
    import torch

    if torch.version.cuda is None and "torchvision" not in sys.modules:
        sys.modules.setdefault("torchvision._meta_registrations", ModuleType("torchvision._meta_registrations"))
    try:
        return import_module("torchvision.models")
    except (ImportError, OSError, RuntimeError) as error:  # the last two: a wheel for another torch
        raise DataError(
            f"a teacher by its name is one of torchvision's networks, and torchvision cannot be imported: {error}",
            'pip install "hpstudy[imagenet]", in the version that goes with your torch',
        ) from error
