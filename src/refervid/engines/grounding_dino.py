"""Grounding DINO and MM Grounding DINO: boxes for a sentence (arXiv 2303.05499, 2401.02361).

Caption, thresholds and phrases follow the `predict` helper of github.com/IDEA-Research/GroundingDINO,
which AL-Ref-SAM 2 uses. Text and picture mix right after the image backbone, so that is what the
sentences of a frame share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from refervid.core.types import Candidate
from refervid.engines.base import DetectorRequest, EngineSettings, Weights
from refervid.engines.detector_pixels import shorter_side_size, to_tensor
from refervid.engines.hub.engine import HubSettings
from refervid.engines.text_detector import FrameAndText, Seen, TextDetector
from refervid.media.clip import Clip
from refervid.models.adaptive_batch import AdaptiveBatch

KEPT_FRAMES = 8
"""Of which features stay: about 50 MB each for the base model on a frame of 800 x 1333 pixels."""


class GroundingDinoSettings(HubSettings):
    """Boxes with a probability above `box_threshold` are candidates, and the words above `text_threshold`
    their phrase; the best guess that is asked for, however weak, has the words above
    `last_resort_text_threshold`. Frames are resized to `short_side` pixels or to at most `long_side`; boxes
    come in the `order` of their scores, or of the network's queries as in AL-Ref-SAM 2's scripts for sound;
    `batch` counts frames or sentences that go through the network together.
    """

    kind: Literal["grounding-dino"] = "grounding-dino"
    weights: Weights = "IDEA-Research/grounding-dino-tiny"
    box_threshold: float = Field(0.25, ge=0, le=1)
    text_threshold: float = Field(0.2, ge=0, le=1)
    order: Literal["scores", "queries"] = "scores"
    last_resort_text_threshold: float = Field(0.1, ge=0, le=1)
    short_side: int = Field(800, ge=32)
    long_side: int = Field(1333, ge=32)
    batch: int = Field(4, ge=1)


class GroundingDinoDetector(TextDetector[GroundingDinoSettings]):
    """Works with every transformers model of the Grounding DINO family."""

    Settings: ClassVar[type[EngineSettings]] = GroundingDinoSettings
    name = "grounding-dino"
    architecture = "AutoModelForZeroShotObjectDetection"

    def __init__(self, model: Any, tokenizer: Any, settings: GroundingDinoSettings, device: str) -> None:
        super().__init__(model, tokenizer, settings, device)
        core: Any = self._model.model
        kept = max(KEPT_FRAMES, settings.batch)
        self._backbone = core.backbone = _SharedBackbone(core.backbone, kept)
        self._batch = AdaptiveBatch(settings.batch, "batch", torch.device(device))

    def detect(self, clip: Clip, requests: Sequence[DetectorRequest]) -> list[list[Candidate]]:
        """One list per request, highest score first unless the `order` is another. Raises `OutOfMemory`.

        Of a sentence of more tokens than the network takes (published: 256), the first ones are read.
        """
        if not self._memory.is_of(clip):
            self._backbone.forget()
        return super().detect(clip, requests)

    def _look(self, clip: Clip, pairs: Sequence[FrameAndText]) -> list[Seen]:
        batch, seen = self._settings.batch, []
        frames = list(dict.fromkeys(frame for frame, _ in pairs))
        for start in range(0, len(frames), batch):
            chunk = frames[start : start + batch]
            self._encode(clip, chunk)
            asked = [pair for pair in pairs if pair[0] in chunk]
            seen += self._batch.run(partial(self._ask, clip, asked), len(asked))
        return seen

    def _encode(self, clip: Clip, frames: Sequence[int]) -> None:
        size = shorter_side_size(clip.height, clip.width, self._settings.short_side, self._settings.long_side)
        new = self._backbone.without_features(frames)
        pictures = [to_tensor(frame, size) for _, frame in clip.frames(new)]

        @torch.inference_mode()
        def encode(piece: slice) -> list[_FrameFeatures]:
            return self._backbone.encode(torch.stack(pictures[piece]).to(self._device, self._dtype))

        self._backbone.keep(new, self._batch.run(encode, len(new)))

    def _ask(self, clip: Clip, asked: Sequence[FrameAndText], piece: slice) -> list[Seen]:
        pairs = asked[piece]
        tokens = self._tokenizer(
            [caption(text) for _, text in pairs],
            return_tensors="pt",
            padding=True,
            truncation=True,
            max_length=self._model.config.max_text_len,
        ).to(self._device)
        with torch.inference_mode():
            output = self._model(
                pixel_values=self._backbone.select([frame for frame, _ in pairs]),
                input_ids=tokens["input_ids"],
                attention_mask=tokens["attention_mask"],
                token_type_ids=tokens.get("token_type_ids"),
            )
        probabilities = output.logits.float().sigmoid().cpu()
        boxes = output.pred_boxes.float().cpu() * torch.tensor([clip.width, clip.height] * 2)
        ids = tokens["input_ids"].cpu()
        return [self._seen(probabilities[row], boxes[row], ids[row]) for row in range(len(pairs))]

    def _seen(self, probabilities: Tensor, boxes: Tensor, ids: Tensor) -> Seen:
        """Queries above the threshold; as a last resort the best one whatever its score."""
        settings = self._settings
        scores = probabilities.max(dim=1).values
        order = scores.argsort(descending=True)

        def candidates(queries: Tensor, text_threshold: float) -> list[Candidate]:
            return [
                Candidate(
                    _corners(boxes[query].numpy()),
                    float(scores[query]),
                    self._phrase(probabilities[query] > text_threshold, ids),
                )
                for query in queries.tolist()
            ]

        above = order[scores[order] > settings.box_threshold]
        return Seen(
            candidates(
                above.sort().values if settings.order == "queries" else above, settings.text_threshold
            ),
            candidates(order[:1], settings.last_resort_text_threshold),
        )

    def _phrase(self, chosen: Tensor, ids: Tensor) -> str:
        """The caption's tokens that the box answers to, without the first and the last place of 256."""
        chosen = chosen.clone()
        chosen[0] = chosen[255:] = False
        text = self._tokenizer.decode(ids[chosen[: len(ids)]])
        return str(text).replace(".", "").strip()


