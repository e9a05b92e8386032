"""Tokens and money."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from threading import Condition

from PIL import Image

from refervid.core.errors import BudgetExceeded
from refervid.core.types import Spending
from refervid.engines.base import PlannedQuestions
from refervid.engines.llm.model import NoReply, Prices, Prompt, Reply
from refervid.engines.llm.wording import Wording

CHARACTERS_PER_TOKEN = 4
"""Of English text, OpenAI's rule of thumb (help centre, "What are tokens and how to count them?")."""

EXPECTED_OUTPUT = 400
"""Tokens of a reasoned answer."""

MOST_OUTPUT = 4096
"""Tokens of an answer that is asked for under a budget, where the budget has so much."""


@dataclass
class Bill:
    """Tokens of one question: expected, until the reply says what they were. Under a budget the answer may
    have `most_output`."""

    input_tokens: int
    output_tokens: int
    most_output: int | None = None

    def take(self, reply: Reply) -> None:
        """A server that does not count (0 tokens) is believed to have used what was expected, and under a
        budget all that it was given."""
        if reply.input_tokens:
            self.input_tokens, self.output_tokens = reply.input_tokens, reply.output_tokens
        elif self.most_output is not None:
            self.output_tokens = self.most_output


@dataclass
class Ledger:
    """What was asked and what it cost so far; `limit` in US dollars (None: no limit).

    Under a limit every question is promised the most that it can cost before it is asked, and tells the
    server how long its answer may be. So however many are on their way, they do not pass it together. How a
    model counts, and whether it keeps to a length, is known once it has answered: until then one question
    goes at a time, and what was learned holds for all that follow.
    """

    limit: float | None = None
    asked: int = 0
    from_cache: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    spent: float | None = 0.0
    """US dollars; None once a question went to a model whose price is not known."""
    _promised: float = 0.0
    _on_way: int = 0
    _ratio: float = 1.0
    """The most that a question had of its estimated tokens."""
    _longest: int = EXPECTED_OUTPUT
    """Tokens of the longest answer."""
    _changed: Condition = field(default_factory=Condition, repr=False)

    @contextmanager
    def asking(self, prompt: Prompt, prices: Prices | None) -> Iterator[Bill]:
        """Around one question; the bill is booked if there was a reply, also where one may have got lost.

        Raises `BudgetExceeded` if not even a short answer is sure to stay within the limit.
        """
        bill = Bill(estimate_input(prompt), EXPECTED_OUTPUT)
        promised = self._promise(bill, prices)
        answered = lost = False
        estimated = bill.input_tokens
        try:
            yield bill
            answered = True
        except NoReply as failure:
            lost = failure.charged
            raise
        finally:
            with self._changed:
                self._promised -= promised
                self._on_way -= 1
                if answered:
                    self._book(bill, prices)
                    self._ratio = max(self._ratio, bill.input_tokens / max(estimated, 1))
                    self._longest = max(self._longest, bill.output_tokens)
                elif lost:
                    self._pay(promised or _cost(bill, prices))
                self._changed.notify_all()

    def book_cached(self) -> None:
        with self._changed:
            self.from_cache += 1

    def _promise(self, bill: Bill, prices: Prices | None) -> float:
        """Waits for those on their way where only their bills can tell whether there is room. US dollars."""
        with self._changed:
            if self.limit is None or prices is None:
                self._on_way += 1
                return 0.0
            self._changed.wait_for(
                lambda: not self._on_way or (self.asked > 0 and self._least(bill, prices) <= self._room())
            )
            room, least = self._room(), self._least(bill, prices)
            if least > room:
                raise BudgetExceeded(
                    f"{self.spent or 0.0:.4f} USD are spent and the next question may cost {least:.4f}: more "
                    f"than the {self.limit} USD allowed. Answers so far are kept; raise --max-cost to go on"
                )
            spare = int((room - least) / prices.cost(0, 1)) if prices.output else MOST_OUTPUT
            bill.most_output = min(max(MOST_OUTPUT, self._longest), self._longest + spare)
            promised = least + prices.cost(0, bill.most_output - self._longest)
            self._promised += promised
            self._on_way += 1
            return promised

    def _least(self, bill: Bill, prices: Prices) -> float:
        """What a question may cost, and an answer as long as others were."""
        return prices.cost(ceil(self._ratio * bill.input_tokens), self._longest)

    def _room(self) -> float:
        assert self.limit is not None
        return self.limit - (self.spent or 0.0) - self._promised

    def _book(self, bill: Bill, prices: Prices | None) -> None:
        self.asked += 1
        self.input_tokens += bill.input_tokens
        self.output_tokens += bill.output_tokens
        self._pay(_cost(bill, prices))

    def _pay(self, usd: float | None) -> None:
        if usd is None or self.spent is None:
            self.spent = None
        else:
            self.spent += usd

    def spending(self, model: str) -> Spending:
        return Spending(model, self.asked, self.from_cache, self.input_tokens, self.output_tokens, self.spent)


def _cost(bill: Bill, prices: Prices | None) -> float | None:
    return None if prices is None else prices.cost(bill.input_tokens, bill.output_tokens)


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
        characters = len(words.text(f"{planned.kind}-v1")) + planned.words
        one = characters // CHARACTERS_PER_TOKEN + picture_tokens(planned.width, planned.height)
        reply = EXPECTED_OUTPUT if planned.reply is None else planned.reply
        unpriced = unpriced or prices is None
        usd += planned.count * prices.cost(one, reply) if prices else 0.0
        asked += planned.count
        tokens_in += planned.count * one
        tokens_out += planned.count * reply
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
