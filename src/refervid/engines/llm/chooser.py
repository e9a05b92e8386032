"""The chooser that asks a language model (AL-Ref-SAM 2, "GPT-assisted pivot selection")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from refervid.core.files import well_formed
from refervid.core.types import SoundingObject, Spending
from refervid.engines.llm.asking import Inquiry
from refervid.engines.llm.model import Prompt, VisionModel
from refervid.engines.llm.replies import (
    read_number,
    read_numbers,
    read_objects,
    read_sounding_box,
)
from refervid.engines.llm.rounds import (
    concepts_schema,
    judged_words,
    read_concepts,
    read_judgements,
    reasons_of,
    tracks_on,
    tracks_schema,
    tracks_text,
)
from refervid.engines.llm.vision import require_vision
from refervid.engines.llm.wording import Form, Wording, box_schema, enum_schema, object_schema, quoted
from refervid.engines.questions import (
    BoxChoice,
    BoxQuestion,
    CheckQuestion,
    FrameChoice,
    FrameQuestion,
    SoundChoice,
    SoundQuestion,
)
from refervid.engines.rounds import ConceptChoice, ConceptQuestion, TracksChoice, TracksQuestion
from refervid.media.marked_tracks import marked_picture
from refervid.media.pictures import encode_jpeg

Question = TypeVar("Question")
Choice = TypeVar("Choice")
BOX_STEPS = ("scene", "boxes", "sentence", "match")
"""What is to be said before a box is chosen (AL-Ref-SAM 2)."""


class LanguageModelChooser:
    """Questions to prompts, replies to choices.

    `concurrency` questions are on their way at a time. A reply that cannot be used is answered with one
    corrective question; if that fails too, the choice is "none", recorded with `source="fallback"`. A
    question that could not be asked at all is returned with its `error`. With `probe` both models must first
    show that they see pictures.
    """

    name = "language-model"

    def __init__(
        self,
        frame_model: VisionModel,
        box_model: VisionModel,
        inquiry: Inquiry,
        words: Wording,
        *,
        form: Form = "json",
        several: bool = False,
        concurrency: int = 4,
        probe: bool = False,
        detail: tuple[str | None, str | None] = (None, None),
    ) -> None:
        self.version = frame_model.name
        self._frame_model, self._box_model = frame_model, box_model
        self._inquiry = inquiry
        self._words = words
        self._form: Form = form
        self._several = several
        self._concurrency = concurrency
        self._probe = probe
        self._detail = detail

    def spending(self) -> Spending:
        names = dict.fromkeys([self._frame_model.name, self._box_model.name])
        return self._inquiry.ledger.spending(", ".join(names))

    def pick_frames(self, questions: Sequence[FrameQuestion]) -> list[FrameChoice]:
        return self._all(self._pick_frame, questions)

    def pick_boxes(self, questions: Sequence[BoxQuestion]) -> list[BoxChoice]:
        return self._all(self._pick_box, questions)

    def check(self, questions: Sequence[CheckQuestion]) -> list[BoxChoice]:
        return self._all(self._check, questions)

    def concepts(self, questions: Sequence[ConceptQuestion]) -> list[ConceptChoice]:
        return self._all(self._read_sentence, questions)

    def judge_tracks(self, questions: Sequence[TracksQuestion]) -> list[TracksChoice]:
        return self._all(self._judge, questions)

    def sounding_objects(self, question: SoundQuestion) -> SoundChoice:
        """Objects with the frames they are named on."""
        self._require_vision()
        section = question.section
        numbers = range(1, len(section.frame_indices) + 1)
        text = self._words.fill(
            "objects-v1",
            **self._words.picture_words(section),
            labels=quoted([label.name for label in question.labels]),
            number=self._words.text(f"objects-v1.{'one' if question.max_objects == 1 else 'several'}"),
            vocabulary=self._preferred(question.vocabulary or ()),
        )
        entry = object_schema(name={"type": "string"}, frame=enum_schema(numbers))
        schema = object_schema(objects={"type": "array", "items": entry})
        prompt = self._prompt("objects-v1", text, section.jpeg, schema, self._detail[0])
        asked = self._inquiry.ask(self._frame_model, prompt, lambda reply: read_objects(reply, numbers))
        named = list((asked.answer or {}).items())[: question.max_objects]
        objects = [SoundingObject(name, section.frame_indices[number - 1]) for name, number in named]
        answer = ", ".join(f"{name} on frame {number}" for name, number in named) or None
        return SoundChoice(objects, asked.decision("objects", answer, section), asked.notes, asked.error)

    def _preferred(self, names: Sequence[str]) -> str:
        """As published with a remark on what AVSBench means by a keyboard."""
        if not names:
            return ""
        told = self._words.fill("objects-v1.vocabulary", names=", ".join(names))
        return f"{told} {self._words.text('objects-v1.keyboard')}" if "keyboard" in names else told

    def _pick_frame(self, question: FrameQuestion) -> FrameChoice:
        section = question.section
        numbers = range(1, len(section.frame_indices) + 1)
        text = self._words.fill(
            "frame-v1", **self._words.picture_words(section), expression=quoted(question.text)
        )
        schema = object_schema(description={"type": "string"}, frame=enum_schema(numbers))
        prompt = self._prompt("frame-v1", text, section.jpeg, schema, self._detail[0])
        asked = self._inquiry.ask(
            self._frame_model, prompt, lambda reply: read_number(reply, "frame", numbers)
        )
        index = None if asked.answer is None else section.frame_indices[asked.answer - 1]
        decision = asked.decision("frame", asked.answer, section, index)
        return FrameChoice(index, decision, asked.notes, asked.error)

    def _pick_box(self, question: BoxQuestion) -> BoxChoice:
        """Several boxes only where they are allowed and nothing sounds."""
        section, candidates = question.section, question.candidates
        several = self._several and not question.sounding
        kind = "sounding-v1" if question.sounding else _counted("box-v1", several)
        asks = "sounding-v1" if question.sounding else "box-v1"
        text = self._words.fill(
            asks,
            **self._words.box_words(asks, section, question.frame_index, candidates),
            expression=quoted(question.text),
            task="" if question.sounding else self._words.text(kind),
        )
        picture = section.marked_picture(question.frame_index, candidates)
        jpeg = encode_jpeg(picture, section.style.jpeg_quality)
        numbers = range(1, len(candidates) + 1)
        schema = box_schema(numbers, () if question.sounding else BOX_STEPS, several=several)
        prompt = self._prompt(kind, text, jpeg, schema, self._detail[1])
        asked = self._inquiry.ask(
            self._box_model,
            prompt,
            lambda reply: (
                [read_sounding_box(reply, numbers)]
                if question.sounding
                else _read_boxes(reply, numbers, several)
            ),
        )
        picks = [number - 1 for number in asked.answer or ()]
        answer = _numbers(picks) or None
        decision = asked.decision("box", answer, section, question.frame_index, jpeg, candidates, picks)
        return BoxChoice(picks, decision, asked.notes, asked.error)

    def _check(self, question: CheckQuestion) -> BoxChoice:
        section, candidates = question.section, question.candidates
        before = _numbers(question.picks)
        text = self._words.fill(
            "check-v1",
            **self._words.box_words("box-v1", section, question.frame_index, candidates),
            picks=f"box {before}" if len(question.picks) == 1 else f"the boxes {before}",
            expression=quoted(question.text),
            task=self._words.text(_counted("box-v1", self._several)),
        )
        picture = section.result_picture(question.masks, question.frame_index, candidates)
        jpeg = encode_jpeg(picture, section.style.jpeg_quality)
        numbers = range(1, len(candidates) + 1)
        schema = box_schema(numbers, ("reason",), several=self._several)
        prompt = self._prompt(_counted("check-v1", self._several), text, jpeg, schema, self._detail[1])
        asked = self._inquiry.ask(
            self._box_model, prompt, lambda reply: _read_boxes(reply, numbers, self._several)
        )
        picks, answer = list(question.picks), None  # without an answer what was chosen before stands
        if asked.answer is not None:
            picks = [number - 1 for number in asked.answer]
            right = set(picks) == set(question.picks)
            answer = "right" if right else f"wrong: {f'box {_numbers(picks)}' if picks else 'no box fits'}"
        decision = asked.decision("check", answer, section, question.frame_index, jpeg, candidates, picks)
        # It is about the whole clip, whatever section its boxes are from.
        return BoxChoice(picks, replace(decision, section=None), asked.notes, asked.error)

    def _read_sentence(self, question: ConceptQuestion) -> ConceptChoice:
        """Without an answer the whole sentence is what a finder looks for."""
        section = question.section
        text = self._words.fill(
            "concepts-v1", **self._words.picture_words(section), expression=quoted(question.text)
        )
        prompt = self._prompt("concepts-v1", text, section.jpeg, concepts_schema(), self._detail[0])
        asked = self._inquiry.ask(self._frame_model, prompt, read_concepts)
        meant, related = asked.answer or ([question.text], [])
        answer = ", ".join(meant) + (f"; beside {', '.join(related)}" if related else "")
        decision = replace(asked.decision("concepts", asked.answer and answer, section), section=None)
        return ConceptChoice(meant, related, decision, asked.notes, asked.error)

    def _judge(self, question: TracksQuestion) -> TracksChoice:
        section = question.section
        picture = marked_picture(section, tracks_on(question))
        jpeg = encode_jpeg(picture, section.style.jpeg_quality)
        text = tracks_text(self._words, question)
        prompt = self._prompt("tracks-v1", text, jpeg, tracks_schema(question), self._detail[1])
        asked = self._inquiry.ask(self._box_model, prompt, lambda reply: read_judgements(reply, question))
        judgements = asked.answer or {}
        decision = asked.decision(
            f"round {question.round}", judged_words(judgements) or None, section, jpeg=jpeg
        )
        reason = reasons_of(judgements) or decision.reason
        return TracksChoice(
            judgements,
            replace(decision, section=None, reason=reason),
            asked.notes,
            asked.error,
            usable=asked.answer is not None,
        )

    def _require_vision(self) -> None:
        if self._probe:
            for model in {model.name: model for model in (self._frame_model, self._box_model)}.values():
                require_vision(model, self._inquiry, self._words, self._form)
            self._probe = False

    def _prompt(
        self, kind: str, text: str, jpeg: bytes, schema: dict[str, Any], detail: str | None
    ) -> Prompt:
        text = well_formed(f"{text}\n{self._words.text(f'{kind}.{self._form}')}".strip())
        return Prompt(self._words.version(kind), text, jpeg, schema if self._form == "json" else None, detail)

    def _all(self, pick: Callable[[Question], Choice], questions: Sequence[Question]) -> list[Choice]:
        if questions:
            self._require_vision()
        if len(questions) <= 1 or self._concurrency == 1:
            return [pick(question) for question in questions]
        with ThreadPoolExecutor(self._concurrency) as pool:
            try:
                return list(pool.map(pick, questions))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _counted(kind: str, several: bool) -> str:
    return f"{kind}.{'several' if several else 'one'}"


def _numbers(picks: Sequence[int]) -> str:
    """As in pictures, from 1."""
    return ", ".join(str(pick + 1) for pick in picks)


def _read_boxes(reply: str, numbers: Sequence[int], several: bool) -> list[int]:
    """Of the allowed `numbers`; several only where they were asked for, possibly none."""
    if several:
        return read_numbers(reply, "chosen", numbers)
    number = read_number(reply, "box", [-1, *numbers])
    return [] if number == -1 else [number]
