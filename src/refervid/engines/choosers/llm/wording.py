"""The words of the questions, from the files under `prompts`, and the schemas of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from refervid.media.sections import Section


@cache
def load(name: str) -> str:
    return (files(__package__) / "prompts" / f"{name}.txt").read_text("utf-8").strip()


def fill(name: str, **values: object) -> str:
    return Template(load(name)).substitute(values)


def picture_words(section: Section) -> dict[str, object]:
    """How the frames lie in the picture."""
    columns, rows = section.grid
    layout = "one below the other"
    if rows == 1:
        layout = "side by side"
    elif columns > 1:
        layout = f"in {rows} rows that are read from left to right"
    return {"count": len(section.frame_indices), "layout": layout}


def enum_schema(numbers: Sequence[int]) -> dict[str, Any]:
    return {"type": "integer", "enum": list(numbers)}


def object_schema(**properties: Any) -> dict[str, Any]:
    """A JSON schema in the strict form: every property is required, and no other allowed."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def box_schema(numbers: Sequence[int], *, several: bool, reasoned: bool) -> dict[str, Any]:
    steps = {step: {"type": "string"} for step in ("scene", "boxes", "sentence", "match")} if reasoned else {}
    if several:
        return object_schema(**steps, chosen={"type": "array", "items": enum_schema(numbers)})
    return object_schema(**steps, box=enum_schema([-1, *numbers] if reasoned else list(numbers)))
