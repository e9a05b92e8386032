"""OWLv2: an open-vocabulary detector (arXiv 2306.09683) through transformers.

Picture and sentences meet only in the last step, so every frame is encoded once for all its sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from refervid.core.types import Candidate, Frame
from refervid.engines.base import EngineSettings, Weights
from refervid.engines.detector_pixels import to_tensor
from refervid.engines.hub.engine import HubSettings
from refervid.engines.text_detector import FrameAndText, Seen, TextDetector
from refervid.media.clip import Clip
from refervid.models.adaptive_batch import memory_checked
from refervid.models.normalisation import CLIP_MEAN, CLIP_STD

_PADDING = 128
"""Grey that fills the picture up to a square."""


class Owlv2Settings(HubSettings):
    """`overlap`: of two boxes for one sentence whose IoU is larger, only the better one stays."""

    kind: Literal["owlv2"] = "owlv2"
    weights: Weights = "google/owlv2-base-patch16-ensemble"
    box_threshold: float = Field(0.1, ge=0, le=1)
    overlap: float = Field(0.5, gt=0, le=1)


class Owlv2Detector(TextDetector[Owlv2Settings]):
    """Boxes for sentences by OWLv2."""

    Settings: ClassVar[type[EngineSettings]] = Owlv2Settings
    name = "owlv2"
    architecture = "Owlv2ForObjectDetection"

    def _look(self, clip: Clip, pairs: Sequence[FrameAndText]) -> list[Seen]:
        seen = []
        for frame_index, group in groupby(pairs, key=lambda pair: pair[0]):
            texts = [text for _, text in group]
            scores, boxes = self._run(clip.frame(frame_index), texts)
            seen += [self._seen(scores[:, column], boxes, text) for column, text in enumerate(texts)]
        return seen

    def _run(self, frame: Frame, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Probabilities (P, texts) and boxes (P, 4) xyxy in pixels of the frame, one per patch."""
        side = self._model.config.vision_config.image_size
        pixels = to_tensor(_square(frame), (side, side), CLIP_MEAN, CLIP_STD)[None]
        length = self._model.config.text_config.max_position_embeddings
        tokens = self._tokenizer(
            [text.strip().lower() for text in texts],
            return_tensors="pt",
            padding="max_length",
            truncation=True,
            max_length=length,
        )
        with torch.inference_mode(), memory_checked(self._device):
            output = self._model(
                pixel_values=pixels.to(self._device, self._dtype),
                input_ids=tokens["input_ids"].to(self._device),
                attention_mask=tokens["attention_mask"].to(self._device),
            )
        x, y, width, height = output.pred_boxes[0].float().cpu().numpy().T * max(frame.shape[:2])
        corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
        return output.logits[0].float().sigmoid().cpu().numpy(), corners.astype(np.float32)

    def _seen(self, scores: NDArray[np.float32], boxes: NDArray[np.float32], text: str) -> Seen:
        order = np.argsort(-scores, kind="stable")
        above = order[scores[order] > self._settings.box_threshold]
        kept = above[without_overlaps(boxes[above], self._settings.overlap)]
        found, guess = (
            [Candidate(boxes[n], float(scores[n]), text) for n in chosen] for chosen in (kept, order[:1])
        )
        return Seen(found, guess)


def _square(frame: Frame) -> Frame:
    """The frame in the upper left corner of a grey square."""
    height, width = frame.shape[:2]
    side = max(height, width)
    square = np.full((side, side, 3), _PADDING, np.uint8)
    square[:height, :width] = frame
    return square


def without_overlaps(boxes: NDArray[np.float32], limit: float) -> list[int]:
    """Positions of boxes (N, 4), best first, that overlap no better one by an IoU above `limit`."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    for n, box in enumerate(boxes):
        better = boxes[kept]
        sides = np.minimum(better[:, 2:], box[2:]) - np.maximum(better[:, :2], box[:2])
        shared = np.clip(sides, 0, None).prod(axis=1)
        if not (shared > limit * (areas[kept] + areas[n] - shared)).any():
            kept.append(n)
    return kept
