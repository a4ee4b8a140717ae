"""The modules of a study: how they are found in the folder of its study file, and the checksums of their files."""

from hpstudy.modules.path import (
    StudyModules,
    forget_changed_modules,
    loaded_sources,
    module_folder,
    module_path,
    passed_over,
    search_path,
)

__all__ = [
    "StudyModules",
    "forget_changed_modules",
    "loaded_sources",
    "module_folder",
    "module_path",
    "passed_over",
    "search_path",
]
