"""Tokens and money."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from math import ceil
from threading import Lock

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from refervid.engines.choosers.llm.model import Prompt, Reply
from refervid.errors import BudgetExceeded

CHARACTERS_PER_TOKEN = 4
"""Of English text, OpenAI's rule of thumb (help centre, "What are tokens and how to count them?")."""

EXPECTED_OUTPUT = 400
"""Tokens of a reasoned answer; only for estimates."""


class Prices(BaseModel):
    """US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(0.0, ge=0)
    output: float = Field(0.0, ge=0)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


@dataclass
class Ledger:
    """What was asked and what it cost so far; `limit` in US dollars (None: no limit)."""

    prices: Prices
    limit: float | None = None
    asked: int = 0
    from_cache: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def spent(self) -> float:
        return self.prices.cost(self.input_tokens, self.output_tokens)

    def allow(self, prompt: Prompt) -> None:
        """Raises `BudgetExceeded` if the answer to `prompt` would probably pass the limit."""
        if self.limit is None:
            return
        expected = self.prices.cost(estimate_input(prompt), EXPECTED_OUTPUT)
        if self.spent + expected > self.limit:
            raise BudgetExceeded(
                f"{self.spent:.4f} USD are spent and the next question costs about {expected:.4f}: more than "
                f"the {self.limit} USD allowed. Answers so far are kept; raise --max-cost to go on"
            )

    def book(self, reply: Reply) -> None:
        with self._lock:
            self.asked += 1
            self.input_tokens += reply.input_tokens
            self.output_tokens += reply.output_tokens

    def book_cached(self) -> None:
        with self._lock:
            self.from_cache += 1


def estimate_input(prompt: Prompt) -> int:
    """Tokens of a prompt: text by length, picture by OpenAI's tile rule for high detail (vision guide):
    fit into 2048 x 2048, shorter side at most 768, then 170 per tile of 512 and 85.
    """
    width, height = Image.open(io.BytesIO(prompt.jpeg)).size
    scale = min(1.0, 2048 / max(width, height))
    scale *= min(1.0, 768 / (min(width, height) * scale))
    tiles = ceil(width * scale / 512) * ceil(height * scale / 512)
    return len(prompt.text) // CHARACTERS_PER_TOKEN + 85 + 170 * tiles
