"""Tokens and money."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from threading import Lock

from PIL import Image

from refervid.core.errors import BudgetExceeded, UnusableReply
from refervid.core.types import Spending
from refervid.engines.base import PlannedQuestions
from refervid.engines.llm.model import Prices, Prompt, Reply
from refervid.engines.llm.wording import Wording

CHARACTERS_PER_TOKEN = 4
"""Of English text, OpenAI's rule of thumb (help centre, "What are tokens and how to count them?")."""

EXPECTED_OUTPUT = 400
"""Tokens of a reasoned answer; only for estimates."""


@dataclass
class Bill:
    """Tokens of one question: expected, until the reply says what they were."""

    input_tokens: int
    output_tokens: int

    def take(self, reply: Reply) -> None:
        """A server that does not count (0 tokens) is believed to have used what was expected."""
        if reply.input_tokens:
            self.input_tokens, self.output_tokens = reply.input_tokens, reply.output_tokens


@dataclass
class Ledger:
    """What was asked and what it cost so far; `limit` in US dollars (None: no limit)."""

    limit: float | None = None
    asked: int = 0
    from_cache: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    spent: float | None = 0.0
    """US dollars; None once a question went to a model whose price is not known."""
    _promised: float = 0.0
    """What the questions that are on their way will probably cost."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    @contextmanager
    def asking(self, prompt: Prompt, prices: Prices | None) -> Iterator[Bill]:
        """Around one question; the bill is booked if there was a reply, also an unusable one.

        Raises `BudgetExceeded` if the answer, with those on their way, would probably pass the limit.
        """
        bill = Bill(estimate_input(prompt), EXPECTED_OUTPUT)
        expected = prices.cost(bill.input_tokens, bill.output_tokens) if prices else 0.0
        self._promise(expected)
        answered = False
        try:
            yield bill
            answered = True
        except UnusableReply:
            answered = True
            raise
        finally:
            with self._lock:
                self._promised -= expected
                if answered:
                    self._book(bill, prices)

    def book_cached(self) -> None:
        with self._lock:
            self.from_cache += 1

    def _promise(self, expected: float) -> None:
        with self._lock:
            spent = self.spent or 0.0
            if self.limit is not None and spent + self._promised + expected > self.limit:
                raise BudgetExceeded(
                    f"{spent:.4f} USD are spent and the next question costs about {expected:.4f}: more than "
                    f"the {self.limit} USD allowed. Answers so far are kept; raise --max-cost to go on"
                )
            self._promised += expected

    def _book(self, bill: Bill, prices: Prices | None) -> None:
        self.asked += 1
        self.input_tokens += bill.input_tokens
        self.output_tokens += bill.output_tokens
        if prices is None or self.spent is None:
            self.spent = None
        else:
            self.spent += prices.cost(bill.input_tokens, bill.output_tokens)

    def spending(self, model: str) -> Spending:
        return Spending(model, self.asked, self.from_cache, self.input_tokens, self.output_tokens, self.spent)


def estimate(
    questions: Sequence[PlannedQuestions],
    frame_model: tuple[str, Prices | None],
    box_model: tuple[str, Prices | None],
    words: Wording,
) -> Spending:
    """What `questions` would take, by the length of their texts and the size of their pictures; models are
    names with prices.
    """
    asked, tokens_in, tokens_out, usd = 0, 0, 0, 0.0
    unpriced = False
    for planned in questions:
        _, prices = frame_model if planned.kind in ("frame", "objects") else box_model
        one = text_tokens(words.text(f"{planned.kind}-v1")) + picture_tokens(planned.width, planned.height)
        unpriced = unpriced or prices is None
        usd += planned.count * prices.cost(one, EXPECTED_OUTPUT) if prices else 0.0
        asked += planned.count
        tokens_in += planned.count * one
        tokens_out += planned.count * EXPECTED_OUTPUT
    names = ", ".join(dict.fromkeys([frame_model[0], box_model[0]]))
    return Spending(names, asked, 0, tokens_in, tokens_out, None if unpriced else usd)


def estimate_input(prompt: Prompt) -> int:
    """Tokens of a prompt."""
    width, height = Image.open(io.BytesIO(prompt.jpeg)).size
    return text_tokens(prompt.text) + picture_tokens(width, height)


def text_tokens(text: str) -> int:
    return len(text) // CHARACTERS_PER_TOKEN


def picture_tokens(width: int, height: int) -> int:
    """By OpenAI's tile rule for high detail (vision guide): fit into 2048 x 2048, shorter side at most
    768, then 170 per tile of 512 and 85.
    """
    scale = min(1.0, 2048 / max(width, height))
    scale *= min(1.0, 768 / (min(width, height) * scale))
    tiles = ceil(width * scale / 512) * ceil(height * scale / 512)
    return 85 + 170 * tiles
