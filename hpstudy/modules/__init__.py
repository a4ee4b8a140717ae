"""The modules of a study: how they are found in the folder of its study file."""

from hpstudy.modules.path import module_folder, module_path

__all__ = ["module_folder", "module_path"]
