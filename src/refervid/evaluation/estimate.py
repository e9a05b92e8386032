"""What a run on a data set would ask of a language model, before it is started."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from refervid.datasets.item import Item
from refervid.pipelines.base import Pipeline
from refervid.types import Spending

OPENED = 20
"""Videos that are looked at, evenly spread; they stand for all."""


def estimate(items: Sequence[Item], pipeline: Pipeline) -> Spending | None:
    """At most so much, in a run that does all `items`; None if no language model is asked."""
    videos = [list(group) for _, group in groupby(items, key=lambda item: item.video.name)]
    sample = videos[:: len(videos) // OPENED + 1]
    found = [pipeline.estimate(group[0].video.open(), [one.reference for one in group]) for group in sample]
    known = [one for one in found if one is not None]
    if not known:
        return None
    share = sum(len(group) for group in sample) / len(items)
    prices = [one.usd for one in known if one.usd is not None]
    return Spending(
        model=known[0].model,
        asked=round(sum(one.asked for one in known) / share),
        input_tokens=round(sum(one.input_tokens for one in known) / share),
        output_tokens=round(sum(one.output_tokens for one in known) / share),
        usd=sum(prices) / share if len(prices) == len(known) else None,
    )
