"""The files of a report, and the files that a report may overwrite.

A report consists of one or more of NAME.pdf, NAME.html and NAME.tex, the file NAME.json, and the folder NAME/ with CSV files and the
figures of NAME.tex. The JSON file identifies the study. A new report replaces files only if the JSON file is of the same study. Other
files are kept unless `force`.

The JSON file lists the files that show its numbers. A report in one format keeps an earlier one in another format, and lists it while it
has the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from hpstudy.errors import OutputError, UsageError
from hpstudy.report.serial import FORMAT, text
from hpstudy.study.changes import changes
from hpstudy.study.schema import Study

DOCUMENTS = {"pdf": "pdf", "html": "html", "latex": "tex"}
"""The formats of a report, and their file endings."""


@dataclass(frozen=True)
class ReportPaths:
    """The paths of one report.

    Attributes:
        json: the JSON file.
        folder: the folder of the CSV files.
        named: the document given by the user; None if they gave a folder.
    """

    json: Path
    folder: Path
    named: Path | None

    @classmethod
    def at(cls, output: Path, name: str) -> ReportPaths:
        """The paths for `output`, which is a document if it has the ending of one, else the folder for the document and its other files."""
        named = output if form_of(output) else None
        stem = output.with_suffix("") if named else output / name
        return cls(stem.with_name(f"{stem.name}.json"), stem, named)

    def document(self, form: str) -> Path:
        """The path of the report in one of the `DOCUMENTS` formats."""
        if self.named is not None and form_of(self.named) == form:
            return self.named
        return self.folder.with_name(f"{self.folder.name}.{DOCUMENTS[form]}")


def form_of(output: Path) -> str | None:
    """The format given by a file ending; None for a folder."""
    ending = output.suffix.lower().removeprefix(".")
    return next((form for form, known in DOCUMENTS.items() if known == ending), None)


@dataclass(frozen=True)
class Earlier:
    """An earlier report of the same study at the same place.

    Attributes:
        paths: paths of the report.
        body: content of its JSON file; empty if there is no such report.
    """

    paths: ReportPaths
    body: Mapping[str, object]

    def tables(self) -> list[Path]:
        """Its CSV files, which are removed if the new report does not replace them."""
        return [path for path in self._files() if path.parent == self.paths.folder and path.suffix == ".csv"]

    def documents(self, body: Mapping[str, object]) -> list[Path]:
        """Its existing documents that show the same numbers as `body`, with the figures of NAME.tex."""
        if not self.body:
            return []
        old, new = ({key: value for key, value in each.items() if key != "files"} for each in (self.body, body))
        if old != json.loads(text(new)):
            return []
        documents = [self.paths.document(form) for form in DOCUMENTS]
        kept = [path for path in self._files() if path in documents and path.exists()]
        if self.paths.document("latex") in kept:
            kept += [path for path in self._files() if path.parent == self.paths.folder and path.suffix != ".csv"]
        return kept

    def _files(self) -> list[Path]:
        names = self.body.get("files")
        return [self.paths.json.parent / str(name) for name in names] if isinstance(names, list) else []


def outdated(written: Iterable[Path]) -> list[Path]:
    """Documents of earlier reports, in other formats than the one just written, that do not show its numbers.

    Args:
        written: the files of a report, its JSON file among them.
    """
    path = next(path for path in written if path.suffix == ".json")
    listed = (_read(path) or {}).get("files")
    documents = [path.with_suffix(f".{ending}") for ending in DOCUMENTS.values()]
    return [each for each in documents if each.exists() and not (isinstance(listed, list) and each.name in listed)]


def claim(paths: ReportPaths, body: Mapping[str, object], *, force: bool) -> Earlier:
    """Check that a report may be written.

    Args:
        paths: paths of the report.
        body: content of its JSON file.
        force: overwrite existing files.

    Returns:
        The earlier report of this study at the same path.

    Raises:
        UsageError: a file of that name exists and is not from an earlier report of the same study.
        OutputError: the folder may not be read, or the name is too long.
    """
    old = _read(paths.json)
    ours = old is not None and _of_one_study(old, body)
    documents = (paths.document(form) for form in DOCUMENTS)
    try:
        in_the_way = [path for path in (*documents, paths.json, paths.folder) if path.exists()]
    except OSError as error:  # a folder that may not be read, or a name that is too long
        raise OutputError(f"{paths.json} cannot be written: {error.strerror}", "choose another --output") from error
    if in_the_way and not ours and not force:
        whose = "not a report of this study"
        if old is not None and old.get("study") == body["study"]:
            whose = "the report of a study of this name with other settings"
        elif old is not None:
            whose = f"the report of another study ({old.get('study')})"
        raise UsageError(f"{in_the_way[0]} exists and is {whose}", "choose another --output, or overwrite it with --force")
    return Earlier(paths, old if ours and old is not None else {})


def _of_one_study(old: Mapping[str, object], new: Mapping[str, object]) -> bool:
    """Whether two reports are of the same study, whose time limit of a trial may have changed (`hpstudy.study.changes`)."""
    if old.get("study") != new["study"]:
        return False
    if old.get("fingerprint") == new["fingerprint"]:
        return True
    try:
        before, after = (Study.model_validate(body.get("definition")) for body in (old, new))
    except ValidationError:  # a joint report, or a report of an earlier version
        return False
    return not changes(before, after)


def _read(path: Path) -> dict[str, object] | None:
    """The JSON content of an earlier report; None without one."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return body if isinstance(body, dict) and body.get("format") == FORMAT else None
