"""What a run on a data set would ask of a language model, before it is started."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from refervid.core.errors import RefervidError
from refervid.core.types import Spending
from refervid.datasets.item import Item
from refervid.pipelines.base import Pipeline

OPENED = 20
"""Videos that are looked at, evenly spread; they stand for all."""


def estimate(items: Sequence[Item], pipeline: Pipeline) -> Spending | None:
    """At most so much, in a run that does all `items`; None if no language model is asked.

    Videos that cannot be read are left out here: the run records them as failed.
    """
    videos = [list(group) for _, group in groupby(items, key=lambda item: item.video.name)]
    known, looked_at = [], 0
    for group in videos[:: len(videos) // OPENED + 1]:
        try:
            found = pipeline.estimate(group[0].video.open(), [one.reference for one in group])
        except RefervidError:
            continue
        looked_at += len(group)
        if found is not None:
            known.append(found)
    if not known:
        return None
    share = looked_at / len(items)
    prices = [one.usd for one in known if one.usd is not None]
    return Spending(
        model=known[0].model,
        asked=round(sum(one.asked for one in known) / share),
        input_tokens=round(sum(one.input_tokens for one in known) / share),
        output_tokens=round(sum(one.output_tokens for one in known) / share),
        usd=sum(prices) / share if len(prices) == len(known) else None,
    )
