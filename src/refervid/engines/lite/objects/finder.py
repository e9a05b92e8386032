"""What is in a clip: object tracks over all of it, found once and shared by all sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Literal, Self
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from refervid.core.ahead import working_ahead
from refervid.core.types import Hook
from refervid.engines.base import EngineSettings, Runtime
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.linking import Detections, Sightings
from refervid.engines.lite.analysis import Analyses
from refervid.engines.lite.language.vocabulary import COCO_CLASSES
from refervid.engines.lite.objects.carrying import SceneLinker
from refervid.engines.lite.objects.kept_inventory import from_bytes, to_bytes
from refervid.engines.lite.objects.looks import detect
from refervid.engines.lite.objects.network import GRAPH, LAYOUT, object_network
from refervid.engines.lite.objects.sampling import sampled_frames
from refervid.engines.lite.objects.unnamed import unnamed_tracks
from refervid.engines.once import OncePerClip
from refervid.media.clip import Clip

AHEAD = 64
"""Frames that are looked at before they are linked: all of a short clip, while its motion is analysed."""
TOLD = 0.05
"""Names less probable than this are not told."""


class ObjectsSettings(EngineSettings):
    """`rate_hz`: sampled frames a second; every `fine_every`-th is looked at in small squares too."""

    kind: Literal["objects"] = "objects"
    rate_hz: float = Field(3.0, gt=0)
    fine_every: int = Field(3, ge=1)


class ObjectFinder:
    """The 80 classes of COCO, by a small network whose weights come with a package."""

    Settings: ClassVar[type[ObjectsSettings]] = ObjectsSettings
    name = "objects"
    version = "1"

    def __init__(self, settings: ObjectsSettings, analyses: Analyses | None = None) -> None:
        self._settings = settings
        self._analyses = analyses or Analyses()
        self._seen_before: WeakKeyDictionary[Clip, dict[tuple[int, bool], Detections]] = WeakKeyDictionary()
        self._found = OncePerClip[Inventory]()

    @classmethod
    def missing(cls, settings: ObjectsSettings) -> list[str]:
        return list(dict.fromkeys([*GRAPH.missing(), *LAYOUT.missing()]))

    @classmethod
    def build(cls, settings: ObjectsSettings, runtime: Runtime) -> Self:
        return cls(settings, Analyses.shared(runtime))

    def find(self, clip: Clip, hook: Hook) -> Inventory:
        """Calls `hook("objects", None, frames done, frames)`, and before that as `Analyses.of` does."""
        return self._found.of(clip, lambda: self._kept(clip) or self._find(clip, hook))

    def complete(self, clip: Clip, inventory: Inventory, hook: Hook) -> Inventory:
        """As `CompletingFinder.complete`. Calls `hook("unnamed", None, frames done, frames)`."""
        more = unnamed_tracks(self._analyses.of(clip, hook), clip, inventory, hook)
        return replace(inventory, tracks=(*inventory.tracks, *more))

    def _kept(self, clip: Clip) -> Inventory | None:
        """What another process found."""
        return self._analyses.store.read(clip, self._name, lambda content: from_bytes(content, len(clip)))

    @property
    def _name(self) -> str:
        return f"objects-{self._settings.rate_hz:g}-{self._settings.fine_every}.json"

    def _find(self, clip: Clip, hook: Hook) -> Inventory:
        if lacks := self.missing(self._settings):
            return Inventory((), (), (f"what things are is not known here: {'; '.join(lacks)}",))
        frames = sampled_frames(clip, self._settings.rate_hz)
        linker = SceneLinker(clip.times_s[frames])
        with working_ahead(self._seen(clip, frames), AHEAD) as seen_frames:
            # The scene is gathered while the network looks.
            scene = self._analyses.of(clip, hook).scene
            for done, (index, seen) in enumerate(seen_frames):
                linker.see(scene, index, seen)
                hook("objects", None, done + 1, len(frames))
        tracks = tuple(_track(number, one) for number, one in enumerate(linker.things(), 1))
        inventory = Inventory(tracks, tuple(frames))
        self._analyses.store.write(clip, self._name, to_bytes(inventory))
        return inventory

    def _seen(self, clip: Clip, frames: Sequence[int]) -> Iterator[tuple[int, Detections]]:
        """Frames that were looked at in a short part of the clip are not looked at again."""
        for number, (index, frame) in enumerate(clip.frames(frames)):
            whole, place = clip.origin(index)
            look = place, number % self._settings.fine_every == 0
            known = self._seen_before.setdefault(whole, {})
            found = known.pop(look, None) or detect(object_network(), frame, fine=look[1])
            if whole is not clip and len(known) < AHEAD:
                known[look] = found
            yield index, found


def _track(number: int, one: Sightings) -> ObjectTrack:
    names = typical(np.stack(one.names))
    order = np.argsort(-names, kind="stable")
    told = {COCO_CLASSES[n]: float(names[n]) for n in order if names[n] >= TOLD}
    return replace(one.track(number, told), colours=np.mean(one.colours, axis=0))


def typical(names: NDArray[np.float32]) -> NDArray[np.float32]:
    """(C,) of (N, C): the mean of the upper half of each class's probabilities; blur and turns hide names."""
    ordered = np.sort(names, axis=0)[len(names) // 2 :]
    return np.asarray(ordered.mean(axis=0), np.float32)
