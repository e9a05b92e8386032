"""A chooser without any language: the middle of the clip, and the detector's best box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from refervid.core.types import Decision, SoundingObject
from refervid.engines.base import EngineSettings, Runtime
from refervid.engines.questions import (
    BoxChoice,
    BoxQuestion,
    FrameChoice,
    FrameQuestion,
    SoundChoice,
    SoundQuestion,
)


class BestBoxSettings(EngineSettings):
    """`frame`: where to look, in the middle of the clip or on its first frame (AL-Ref-SAM 2's baseline).
    `labels`: how many of the sound's labels are looked for in the picture.
    """

    kind: Literal["best-box"] = "best-box"
    frame: Literal["middle", "first"] = "middle"
    labels: int = 2


class BestBoxChooser:
    """One pivot per text, on the sampled frame nearest to the middle of the clip, or on the first."""

    Settings: ClassVar[type[EngineSettings]] = BestBoxSettings
    name = "best-box"
    version = "1"

    def __init__(self, settings: BestBoxSettings) -> None:
        self._labels = settings.labels
        self._first = settings.frame == "first"

    @classmethod
    def missing(cls, settings: BestBoxSettings) -> list[str]:
        return []

    @classmethod
    def build(cls, settings: BestBoxSettings, runtime: Runtime) -> Self:
        return cls(settings)

    def pick_frames(self, questions: Sequence[FrameQuestion]) -> list[FrameChoice]:
        sampled = sorted({frame for question in questions for frame in question.section.frame_indices})
        choices = []
        for question in questions:
            middle = min(sampled, key=lambda frame: abs(2 * frame - sampled[0] - sampled[-1]))
            wanted = sampled[0] if self._first else middle
            index = wanted if wanted in question.section.frame_indices else None
            place = "the first frame" if self._first else "the middle of the clip"
            reason = place if index is not None else f"only {place} is used"
            decision = Decision("frame", index, "rules", reason, question.section.index, index)
            choices.append(FrameChoice(index, decision))
        return choices

    def pick_boxes(self, questions: Sequence[BoxQuestion]) -> list[BoxChoice]:
        return [BoxChoice([0], self._best(question)) for question in questions]

    def _best(self, question: BoxQuestion) -> Decision:
        score = question.candidates[0].score
        return Decision(
            "box",
            1,
            "rules",
            f"the detector's best box, score {score:.2f}",
            question.section.index,
            question.frame_index,
            candidates=question.candidates,
            chosen=(0,),
        )

    def sounding_objects(self, question: SoundQuestion) -> SoundChoice:
        """The first labels, taken for names of things on the middle frame."""
        frames = question.section.frame_indices
        middle = frames[len(frames) // 2]
        names = [label.name for label in question.labels][: question.max_objects or self._labels]
        answer = ", ".join(names) or None
        decision = Decision("objects", answer, "rules", "the most probable labels", 0, middle)
        return SoundChoice([SoundingObject(name, middle) for name in names], decision)
