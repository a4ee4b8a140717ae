"""Import of a study's modules from the folder of its study file, and checksums of their files."""

from hpstudy.modules.path import (
    StudyModules,
    current_digest,
    digest_of,
    forget_changed_modules,
    loaded_sources,
    module_file,
    module_folder,
    module_path,
    passed_over,
    path_in_study,
    search_path,
    study_folder,
)

__all__ = [
    "StudyModules",
    "current_digest",
    "digest_of",
    "forget_changed_modules",
    "loaded_sources",
    "module_file",
    "module_folder",
    "module_path",
    "passed_over",
    "path_in_study",
    "search_path",
    "study_folder",
]
