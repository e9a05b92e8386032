"""JSON and CSV files of data sets, read with their faults named."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, RootModel, ValidationError

from refervid.core.errors import DatasetError
from refervid.core.files import parse_json, read_file
from refervid.datasets.problems import Problems

MAX_FAULTS = 20
"""Faults listed of one file's fields; a wrong file has one per entry."""

Model = TypeVar("Model", bound=BaseModel)


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """The whole file; raises `DatasetError`."""
    try:
        return read_file(path).decode(encoding)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); check path and download") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is no {encoding} text; download it again") from error


def read_json(path: Path, problems: Problems) -> Any:
    """The parsed file; keys that occur twice in one object are a fault. Raises `DatasetError`."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            times = Counter(key for key, _ in pairs)
            for key in sorted(key for key, count in times.items() if count > 1):
                problems.add(path, f"key {key!r} occurs twice", "give every entry its own key")
        return found

    try:
        return json.loads(read_text(path), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: is no valid JSON ({error}); download or write it again") from error


def read_model(path: Path, model: type[Model], problems: Problems) -> Model:
    """A JSON file of the form of `model`. Raises `DatasetError` with every field that is not."""
    return as_model(path, read_json(path, problems), model, problems)


def read_json_lines(path: Path, model: type[Model], problems: Problems) -> list[Model]:
    """A file with one JSON object a line, each of the form of `model`; faults are as in `read_model`."""
    try:
        # Not `splitlines`, which also cuts at signs that may stand inside a sentence.
        entries = [parse_json(line) for line in read_text(path).split("\n") if line.strip()]
    except ValueError as error:
        raise DatasetError(f"{path}: holds a line that is no JSON ({error}); download it again") from error
    return as_model(path, entries, RootModel[list[model]], problems).root  # type: ignore[valid-type]


def as_model(path: Path, content: Any, model: type[Model], problems: Problems) -> Model:
    """`content` of `path` in the form of `model`. Raises `DatasetError` with every field that is not."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        for fault in faults[:MAX_FAULTS]:
            where = ".".join(str(part) for part in fault["loc"]) or "the top level"
            problems.add(path, f"{where}: {fault['msg']}", "correct this entry")
        if len(faults) > MAX_FAULTS:
            problems.add(path, f"{len(faults) - MAX_FAULTS} more entries are wrong", "is it the right file?")
        problems.raise_any("wrong form")
        raise


def read_table(path: Path) -> list[list[str]]:
    """All rows of a CSV file that are not empty; a quoted field may go over several lines. Raises
    `DatasetError`.
    """
    reader = csv.reader(io.StringIO(read_text(path, "utf-8-sig"), newline=""), skipinitialspace=True)
    try:
        return [row for row in reader if row]
    except csv.Error as error:
        raise DatasetError(f"{path}: line {reader.line_num} is no CSV ({error}); mend it") from error


def read_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of a CSV file with a header that names at least `columns`. Raises `DatasetError`."""
    header, *rows = read_table(path) or [[]]
    absent = [column for column in columns if column not in header]
    if absent:
        raise DatasetError(f"{path}: has no column {', '.join(absent)}; its first line must name it")
    short = [row for row in rows if len(row) != len(header)]
    if short:
        raise DatasetError(
            f"{path}: {len(short)} rows have not {len(header)} columns; first {short[0]}; mend them"
        )
    return [dict(zip(header, row, strict=True)) for row in rows]
