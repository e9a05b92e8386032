"""Runs on the same data set side by side, from what their folders hold."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from refervid.core.errors import DatasetError, SettingsError
from refervid.core.files import read_json
from refervid.evaluation.items_table import read_items_table

_NOT_MEASURED = {"video", "expression_id", "query", "annotator", "object_id", "category", "frames", "missing"}
"""Columns of items.csv that say which item it is."""
_NAMED_BY = {"video", "expression_id", "query"}
_SAME = 5e-5
"""Less cannot be seen in four digits."""


@dataclass(frozen=True)
class Change:
    """One item of the data set; `values` per run in 0..1, None where a run has no such item."""

    name: str
    video: str
    expression_id: str
    query: str
    values: tuple[float | None, ...]

    def difference(self, run: int) -> float | None:
        """What run number `run` gained against the first; None where one of them lacks the item."""
        first, this = self.values[0], self.values[run]
        return None if first is None or this is None else this - first


@dataclass(frozen=True)
class Comparison:
    """`metrics` holds one value per run; `measure` is the column that items are compared by."""

    runs: tuple[Path, ...]
    names: tuple[str, ...]
    dataset: str
    split: str
    measure: str
    metrics: dict[str, tuple[float | None, ...]]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    def worse(self, run: int) -> list[Change]:
        """Items on which run number `run` lost against the first, the largest loss first."""
        return self._sorted(run, -1)

    def better(self, run: int) -> list[Change]:
        """Items on which it gained, the largest gain first."""
        return self._sorted(run, 1)

    def _sorted(self, run: int, sign: int) -> list[Change]:
        gains = [(sign * (change.difference(run) or 0.0), change) for change in self.changes]
        return [change for gain, change in sorted(gains, key=lambda pair: -pair[0]) if gain > _SAME]

    def summary(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "runs": [str(run) for run in self.runs],
            "metrics": self.metrics,
            "measure": self.measure,
            "items": [
                {"item": change.name, "query": change.query, "values": change.values}
                for change in self.changes
            ],
            "worse": {
                self.names[number]: [change.name for change in self.worse(number)]
                for number in range(1, len(self.runs))
            },
            "notes": self.notes,
        }


def compare_runs(runs: Sequence[Path]) -> Comparison:
    """Hold folders with scores.json and items.csv against the first of them.

    Raises `SettingsError` for fewer than two, and for runs on different data sets or splits;
    `DatasetError` for folders without readable scores.
    """
    if len(runs) < 2:
        raise SettingsError("a comparison needs two runs or more")
    scores = [_scores(run) for run in runs]
    subjects = [(str(each.get("dataset")), str(each.get("split"))) for each in scores]
    for run, subject in zip(runs, subjects, strict=True):
        if subject != subjects[0]:
            raise SettingsError(
                f"{run} is on {' '.join(subject)}, {runs[0]} on {' '.join(subjects[0])}: choose runs on one"
            )
    tables = [_rows(run) for run in runs]
    measure = _measure(tables[0], runs[0])
    names = [name for each in scores for name, value in each.items() if isinstance(value, float)]
    metrics = {name: tuple(_number(each.get(name)) for each in scores) for name in dict.fromkeys(names)}
    changes = _changes(runs, tables, measure)
    return Comparison(
        tuple(runs), _names(runs), *subjects[0], measure, metrics, changes, _notes(runs, scores, changes)
    )


def _scores(run: Path) -> dict[str, Any]:
    if not run.is_dir():
        raise DatasetError(f"{run} is no folder: give the folder of a run (--out of `refervid evaluate`)")
    file = run / "scores.json"
    if not file.exists() and not _is_run(run):
        raise DatasetError(f"{run} holds no scores: give folders of `refervid evaluate` or `refervid score`")
    try:
        content = read_json(file)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{run}: scores.json cannot be read ({error}); {_anew(run)}") from error
    if not isinstance(content, dict) or not isinstance(content.get("failed", {}), dict):
        raise DatasetError(f"{run}: scores.json holds no scores; {_anew(run)}")
    return content


def _is_run(folder: Path) -> bool:
    """Of `refervid evaluate`, which can go on; a folder of `refervid score` cannot."""
    return (folder / "run.json").exists()


def _anew(folder: Path) -> str:
    return "write it anew with --resume" if _is_run(folder) else "write it anew with `refervid score`"


def _number(value: Any) -> float | None:
    return value if isinstance(value, float) else None


def _rows(run: Path) -> list[dict[str, str]]:
    try:
        with (run / "items.csv").open(encoding="utf-8", newline="") as file:
            rows = read_items_table(file.read())
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"{run}: items.csv cannot be read ({error}); {_anew(run)}") from error
    for number, row in enumerate(rows, start=1):
        # The reader files surplus fields under None, and None under the names of those that are not there.
        named_by = _NAMED_BY | ({"object_id"} if "annotator" in row else set())
        if None in row or None in row.values() or not named_by <= row.keys():
            raise DatasetError(f"{run}: item {number} of items.csv is damaged; {_anew(run)}")
    return rows


def _measure(rows: Sequence[dict[str, str]], run: Path) -> str:
    """J&F where there is one, else the first number of an item."""
    columns = [name for name in (rows[0] if rows else ()) if name not in _NOT_MEASURED]
    if not columns:
        raise DatasetError(f"{run}: items.csv holds no numbers to compare; choose a split with public truth")
    return "J&F" if "J&F" in columns else columns[0]


def _changes(
    runs: Sequence[Path], tables: Sequence[Sequence[dict[str, str]]], measure: str
) -> tuple[Change, ...]:
    by_name = [{_name(row): row for row in table} for table in tables]
    changes = []
    for name in dict.fromkeys(name for rows in by_name for name in rows):
        found = [rows.get(name) for rows in by_name]
        row = next(each for each in found if each is not None)
        values = tuple(_value(run, each, measure) for run, each in zip(runs, found, strict=True))
        changes.append(Change(name, row["video"], row["expression_id"], row["query"], values))
    return tuple(changes)


def _value(run: Path, row: dict[str, str] | None, measure: str) -> float | None:
    if row is None:
        return None
    try:
        return float(row[measure])
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{run}: items.csv has no number {measure} for {_name(row)}; {_anew(run)}"
        ) from error


def _name(row: dict[str, str]) -> str:
    """Which item a row is about: an expression, or in Ref-DAVIS17 an object as one annotator means it."""
    if "annotator" in row:
        return f"{row['video']}/annotator {row['annotator']}/object {row['object_id']}"
    return f"{row['video']}/{row['expression_id']}"


def _names(runs: Sequence[Path]) -> tuple[str, ...]:
    """The folders' own names where these differ, else their paths."""
    names = tuple(run.resolve().name for run in runs)
    return names if len(set(names)) == len(names) else tuple(str(run) for run in runs)


def _notes(
    runs: Sequence[Path], scores: Sequence[dict[str, Any]], changes: Sequence[Change]
) -> tuple[str, ...]:
    notes = []
    for number, (run, each) in enumerate(zip(runs, scores, strict=True)):
        absent = sum(change.values[number] is None for change in changes)
        if absent:
            notes.append(f"{run} lacks {absent} items that others have: its means are over fewer")
        if each.get("failed"):
            notes.append(f"{run} has {len(each['failed'])} failed items, which count as empty")
    return tuple(notes)
