"""The parts of a SAM 2 or EdgeTAM model, each run on one frame for many objects at once.

The networks are transformers' `Sam2VideoModel`, `EdgeTamVideoModel` and `Sam3TrackerVideoModel`; only their
public modules are used, none of their inference session. Shapes: B objects, S the model's square input side
(1024 in the published models, 1008 in SAM 3), C = 256 channels, M = 64 memory channels. What is called a
stride of 16 below is a patch: 14 pixels in SAM 3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refervid.engines.sam2.attention import MemoryAttention
from refervid.engines.sam2.decoder import MaskDecoder
from refervid.engines.sam2.hiera import ImageEncoder, PlainEncoder
from refervid.engines.sam2.memory import Recall
from refervid.engines.sam2.memory_encoder import MemoryEncoder
from refervid.models.chunks import pieces
from refervid.models.normalisation import IMAGENET_MEAN, IMAGENET_STD

NO_OBJECT_LOGIT = -1024.0
"""Every logit of an object that the decoder holds absent (facebookresearch/sam2, `NO_OBJ_SCORE`)."""

NORMALISATION = {"sam3_tracker_video": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))}
"""Mean and standard deviation of pixels in 0..1, where they are not ImageNet's."""

PROMPT_LOGIT = 10.0
"""A prompted mask has logits +10 inside and -10 outside (facebookresearch/sam2, `_use_mask_as_output`)."""


