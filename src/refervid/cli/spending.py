"""What questions to a language model will cost and have cost, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refervid.cli.console import console
from refervid.core.counting import counted

if TYPE_CHECKING:
    from refervid.core.types import Spending

_PRICE_UNKNOWN = (
    "the price is not known here (chooser.prices.input and chooser.prices.output, in US dollars per million "
    "tokens, tell it)"
)


def tell_estimate(expected: Spending | None, max_cost: float | None) -> None:
    """Before a run: what it asks at most."""
    if expected is None:
        console.print("no language model is asked: nothing to pay")
        return
    questions = counted(expected.asked, "question")
    console.print(
        f"asks {expected.model} at most {questions} with a picture each, less what is remembered: "
        f"about {_tokens(expected)}, {_price(expected.usd, 'about ')}",
        markup=False,
    )
    if max_cost is not None and expected.usd is not None and expected.usd > max_cost:
        console.print(
            f"the {max_cost:g} USD of --max-cost may not be enough: the run stops before they are passed"
        )


def tell_spending(spent: Spending | None) -> None:
    """After a run."""
    if spent is None or not (spent.asked or spent.from_cache):
        return
    remembered = f", {counted(spent.from_cache, 'answer')} remembered" if spent.from_cache else ""
    console.print(
        f"{counted(spent.asked, 'question')} asked{remembered}: {_tokens(spent)}, {_price(spent.usd)}",
        markup=False,
    )


def _tokens(spending: Spending) -> str:
    return f"{spending.input_tokens:,} tokens in and {spending.output_tokens:,} out"


def _price(usd: float | None, about: str = "") -> str:
    if usd is None:
        return _PRICE_UNKNOWN
    return f"{about}{usd:.4f} USD" if usd else "free of charge"
