"""The chooser that asks a language model (AL-Ref-SAM 2, "GPT-assisted pivot selection")."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, Generic, Literal, TypeVar

from refervid.engines.base import (
    BoxChoice,
    BoxQuestion,
    FrameChoice,
    FrameQuestion,
    SoundChoice,
    SoundQuestion,
)
from refervid.engines.choosers.llm.cache import AnswerCache
from refervid.engines.choosers.llm.model import Prompt, Reply, VisionModel
from refervid.engines.choosers.llm.replies import (
    read_number,
    read_numbers,
    read_objects,
    read_sounding_box,
)
from refervid.engines.choosers.llm.spending import Ledger
from refervid.errors import ChooserError, ChooserUnavailable, NotInCache, UnusableReply
from refervid.media.palette import box_colour
from refervid.media.pictures import encode_jpeg
from refervid.media.sections import Section
from refervid.types import Candidate, Decision, SoundingObject, Source

Answer = TypeVar("Answer")
Question = TypeVar("Question")
Choice = TypeVar("Choice")
Form = Literal["json", "brackets"]
"""How the answer is asked for: a JSON object, or the published number in square brackets."""


@dataclass(frozen=True)
class _Asked(Generic[Answer]):
    """What came of one question; `answer` is None if nothing usable did."""

    answer: Answer | None
    source: Source
    model: str
    version: str
    raw: str | None = None
    reason: str = ""
    error: ChooserError | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        if self.source == "fallback" and self.error is None:
            return (f"the language model gave no usable answer: {self.reason}",)
        return ()

    def decision(
        self,
        question: str,
        answer: str | int | None,
        section: Section,
        frame_index: int | None = None,
        jpeg: bytes | None = None,
        candidates: Sequence[Candidate] = (),
    ) -> Decision:
        return Decision(
            question,
            answer,
            self.source,
            self.reason or str(self.error or ""),
            section.index,
            frame_index,
            self.model,
            self.version,
            self.raw,
            jpeg or section.jpeg,
            candidates,
        )


class LanguageModelChooser:
    """Questions to prompts, replies to choices.

    `answers` is where usable answers are kept; with `replay` nothing else is asked. `concurrency`
    questions are on their way at a time. A reply that cannot be used is answered with one corrective
    question; if that fails too, the choice is "none", recorded with `source="fallback"`. A question that
    could not be asked at all is returned with its `error`.
    """

    name = "language-model"

    def __init__(
        self,
        frame_model: VisionModel,
        box_model: VisionModel,
        answers: AnswerCache,
        ledger: Ledger,
        *,
        form: Form = "json",
        several: bool = False,
        concurrency: int = 4,
        replay: bool = False,
        detail: tuple[str | None, str | None] = (None, None),
    ) -> None:
        self.version = frame_model.name
        self._frame_model, self._box_model = frame_model, box_model
        self._answers = answers
        self.ledger = ledger
        self._form: Form = form
        self._several = several
        self._concurrency = concurrency
        self._replay = replay
        self._detail = detail

    def pick_frames(self, questions: Sequence[FrameQuestion]) -> list[FrameChoice]:
        return self._all(self._pick_frame, questions)

    def pick_boxes(self, questions: Sequence[BoxQuestion]) -> list[BoxChoice]:
        return self._all(self._pick_box, questions)

    def sounding_objects(self, question: SoundQuestion) -> SoundChoice:
        """Objects with the frames they are named on."""
        section = question.section
        numbers = range(1, len(section.frame_indices) + 1)
        vocabulary = ""
        if question.vocabulary:
            vocabulary = f"Prefer names from this list: {', '.join(question.vocabulary)}."
        text = _fill(
            "objects-v1",
            **_picture_words(section),
            labels=json.dumps([label.name for label in question.labels]),
            number="Name one object." if question.max_objects == 1 else "Name one or more different objects.",
            vocabulary=vocabulary,
        )
        entry = _object(name={"type": "string"}, frame=_enum(numbers))
        schema = _object(objects={"type": "array", "items": entry})
        prompt = self._prompt("objects-v1", text, section.jpeg, schema, self._detail[0])
        asked = self._ask(self._frame_model, prompt, lambda reply: read_objects(reply, numbers))
        named = list((asked.answer or {}).items())[: question.max_objects]
        objects = [SoundingObject(name, section.frame_indices[number - 1]) for name, number in named]
        answer = ", ".join(f"{name} on frame {number}" for name, number in named) or None
        return SoundChoice(objects, asked.decision("objects", answer, section), asked.notes, asked.error)

    def _pick_frame(self, question: FrameQuestion) -> FrameChoice:
        section = question.section
        numbers = range(1, len(section.frame_indices) + 1)
        text = _fill("frame-v1", **_picture_words(section), expression=json.dumps(question.text))
        schema = _object(description={"type": "string"}, frame=_enum(numbers))
        prompt = self._prompt("frame-v1", text, section.jpeg, schema, self._detail[0])
        asked = self._ask(self._frame_model, prompt, lambda reply: read_number(reply, "frame", numbers))
        index = None if asked.answer is None else section.frame_indices[asked.answer - 1]
        decision = asked.decision("frame", asked.answer, section, index)
        return FrameChoice(index, decision, asked.notes, asked.error)

    def _pick_box(self, question: BoxQuestion) -> BoxChoice:
        """Several boxes only where they are allowed and nothing sounds."""
        section, candidates = question.section, question.candidates
        numbers = range(1, len(candidates) + 1)
        several = self._several and not question.sounding
        kind = "sounding-v1" if question.sounding else f"box-v1.{'several' if several else 'one'}"
        lines = [
            f"box {n} ({box_colour(n - 1)[0]}): {json.dumps(c.phrase) if c.phrase else 'no words'}"
            for n, c in enumerate(candidates, 1)
        ]
        text = _fill(
            "sounding-v1" if question.sounding else "box-v1",
            **_picture_words(section),
            frame=section.frame_indices.index(question.frame_index) + 1,
            boxes=len(candidates),
            list="\n".join(lines),
            expression=json.dumps(question.text),
            task="" if question.sounding else _load(kind),
        )
        picture = section.marked_picture(question.frame_index, candidates)
        jpeg = encode_jpeg(picture, section.style.jpeg_quality)
        schema = _box_schema(numbers, several=several, reasoned=not question.sounding)
        prompt = self._prompt(kind, text, jpeg, schema, self._detail[1])

        def read(reply: str) -> list[int]:
            if question.sounding:
                return [read_sounding_box(reply, numbers)]
            if several:
                return read_numbers(reply, "chosen", numbers)
            number = read_number(reply, "box", [-1, *numbers])
            return [] if number == -1 else [number]

        asked = self._ask(self._box_model, prompt, read)
        picks = [number - 1 for number in asked.answer or ()]
        answer = ", ".join(str(pick + 1) for pick in picks) or None
        decision = asked.decision("box", answer, section, question.frame_index, jpeg, candidates)
        return BoxChoice(picks, decision, asked.notes, asked.error)

    def _prompt(
        self, kind: str, text: str, jpeg: bytes, schema: dict[str, Any], detail: str | None
    ) -> Prompt:
        text = f"{text}\n{_load(f'{kind}.{self._form}')}"
        return Prompt(kind, text, jpeg, schema if self._form == "json" else None, detail)

    def _all(self, pick: Callable[[Question], Choice], questions: Sequence[Question]) -> list[Choice]:
        if len(questions) <= 1 or self._concurrency == 1:
            return [pick(question) for question in questions]
        with ThreadPoolExecutor(self._concurrency) as pool:
            try:
                return list(pool.map(pick, questions))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _ask(self, model: VisionModel, prompt: Prompt, read: Callable[[str], Answer]) -> _Asked[Answer]:
        """From the cache, else from the model, with one corrective question after an unusable reply."""
        known = self._answers.get(model.name, prompt)
        if known is not None:
            self.ledger.book_cached()
            return _Asked(read(known.text), "cache", model.name, prompt.version, known.text)
        if self._replay:
            error: ChooserError = NotInCache("this question was never answered: run once without replay")
            return _Asked(None, "replay", model.name, prompt.version, error=error)
        question = prompt
        for last in (False, True):
            reply = None
            try:
                reply = self._reply(model, question)
                answer = read(reply.text)
            except UnusableReply as problem:
                if last:
                    raw = reply.text[:2000] if reply else None
                    return _Asked(None, "fallback", model.name, prompt.version, raw, str(problem))
                question = _corrected(prompt, problem)
            except ChooserUnavailable:
                raise
            except ChooserError as failure:
                return _Asked(None, "fallback", model.name, prompt.version, error=failure)
            else:
                self._answers.put(model.name, prompt, reply)
                return _Asked(answer, "model", model.name, prompt.version, reply.text)
        raise AssertionError("both attempts end the loop")

    def _reply(self, model: VisionModel, prompt: Prompt) -> Reply:
        self.ledger.allow(prompt)
        reply = model.reply(prompt)
        self.ledger.book(reply)
        return reply


def _corrected(prompt: Prompt, problem: UnusableReply) -> Prompt:
    """The question once more, with what was wrong. Of the reply itself nothing is repeated."""
    complaint = f"A first reply could not be used ({type(problem).__name__})."
    return replace(prompt, text=f"{prompt.text}\n{complaint} Keep exactly to the form of the answer.")


@cache
def _load(name: str) -> str:
    return (files(__package__) / "prompts" / f"{name}.txt").read_text("utf-8").strip()


def _fill(name: str, **values: object) -> str:
    return Template(_load(name)).substitute(values)


def _picture_words(section: Section) -> dict[str, object]:
    """How the frames lie in the picture."""
    columns, rows = section.grid
    layout = "one below the other"
    if rows == 1:
        layout = "side by side"
    elif columns > 1:
        layout = f"in {rows} rows that are read from left to right"
    return {"count": len(section.frame_indices), "layout": layout}


def _enum(numbers: Sequence[int]) -> dict[str, Any]:
    return {"type": "integer", "enum": list(numbers)}


def _object(**properties: Any) -> dict[str, Any]:
    """A JSON schema in the strict form: every property is required, and no other allowed."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _box_schema(numbers: Sequence[int], *, several: bool, reasoned: bool) -> dict[str, Any]:
    steps = {step: {"type": "string"} for step in ("scene", "boxes", "sentence", "match")} if reasoned else {}
    if several:
        return _object(**steps, chosen={"type": "array", "items": _enum(numbers)})
    return _object(**steps, box=_enum([-1, *numbers] if reasoned else list(numbers)))
