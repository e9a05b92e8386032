"""What a language model is asked, what it gives back, and what it charges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from refervid.core.errors import ServerFailed


@dataclass(frozen=True)
class Prompt:
    """One question: text, one JPEG, and the JSON schema of the answer (None: free text).

    `version` names the prompt file; `detail` is the picture detail that OpenAI's servers know.
    """

    version: str
    text: str
    jpeg: bytes
    schema: Mapping[str, Any] | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Reply:
    """The model's words, and the tokens they cost."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0


class Prices(BaseModel):
    """US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


FREE = Prices(input=0, output=0)
"""Of models on this machine."""


class QuestionRefused(ServerFailed):
    """The server does not take this question: something is wrong with it, or the model takes no pictures."""


class VisionModel(Protocol):
    """Answers one prompt. `name` identifies the model together with everything that changes its answers;
    `prices` are None where they are not known.

    Raises `UnusableReply` when there is an answer that cannot be used, `ChooserError` when there is none.
    """

    name: str

    @property
    def prices(self) -> Prices | None: ...

    def reply(self, prompt: Prompt) -> Reply: ...
