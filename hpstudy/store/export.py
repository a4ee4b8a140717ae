"""Export of trials and curves to CSV, Parquet or JSON."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.drafts import output_file
from hpstudy.errors import UsageError, nearest
from hpstudy.store.paths import check_output
from hpstudy.store.reader import Reader

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "parquet", "json")
"""Formats of `export`."""

_INFINITIES = (math.inf, -math.inf)


def export(reader: Reader, format: str, output: str | Path | None, *, curves: bool = False, force: bool = False) -> str | None:
    """Export all trials or all curves.

    Numbers are written exactly: every finite float keeps its bits. NaN and missing values are empty in CSV and null in JSON,
    although the database distinguishes them. Infinities are "inf" and "-inf" in both. If views give one hyperparameter
    different types, its Parquet column holds JSON text.

    Args:
        reader: the database.
        format: csv, parquet or json (a list of records).
        output: the file, written atomically; None returns the text instead.
        curves: write one row per trial, metric and epoch instead of one row per trial.
        force: replace an existing file.

    Returns:
        The text if `output` is None; otherwise None.

    Raises:
        UsageError: the format is unknown, Parquet has no output file, or the file exists.
        OutputError: the file cannot be written.
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
        with output_file(path) as draft:
            table.to_parquet(draft, index=False)
    else:
        text = _text(frame, format)
        with output_file(path) as draft:
            draft.write_text(text, encoding="utf-8", newline="")
    return None


def _text(frame: pd.DataFrame, format: str) -> str:
    if format == "csv":
        buffer = io.StringIO()
        frame.to_csv(buffer, index=False, lineterminator="\n")
        return buffer.getvalue()
    # Strict JSON has neither NaN nor infinity.
    records = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    lines = (
        json.dumps({name: str(value) if value in _INFINITIES else value for name, value in record.items()}, allow_nan=False)
        for record in records
    )
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _single_typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with its columns of mixed types as JSON text: a Parquet column has one type."""
    mixed = {
        str(name): column.map(json.dumps, na_action="ignore")
        for name, column in frame.items()
        if column.dtype == object and len({type(value) for value in column if value is not None}) > 1
    }
    return frame.assign(**mixed)
