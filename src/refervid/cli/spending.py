"""What questions to a language model will cost and have cost, in words."""

from __future__ import annotations

from refervid.cli.console import console
from refervid.types import Spending

_PRICE_UNKNOWN = (
    "the price is not known here (chooser.prices.input and chooser.prices.output, in US dollars per million "
    "tokens, tell it)"
)


def tell_estimate(expected: Spending | None, max_cost: float | None) -> None:
    """Before a run: what it asks at most."""
    if expected is None:
        console.print("no language model is asked: nothing to pay")
        return
    questions = _count(expected.asked, "question")
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
    remembered = f", {_count(spent.from_cache, 'answer')} remembered" if spent.from_cache else ""
    console.print(
        f"{_count(spent.asked, 'question')} asked{remembered}: {_tokens(spent)}, {_price(spent.usd)}",
        markup=False,
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _tokens(spending: Spending) -> str:
    return f"{spending.input_tokens:,} tokens in and {spending.output_tokens:,} out"


def _price(usd: float | None, about: str = "") -> str:
    if usd is None:
        return _PRICE_UNKNOWN
    return f"{about}{usd:.4f} USD" if usd else "free of charge"
