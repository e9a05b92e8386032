"""What a language model is asked, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


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


class VisionModel(Protocol):
    """Answers one prompt. `name` identifies the model together with everything that changes its answers.

    Raises `UnusableReply` when there is an answer that cannot be used, `ChooserError` when there is none.
    """

    name: str

    def reply(self, prompt: Prompt) -> Reply: ...
