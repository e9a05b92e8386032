"""Recorded answers about sounds, in the files of AL-Ref-SAM 2's repository (folder `avs`):

    FOLDER/gpt_results/SET/cot_stage_1_outputs.json      {clip: "{'name': frame, ...}"}
    FOLDER/gpt_results/SET/cot_stage_2_outputs.json      {clip: {name: "box"}}; S4: {clip: "box"}
    FOLDER/audio_segment/SET_audio_segment.json          {clip: [[start, end], ...]} in seconds; not for S4

Frames and boxes are numbered from 1 as in the pictures that were asked about. A clip, or a name, with at
most one box is not in the second file.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import computed_field

from refervid.core.errors import SettingsError
from refervid.core.files import read_json, write_text
from refervid.engines.base import EngineSettings

AnswerSet = Literal["s4", "ms3", "v2_binary", "avss"]
"""The settings of AVSBench, by the names of their folders."""

LONGEST_ENTRY = 16 * 1024
"""Characters of what the first file holds of one clip."""


@dataclass(frozen=True)
class SoundAnswers:
    """What was answered about one clip: frame numbers by name, and box numbers by name where one was asked
    for; and the intervals (start, end) in seconds that its sound was cut into.
    """

    objects: Mapping[str, int]
    boxes: Mapping[str, int]
    intervals: tuple[tuple[float, float], ...] = ()


class RecordedSettings(EngineSettings):
    """`answers` is the folder that holds `gpt_results` and `audio_segment` (published: `avs`); `set` says
    whose, of which "avss" has the clips of all.

    Of the files a run keeps their `digest`, so that it is not resumed with others.
    """

    answers: Path = Path("avs")
    set: AnswerSet = "avss"

    @property
    def objects_file(self) -> Path:
        return self.answers / "gpt_results" / self.set / "cot_stage_1_outputs.json"

    @property
    def boxes_file(self) -> Path:
        return self.answers / "gpt_results" / self.set / "cot_stage_2_outputs.json"

    @property
    def intervals_file(self) -> Path | None:
        """None for S4, whose clips have one object that sounds throughout."""
        name = f"{self.set}_audio_segment.json"
        return None if self.set == "s4" else self.answers / "audio_segment" / name

    @property
    def files(self) -> list[Path]:
        intervals = self.intervals_file
        return [self.objects_file, self.boxes_file, *([intervals] if intervals else [])]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def digest(self) -> str | None:
        """SHA-256 of all files; None where one is missing."""
        found = hashlib.sha256()
        for file in self.files:
            if not file.is_file():
                return None
            found.update(file.read_bytes())
        return found.hexdigest()

    def missing(self) -> list[str]:
        """For `Engine.missing`."""
        return [
            f"recorded answers {file} (give the folder that holds gpt_results and audio_segment)"
            for file in self.files
            if not file.is_file()
        ]


def read_objects(file: Path) -> dict[str, dict[str, int]]:
    """Names with frame numbers, by clip. Raises `SettingsError`."""
    return {clip: _names_with_frames(text, file, clip) for clip, text in _read(file).items()}


def _names_with_frames(text: Any, file: Path, clip: str) -> dict[str, int]:
    """From the text of a Python dictionary, as the published script stores it."""
    problem = _problem(file, clip, "{'name': frame, ...} with whole numbers, written as one text")
    if not isinstance(text, str) or len(text) > LONGEST_ENTRY:
        raise problem
    try:
        named = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise problem from error
    if not isinstance(named, dict) or not all(
        isinstance(name, str) and type(frame) is int for name, frame in named.items()
    ):
        raise problem
    return named


def read_boxes(file: Path) -> dict[str, dict[str, int] | int]:
    """Box numbers by name, or the one of the clip's only name (S4), by clip. Raises `SettingsError`."""
    return {
        clip: {name: _number(box, file, clip) for name, box in entry.items()}
        if isinstance(entry, dict)
        else _number(entry, file, clip)
        for clip, entry in _read(file).items()
    }


def _number(text: Any, file: Path, clip: str) -> int:
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise _problem(file, clip, "box numbers, each written as a text")
    return int(text)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = read_json(file)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} holds no recorded answers ({error}): download it again") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{file} holds no recorded answers: expected an object with an entry per clip")
    return content


def _problem(file: Path, clip: str, expected: str) -> SettingsError:
    return SettingsError(f"{file}: the entry of {clip!r} is none: expected {expected}")


def write_answers(folder: Path, name: AnswerSet, answers: Mapping[str, SoundAnswers]) -> list[Path]:
    """The answers of a run in these files, for others to replay; returns what was written."""
    settings = RecordedSettings(kind="recorded", answers=folder, set=name)
    objects = {clip: str(dict(one.objects)) for clip, one in answers.items()}
    boxes: dict[str, Any] = {}
    for clip, one in answers.items():
        numbers = {thing: str(box) for thing, box in one.boxes.items()}
        if numbers or not one.objects:
            boxes[clip] = next(iter(numbers.values())) if numbers and name == "s4" else numbers
    contents: dict[Path, Any] = {settings.objects_file: objects, settings.boxes_file: boxes}
    if settings.intervals_file is not None:
        contents[settings.intervals_file] = {
            clip: [[_seconds(edge) for edge in pair] for pair in one.intervals]
            for clip, one in answers.items()
        }
    for file, content in contents.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return list(contents)


def _seconds(value: float) -> float | int:
    """Whole seconds as the published files have them."""
    return int(value) if value == int(value) else value
