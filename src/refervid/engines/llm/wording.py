"""The words of the questions, from the files under `prompts`, and the schemas of their answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, Literal

from refervid.core.types import Candidate
from refervid.media.palette import box_colour
from refervid.media.sections import Section

Form = Literal["json", "brackets"]
"""How the answer is asked for: a JSON object, or the published number in square brackets."""


@cache
def load(name: str) -> str:
    return (files(__package__) / "prompts" / f"{name}.txt").read_text("utf-8").strip()


@cache
def words_digest() -> str:
    """Of all prompt files."""
    folder = files(__package__) / "prompts"
    words = sorted((file.name, file.read_text("utf-8")) for file in folder.iterdir())
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]


def fill(name: str, **values: object) -> str:
    return Template(load(name)).substitute(values)


def quoted(value: str | Sequence[str]) -> str:
    """In quotation marks that the words cannot end; all else in them stays as it is, whatever its script."""
    return json.dumps(value, ensure_ascii=False)


def picture_words(section: Section) -> dict[str, object]:
    """How the frames lie in the picture."""
    columns, rows = section.grid
    layout = "one below the other"
    if rows == 1:
        layout = "side by side"
    elif columns > 1:
        layout = f"in {rows} rows that are read from left to right"
    return {"count": len(section.frame_indices), "layout": layout}


def box_words(section: Section, frame_index: int, candidates: Sequence[Candidate]) -> dict[str, object]:
    """Where the boxes are, and what the detector says of each."""
    lines = [
        f"box {n} ({box_colour(n - 1)[0]}): {quoted(c.phrase) if c.phrase else 'no words'}"
        for n, c in enumerate(candidates, 1)
    ]
    return {
        **picture_words(section),
        "frame": section.frame_indices.index(frame_index) + 1,
        "boxes": len(candidates),
        "list": "\n".join(lines),
    }


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


def box_schema(numbers: Sequence[int], reasons: Sequence[str], *, several: bool) -> dict[str, Any]:
    """`reasons` come before the answer; where none are asked for, a box must be chosen."""
    words = {reason: {"type": "string"} for reason in reasons}
    if several:
        return object_schema(**words, chosen={"type": "array", "items": enum_schema(numbers)})
    return object_schema(**words, box=enum_schema([-1, *numbers] if reasons else list(numbers)))
