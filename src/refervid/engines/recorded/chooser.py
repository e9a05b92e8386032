"""The chooser that asks nobody: what was answered once is read from files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from refervid.core.errors import NotInCache, SettingsError
from refervid.core.types import Decision, SoundingObject
from refervid.engines.base import Runtime
from refervid.engines.questions import (
    BoxChoice,
    BoxQuestion,
    FrameChoice,
    FrameQuestion,
    SoundChoice,
    SoundQuestion,
)
from refervid.engines.recorded.files import RecordedSettings, read_boxes, read_objects


class RecordedChooserSettings(RecordedSettings):
    kind: Literal["recorded"] = "recorded"


class RecordedChooser:
    """Answers about sounds alone, found by the clip's name.

    As published a frame that the picture does not have becomes the first, and so does a box. Where no box is
    recorded although there are several (the detector found others than then), the first is taken as a
    fallback.
    """

    Settings: ClassVar[type[RecordedChooserSettings]] = RecordedChooserSettings
    name = "recorded"

    def __init__(self, settings: RecordedChooserSettings) -> None:
        """Raises `SettingsError` for files that hold something else."""
        self.version = f"{settings.set} {settings.digest or ''}"[: len(settings.set) + 13]
        self._objects_file, self._boxes_file = settings.objects_file, settings.boxes_file
        self._objects, self._boxes = read_objects(self._objects_file), read_boxes(self._boxes_file)

    @classmethod
    def missing(cls, settings: RecordedChooserSettings) -> list[str]:
        return settings.missing()

    @classmethod
    def build(cls, settings: RecordedChooserSettings, runtime: Runtime) -> Self:
        return cls(settings)

    def pick_frames(self, questions: Sequence[FrameQuestion]) -> list[FrameChoice]:
        """Raises `SettingsError`: no answers about sentences are published."""
        raise SettingsError("recorded answers are about sounds: for sentences choose another chooser.kind")

    def sounding_objects(self, question: SoundQuestion) -> SoundChoice:
        section = question.section
        clip = section.clip.name
        where = f"entry {clip!r} of {self._objects_file}"
        named = self._objects.get(clip)
        if named is None:
            error = NotInCache(f"the recorded answers have no {where}: take those of this data set")
            return SoundChoice([], Decision("objects", None, "replay", str(error)), error=error)
        numbers = dict(list(named.items())[: question.max_objects])
        count = len(section.frame_indices)
        frames = {name: number if 1 <= number <= count else 1 for name, number in numbers.items()}
        objects = [SoundingObject(name, section.frame_indices[frame - 1]) for name, frame in frames.items()]
        answer = ", ".join(f"{name} on frame {frame}" for name, frame in frames.items()) or None
        decision = Decision("objects", answer, "replay", where, section.index, raw=str(named))
        return SoundChoice(objects, decision)

    def pick_boxes(self, questions: Sequence[BoxQuestion]) -> list[BoxChoice]:
        return [self._pick_box(question) for question in questions]

    def _pick_box(self, question: BoxQuestion) -> BoxChoice:
        clip = question.section.clip.name
        entry = self._boxes.get(clip)
        box = entry.get(question.text) if isinstance(entry, dict) else entry
        where = f"entry {clip!r}, {question.text!r} of {self._boxes_file}"
        place = question.section.index, question.frame_index
        if box is None:
            decision = Decision(
                "box",
                1,
                "fallback",
                f"no {where}",
                *place,
                candidates=question.candidates,
                chosen=(0,),
            )
            note = f"no box of {question.text!r} is recorded: the first is taken"
            return BoxChoice([0], decision, [note])
        taken = box if 1 <= box <= len(question.candidates) else 1
        decision = Decision(
            "box",
            taken,
            "replay",
            where,
            *place,
            raw=str(box),
            candidates=question.candidates,
            chosen=(taken - 1,),
        )
        return BoxChoice([taken - 1], decision)
