"""SAM 2 and EdgeTAM as trackers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
import transformers
from pydantic import Field

from refervid.core.counting import counted
from refervid.core.device import resolve_device
from refervid.core.track import Track, Underway
from refervid.core.types import Frame, Hook, Pivot
from refervid.engines.base import Runtime, Weights
from refervid.engines.hub.digests import loaded_digests
from refervid.engines.hub.engine import HubEngine, HubSettings
from refervid.engines.hub.weights import torch_dtype
from refervid.engines.sam2.cache import FeatureCache, Place
from refervid.engines.sam2.checkpoint import load_model, missing_encoder
from refervid.engines.sam2.features import FeatureSource
from refervid.engines.sam2.live import LiveTracking
from refervid.engines.sam2.network import Network
from refervid.engines.sam2.pivots import check_pivot, usable
from refervid.engines.sam2.pixels import picture_pixels
from refervid.engines.sam2.prompts import is_box, with_masks
from refervid.engines.sam2.propagate import Propagation, Start, Stepper
from refervid.engines.sam2.results import TrackWriter
from refervid.engines.sam2.resume import ResumeFile
from refervid.media.clip import Clip
from refervid.models.adaptive_batch import AdaptiveBatch, memory_checked

log = logging.getLogger(__name__)


class Sam2Settings(HubSettings):
    """`weights`: a hub id (with `revision`), a folder in transformers' format, or a published `.pt` file.

    `box_pixels`: what boxes are segmented on, the `video` predictor's pixels (no further encoder run) or
    the image predictor's `picture` (one run more per frame with boxes; exactly as published). Live
    frames are always segmented on `video` pixels.
    `start`: where both passes begin, at the `middle` pivot of an object (published) or at the `first_given`.
    `pivots_seen`: how many pivots a frame attends to, the nearest first, so that a frame takes no longer in
    a long clip with many pivots; None: as many as the model's configuration says (published: all).
    `feature_cache_mb` on `feature_cache` (`device`, `host`, `disk`): features kept for frames that are
    needed again. `encode_batch` frames and `object_batch` objects go through the model at once;
    with `compile_encoder` PyTorch compiles the image encoder first.
    `keep_logits`: leave logits in `Track.logits`, 128 KiB per frame and object. With a `resume_folder`,
    progress is saved there every `chunk_frames` frames and the same work goes on from it.
    """

    kind: Literal["sam2"] = "sam2"
    weights: Weights = "facebook/sam2.1-hiera-small"
    box_pixels: Literal["video", "picture"] = "video"
    start: Start = "middle"
    pivots_seen: int | None = Field(8, ge=1)
    feature_cache_mb: int = Field(1024, ge=0)
    feature_cache: Place = "host"
    encode_batch: int = Field(4, ge=1)
    object_batch: int = Field(32, ge=1)
    keep_logits: bool = False
    compile_encoder: bool = False
    resume_folder: Path | None = Field(None, exclude=True)
    chunk_frames: int = Field(500, ge=1)


class Sam2Tracker(HubEngine):
    """Any number of objects in one pass over the frames, in memory that does not grow with the clip.

    It grows with what is given and asked for: half a MiB per pivot, and the tracks.
    """

    Settings: ClassVar[type[Sam2Settings]] = Sam2Settings
    name = "sam2"
    version = f"transformers {transformers.__version__}"

    def __init__(self, network: Network, settings: Sam2Settings) -> None:
        self._settings = settings
        self._network = network
        self._frame_batch = AdaptiveBatch(settings.encode_batch, "encode_batch", network.device)
        self._object_batch = AdaptiveBatch(settings.object_batch, "object_batch", network.device)

    @classmethod
    def build(cls, settings: Sam2Settings, runtime: Runtime) -> Self:
        """Raises `MissingWeights`, `BadCheckpoint`, `MissingExtra`, `DeviceError`."""
        device, _ = resolve_device(runtime.device)
        model, dtype = cls._load(settings), torch_dtype(runtime.dtype, device)
        network = Network(model, torch.device(device), dtype, compile_encoder=settings.compile_encoder)
        return cls(network, settings)

    @classmethod
    def _load(cls, settings: Sam2Settings) -> Any:
        return load_model(settings.weights, settings.revision)

    def track(self, clip: Clip, objects: Sequence[Sequence[Pivot]], hook: Hook) -> list[Track]:
        """One track per object, in order. Calls `hook("track", Underway, frames done, frames)`, counting a
        frame once for each direction in which it is visited.

        Boxes without area inside the frame are left out, which the log says; an object without any other
        pivot has an empty track. Raises `SettingsError` for pivots that do not fit the clip, `OutOfMemory`.
        """
        propagation = self.propagation(clip, objects)
        tracks = [Track(len(clip), clip.height, clip.width) for _ in objects]
        writer = TrackWriter(tracks, keep_logits=self._settings.keep_logits, lag=1)
        resume = self._resume_file(clip, objects)
        if resume:
            resume.load(propagation, tracks, self._network.device)
        total = len(propagation)
        for result in propagation.run():
            writer.write(result)
            if resume and propagation.done % self._settings.chunk_frames == 0:
                writer.finish()
                resume.save(propagation, tracks)
            hook("track", Underway(tracks, objects), propagation.done, total)
        writer.finish()
        if resume:
            resume.remove()
        for track in tracks:
            track.written[:] = True
        return tracks

    def correct(self, clip: Clip, pivots: Sequence[Pivot], track: Track, mark: Pivot, hook: Hook) -> Track:
        """As `Tracker.correct`; only the frames between the neighbouring pivots are looked at again.

        Calls `hook("track", Underway, frames done, T)`. Raises `SettingsError`, `OutOfMemory`.
        """
        check_pivot(mark, len(clip), clip.height, clip.width)
        given = mark
        if mark.points_xy is not None and mark.box_xyxy is None and mark.mask is None:
            present = track[mark.frame_index]
            given = replace(mark, mask=present if present.any() else None)
        [[given]] = self._segment_boxes(clip, [[given]])
        propagation = self.propagation(clip, [pivots])
        propagation.prompt()
        fresh = track.copy()
        for index in propagation.reach(mark.frame_index):
            fresh.clear(index)
        writer = TrackWriter([fresh], keep_logits=self._settings.keep_logits, lag=0)
        for done, result in enumerate(propagation.correct(given), 1):
            writer.write(result)
            hook("track", Underway([fresh], [[*pivots, mark]]), done, len(clip))
        return fresh

    def live(self, height: int, width: int) -> LiveTracking:
        """Tracking of a live source whose frames are `height` by `width` pixels."""
        return LiveTracking(self._network, self._stepper(height, width, None), height, width)

    def propagation(self, clip: Clip, objects: Sequence[Sequence[Pivot]]) -> Propagation:
        """The passes over a clip themselves: `run` hands out logits frame by frame and keeps nothing."""
        for pivots in objects:
            for pivot in pivots:
                check_pivot(pivot, len(clip), clip.height, clip.width)
        wanted = [usable(pivots, clip.height, clip.width) for pivots in objects]
        if dropped := sum(map(len, objects)) - sum(map(len, wanted)):
            said = counted(dropped, "pivot")
            log.warning("%s: %s left out: no area of the box lies inside the frame", clip.name, said)
        wanted = self._segment_boxes(clip, wanted)
        cache = FeatureCache(
            self._settings.feature_cache_mb, self._settings.feature_cache, self._network.device
        )
        source = FeatureSource(self._network, clip, cache, self._frame_batch)
        stepper = self._stepper(clip.height, clip.width, len(clip))
        return Propagation(stepper, source, wanted, len(clip), start=self._settings.start)

    def _segment_boxes(self, clip: Clip, objects: Sequence[Sequence[Pivot]]) -> list[list[Pivot]]:
        """Boxes as masks from the image predictor's own pixels, where these are asked for."""
        if self._settings.box_pixels == "video":
            return [list(pivots) for pivots in objects]
        resolved: list[list[Pivot]] = [[] for _ in objects]
        for index, frame in clip.frames(sorted({p.frame_index for pivots in objects for p in pivots})):
            here = [[pivot for pivot in pivots if pivot.frame_index == index] for pivots in objects]
            masked = self._segment_boxes_on(frame, here)
            resolved = [[*old, *new] for old, new in zip(resolved, masked, strict=True)]
        # In the order that they were given in, which may say where to start.
        orders = [[pivot.frame_index for pivot in pivots] for pivots in objects]
        return [
            sorted(pivots, key=lambda pivot: order.index(pivot.frame_index))
            for pivots, order in zip(resolved, orders, strict=True)
        ]

    def _segment_boxes_on(self, frame: Frame, objects: Sequence[Sequence[Pivot]]) -> list[list[Pivot]]:
        if not any(is_box(pivot) for pivots in objects for pivot in pivots):
            return [list(pivots) for pivots in objects]
        network, (height, width, _) = self._network, frame.shape
        with memory_checked(network.device):
            [features] = network.encode(picture_pixels(frame, network.image_size)[None])

        def segment(piece: slice) -> list[list[Pivot]]:
            return with_masks(network, features, objects[piece], height, width)

        return self._object_batch.run(segment, len(objects))

    def _stepper(self, height: int, width: int, frames: int | None) -> Stepper:
        return Stepper(
            self._network, self._object_batch, height, width, frames, pivots_seen=self._settings.pivots_seen
        )

    def _resume_file(self, clip: Clip, objects: Sequence[Sequence[Pivot]]) -> ResumeFile | None:
        folder = self._settings.resume_folder
        if folder is None:
            return None
        settings = self._settings.model_dump_json(
            include={"kind", "weights", "revision", "box_pixels", "start", "pivots_seen", "keep_logits"}
        )
        contents = loaded_digests(self._settings)
        return ResumeFile(folder, clip, objects, f"{settings} {contents} {self._network.dtype}")


class EdgeTamSettings(Sam2Settings):
    """As for SAM 2, with EdgeTAM's weights."""

    kind: Literal["edgetam"] = "edgetam"  # type: ignore[assignment]
    weights: Weights = "yonigozlan/EdgeTAM-hf"


class EdgeTamTracker(Sam2Tracker):
    """The same engine on EdgeTAM's weights: which memory a model has is in its configuration."""

    Settings: ClassVar[type[Sam2Settings]] = EdgeTamSettings
    name = "edgetam"

    @classmethod
    def missing(cls, settings: HubSettings) -> list[str]:
        return super().missing(settings) + missing_encoder(settings.weights, settings.revision)