@dataclass(frozen=True)
class _FrameFeatures:
    """One frame's pixels, and features with mask and positions of each level."""

    pixels: Tensor
    features: list[tuple[Tensor, Tensor]]
    positions: list[Tensor]


class _SharedBackbone(nn.Module):
    """Stands in for the image backbone: several sentences take the features of one encoded frame.

    Of a clip's frames the last `kept` stay, for sentences that come later.
    """

    def __init__(self, backbone: Any, kept: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.position_embedding = backbone.position_embedding
        self._kept = kept
        self._frames: dict[int, _FrameFeatures] = {}

    def forget(self) -> None:
        """Another clip follows."""
        self._frames.clear()

    def without_features(self, frames: Sequence[int]) -> list[int]:
        """Those of `frames`, at most `kept`, that are still to be encoded; the others will stay."""
        for frame in frames:
            if frame in self._frames:
                self._frames[frame] = self._frames.pop(frame)
        return [frame for frame in frames if frame not in self._frames]

    def encode(self, pixels: Tensor) -> list[_FrameFeatures]:
        """What the real backbone says about the pixels (F, 3, h, w) of frames."""
        mask = torch.ones((len(pixels), *pixels.shape[-2:]), dtype=torch.long, device=pixels.device)
        features, positions = self.backbone(pixels, mask)
        # Copies, so that one frame does not keep its whole batch alive.
        return [
            _FrameFeatures(
                pixels[row].clone(),
                [(level[row].clone(), level_mask[row].clone()) for level, level_mask in features],
                [level[row].clone() for level in positions],
            )
            for row in range(len(pixels))
        ]

    def keep(self, frames: Sequence[int], features: Sequence[_FrameFeatures]) -> None:
        """Hold the features of further frames, and let go of the oldest beyond `kept`."""
        self._frames |= zip(frames, features, strict=True)
        for frame in list(self._frames)[: -self._kept]:
            del self._frames[frame]

    def select(self, frames: Sequence[int]) -> Tensor:
        """The pixels to hand to the model for a batch in which entry i is about frame `frames[i]`."""
        self._chosen = [self._frames[frame] for frame in frames]
        return torch.stack([each.pixels for each in self._chosen])

    def forward(self, pixels: Tensor, mask: Tensor) -> tuple[list[tuple[Tensor, Tensor]], list[Tensor]]:
        features = [
            (
                torch.stack([level for level, _ in levels]),
                torch.stack([level_mask for _, level_mask in levels]),
            )
            for levels in zip(*(each.features for each in self._chosen), strict=True)
        ]
        positions = zip(*(each.positions for each in self._chosen), strict=True)
        return features, [torch.stack(list(levels)) for levels in positions]


def caption(text: str) -> str:
    """Lower case, with a full stop at the end, as the network was trained."""
    text = text.strip().lower()
    return text if text.endswith(".") else text + "."


def _corners(box: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """xyxy from centre and size."""
    x, y, width, height = box
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float32)