@dataclass(frozen=True)
class FrameFeatures:
    """What the image encoder says about one frame; the decoder's own projections are applied.

    `stride4` (1, C/8, S/4, S/4), `stride8` (1, C/4, S/8, S/8), `stride16` (1, C, S/16, S/16).
    """

    stride4: Tensor
    stride8: Tensor
    stride16: Tensor

    @property
    def levels(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.stride4, self.stride8, self.stride16

    @property
    def nbytes(self) -> int:
        return sum(level.nbytes for level in self.levels)

    def to(self, device: torch.device | str) -> FrameFeatures:
        return FrameFeatures(*(level.to(device) for level in self.levels))


@dataclass(frozen=True)
class Decoded:
    """The mask decoder's answer for B objects on one frame.

    `logits` (B, S/4, S/4) float32, the object where above 0; `scores` (B,) float32, the object is in the
    frame where above 0; `pointers` (B, C), the object in one vector.
    """

    logits: Tensor
    scores: Tensor
    pointers: Tensor

    @staticmethod
    def join(parts: Sequence[Decoded]) -> Decoded:
        return Decoded(
            torch.cat([part.logits for part in parts]),
            torch.cat([part.scores for part in parts]),
            torch.cat([part.pointers for part in parts]),
        )

    def pick(self, row: int) -> Decoded:
        """One object's answer, still with a first axis, as a copy."""
        rows = slice(row, row + 1)
        return Decoded(self.logits[rows].clone(), self.scores[rows].clone(), self.pointers[rows].clone())


class _NoPositions(nn.Module):
    """Stands in for the neck's position encodings: 84 of 100 MiB per frame, and the same for all frames."""

    def forward(self, shape: torch.Size, device: torch.device, dtype: torch.dtype) -> Tensor:
        return torch.zeros(1, 1, 1, 1, device=device, dtype=dtype)


class Network:
    """Takes a float32 model over: moves it, casts it and strips what is not needed.

    Everything that is the same for all frames and objects is computed here once, in float32: bfloat16
    cannot tell neighbouring coordinates apart above 256.
    """

    def __init__(
        self, model: Any, device: torch.device, dtype: torch.dtype, *, compile_encoder: bool = False
    ) -> None:
        config = model.config
        self.device = device
        self.dtype = dtype
        self.image_size: int = config.image_size
        self.grid: tuple[int, int] = tuple(model.backbone_feature_sizes[-1])
        self.low_size: tuple[int, int] = tuple(model.prompt_encoder.mask_input_size)
        self._memory_mask_size = (4 * self.low_size[0], 4 * self.low_size[1])
        self.spatial_window: int = config.num_maskmem - 1
        self.pointer_window: int = config.max_object_pointers_in_encoder - 1
        self.pivot_limit: int | None = None if config.max_cond_frame_num < 0 else config.max_cond_frame_num
        self._config = config
        self._model = model.to(device).eval().requires_grad_(False)
        # One pointer of C channels fills this many memory tokens.
        self._pointer_splits = config.vision_config.fpn_hidden_size // config.memory_encoder_output_channels
        self._perceiver = getattr(model, "spatial_perceiver", None)
        # The official package keeps memories in bfloat16; transformers' EdgeTAM in the model's own type.
        self._memory_dtype = torch.bfloat16 if self._perceiver is None else dtype
        self._compute_constants()
        hiera = hasattr(model.vision_encoder.backbone, "stage_ends")
        encoder = ImageEncoder(self._model, self.image_size) if hiera else PlainEncoder(self._model)
        image_positions = model.get_image_wide_positional_embeddings()
        # Norms over channels find them side by side, and nothing is copied between them and convolutions.
        model.to(dtype=dtype, memory_format=torch.channels_last)
        encoder.to(dtype)
        self._decoder = MaskDecoder(model.mask_decoder, image_positions.to(dtype))
        self._memory_encoder = MemoryEncoder(model.memory_encoder)
        # Coordinates of prompts go up to S: they stay in float32, and so does what reads them.
        model.prompt_encoder.float()
        model.mask_downsample.float()
        model.vision_encoder.neck.position_encoding = _NoPositions()
        self._encoder = torch.compile(encoder) if compile_encoder else encoder
        mean, std = NORMALISATION.get(config.model_type, (IMAGENET_MEAN, IMAGENET_STD))
        self._mean = torch.tensor(mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(std, device=device).view(1, 3, 1, 1)

    @torch.inference_mode()
    def _compute_constants(self) -> None:
        model, (height, width) = self._model, self.grid
        channels = self._config.vision_config.fpn_hidden_size
        memory_channels = self._config.memory_encoder_output_channels
        query = model.vision_encoder.neck.position_encoding(
            torch.Size((1, channels, height, width)), self.device, torch.float32
        )
        # Position encodings of the frame count a tenth (facebookresearch/sam2, `pos_enc_at_input`).
        self._query_positions = (0.1 * query.flatten(2).transpose(1, 2)).to(self.dtype)
        sparse, dense = self.embed_points(
            torch.zeros(1, 1, 2, device=self.device),
            -torch.ones(1, 1, dtype=torch.int32, device=self.device),
        )
        self._no_prompt = sparse, dense
        memory = model.memory_encoder.position_encoding(
            torch.Size((1, memory_channels, height, width)), self.device, torch.float32
        )
        self._perceiver_positions = memory.to(self.dtype)
        if self._perceiver is None:
            positions = memory.flatten(2).transpose(1, 2)
        else:
            _, positions = self._perceiver(torch.zeros_like(memory), memory)
        # (temporal distance, tokens, M); the last row is for pivots, row k - 1 for k frames away.
        self._memory_positions = (
            positions + model.memory_temporal_positional_encoding.view(-1, 1, memory_channels)
        ).to(self.dtype)
        tokens = self._memory_positions.shape[1]
        self._memory_attention = MemoryAttention(model.memory_attention, tokens, self.device, self.dtype)

    @torch.inference_mode()
    def encode(self, pixels: Tensor) -> list[FrameFeatures]:
        """Features of pictures (N, 3, S, S), float in 0..1, RGB: the one expensive step per frame."""
        normalised = (pixels.to(self.device) - self._mean) / self._std
        # On a CPU one by one: that is as fast, and no picture's rounding depends on those beside it.
        together = 1 if self.device.type == "cpu" else len(pixels)
        features = []
        for batch in torch.split(normalised.to(self.dtype), together):
            levels = self._encoder(batch)
            # Copies, so that one frame kept in the cache does not keep its whole batch alive.
            features += [
                FrameFeatures(*(level[i : i + 1].clone() for level in levels)) for i in range(len(batch))
            ]
        return features

    def wants_multimask(self, points: int) -> bool:
        """Whether that many points are so ambiguous that the best of three masks is taken; 0: tracking."""
        config = self._config
        few = config.multimask_min_pt_num <= points <= config.multimask_max_pt_num
        return bool(
            config.multimask_output_in_sam and few and (points or config.multimask_output_for_tracking)
        )

    def without_memory(self, features: FrameFeatures) -> Tensor:
        """(1, C, S/16, S/16) features as the decoder expects them where there is no memory."""
        marked: Tensor = features.stride16 + self._model.no_memory_embedding.view(1, -1, 1, 1)
        return marked

    @torch.inference_mode()
    def attend(self, features: FrameFeatures, recalls: Sequence[Recall], pointer_span: int) -> Tensor:
        """(B, C, S/16, S/16): the frame's features seen with what each object recalls.

        The distances of pointers are divided by `pointer_span`.
        """
        frame = features.stride16.flatten(2).transpose(1, 2) + self._query_positions
        looked = self._memory_attention.look(frame)
        attended = frame.new_empty(len(recalls), *frame.shape[1:])
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row, recall in enumerate(recalls):
            alike[recall.shape].append(row)
        for rows in alike.values():
            attended[rows] = self._attend_alike(looked, [recalls[row] for row in rows], pointer_span)
        return torch.unflatten(attended.transpose(1, 2), -1, self.grid)

    def _attend_alike(
        self, looked: tuple[Tensor, Tensor], recalls: Sequence[Recall], pointer_span: int
    ) -> Tensor:
        """(B, N, C) for objects that recall equally many memories of each kind."""
        # Objects in step recall the same distances: then one copy of the positions serves all.
        distances = [recall.distances for recall in recalls]
        distinct = distances[:1] if len(set(distances)) == 1 else distances
        positions = torch.stack([self._positions(*pair, pointer_span) for pair in distinct])
        memory = torch.stack([self._tokens(recall) for recall in recalls])
        return self._memory_attention.recall(*looked, memory, positions, recalls[0].shape[0])

    def _tokens(self, recall: Recall) -> Tensor:
        """(tokens, M): spatial memories, then pointers."""
        channels = self._memory_positions.shape[-1]
        return torch.cat(
            [memory.to(self.dtype) for _, memory in recall.spatial]
            + [pointer.view(-1, channels) for _, pointer in recall.pointers]
        )

    def _positions(self, spatial: Sequence[int], pointers: Sequence[int], span: int) -> Tensor:
        """(tokens, M): where and when each token of `_tokens` was."""
        rows = [distance - 1 for distance in spatial]
        return torch.cat(
            [self._memory_positions[rows].flatten(0, 1), self._pointer_positions(pointers, span)]
        )

    def _pointer_positions(self, distances: Sequence[int], span: int) -> Tensor:
        """(P * C / M, M) sine of the distance, projected (facebookresearch/sam2, `get_1d_sine_pe`)."""
        channels, splits = self._pointer_splits * self._memory_positions.shape[-1], self._pointer_splits
        if not self._config.enable_temporal_pos_encoding_for_object_pointers or not distances:
            return torch.zeros(
                len(distances) * splits, channels // splits, device=self.device, dtype=self.dtype
            )
        half = torch.arange(channels // 2, dtype=torch.float32, device=self.device)
        wavelengths = torch.pow(10000, 2 * (half // 2) / (channels // 2))
        times = torch.tensor(distances, dtype=torch.float32, device=self.device) / span
        angles = times[:, None] / wavelengths
        sine = torch.cat([angles.sin(), angles.cos()], dim=-1).to(self.dtype)
        projected: Tensor = self._model.temporal_positional_encoding_projection_layer(sine)
        return projected.repeat_interleave(splits, dim=0)

    @torch.inference_mode()
    def decode(
        self,
        features: FrameFeatures,
        image: Tensor,
        prompt: tuple[Tensor, Tensor] | None = None,
        *,
        multimask: bool,
        gated: bool = True,
        stability_fallback: bool = True,
    ) -> Decoded:
        """Masks from `image` (B, C, S/16, S/16) and prompts as `embed_*` return them (None: no prompt).

        `multimask`: the best of three masks by predicted overlap, else the single mask, which gives way
        to the best of three where it is unstable (`stability_fallback`). `gated`: an object that is held
        absent gets `NO_OBJECT_LOGIT` everywhere.
        """
        sparse, dense = self._no_prompt if prompt is None else prompt
        answer = self._decoder(
            image + dense,
            sparse[:, 0],
            features.stride4,
            features.stride8,
            multimask=multimask,
            stability_fallback=stability_fallback,
        )
        logits, scores = answer.logits.float(), answer.scores.float()
        absent = (scores <= 0)[:, None]
        pointers = self._model.object_pointer_proj(answer.token)
        pointers = torch.where(absent, self._model.no_object_pointer, pointers)
        if gated:
            logits = logits.masked_fill(absent[..., None], NO_OBJECT_LOGIT)
        return Decoded(logits, scores, pointers)

    @torch.inference_mode()
    def decode_masks(self, features: FrameFeatures, masks: Tensor) -> Decoded:
        """Given masks (B, S, S) of 0 and 1 as the decoder's answer: logits are the masks themselves.

        Pointer from the single-mask token, as in facebookresearch/sam2 (transformers takes the best of
        three); an empty mask counts as an absent object.
        """
        present = masks.flatten(1).any(1)
        small = self._model.mask_downsample(masks[:, None])
        if small.shape[-2:] != self.low_size:  # patches of other sizes than 16
            small = F.interpolate(small, self.low_size, mode="bilinear", antialias=True)
        prompt = self._no_prompt[0], self._embed_mask(small)
        decoded = self.decode(
            features, features.stride16.expand(len(masks), -1, -1, -1), prompt, multimask=False
        )
        pointers = torch.where(present[:, None], decoded.pointers, self._model.no_object_pointer)
        scores = torch.where(present, PROMPT_LOGIT, -PROMPT_LOGIT)
        return Decoded(self.mask_logits(masks), scores, pointers)

    def mask_logits(self, masks: Tensor) -> Tensor:
        """(B, S/4, S/4) logits of given masks (B, S, S)."""
        logits = (2 * PROMPT_LOGIT) * masks - PROMPT_LOGIT
        return F.interpolate(logits[:, None], self.low_size, mode="bilinear", antialias=True)[:, 0]

    @torch.inference_mode()
    def encode_memory(
        self, features: FrameFeatures, logits: Tensor, scores: Tensor, *, prompted: bool
    ) -> Tensor:
        """(B, tokens, M) memories of masks (B, S/4, S/4) on this frame.

        Masks of `prompted` frames are made hard at the model's full size after the trip through the low
        resolution, as in facebookresearch/sam2 (transformers takes the prompt itself).
        """
        pixels = self._memory_encoder.pixels(features.stride16)
        parts = pieces(len(logits), self.grid[0] * self.grid[1], self.device)
        memory = torch.cat(
            [self._memory_encoder(pixels, self._memory_masks(logits[part], prompted)) for part in parts]
        )
        occlusion = self._model.occlusion_spatial_embedding_parameter
        if occlusion is not None:
            memory = memory + (scores <= 0).to(memory.dtype).view(-1, 1, 1, 1) * occlusion.view(1, -1, 1, 1)
        if self._perceiver is None:
            tokens = memory.flatten(2).transpose(1, 2)
        else:
            # One object at a time: its reshape of the latents cannot take a batch.
            tokens = torch.cat(
                [self._perceiver(memory[i : i + 1], self._perceiver_positions)[0] for i in range(len(memory))]
            )
        stored: Tensor = tokens.to(self._memory_dtype)
        return stored

    def _memory_masks(self, logits: Tensor, prompted: bool) -> Tensor:
        """(B, 1, S, S) as the memory encoder takes them."""
        full = F.interpolate(logits[:, None], (self.image_size, self.image_size), mode="bilinear")
        if full.shape[-2:] != self._memory_mask_size:
            full = F.interpolate(full, self._memory_mask_size, mode="bilinear", antialias=True)
        masks = (full > 0).float() if prompted else full.sigmoid()
        scaled: Tensor = (
            masks * self._config.sigmoid_scale_for_mem_enc + self._config.sigmoid_bias_for_mem_enc
        )
        return scaled.to(self.dtype)

    @torch.inference_mode()
    def embed_points(
        self, points: Tensor, labels: Tensor, mask_logits: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Prompt of points (B, N, 2) in xy pixels of the S x S input, with labels (B, N): 1 object, 0 not,
        2 and 3 upper left and lower right corner of a box, -1 nothing; and of low-resolution logits."""
        sparse, dense = self._model.prompt_encoder(
            input_points=points[:, None].float(),
            input_labels=labels[:, None],
            input_boxes=None,
            input_masks=None,
        )
        if mask_logits is not None:
            return sparse.to(self.dtype), self._embed_mask(mask_logits[:, None])
        return sparse.to(self.dtype), dense[:1].to(self.dtype)

    def _embed_mask(self, mask_logits: Tensor) -> Tensor:
        embedded: Tensor = self._model.prompt_encoder.mask_embed(mask_logits.float())
        return embedded.to(self.dtype)
