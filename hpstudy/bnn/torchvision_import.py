"""Import of torchvision with a torch that was built without CUDA.

The torchvision wheel on PyPI has a native extension that is linked against CUDA and is skipped if torch was built without CUDA.
`import torchvision` then fails at one module, which describes the operators of the extension for torch.compile. Classification networks do
not use them. In this case only, that module is replaced by an empty stand-in.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from hpstudy.errors import DataError


def import_models() -> ModuleType:
    """Return the module `torchvision.models`.

    Raises:
        DataError: torchvision is not installed, or is not compatible with the installed torch.
    """
    import torch

    if torch.version.cuda is None and "torchvision" not in sys.modules:
        sys.modules.setdefault("torchvision._meta_registrations", ModuleType("torchvision._meta_registrations"))
    try:
        return import_module("torchvision.models")
    except (ImportError, OSError, RuntimeError) as error:  # the last two: a wheel for another version of torch
        raise DataError(
            f"the teacher is a network of torchvision, but torchvision cannot be imported: {error}",
            'pip install "hpstudy[imagenet]", with a torchvision that is compatible with your torch',
        ) from error
