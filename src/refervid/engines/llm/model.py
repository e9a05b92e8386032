"""What a language model is asked, what it gives back, and what it charges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import Field

from refervid.config.frozen import Frozen
from refervid.core.errors import ServerFailed, UnusableReply


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
    """The model's words, and the tokens they cost. `problem` is why they are no answer, where they are none;
    they cost all the same."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0
    problem: UnusableReply | None = None


class Prices(Frozen):
    """US dollars per million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


FREE = Prices(input=0, output=0)
"""Of models on this machine."""


class NoReply(ServerFailed):
    """Nothing came that could be read. `again`: the same question may be answered later, after `pause_s` if
    the server said so; `charged`: an answer may have been given, and got lost on the way."""

    def __init__(
        self, words: str, *, again: bool = False, pause_s: float | None = None, charged: bool = False
    ) -> None:
        super().__init__(words)
        self.again, self.pause_s, self.charged = again, pause_s, charged


class QuestionRefused(ServerFailed):
    """The server does not take this question: something is wrong with it, or the model takes no pictures."""


class VisionModel(Protocol):
    """Answers one prompt, in `most_output` tokens if that is given. `name` identifies the model together with
    everything that changes its answers; `prices` are None where they are not known.

    Raises `ChooserError` when there is no answer.
    """

    name: str

    @property
    def prices(self) -> Prices | None: ...

    def reply(self, prompt: Prompt, most_output: int | None = None) -> Reply: ...
