"""Mean, recall and decay."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from refervid.metrics.statistics import statistics

CASES = json.loads((Path(__file__).parents[1] / "parity" / "metrics" / "statistics.json").read_text())
BYTES = 256
"""From so many frames on the official decay is wrong, because it counts frames in bytes."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['values'])} frames")
def test_official_numbers(case: dict[str, list[float | None]]) -> None:
    values = np.array(case["values"], float)
    found = statistics(values)
    mean, recall, decay = np.array(case["mean_recall_decay"], float)
    assert found.mean == pytest.approx(mean, abs=1e-9, nan_ok=True)
    assert found.recall == pytest.approx(recall, abs=1e-9)
    if len(values) < BYTES:
        assert found.decay == pytest.approx(decay, abs=1e-9, nan_ok=True)


def test_decay_of_a_long_clip() -> None:
    values = np.concatenate([np.full(300, 0.9), np.full(300, 0.2)])
    assert statistics(values).decay == pytest.approx(0.7)
