"""Answers from a list: for tests, and for trying a pipeline without any model."""

from __future__ import annotations

from collections.abc import Iterable

from refervid.engines.choosers.llm.model import FREE, Prompt, Reply
from refervid.errors import NotInCache


class ScriptedModel:
    """Gives `replies` in order, an exception among them is raised; keeps the prompts it was asked."""

    name = "scripted"
    prices = FREE

    def __init__(self, replies: Iterable[str | Exception]) -> None:
        self._replies = iter(replies)
        self.prompts: list[Prompt] = []

    def reply(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        answer = next(self._replies, None)
        if answer is None:
            raise NotInCache("the script has no further reply")
        if isinstance(answer, Exception):
            raise answer
        return Reply(answer)
