"""HTML that several parts of a page share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hpstudy.report import numbers
from hpstudy.report.interactive import text
from hpstudy.store import StoredTrial
from hpstudy.study.plan import SearchKey


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    """Return a table.

    Args:
        caption: of the table, as text.
        head: names of the columns, as text.
        rows: cells, as HTML; the first one names the row.
        left: number of columns, from the first, that are aligned to the left; the others hold numbers.
    """
    sides = ["" if index < left else ' class="number"' for index in range(len(head))]
    heads = "".join(f'<th scope="col"{side}>{text(name)}</th>' for side, name in zip(sides, head, strict=True))
    body = []
    for first, *others in rows:
        cells = "".join(f"<td{side}>{cell}</td>" for side, cell in zip(sides[1:], others, strict=True))
        body.append(f'<tr><th scope="row">{first}</th>{cells}</tr>\n')
    return (
        f'<div class="table" role="region" aria-label="{text(caption)}" tabindex="0">\n<table>\n<caption>{text(caption)}</caption>\n'
        f"<thead>\n<tr>{heads}</tr>\n</thead>\n<tbody>\n{''.join(body)}</tbody>\n</table>\n</div>\n"
    )


def trial_button(key: SearchKey, number: int) -> str:
    """Return a button that shows a trial. Its label is the number of the trial."""
    name = f"view {key.view}, replicate {key.replicate}, trial {number}"
    return (
        f'<button type="button" class="trial" data-view="{text(key.view)}" data-replicate="{key.replicate}" data-number="{number}" '
        f'aria-label="Show {text(name)}">{number}</button>'
    )


def moment(at: str | None) -> str:
    """Return a time, which live.js shows in the time zone of the browser."""
    return f'<time datetime="{text(at)}">{text(at)}</time>' if at else numbers.MISSING


def value(number: float | None) -> str:
    """Return a measured number."""
    return numbers.MISSING if number is None else text(numbers.general(number, 6))


def end_state(trial: StoredTrial) -> str:
    """Return the state of a trial, with a class for the style sheet."""
    return f'<span class="state {trial.state}">{trial.state.replace("_", " ")}</span>'
