"""Bundles: a study as one zip file with everything that is needed to check its results, for the archive of a paper.

| file | contents |
|---|---|
| NAME.sqlite | a copy of the database |
| study.json | the study with all defaults, as it ran |
| code/ | the user's files that ran, if they have not changed |
| environments.json | machine and library versions of every session |
| report/ | the PDF, the JSON file and the CSV files |
| ro-crate-metadata.json | a description in JSON-LD (RO-Crate 1.1, https://w3id.org/ro/crate/1.1) |
| SHA256SUMS | checksums; `sha256sum -c SHA256SUMS` verifies them |
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os.path import exists
from pathlib import Path, PurePosixPath

from hpstudy.arguments import checked
from hpstudy.drafts import output_file, write_new
from hpstudy.errors import StoreError, UsageError
from hpstudy.modules import digest_of
from hpstudy.sources import FUNCTION, SOURCE, source_file
from hpstudy.store import Reader
from hpstudy.store.paths import check_output
from hpstudy.study.schema import MAIN, PICKLED

SUMS = "SHA256SUMS"
CRATE = "ro-crate-metadata.json"
CODE = "code"

NO_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of all files in the zip file, so that the same study gives the same bytes."""

FORMS = {
    ".sqlite": "application/vnd.sqlite3",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".csv": "text/csv",
    ".py": "text/x-python",
}
"""Media types by suffix."""


@dataclass(frozen=True)
class Bundle:
    """A written bundle.

    Attributes:
        path: the zip file.
        files: names of the files in it.
        missing: the user's files that ran but are not in it, because they have changed, do not exist, or are outside the study's folder.
    """

    path: Path
    files: tuple[str, ...]
    missing: tuple[str, ...]

    def __repr__(self) -> str:
        missing = f", without {', '.join(self.missing)}" if self.missing else ""
        return f"<Bundle {self.path}: {len(self.files)} files{missing}>"


def write_bundle(reader: Reader, output: str | Path, report: Path, *, force: bool = False) -> Bundle:
    """Write the bundle of a study.

    Args:
        reader: the database.
        output: the zip file.
        report: a folder with the report, which is added to the bundle.
        force: replace an existing file.

    Raises:
        UsageError: the file exists.
        OutputError: the file cannot be written.
        StoreError: the database cannot be read.
    """
    output = Path(output).absolute()
    check_output(output, force=force)
    with tempfile.TemporaryDirectory(prefix="hpstudy-bundle-") as folder:
        database = Path(folder) / f"{reader.study.name}.sqlite"
        reader.copy_to(database)
        code, missing = _code(reader)
        contents: dict[str, bytes] = {
            database.name: database.read_bytes(),
            "study.json": reader.study.to_json().encode(),
            "environments.json": _json([environment.detail for environment in reader.environments()]),
            **code,
            **{f"report/{path.relative_to(report).as_posix()}": path.read_bytes() for path in _files(report)},
        }
    contents[CRATE] = _json(crate(reader, contents))
    contents[SUMS] = "".join(f"{_sha256(content)}  {name}\n" for name, content in contents.items()).encode()
    with output_file(output) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, NO_DATE), content, zipfile.ZIP_DEFLATED)
    return Bundle(output, tuple(contents), missing)


@checked
def open_bundle(bundle: str | Path, folder: str | Path | None = None) -> Path:
    """Verify a bundle's checksums and unpack it; returns the database, which all functions take.

    Args:
        bundle: a zip file of `hpstudy.bundle`.
        folder: a new or empty folder. When None, the name of the bundle without its suffix.

    Raises:
        StoreError: the file is not a bundle, or a checksum is wrong.
        UsageError: the folder is not empty.
        OutputError: the folder cannot be written.
    """
    bundle, folder = Path(bundle), Path(folder or Path(bundle).with_suffix(""))
    contents = _verified(bundle)
    if exists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder", "choose another folder")
    write_new({folder / name: content for name, content in contents.items()})
    (database,) = (name for name in contents if name.endswith(".sqlite") and "/" not in name)
    return folder / database


def code_folder(database: Path) -> str | None:
    """Return the folder of the code if a database is that of an opened bundle, None otherwise."""
    folder = database.absolute().parent
    return str(folder / CODE) if (folder / CRATE).is_file() and (folder / CODE).is_dir() else None


def crate(reader: Reader, contents: Mapping[str, bytes]) -> dict[str, object]:
    """Return the description of a bundle, an RO-Crate in JSON-LD.

    Args:
        reader: the database.
        contents: the files of the bundle, by name.
    """
    study = reader.study
    files = [
        {
            "@id": name,
            "@type": "File",
            "encodingFormat": FORMS.get(PurePosixPath(name).suffix, "text/plain"),
            "contentSize": str(len(content)),
            "sha256": _sha256(content),
        }
        for name, content in contents.items()
    ]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Hyperparameter-tuning study {study.name}",
        "description": study.question or f"A comparison of {', '.join(study.views)} on the task {study.task.title}.",
        "datePublished": reader.created_at[:10],
        "identifier": reader.content_digest(),
        "hasPart": [{"@id": name} for name in contents],
    }
    about = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [about, root, *files]}


def _code(reader: Reader) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the user's files as last accepted, and the names of those that have changed, are missing, or are outside the folder."""
    files: dict[str, bytes] = {}
    missing = []
    if (task := reader.study.task).is_pickled:
        files[f"{CODE}/{MAIN.rstrip(':')}/{task.title}.py"] = task.settings[PICKLED]["source"].encode()
    folder = Path(code_folder(reader.path) or reader.module_path or ".")
    for key, digest in sorted(reader.accepted_identity().items()):
        if not key.startswith(SOURCE) or key.startswith(FUNCTION):
            continue
        name = source_file(key)
        path = folder / name if name and not _is_outside(name) else None
        if path is not None and digest_of(path) == digest:
            files[f"{CODE}/{name}"] = path.read_bytes()
        else:
            missing.append(key.removeprefix(SOURCE))
    return files, tuple(missing)


def _verified(bundle: Path) -> dict[str, bytes]:
    """Read the files of a bundle. Raises StoreError if a checksum is wrong."""
    try:
        with zipfile.ZipFile(bundle) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"{bundle} cannot be read as a zip file: {reason}", "give a file of `hpstudy bundle`") from error
    lines = contents.get(SUMS, b"").decode(errors="replace").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if not any(name.endswith(".sqlite") for name in sums):
        raise StoreError(
            f"{bundle} is not a bundle of a study: it has no {SUMS} with a database", "give a file of `hpstudy bundle`"
        )
    if wrong := [name for name in {*sums, *contents} - {SUMS} if _sha256(contents.get(name, b"")) != sums.get(name)]:
        raise StoreError(f"{bundle} is damaged: the checksum of {sorted(wrong)[0]} is wrong", "get the file again")
    if outside := [name for name in contents if _is_outside(name)]:
        raise StoreError(f"{bundle} has the file {outside[0]}, which is outside its folder", "do not use this file")
    return contents


def _is_outside(name: str) -> bool:
    """Return whether a relative path leaves its folder."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
