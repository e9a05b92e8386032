"""The trained pipeline: SOC reads clip and sentence, and says where the object is in every frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
from pydantic import Field, model_validator

from refervid.config.frozen import Frozen
from refervid.core.errors import MissingWeights, SettingsError
from refervid.core.track import Track
from refervid.core.types import Hook, Pivot, Reference, ScoredMask, TextReference, no_hook
from refervid.engines.base import Engine, EngineOptions, Runtime, Tracker, Weights
from refervid.engines.hub.digests import weights_digest
from refervid.engines.hub.weights import find_weights, missing_weights, torch_dtype
from refervid.engines.registry import Role, missing_parts
from refervid.engines.surest import surest
from refervid.media.clip import Clip
from refervid.models.soc import SOC, InputSize, build_tokenizer, load, load_published
from refervid.models.soc.checkpoint import needed_tokenizer
from refervid.models.soc.inference import Segmenter
from refervid.models.soc.shipped import SHIPPED, shipped_path
from refervid.models.soc.transforms import SIZE
from refervid.pipelines.base import Pipeline, reference_slugs
from refervid.pipelines.engine_set import EngineSet
from refervid.pipelines.pivot.questions import distinct_texts
from refervid.pipelines.stages import Stages
from refervid.report.objects import TrackedObject
from refervid.report.outcome import status_of
from refervid.report.result import Result

_TOYS = f"{SHIPPED} knows made-up toys only: for real clips choose another preset, or --set weights=FILE"

SURE = 0.5
"""Mean presence from which on the network says rather yes than no."""
_DOUBTED = "the network does not say that it is there: it is rather sure that it is not"


class SocSettings(Frozen):
    """`weights`: `soc-nano`, or the path of a published checkpoint or of one trained by `refervid train`.

    `short` and `long` limit the frames' sides (pixels), None: as the checkpoint was trained.
    `prediction_layer` is the decoder layer that answers, None: as the checkpoint says (published: first).
    Clips longer than `window` frames are answered in windows that share `overlap` frames; with 0 each
    window is answered on its own. `batch` sentences go through the network at a time. `keep_logits`: leave
    logits in `Track.logits`. With `tracker`, the masks on `pivots` frames of each sentence start that
    engine, whose masks are the answer; without, `corrections` is what corrections by hand are tracked with.
    """

    pipeline: Literal["soc"] = "soc"
    weights: Weights = SHIPPED
    short: int | None = Field(None, ge=32)
    long: int | None = Field(None, ge=32)
    prediction_layer: Literal["first", "last"] | None = None
    window: int = Field(36, ge=2)
    overlap: int = Field(8, ge=0)
    batch: int = Field(8, ge=1)
    keep_logits: bool = False
    tracker: EngineOptions | None = None
    corrections: EngineOptions = Field({"kind": "embedded"}, exclude=True)
    pivots: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _windows_advance(self) -> SocSettings:
        if self.overlap >= self.window:
            raise ValueError(f"overlap {self.overlap} leaves nothing of a window of {self.window} frames")
        return self

    def missing(self) -> list[str]:
        """What this machine lacks, in words."""
        if self.weights == SHIPPED:
            lacks = (
                [] if shipped_path().is_file() else ["the checkpoint soc-nano, which is not installed here"]
            )
        else:
            lacks = missing_weights(self.weights)
            if not lacks and (tokenizer := needed_tokenizer(find_weights(self.weights))):
                lacks = missing_weights(tokenizer)
        return lacks + ([] if self.tracker is None else missing_parts("tracker", self.tracker))


class SocPipeline(Pipeline):
    """Sentences on clips of any length; sounds are not its trade."""

    # Published for Ref-DAVIS17: what is less likely than not is background, else the likeliest object wins.
    background_logit = 0.0

    def __init__(
        self, preset: str, settings: SocSettings, runtime: Runtime, given: Mapping[Role, Engine]
    ) -> None:
        self.preset = preset
        self.settings = settings
        self._runtime = runtime
        self._engines = EngineSet({"tracker": settings.tracker or settings.corrections}, runtime, given)
        self._tracks = settings.tracker is not None or "tracker" in given

    @cached_property
    def segmenter(self) -> Segmenter:
        asked = self.settings
        network = load_network(asked.weights).to(self._runtime.device)
        if asked.prediction_layer is not None:
            network.config = network.config.model_copy(update={"prediction_layer": asked.prediction_layer})
        self._engines.used["network"] = f"SOC {asked.weights}"
        size = None
        if asked.short is not None or asked.long is not None:
            short, long = network.config.size or SIZE
            size = InputSize(asked.short or short, asked.long or long)
        return Segmenter(
            network,
            build_tokenizer(network.config.text, find_weights),
            size=size,
            window=asked.window,
            overlap=asked.overlap,
            batch=asked.batch,
            keep_logits=asked.keep_logits,
            device=self._runtime.device,
            dtype=torch_dtype(self._runtime.dtype, self._runtime.device),
        )

    @property
    def tracker(self) -> Tracker:
        return self._engines.tracker

    def check_ready(self, references: Sequence[Reference]) -> None:
        """By loading what will be used. Raises `MissingWeights`, `BadCheckpoint`."""
        _ = self.segmenter, self.tracker if self._tracks else None

    def run(self, clip: Clip, references: Sequence[Reference], hook: Hook = no_hook) -> list[Result]:
        if not all(isinstance(reference, TextReference) for reference in references):
            raise SettingsError(
                f"preset {self.preset!r} answers sentences only: choose another preset for sound"
            )
        stages = Stages(hook)
        texts = [cast(TextReference, reference).text for reference in references]
        asked = distinct_texts(references)
        tracks: dict[str, Track] = {}
        if asked:
            with stages.stage("segment", len(clip)) as stage:
                stage.artefact = found = self.segmenter.segment(clip, asked, stage.hook)
            tracks = dict(zip(asked, found, strict=True))
        pivots = {text: self._pivots(track) for text, track in tracks.items()}
        if any(pivots.values()):
            tracks |= self._tracked(clip, pivots, stages)
        return [
            self._result(clip, reference, slug, tracks.get(text), pivots.get(text, ()), stages)
            for reference, text, slug in zip(references, texts, reference_slugs(references), strict=True)
        ]

    def _result(
        self,
        clip: Clip,
        reference: Reference,
        slug: str,
        track: Track | None,
        pivots: Sequence[Pivot],
        stages: Stages,
    ) -> Result:
        """`track` is None for a sentence without words."""
        toys = self.settings.weights == SHIPPED
        notes = [*clip.notes, *([_TOYS] if toys else []), *([] if track else ["the sentence is empty"])]
        track = track or Track(len(clip), clip.height, clip.width)
        sure = _mean_presence(track)
        doubted = sure < SURE and bool(track.areas().any())
        return Result(
            clip=clip,
            reference=reference,
            slug=slug,
            status=status_of(clip, track, guess=toys or doubted),
            track=track,
            preset=self.preset,
            confidence=sure,
            pivots=pivots,
            notes=[*notes, _DOUBTED] if doubted else notes,
            timings_s=dict(stages.seconds),
            engines=dict(self._engines.used),
            objects=[TrackedObject(1, tuple(pivots), track)] if track.areas().any() else [],
        )

    def scored_masks(self, clip: Clip, references: Sequence[Reference], index: int) -> list[list[ScoredMask]]:
        texts = [cast(TextReference, reference).text for reference in references]
        return [found.scored_masks() for found in self.segmenter.answers_at(clip, index, texts)]

    def plan(self) -> dict[str, Any]:
        tracks = self._tracks
        return {
            "preset": self.preset,
            "dtype": self._runtime.dtype,
            "settings": {**self.settings.model_dump(mode="json"), **(self._engines.plan() if tracks else {})},
            "contents": {
                **self._network_contents(),
                **(self._engines.contents() if tracks else {}),
            },
        }

    def _network_contents(self) -> dict[str, str | None]:
        """Digests of what the network is loaded from."""
        weights = self.settings.weights
        if weights == SHIPPED:
            return {SHIPPED: weights_digest(str(shipped_path()))}
        tokenizer = None if missing_weights(weights) else needed_tokenizer(find_weights(weights))
        return {name: weights_digest(name) for name in (weights, tokenizer) if name is not None}

    def _pivots(self, track: Track) -> list[Pivot]:
        """The surest frame of each of `pivots` equal parts of the clip, for the tracker."""
        if not self._tracks:
            return []
        sureness = np.where(track.areas() > 0, track.presence, -1.0)
        frames = surest(sureness, self.settings.pivots)
        return [Pivot(frame, mask=track[frame]) for frame in frames if sureness[frame] >= 0]

    def _tracked(self, clip: Clip, pivots: dict[str, list[Pivot]], stages: Stages) -> dict[str, Track]:
        objects = {text: chosen for text, chosen in pivots.items() if chosen}
        with stages.stage("track", len(clip)) as stage:
            stage.artefact = tracks = self.tracker.track(clip, list(objects.values()), stage.hook)
        return dict(zip(objects, tracks, strict=True))


def _mean_presence(track: Track) -> float:
    """Of the frames with a mask; of an empty track, how sure the network is of its absence."""
    there = track.areas() > 0
    return float(track.presence[there].mean() if there.any() else 1 - track.presence.max(initial=0.0))


def load_network(weights: str) -> SOC:
    """The shipped network, one of our own (.safetensors) or a published one. Raises `MissingWeights`."""
    if weights == SHIPPED:
        if not shipped_path().is_file():
            raise MissingWeights(
                "the checkpoint soc-nano is not in this installation: give --set weights=FILE"
            )
        return load(shipped_path())
    path = find_weights(weights)
    return load(path) if path.suffix == ".safetensors" else load_published(path)
