"""docs/how-to/notebook.ipynb runs from an empty folder, and shows what is committed.

`jupyter execute --inplace docs/how-to/notebook.ipynb` brings its outputs up to date.
"""

import re
from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs/how-to/notebook.ipynb"


def outputs(notebook):
    """Of every code cell: the kinds of its outputs, and their texts without numbers with decimals."""
    return [
        [
            (output.output_type, sorted(output.get("data", ())), re.sub(r"-?\d+\.\d+(e-?\d+)?", "#", text_of(output)))
            for output in cell.outputs
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def text_of(output):
    return output.get("text") or output.data.get("text/plain")


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_is_committed(tmp_path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    committed = outputs(notebook)
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert outputs(notebook) == committed
    assert (tmp_path / "runs/ridge.sqlite").exists()


def test_the_committed_notebook_shows_tables_and_a_figure():
    kinds = [kinds for cell in outputs(nbformat.read(NOTEBOOK, as_version=4)) for _, kinds, _ in cell]
    assert ["image/png", "text/plain"] in kinds
    assert kinds.count(["text/html", "text/plain"]) == 3
