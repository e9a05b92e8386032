"""How likely an answer of whole tracks is right."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def confidence(fits: Mapping[tuple[str, str], float], *, rivals: int, unchecked: int) -> float:
    """0..1, from the fit of the name, the weakest other fit by (kind, words), rivals and unchecked words.

    The weights are set by hand, but for the first, which was lowered for clips that nobody had looked at, as
    less is right there. `bench/confidence.py` says how far the outcome can be trusted.
    """
    named = [fit for (kind, _), fit in fits.items() if kind == "named"]
    others = [fit for (kind, _), fit in fits.items() if kind not in ("named", "prior")]
    score = (
        -0.8 + 3.0 * (min(named, default=0.0)) + 1.0 * (min(others, default=1.0) - 0.5) - 0.8 * min(rivals, 1)
    )
    return float(1 / (1 + np.exp(-(score - 0.7 * min(unchecked, 1)))))
