"""items.csv: a line of numbers for every item, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Any

from refervid.datasets.base import Scores

_FORMULA = tuple("=+-@\t\r")
"""What a cell begins with that spreadsheets calculate; then it may also run programs or send data."""
_SHIELD = "'"


def items_table(scores: Scores) -> str:
    """What items.csv holds; words that look like a formula get an apostrophe before them."""
    table = io.StringIO()
    if scores.items:
        writer = csv.DictWriter(table, fieldnames=list(scores.items[0]))
        writer.writeheader()
        writer.writerows({name: _shielded(value) for name, value in row.items()} for row in scores.items)
    return table.getvalue()


def read_items_table(text: str) -> list[dict[str, Any]]:
    """The lines of items.csv, the words as they were. Raises `csv.Error`."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [{name: _bare(value) for name, value in row.items()} for row in rows]


def _shielded(value: Any) -> Any:
    return _SHIELD + value if isinstance(value, str) and value.startswith(_FORMULA) else value


def _bare(value: Any) -> Any:
    shielded = isinstance(value, str) and value.startswith(_SHIELD) and value[1:].startswith(_FORMULA)
    return value[1:] if shielded else value
