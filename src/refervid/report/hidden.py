"""What one map for all sentences cannot show: where sentences share pixels, the first one has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from refervid.core.counting import counted
from refervid.media.exports import ID_MAPS
from refervid.report.outcome import Kind


def say_hidden(results: Sequence[Kind], formats: Sequence[str]) -> list[Kind]:
    """The results, with a note on each that an id map among `formats` shows less than half of somewhere."""
    forms = [kind for kind in formats if kind in ID_MAPS]
    if not forms or len(results) == 1:
        return list(results)
    hidden = [0] * len(results)
    for index in range(len(results[0].clip)):
        taken = np.zeros((results[0].clip.height, results[0].clip.width), bool)
        for number, result in enumerate(results):
            mask = result.track[index]
            hidden[number] += 2 * int((mask & ~taken).sum()) < int(mask.sum())
            taken |= mask
    return [
        replace(
            result,
            notes=[
                *result.notes,
                f"{', '.join(forms)}: on {counted(count, 'frame')} most of it lies under an earlier "
                "sentence's mask, and one map holds one sentence for a pixel; masks/ has every one apart",
            ],
        )
        if count
        else result
        for result, count in zip(results, hidden, strict=True)
    ]
