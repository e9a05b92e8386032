"""One question to a model: from the cache, else asked, corrected once, booked and recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import uniform
from time import sleep
from typing import Generic, TypeVar

from refervid.core.errors import ChooserError, ChooserUnavailable, NotInCache, UnusableReply
from refervid.core.types import Candidate, Decision, Source
from refervid.engines.llm.cache import AnswerCache
from refervid.engines.llm.model import NoReply, Prompt, QuestionRefused, Reply, VisionModel
from refervid.engines.llm.replies import read_reason
from refervid.engines.llm.spending import Ledger
from refervid.media.sections import Section

Answer = TypeVar("Answer")

LONGEST_PAUSE_S = 60.0
"""A server that wants more is asked again all the same, and fails the question."""

LONGEST_RECORD = 16 * 1024
"""Characters of a reply that are kept beside a decision; the cache holds it whole."""


@dataclass(frozen=True)
class Asked(Generic[Answer]):
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
        chosen: Sequence[int] = (),
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
            self.raw if self.raw is None else self.raw[:LONGEST_RECORD],
            jpeg or section.jpeg,
            candidates,
            tuple(chosen),
        )


class Inquiry:
    """Where questions go. `answers` keeps the usable answers; with `replay` nothing else is asked.

    With `correct` an unusable reply gets one corrective question. What gets no reply is asked `retries` times
    again.
    """

    def __init__(
        self,
        answers: AnswerCache,
        ledger: Ledger,
        *,
        replay: bool = False,
        correct: bool = True,
        retries: int = 0,
    ) -> None:
        self._answers = answers
        self.ledger = ledger
        self._replay = replay
        self._correct = correct
        self._retries = retries

    def ask(self, model: VisionModel, prompt: Prompt, read: Callable[[str], Answer]) -> Asked[Answer]:
        """The answer as `read` finds it in the reply; an unusable reply gets one corrective question.

        Raises `ChooserUnavailable`, which every further question would meet too; other failures are in
        what is returned.
        """
        kept = self._kept(model, prompt, read)
        if kept.error is None or self._replay:
            return kept
        question = prompt
        for last in (False, True) if self._correct else (True,):
            raw = None
            try:
                reply = self._reply(model, question)
                raw = reply.text
                if reply.problem is not None:
                    raise reply.problem
                answer = read(raw)
            except UnusableReply as problem:
                if last:
                    return Asked(None, "fallback", model.name, prompt.version, raw, str(problem))
                question = _corrected(prompt, problem)
            except ChooserUnavailable:
                raise
            except QuestionRefused as refusal:
                if not self._answers.holds(model.name):
                    raise ChooserUnavailable(
                        f"{refusal}: it may not take pictures; choose a model with vision "
                        "(--set chooser.model=NAME)"
                    ) from None
                return Asked(None, "fallback", model.name, prompt.version, error=refusal)
            except ChooserError as failure:
                return Asked(None, "fallback", model.name, prompt.version, error=failure)
            else:
                self._answers.put(model.name, prompt, reply)
                return _answered(answer, "model", model, prompt, reply)
        raise AssertionError("both attempts end the loop")

    def _kept(self, model: VisionModel, prompt: Prompt, read: Callable[[str], Answer]) -> Asked[Answer]:
        """From the cache alone; without an answer there, `error` says why."""
        known = self._answers.get(model.name, prompt)
        if known is None:
            missing = NotInCache("this question was never answered: run once without replay")
            return Asked(None, "replay", model.name, prompt.version, error=missing)
        try:
            answer = read(known.text)
        except UnusableReply as problem:  # of a version that read it otherwise
            error = type(problem)(f"{problem}, in a reply that was kept: run once without replay")
            return Asked(None, "replay", model.name, prompt.version, known.text, error=error)
        self.ledger.book_cached()
        return _answered(answer, "cache", model, prompt, known)

    def _reply(self, model: VisionModel, prompt: Prompt) -> Reply:
        """Asks again where that may help; what got lost on the way is paid for once more."""
        for asked in count(1):
            try:
                with self.ledger.asking(prompt, model.prices) as bill:
                    reply = model.reply(prompt, bill.most_output)
                    bill.take(reply)
                return reply
            except NoReply as failure:
                if not failure.again or asked > self._retries:
                    raise
                sleep(_pause_s(failure, asked))
        raise AssertionError("the last try ends the loop")


def _answered(
    answer: Answer, source: Source, model: VisionModel, prompt: Prompt, reply: Reply
) -> Asked[Answer]:
    return Asked(answer, source, model.name, prompt.version, reply.text, read_reason(reply.text))


def _pause_s(failure: NoReply, asked: int) -> float:
    """As the server says, else doubled with every try, and never the same for all who wait."""
    if failure.pause_s is not None and 0 <= failure.pause_s <= LONGEST_PAUSE_S:
        return failure.pause_s
    return float(min(0.5 * 2 ** (asked - 1), 8.0)) * uniform(0.75, 1.0)


def _corrected(prompt: Prompt, problem: UnusableReply) -> Prompt:
    """The question once more, with what was wrong. Of the reply itself nothing is repeated."""
    complaint = f"A first reply could not be used ({type(problem).__name__})."
    return replace(prompt, text=f"{prompt.text}\n{complaint} Keep exactly to the form of the answer.")
