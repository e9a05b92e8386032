"""Measures of AVSBench: MJ and MF of binary masks, and their means per class for semantic maps; of Ref-AVS.

Zhou et al. 2022, "Audio-Visual Segmentation"; the constants are those of the public repository
OpenNLPLab/AVSBench, called frame by frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

CLASSES = 71
"""Background and the 70 classes of AVSBench-semantic."""
SEMANTIC_SIZE = 224
"""Semantic maps are compared at this height and width, in pixels."""
BETA_SQUARED = 0.3
"""Weight of precision against recall in F."""
THRESHOLDS = np.linspace(0, 1, 255, dtype=np.float32)


def binary_iou(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """IoU of one frame, both bool (H, W); for an empty truth the share of the frame left empty."""
    if not truth.any():
        return 1 - np.count_nonzero(prediction) / truth.size
    return np.count_nonzero(truth & prediction) / np.count_nonzero(truth | prediction)


def binary_f(truth: NDArray[np.bool_], prediction: NDArray[np.bool_] | NDArray[np.floating]) -> float:
    """Largest F of one frame over 255 thresholds; `truth` bool (H, W), `prediction` bool or in 0..1.

    Two published quirks are kept. An empty truth gives 0. The threshold 0 selects the whole frame, so
    that even an empty prediction scores above 0.
    """
    return float(_f_curve(truth, prediction).max()) if truth.any() else 0.0


def clip_f(frames: Iterable[tuple[NDArray[np.bool_], NDArray[np.bool_]]]) -> float:
    """Ref-AVS' F of one clip's (truth, prediction), bool (H, W) each; 0 where every truth is empty.

    Wang et al. 2024, "Ref-AVS", and the public repository GeWu-Lab/Ref-AVS, called with one clip at a time:
    frames of an empty truth do not count, means over frames come before the largest over thresholds.
    """
    curves = [_f_curve(truth, prediction) for truth, prediction in frames if truth.any()]
    return float(np.mean(curves, axis=0).max()) if curves else 0.0


def _f_curve(
    truth: NDArray[np.bool_], prediction: NDArray[np.bool_] | NDArray[np.floating]
) -> NDArray[np.float64]:
    """F of one frame at the thresholds that differ: all of them, or of a binary mask the two kinds that there
    are, 0, which selects the whole frame, and all others, which select the mask.
    """
    area = np.count_nonzero(truth)
    if prediction.dtype == bool:
        chosen = np.array([truth.size, np.count_nonzero(prediction)])
        hits = np.array([area, np.count_nonzero(prediction[truth])])
    else:
        levels = np.searchsorted(THRESHOLDS, prediction.astype(np.float32), side="right")
        # chosen[k]: pixels at or above threshold k.
        chosen = np.bincount(levels.ravel(), minlength=len(THRESHOLDS) + 1)[::-1].cumsum()[-2::-1]
        hits = np.bincount(levels[truth], minlength=len(THRESHOLDS) + 1)[::-1].cumsum()[-2::-1]
    # (1 + b) P R / (b P + R) with P = hits / chosen and R = hits / truth, cleared of divisions by zero.
    curve: NDArray[np.float64] = (1 + BETA_SQUARED) * hits / (BETA_SQUARED * area + chosen)
    return curve


def null_s(predictions: Iterable[NDArray[np.bool_]]) -> float:
    """Ref-AVS' S of a clip in which nothing is meant: the root of the share of pixels predicted, 0 is best.

    `predictions` are its frames, bool (H, W) of one size.
    """
    return float(np.sqrt(np.mean([prediction.mean() for prediction in predictions])))


@dataclass
class SemanticSums:
    """Running sums over frames, per class: three (71,) float64 arrays."""

    iou: NDArray[np.float64] = field(default_factory=lambda: np.zeros(CLASSES))
    f: NDArray[np.float64] = field(default_factory=lambda: np.zeros(CLASSES))
    frames: NDArray[np.float64] = field(default_factory=lambda: np.zeros(CLASSES))

    def add(self, truth: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> None:
        """Count one frame; both (H, W) with classes 0..70, of any size each."""
        pairs = shrunk(truth).astype(np.int64) * CLASSES + shrunk(prediction)
        confusion = np.bincount(pairs.ravel(), minlength=CLASSES**2).reshape(CLASSES, CLASSES)
        hits, of_truth, of_prediction = np.diag(confusion), confusion.sum(1), confusion.sum(0)
        union = of_truth + of_prediction - hits
        self.iou += _ratio(hits, union)
        self.f += _ratio((1 + BETA_SQUARED) * hits, BETA_SQUARED * of_truth + of_prediction)
        self.frames += union > 0

    def merge(self, other: SemanticSums) -> None:
        """Add another part's sums."""
        self.iou += other.iou
        self.f += other.f
        self.frames += other.frames

    def scores(self) -> SemanticScores:
        """Means over frames per class, then over classes."""
        return SemanticScores(_ratio(self.iou, self.frames), _ratio(self.f, self.frames), self.frames > 0)


@dataclass(frozen=True)
class SemanticScores:
    """Per class: IoU and F (71,) float64, and whether the class occurs at all (71,) bool.

    `miou` and `mf` are means over all 71 classes, background included and absent ones as 0, as published.
    `miou_no_background` and `mf_no_background` keep a published slip: they leave out the last class
    (70, woman) instead of the background.
    """

    iou: NDArray[np.float64]
    f: NDArray[np.float64]
    seen: NDArray[np.bool_]

    @property
    def miou(self) -> float:
        return float(self.iou.mean())

    @property
    def mf(self) -> float:
        return float(self.f.mean())

    @property
    def miou_no_background(self) -> float:
        return float(self.iou[:-1].mean())

    @property
    def mf_no_background(self) -> float:
        return float(self.f[:-1].mean())


def shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3) resized to 224 x 224: the nearest pixel, seen from pixel centres."""
    height, width = picture.shape[:2]
    places = (np.arange(SEMANTIC_SIZE) + 0.5) / SEMANTIC_SIZE
    small: NDArray[np.uint8] = picture[(places * height).astype(int)[:, None], (places * width).astype(int)]
    return small


def _ratio(above: NDArray[np.number], below: NDArray[np.number]) -> NDArray[np.float64]:
    """Quotient, 0 where the divisor is 0."""
    quotient = np.zeros(len(above))
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient
