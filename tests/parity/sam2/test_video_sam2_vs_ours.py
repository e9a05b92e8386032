"""Our propagation against the official video predictor: sam2 1.1.0, float32, hole filling off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from refervid.core.types import Pivot
from refervid.engines.sam2 import Sam2Settings, Sam2Tracker
from refervid.engines.sam2.propagate import FrameResult
from refervid.engines.sam2.results import masks_of
from tests.parity.sam2 import published
from tests.parity.sam2.published import CASES, weights_of

HEIGHT, WIDTH = CASES["video_height_width"]
FRAMES = CASES["num_frames"]


@dataclass
class Outcome:
    """Per frame and object: logits, pointers, scores, masks."""

    low: NDArray[np.float32]
    pointer: NDArray[np.float32]
    score: NDArray[np.float32]
    mask: NDArray[np.bool_]

    @classmethod
    def of(cls, results: Iterable[FrameResult], objects: int) -> Outcome:
        own = cls(
            np.full((FRAMES, objects, 64, 64), np.nan, np.float32),
            np.full((FRAMES, objects, 256), np.nan, np.float32),
            np.full((FRAMES, objects), np.nan, np.float32),
            np.zeros((FRAMES, objects, HEIGHT, WIDTH), bool),
        )
        for result in results:
            at = result.index, list(result.objects)
            assert np.isnan(own.score[at]).all(), "an object came twice on one frame"
            own.low[at] = result.decoded.logits
            own.pointer[at] = result.decoded.pointers
            own.score[at] = result.decoded.scores
            own.mask[at] = np.stack(masks_of(result.decoded, HEIGHT, WIDTH))
        return own

    def assert_close(self, version: str, case: str, rows: slice) -> None:
        truth = published.published(version)
        picked = published.rows_of(case)
        np.testing.assert_allclose(
            self.low[:, rows][:, picked],
            truth[f"{case}/low"].astype(np.float32),
            rtol=0,
            atol=1e-3 if case == "rule_only" else 1e-2,
            err_msg=f"{version}/{case}",
        )
        np.testing.assert_allclose(
            self.pointer[:, rows][:, picked], truth[f"{case}/pointer"], rtol=0, atol=2e-3
        )
        np.testing.assert_allclose(self.score[:, rows][:, picked], truth[f"{case}/score"], rtol=0, atol=1e-3)
        wrong = self.mask[:, rows][:, picked] != published.unpack(truth[f"{case}/video_mask"])
        assert wrong.mean() <= 1e-3


def run(version: str, weights: str, objects: list[list[Pivot]]) -> Outcome:
    tracker = Sam2Tracker(published.network(version, weights), Sam2Settings(encode_batch=1))
    propagation = tracker.propagation(published.clip(), objects)
    return Outcome.of(propagation.run(), len(objects))


@pytest.mark.parametrize(
    ("version", "weights"),
    sorted({(version, weights_of(case)) for version, case in published.all_cases()}),
)
def test_all_cases_of_one_model_tracked_as_one_batch_match(version: str, weights: str) -> None:
    cases = [case for v, case in published.all_cases() if v == version and weights_of(case) == weights]
    objects = {case: published.objects(version, case) for case in cases}
    outcome = run(version, weights, [pivots for case in cases for pivots in objects[case]])
    first = 0
    for case in cases:
        outcome.assert_close(version, case, slice(first, first + len(objects[case])))
        first += len(objects[case])


@pytest.mark.slow
@pytest.mark.parametrize(("version", "case"), list(published.all_cases()))
def test_each_case_alone_matches(version: str, case: str) -> None:
    objects = published.objects(version, case)
    run(version, weights_of(case), objects).assert_close(version, case, slice(None))
