"""What a session holds, as the sum of its edits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError

from refervid.config.frozen import Frozen
from refervid.config.problems import problems_of
from refervid.core.arguments import need_number
from refervid.core.errors import BadResult, SettingsError
from refervid.core.types import Reference, SoundReference, TextReference
from refervid.report.record import Digest

Value = TypeVar("Value")

Review = Literal["open", "accepted", "rejected"]
"""What a person says of an answer."""


class SessionObject(Frozen):
    """One object. `digest` is of its marks and masks: they are the same as long as it is.

    `unfinished`: its tracking was stopped, and frames are left to be done.
    """

    name: str
    digest: Digest
    unfinished: bool = False


class SessionAnswer(Frozen):
    """The answer to one sentence, or to what makes the sound (`kind`), by the ids of its objects.

    `by_hand`: a person changed what was found. `digest` is of what was found out.
    """

    words: str
    kind: Literal["text", "sound"]
    digest: Digest
    objects: tuple[int, ...]
    by_hand: bool = False
    review: Review = "open"

    @property
    def reference(self) -> Reference:
        return SoundReference() if self.kind == "sound" else TextReference(self.words)


class Edit(Frozen):
    """One line of the journal: objects and answers as they are after it, by id; null: they are gone.

    `undo` and `redo` have none; `goes_on` replaces the edit before, whose work it carries further.
    """

    what: str
    goes_on: bool = False
    objects: dict[int, SessionObject | None] = Field(default_factory=dict)
    answers: dict[int, SessionAnswer | None] = Field(default_factory=dict)


UNDO, REDO = "undo", "redo"


class State:
    """Edits that hold, and those that were taken back and can be made again."""

    def __init__(self, lines: Iterable[Any]) -> None:
        self.done: list[Edit] = []
        self.undone: list[Edit] = []
        self._last_object = self._last_answer = 0
        for line in lines:
            try:
                self.take(Edit.model_validate(line))
            except (ValidationError, IndexError) as error:
                why = problems_of(error) if isinstance(error, ValidationError) else "nothing to undo"
                raise BadResult(f"an edit is not as this program writes it: {why[:300]}") from error

    def take(self, edit: Edit) -> None:
        """Raises `IndexError` where nothing can be undone or redone."""
        if edit.what == UNDO:
            self.undone.append(self.done.pop())
        elif edit.what == REDO:
            self.done.append(self.undone.pop())
        else:
            if edit.goes_on:
                self.done.pop()
            self.done.append(edit)
            self.undone.clear()
        self._last_object = max(self._last_object, *edit.objects, 0)
        self._last_answer = max(self._last_answer, *edit.answers, 0)

    @property
    def objects(self) -> dict[int, SessionObject]:
        """By id, in order."""
        return _sum((number, one) for edit in self.done for number, one in edit.objects.items())

    @property
    def answers(self) -> dict[int, SessionAnswer]:
        """By id, in order, with those of their objects that are still there."""
        there = self.objects
        return {
            number: answer.model_copy(update={"objects": tuple(n for n in answer.objects if n in there)})
            for number, answer in _sum(
                (number, one) for edit in self.done for number, one in edit.answers.items()
            ).items()
        }

    def object(self, number: int) -> SessionObject:
        """The one with this id. Raises `SettingsError` where there is none."""
        return _one_of("object", self.objects, number)

    def answer(self, number: int) -> SessionAnswer:
        """The one with this id. Raises `SettingsError` where there is none."""
        return _one_of("answer", self.answers, number)

    def by_hand(self, *numbers: int) -> dict[int, SessionAnswer]:
        """The answers that have one of these objects, as changed by a person."""
        return {
            key: answer.model_copy(update={"by_hand": True})
            for key, answer in self.answers.items()
            if set(numbers) & set(answer.objects)
        }

    def new_object(self) -> int:
        """An id that no object ever had."""
        return self._last_object + 1

    def new_answer(self) -> int:
        return self._last_answer + 1

    def holds(self, digest: str) -> bool:
        """Whether an object of this digest is there, or comes back by undo or redo."""
        return any(
            one is not None and one.digest == digest
            for edit in (*self.done, *self.undone)
            for one in edit.objects.values()
        )


def _one_of(kind: str, there: Mapping[int, Value], number: int) -> Value:
    need_number(kind, number, whole=True)
    if number not in there:
        raise SettingsError(f"there is no {kind} {number}: choose one of {[*there]}")
    return there[number]


def _sum(changes: Iterable[tuple[int, Value | None]]) -> dict[int, Value]:
    total: dict[int, Value] = {}
    for number, value in changes:
        if value is None:
            total.pop(number, None)
        else:
            total[number] = value
    return dict(sorted(total.items()))
