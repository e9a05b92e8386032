"""The words of the questions, from files that a user may replace, and the schemas of their answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Literal

from refervid.core.errors import SettingsError
from refervid.core.types import Candidate
from refervid.media.palette import box_colour
from refervid.media.sections import Section

Form = Literal["json", "brackets"]
"""How the answer is asked for: a JSON object, or the published number in square brackets."""

_PICTURE = frozenset({"count", "layout"})
_BOXES = _PICTURE | {"frame", "boxes", "list", "expression"}
_LINE = frozenset({"number", "colour", "phrase", "x", "y", "width", "height"})

PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "frame-v1": _PICTURE | {"expression"},
    "box-v1": _BOXES | {"task"},
    "box-v1.line": _LINE,
    "check-v1": _BOXES | {"task", "picks"},
    "objects-v1": _PICTURE | {"labels", "number", "vocabulary"},
    "objects-v1.vocabulary": frozenset({"names"}),
    "sounding-v1": _BOXES,
    "sounding-v1.line": _LINE,
    "concepts-v1": _PICTURE | {"expression"},
    "tracks-v1": _PICTURE | {"times", "list", "heard", "expression", "numbers", "look"},
    "tracks-v1.line": frozenset({"number", "colour", "names", "start", "end"}),
    "tracks-v1.other": frozenset({"number", "colour", "names"}),
    "tracks-v1.heard": frozenset({"sounds"}),
    "tracks-v1.sound": frozenset({"number", "start", "end", "labels"}),
}
"""What may stand as `$name` in each file; in the others nothing may."""

NEEDED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("frame-v1", "box-v1", "check-v1", "sounding-v1"), frozenset({"expression"})),
    "concepts-v1": frozenset({"expression"}),
    "tracks-v1": frozenset({"expression", "numbers"}),
    "objects-v1": frozenset({"labels"}),
}
"""Without which a question would not be about anything."""

LONGEST = 32 * 1024
"""Characters of a file; more is no question."""


class Wording:
    """The texts by the names of their files, without ".txt": those of a `source`, else the package's own.

    `source` is None, the name of a set that comes with refervid ("paper"), or a folder. Raises
    `SettingsError` for a file whose name or placeholders nobody would fill in.
    """

    def __init__(self, source: Literal["paper"] | Path | None = None) -> None:
        self._texts = dict(_own())
        if source == "paper":
            self._texts |= _own("paper")
        elif source is not None:
            self._texts |= _read_folder(Path(source))

    def text(self, name: str) -> str:
        return self._texts[name]

    def fill(self, name: str, **values: object) -> str:
        return Template(self._texts[name]).substitute(values)

    def version(self, name: str) -> str:
        """The name, and for words that are not the package's own what tells them from others."""
        ours, own = _of_kind(self._texts, name), _of_kind(_own(), name)
        return name if ours == own else f"{name} {_digest(ours)[:8]}"

    @property
    def digest(self) -> str:
        """SHA-256 of all texts."""
        return _digest(self._texts)

    def picture_words(self, section: Section) -> dict[str, object]:
        """How the frames lie in the picture."""
        columns, rows = section.grid
        layout = "one below the other"
        if rows == 1:
            layout = "side by side"
        elif columns > 1:
            layout = f"in {rows} rows that are read from left to right"
        return {"count": len(section.frame_indices), "layout": layout}

    def box_words(
        self, kind: str, section: Section, frame_index: int, candidates: Sequence[Candidate]
    ) -> dict[str, object]:
        """Where the boxes are, a line each; places and sizes are shares of the frame's width and height."""
        width, height = section.clip.width, section.clip.height
        lines = []
        for number, candidate in enumerate(candidates, 1):
            x1, y1, x2, y2 = (float(edge) for edge in candidate.box_xyxy)
            place = {
                "x": (x1 + x2) / 2 / width,
                "y": (y1 + y2) / 2 / height,
                "width": (x2 - x1) / width,
                "height": (y2 - y1) / height,
            }
            shares = {name: f"{value:.4f}" for name, value in place.items()}
            phrase = quoted(candidate.phrase) if candidate.phrase else "no words"
            colour = box_colour(number - 1)[0]
            lines.append(self.fill(f"{kind}.line", number=number, colour=colour, phrase=phrase, **shares))
        return {
            **self.picture_words(section),
            "frame": section.frame_indices.index(frame_index) + 1,
            "boxes": len(candidates),
            "list": "\n".join(lines),
        }


def _of_kind(texts: Mapping[str, str], name: str) -> dict[str, str]:
    """All that one question is made of."""
    kind = name.split(".")[0]
    return {other: text for other, text in texts.items() if other.split(".")[0] == kind}


def _digest(texts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()


@cache
def _own(name: str | None = None) -> Mapping[str, str]:
    folder = files(__package__) / "prompts"
    inside = folder.iterdir() if name is None else (folder / name).iterdir()
    return {
        file.name.removesuffix(".txt"): file.read_text("utf-8").strip()
        for file in inside
        if file.name.endswith(".txt")
    }


def _read_folder(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise SettingsError(f"chooser.prompts: there is no folder {folder}")
    texts = {}
    for file in sorted(folder.glob("*.txt")):
        name = file.name.removesuffix(".txt")
        if name not in _own():
            raise SettingsError(
                f"{file} is no prompt that is asked: call it one of {', '.join(sorted(_own()))}, with .txt"
            )
        try:
            text = file.read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise SettingsError(f"{file} cannot be read as UTF-8 text ({error})") from error
        if len(text) > LONGEST:
            raise SettingsError(f"{file} has more than {LONGEST} characters: that is no question")
        _check_placeholders(file, name, text)
        texts[name] = text
    if not texts:
        raise SettingsError(f"chooser.prompts: {folder} holds no .txt file: copy those to change into it")
    return texts


def _check_placeholders(file: Path, name: str, text: str) -> None:
    template, allowed = Template(text), PLACEHOLDERS.get(name, frozenset())
    if not template.is_valid():
        raise SettingsError(f"{file}: a single $ stands before no name: write $$ for the sign itself")
    found = set(template.get_identifiers())
    if unknown := found - allowed:
        known = ", ".join(f"${one}" for one in sorted(allowed)) or "none"
        raise SettingsError(
            f"{file}: ${min(unknown)} is not filled in there; placeholders of {name}: {known}"
        )
    if lacking := NEEDED.get(name, frozenset()) - found:
        raise SettingsError(
            f"{file}: ${min(lacking)} is missing, without which the question is about nothing"
        )


def quoted(value: str | Sequence[str]) -> str:
    """In quotation marks that the words cannot end; all else in them stays as it is, whatever its script."""
    return json.dumps(value, ensure_ascii=False)


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
