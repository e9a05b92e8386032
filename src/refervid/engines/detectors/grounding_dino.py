"""Grounding DINO and MM Grounding DINO: boxes for a sentence (arXiv 2303.05499, 2401.02361).

Caption, thresholds and phrases follow the `predict` helper of github.com/IDEA-Research/GroundingDINO,
which AL-Ref-SAM 2 uses. Text and picture mix right after the image backbone, so that is what the
sentences of a frame share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from refervid.engines.base import DetectorRequest, EngineSettings, Runtime
from refervid.engines.detectors.pixels import shorter_side_size, to_tensor
from refervid.engines.weights import find_weights, load_pretrained, missing_weights, torch_dtype
from refervid.media.clip import Clip
from refervid.types import Candidate


class GroundingDinoSettings(EngineSettings):
    """`weights` is a hub id or a folder; thresholds are on probabilities; frames are resized to
    `short_side` pixels or to at most `long_side`; `batch` counts frames or sentences that go through the
    network together.
    """

    kind: Literal["grounding-dino"] = "grounding-dino"
    weights: str = "IDEA-Research/grounding-dino-tiny"
    revision: str | None = None
    box_threshold: float = Field(0.25, ge=0, le=1)
    text_threshold: float = Field(0.2, ge=0, le=1)
    last_resort_text_threshold: float = Field(0.1, ge=0, le=1)
    short_side: int = Field(800, ge=32)
    long_side: int = Field(1333, ge=32)
    batch: int = Field(4, ge=1)


class GroundingDinoDetector:
    """Works with every transformers model of the Grounding DINO family."""

    Settings: ClassVar[type[EngineSettings]] = GroundingDinoSettings
    name = "grounding-dino"

    def __init__(
        self, model: nn.Module, tokenizer: Any, settings: GroundingDinoSettings, device: str
    ) -> None:
        self.version = settings.weights
        self._settings = settings
        self._tokenizer = tokenizer
        self._device = device
        self._model = model.to(device)
        self._dtype = next(model.parameters()).dtype
        core: Any = self._model.model
        self._backbone = core.backbone = _SharedBackbone(core.backbone)

    @classmethod
    def missing(cls, settings: GroundingDinoSettings) -> list[str]:
        return missing_weights(settings.weights, settings.revision)

    @classmethod
    def build(cls, settings: GroundingDinoSettings, runtime: Runtime) -> Self:
        from transformers import AutoModelForZeroShotObjectDetection, AutoTokenizer

        folder = find_weights(settings.weights, settings.revision)
        model = load_pretrained(
            AutoModelForZeroShotObjectDetection, folder, dtype=torch_dtype(runtime.dtype, runtime.device)
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return cls(model, tokenizer, settings, runtime.device)

    def detect(self, clip: Clip, requests: Sequence[DetectorRequest]) -> list[list[Candidate]]:
        """One list per request, highest score first."""
        answers: dict[int, list[Candidate]] = {}
        frames = sorted({request.frame_index for request in requests})
        for start in range(0, len(frames), self._settings.batch):
            chunk = frames[start : start + self._settings.batch]
            self._encode(clip, chunk)
            asked = [(n, request) for n, request in enumerate(requests) if request.frame_index in chunk]
            for begin in range(0, len(asked), self._settings.batch):
                part = asked[begin : begin + self._settings.batch]
                positions = [chunk.index(request.frame_index) for _, request in part]
                found = self._ask(clip, positions, [request for _, request in part])
                answers |= dict(zip((n for n, _ in part), found, strict=True))
        return [answers[n] for n in range(len(requests))]

    def _encode(self, clip: Clip, frames: Sequence[int]) -> None:
        size = shorter_side_size(clip.height, clip.width, self._settings.short_side, self._settings.long_side)
        pixels = torch.stack([to_tensor(frame, size) for _, frame in clip.frames(frames)])
        with torch.inference_mode():
            self._backbone.encode(pixels.to(self._device, self._dtype))

    def _ask(
        self, clip: Clip, positions: Sequence[int], requests: Sequence[DetectorRequest]
    ) -> list[list[Candidate]]:
        tokens = self._tokenizer(
            [caption(request.text) for request in requests], return_tensors="pt", padding=True
        ).to(self._device)
        with torch.inference_mode():
            output = self._model(
                pixel_values=self._backbone.select(positions),
                input_ids=tokens["input_ids"],
                attention_mask=tokens["attention_mask"],
                token_type_ids=tokens.get("token_type_ids"),
            )
        probabilities = output.logits.float().sigmoid().cpu()
        boxes = output.pred_boxes.float().cpu() * torch.tensor([clip.width, clip.height] * 2)
        ids = tokens["input_ids"].cpu()
        return [
            self._candidates(probabilities[row], boxes[row], ids[row], request)
            for row, request in enumerate(requests)
        ]

    def _candidates(
        self, probabilities: Tensor, boxes: Tensor, ids: Tensor, request: DetectorRequest
    ) -> list[Candidate]:
        """Queries above the threshold; as a last resort the best one whatever its score."""
        scores = probabilities.max(dim=1).values
        order = scores.argsort(descending=True)
        if request.last_resort:
            kept, text_threshold = order[:1], self._settings.last_resort_text_threshold
        else:
            kept = order[scores[order] > self._settings.box_threshold]
            text_threshold = self._settings.text_threshold
        return [
            Candidate(
                _corners(boxes[query].numpy()),
                float(scores[query]),
                self._phrase(probabilities[query] > text_threshold, ids),
            )
            for query in kept.tolist()
        ]

    def _phrase(self, chosen: Tensor, ids: Tensor) -> str:
        """The caption's tokens that the box answers to, without the first and the last place of 256."""
        chosen = chosen.clone()
        chosen[0] = chosen[255:] = False
        text = self._tokenizer.decode(ids[chosen[: len(ids)]])
        return str(text).replace(".", "").strip()


class _SharedBackbone(nn.Module):
    """Stands in for the image backbone: several sentences take the features of one encoded frame."""

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.position_embedding = backbone.position_embedding

    def encode(self, pixels: Tensor) -> None:
        """Run the real backbone on frames (F, 3, h, w)."""
        mask = torch.ones((len(pixels), *pixels.shape[-2:]), dtype=torch.long, device=pixels.device)
        self._pixels = pixels
        self._features, self._positions = self.backbone(pixels, mask)

    def select(self, frames: Sequence[int]) -> Tensor:
        """The pixels to hand to the model for a batch in which entry i is about frame `frames[i]`."""
        self._chosen = list(frames)
        return self._pixels[self._chosen]

    def forward(self, pixels: Tensor, mask: Tensor) -> tuple[list[tuple[Tensor, Tensor]], list[Tensor]]:
        chosen = self._chosen
        features = [(feature[chosen], level_mask[chosen]) for feature, level_mask in self._features]
        return features, [position[chosen] for position in self._positions]


def caption(text: str) -> str:
    """Lower case, with a full stop at the end, as the network was trained."""
    text = text.strip().lower()
    return text if text.endswith(".") else text + "."


def _corners(box: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """xyxy from centre and size."""
    x, y, width, height = box
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float32)
