"""Study templates: a study file and its code, to be edited. Their files are in the folder `templates` next to the shipped studies."""

from __future__ import annotations

from pathlib import Path

from hpstudy.drafts import write_new
from hpstudy.errors import UsageError, nearest

TEMPLATES = ("function", "script", "optuna", "bnn")
"""Names of the templates, which are those of their folders."""


def write_template(name: str, folder: Path) -> list[Path]:
    """Write the files of a template into `folder`, which is created if needed. Overwrites nothing: see `write_new`.

    Returns:
        The files that did not exist.

    Raises:
        UsageError: there is no such template, or a file with different content exists.
        OutputError: the folder cannot be written.
    """
    if name not in TEMPLATES:
        raise UsageError(f"no template is called '{name}': {nearest(name, TEMPLATES)}")
    from hpstudy.study.shipped import SUFFIXES, shipped_root

    files = sorted(file for file in (shipped_root() / "templates" / name).iterdir() if file.suffix in SUFFIXES)
    return write_new({folder / file.name: file.read_bytes() for file in files})
