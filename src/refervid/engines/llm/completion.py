"""What a chat server sends back, whoever wrote that server: its shape is checked once, here."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from refervid.core.errors import ReplyEmpty, ReplyFiltered, ReplyRefused, UnusableReply
from refervid.core.files import well_formed
from refervid.engines.llm.model import Reply
from refervid.engines.llm.replies import problem_of, shown

Words = Annotated[str, BeforeValidator(lambda value: well_formed(value) if isinstance(value, str) else "")]
"""Anything but a string counts as no words."""

Count = Annotated[int, Field(ge=0, le=10**9)]


class _Message(BaseModel):
    content: Words = ""
    refusal: Words = ""
    reasoning_content: Any = None
    reasoning: Any = None


class _Choice(BaseModel):
    finish_reason: str | None = None
    message: _Message | None = None


class Completion(BaseModel):
    """What we read of a chat completion."""

    choices: list[_Choice | None]
    usage: Any = None


class _Usage(BaseModel):
    prompt_tokens: Count
    completion_tokens: Count


def parse_completion(content: str) -> Completion:
    """Raises `ValueError` with what was sent instead, in words."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    error = body.get("error") if isinstance(body, dict) else None
    if error:
        raise ValueError(str(error.get("message") or error) if isinstance(error, dict) else str(error))
    try:
        return Completion.model_validate(body)
    except ValidationError:
        raise ValueError("it has no choices as the chat protocol has them") from None


def reply_of(completion: Completion) -> Reply:
    """The words of the first choice; each way of having none is an `UnusableReply` of its own."""
    choice = completion.choices[0] if completion.choices else None
    text = choice.message.content if choice and choice.message else ""
    return Reply(text, *_tokens(completion.usage), problem=_problem(choice))


def _problem(choice: _Choice | None) -> UnusableReply | None:
    if choice is None:
        return ReplyEmpty("the server sent no choice")
    message = choice.message
    if choice.finish_reason == "content_filter":
        return ReplyFiltered("a content filter stopped the reply")
    if message is None:
        return ReplyEmpty("the server sent no message")
    if message.refusal:
        return ReplyRefused(f"the model refuses: {shown(message.refusal)}")
    thought = bool(message.reasoning_content or message.reasoning)
    return problem_of(message.content, cut=choice.finish_reason == "length", thought=thought)


def _tokens(usage: Any) -> tuple[int, int]:
    """Zeros where a server does not count, or counts what cannot be."""
    try:
        counted = _Usage.model_validate(usage)
    except ValidationError:
        return 0, 0
    return counted.prompt_tokens, counted.completion_tokens
