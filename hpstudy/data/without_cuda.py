"""Import of torchaudio and torchvision with a torch that was built without CUDA.

Their wheels on PyPI have a native extension that is linked against CUDA, so that one of their modules cannot be imported if torch was built
without CUDA. What hpstudy uses of them (transforms, classification networks) does not need the extension. In this case only, the module
that fails is replaced by a stand-in.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType


def import_without_cuda(name: str, extension: str, **attributes: object) -> ModuleType:
    """Import a module of torchaudio or torchvision.

    Args:
        name: full name of the module.
        extension: full name of the module that needs the native extension.
        attributes: attributes of its stand-in, with the values that it reports if there is no extension.
    """
    import torch

    package = name.partition(".")[0]
    if torch.version.cuda is None and package not in sys.modules:
        stand_in = ModuleType(extension)
        vars(stand_in).update(attributes)
        sys.modules.setdefault(extension, stand_in)
    return import_module(name)
