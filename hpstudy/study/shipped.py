"""The studies and blocks that are shipped with hpstudy."""

from __future__ import annotations

from pathlib import Path

from hpstudy.arguments import checked
from hpstudy.drafts import write_new
from hpstudy.errors import StudyError, UsageError
from hpstudy.study.yaml import parse

FOLDERS = ("studies", "configs")
SUFFIXES = (".yaml", ".py")
"""Files to copy: study files, blocks, and the functions next to them, but no outputs of runs."""


def shipped_root() -> Path:
    """The folder with `studies`, `configs` and `templates`: in an installed package, or the root of a checkout.

    Raises:
        UsageError: they are missing in this installation.
    """
    package = Path(__file__).parents[1]
    for root in (package / "shipped", package.parent):
        if all((root / folder).is_dir() for folder in FOLDERS):
            return root
    raise UsageError("this installation of hpstudy has no studies and configs", "install it again from a wheel or a checkout")


def shipped_files() -> list[Path]:
    """The shipped files, relative to `shipped_root`."""
    root = shipped_root()
    files = (file for folder in FOLDERS for file in (root / folder).rglob("*") if file.suffix in SUFFIXES)
    return sorted(file.relative_to(root) for file in files if "__pycache__" not in file.parts)


def shipped_studies() -> list[tuple[Path, str]]:
    """(path relative to `shipped_root`, question) of every shipped study."""
    return [(file, _question(file)) for file in shipped_files() if file.parts[0] == "studies" and file.suffix == ".yaml"]


def _question(file: Path) -> str:
    try:
        tree = parse(shipped_root() / file, file, [])
    except StudyError:
        return ""
    question = tree.value.get("question") if tree is not None and isinstance(tree.value, dict) else None
    return str(question.value) if question is not None else ""


@checked
def copy_shipped(folder: str | Path) -> list[Path]:
    """Copy the shipped studies and configs into `folder`, which is created if needed. Overwrites nothing: see `write_new`.

    Returns:
        The paths of all shipped files in `folder`.
    """
    root = shipped_root()
    contents = {Path(folder) / file: (root / file).read_bytes() for file in shipped_files()}
    write_new(contents)
    return list(contents)
