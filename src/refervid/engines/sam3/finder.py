"""Concepts to instance tracks over a whole clip: the network detects and tracks in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import transformers
from pycocotools import mask as coco
from pydantic import Field

from refervid.core.spread import spread
from refervid.core.track import Track
from refervid.core.types import Hook
from refervid.engines.base import Runtime, Weights
from refervid.engines.hub.engine import HubEngine, HubSettings
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.once import OncePerClip
from refervid.engines.sam3.model import Segmenter, load_segmenter
from refervid.engines.sam3.session import BoundedSession, pixels_of
from refervid.engines.sam3.writer import TrackWriter
from refervid.media.clip import Clip
from refervid.models.adaptive_batch import memory_checked

SAME = 0.8
"""Median overlap (IoU) from which on tracks of two concepts are one thing with two names."""
COMPARED = 8
"""Frames on which that is looked at."""
LONGEST_CONCEPT = 32
"""Tokens that the text encoder reads."""


class Sam3FinderSettings(HubSettings):
    """`vocabulary` is what is looked for where no sentence says what. At most `max_objects` are followed at a
    time.
    """

    kind: Literal["sam3"] = "sam3"
    weights: Weights = "facebook/sam3"
    vocabulary: tuple[str, ...] = ("person", "animal", "vehicle", "thing that moves")
    max_objects: int = Field(64, ge=1)


class Sam3Finder(HubEngine):
    """All concepts share the features of a frame, which is encoded once; memory does not grow with the clip,
    apart from the run-length coded tracks.
    """

    Settings: ClassVar[type[Sam3FinderSettings]] = Sam3FinderSettings
    name = "sam3"
    version = f"transformers {transformers.__version__}"

    def __init__(self, model: Segmenter, tokenizer: Any, settings: Sam3FinderSettings) -> None:
        self._settings = settings
        self._model = model
        self._tokenizer = tokenizer
        model.max_num_objects = settings.max_objects
        self._found = OncePerClip[Inventory]()

    @classmethod
    def build(cls, settings: Sam3FinderSettings, runtime: Runtime) -> Self:
        """Raises `MissingWeights`, `BadCheckpoint`."""
        return cls(*load_segmenter(settings.path(), runtime), settings)

    def find(self, clip: Clip, hook: Hook) -> Inventory:
        return self.find_concepts(clip, self._settings.vocabulary, hook)

    def find_concepts(self, clip: Clip, concepts: Sequence[str], hook: Hook) -> Inventory:
        """Calls `hook("objects", None, frames done, frames)`. Raises `OutOfMemory`."""
        wanted = tuple(dict.fromkeys(concepts))  # of two that are the same the session knows one
        with memory_checked(str(self._model.device)):
            return self._found.of(clip, lambda: self._find(clip, wanted, hook), wanted)

    def _find(self, clip: Clip, concepts: Sequence[str], hook: Hook) -> Inventory:
        model = self._model
        session = BoundedSession(model, len(clip), clip.height, clip.width)
        for concept in concepts:
            self._add(session, concept)
        writer = TrackWriter(len(clip), clip.height, clip.width, model.hotstart_delay)
        concept_of: dict[int, int] = {}
        for done, (index, frame) in enumerate(clip.frames(), 1):
            session.give(index, pixels_of(frame, model.config.image_size))
            said = model(session, frame_idx=index)
            concept_of |= session.obj_id_to_prompt_id
            writer.add(said, concept_of)
            session.forget(index)
            hook("objects", None, done, len(clip))
        scores = session.obj_id_to_score
        found = [
            (track, {concepts[concept_of[number]]: float(scores[number])})
            for number, track in writer.finish(concept_of).items()
        ]
        return Inventory(_tracks(found), range(len(clip)))

    def _add(self, session: BoundedSession, concept: str) -> None:
        number = session.add_prompt(concept)
        tokens = self._tokenizer(
            concept, return_tensors="pt", padding="max_length", truncation=True, max_length=LONGEST_CONCEPT
        ).to(self._model.device)
        session.prompt_input_ids[number] = tokens["input_ids"]
        session.prompt_attention_masks[number] = tokens["attention_mask"]


def _tracks(found: Sequence[tuple[Track, Mapping[str, float]]]) -> list[ObjectTrack]:
    """In the order of their first frames; what two concepts found alike is one thing."""
    kept: list[tuple[Track, dict[str, float]]] = []
    for track, names in found:
        twin = next((one for one in kept if not one[1].keys() & names and _same(one[0], track)), None)
        if twin is None:
            kept.append((track, dict(names)))
        else:
            twin[1].update(names)
    kept.sort(key=lambda one: int(np.flatnonzero(one[0].areas())[0]))
    return [_object_track(number, *one) for number, one in enumerate(kept, 1)]


def _same(one: Track, other: Track) -> bool:
    both = np.flatnonzero((one.areas() > 0) & (other.areas() > 0))
    either = np.flatnonzero((one.areas() > 0) | (other.areas() > 0))
    if 2 * len(both) < len(either) or not len(both):
        return False
    frames = both[spread(len(both), COMPARED)].tolist()
    overlaps = [float(coco.iou([one.rle(frame)], [other.rle(frame)], [False])[0, 0]) for frame in frames]
    return float(np.median(overlaps)) >= SAME


def _object_track(number: int, masks: Track, names: Mapping[str, float]) -> ObjectTrack:
    seen = np.flatnonzero(masks.areas() > 0)
    return ObjectTrack(
        number,
        seen.astype(np.int64),
        masks.boxes_xyxy()[seen],
        masks.presence[seen],
        dict(sorted(names.items(), key=lambda pair: -pair[1])),
        masks=masks,
    )
