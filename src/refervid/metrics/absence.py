"""How well sentences that mean nothing in the clip are told from those that mean something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def absence_accuracies(
    has_target: Sequence[bool], answered: Sequence[bool]
) -> tuple[float | None, float | None]:
    """N-acc and T-acc in 0..1 over sentences (Liu et al. 2023, "GRES", section 5; MeViS v2 reports both).

    N-acc is the share of the sentences without a target whose answer is empty in every frame, T-acc the
    share of those with a target whose answer is not. None where there is no such sentence.
    """
    targets, answers = np.array(has_target, bool), np.array(answered, bool)
    without, with_target = ~answers[~targets], answers[targets]
    return (
        float(without.mean()) if len(without) else None,
        float(with_target.mean()) if len(with_target) else None,
    )
