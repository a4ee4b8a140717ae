"""Import of a study's modules from the folder of its study file, and checksums of their files."""

from hpstudy.modules.finder import holds_packages
from hpstudy.modules.imports import imported_by, imported_files
from hpstudy.modules.lookup import check_imported, function_folder, module_file, module_folder
from hpstudy.modules.path import (
    current_digest,
    forget_changed_modules,
    loaded_modules,
    loaded_sources,
    module_path,
    passed_over,
    path_in_study,
    search_path,
    study_folder,
)
from hpstudy.modules.study_modules import StudyModules, digest_of

__all__ = [
    "StudyModules",
    "check_imported",
    "current_digest",
    "digest_of",
    "forget_changed_modules",
    "function_folder",
    "holds_packages",
    "imported_by",
    "imported_files",
    "loaded_modules",
    "loaded_sources",
    "module_file",
    "module_folder",
    "module_path",
    "passed_over",
    "path_in_study",
    "search_path",
    "study_folder",
]
