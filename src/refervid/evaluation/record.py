"""The record of an item, which says what was answered and which files hold it; and other JSON of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from refervid.core.files import parse_json, read_file
from refervid.core.types import Status
from refervid.report.record import SoundRecord


class _Record(BaseModel):
    """What a run reads of it; there is more in it, for people."""

    hash: str
    status: Status
    error: Annotated[str, Field(pattern=r"\S")] = "?"
    contents: dict[str, str] = {}
    label_maps: list[tuple[str, str]]
    files: dict[Annotated[str, Field(pattern="^masks/")], dict[str, Any]]
    predictions: dict[str, list[dict[str, Any]]] = {}
    sound: SoundRecord | None = None


def read_record(file: Path) -> dict[str, Any] | None:
    """All that a record holds; None where there is none as this program writes it."""
    record = read_object(file)
    try:
        _Record.model_validate(record)
    except ValidationError:
        return None
    return record


def read_object(file: Path) -> dict[str, Any] | None:
    """The JSON object that a file holds; None if there is none."""
    try:
        return object_in(read_file(file))
    except OSError:
        return None


def object_in(text: bytes) -> dict[str, Any] | None:
    """That of a JSON text; None if it is none."""
    try:
        content = parse_json(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
