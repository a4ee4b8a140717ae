"""Trials and curves as files for other programs: CSV, Parquet, JSON."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.drafts import drafted
from hpstudy.errors import StoreError, UsageError, nearest
from hpstudy.store.paths import check_output
from hpstudy.store.reader import Reader

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "parquet", "json")
"""What `export` can write."""

_INFINITIES = (math.inf, -math.inf)


def export(reader: Reader, format: str, output: str | Path | None, *, curves: bool = False, force: bool = False) -> str | None:
    """Write all trials, or all curves, to a file.

    Numbers are written exactly: every finite float comes back with the same bits. NaN and missing values are empty in CSV and
    null in JSON; infinities are "inf" and "-inf" in both. The database itself keeps them apart. Where two views give one
    hyperparameter different types, its Parquet column holds JSON text.

    Args:
        reader: the database.
        format: csv, parquet or json (a list of records).
        output: the file, which appears complete or not at all; None returns the text instead.
        curves: one row per trial, metric and epoch instead of one row per trial.
        force: replace a file that exists.

    Returns:
        The text when `output` is None; else None.

    Raises:
        UsageError: for an unknown format, Parquet without a file, or a file that exists.
        StoreError: when the file cannot be written.
    """
    if format not in FORMATS:
        raise UsageError(f"no export format is called '{format}': {nearest(format, FORMATS)}")
    if output is None and format == "parquet":
        raise UsageError("Parquet is a binary format and needs a file", "give one with --output")
    path = Path(output) if output is not None else None
    if path is not None:
        check_output(path, force=force)
    with reader.snapshot():
        reader.warn_of_broken_seals()
        frame = reader.curves() if curves else reader.trials()
    if path is None:
        return _text(frame, format)
    if format == "parquet":
        table = _single_typed(frame)
        _write(path, lambda draft: table.to_parquet(draft, index=False))
    else:
        text = _text(frame, format)
        _write(path, lambda draft: draft.write_text(text, encoding="utf-8", newline=""))
    return None


def _text(frame: pd.DataFrame, format: str) -> str:
    if format == "csv":
        buffer = io.StringIO()
        frame.to_csv(buffer, index=False, lineterminator="\n")
        return buffer.getvalue()
    # Strict JSON knows no NaN and no infinity.
    records = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    lines = (
        json.dumps({name: str(value) if value in _INFINITIES else value for name, value in record.items()}, allow_nan=False)
        for record in records
    )
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _single_typed(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with columns of mixed types as JSON text: a column of a Parquet file has one type."""
    mixed = {
        str(name): column.map(json.dumps, na_action="ignore")
        for name, column in frame.items()
        if column.dtype == object and len({type(value) for value in column if value is not None}) > 1
    }
    return frame.assign(**mixed)


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make the file under a temporary name, then give it its own."""
    try:
        with drafted(path) as draft:
            write(draft)
            draft.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}", "choose another --output") from error
