"""The analysis of a clip, made once and shared by all engines of a pipeline."""

from __future__ import annotations

from threading import Lock

from refervid.core.types import Hook, no_hook
from refervid.engines.base import Runtime
from refervid.engines.lite.analysis.clip_store import ClipStore
from refervid.engines.lite.analysis.evidence import MotionEvidence
from refervid.engines.lite.analysis.pieces import Pieces, pieces_of
from refervid.engines.lite.analysis.scene import Scene
from refervid.engines.once import OncePerClip
from refervid.media.clip import Clip


class ClipAnalysis:
    """All that the embedded engines know of a clip: its scene, and on demand which pixels move and what
    pieces a frame falls into.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._evidence: MotionEvidence | None = None
        self._gathering = Lock()
        self._pieces: dict[int, Pieces] = {}

    def evidence(self, hook: Hook = no_hook) -> MotionEvidence:
        """Calls the hook as `MotionEvidence` does, if that was not asked for before."""
        with self._gathering:  # frames are searched at the same time
            self._evidence = self._evidence or MotionEvidence(self.scene, hook)
        return self._evidence

    def pieces(self, index: int) -> Pieces:
        """Of the scene's picture of frame `index`."""
        if index not in self._pieces:
            self._pieces[index] = pieces_of(self.scene.picture(index))
        return self._pieces[index]


class Analyses:
    """The analyses of the clips that some engines work on, each made at first use.

    Engines that are built with one `Runtime` have one of these in common; a clip's analysis lives as long as
    the clip. `store` keeps findings for other processes, where that is wanted.
    """

    def __init__(self, store: ClipStore | None = None) -> None:
        self.store = store or ClipStore()
        self._made = OncePerClip[ClipAnalysis]()

    @classmethod
    def shared(cls, runtime: Runtime) -> Analyses:
        """Those of all engines that are built with `runtime`."""
        return runtime.shared(cls, lambda: cls(ClipStore(runtime.cache if runtime.remember else None)))

    def of(self, clip: Clip, hook: Hook = no_hook) -> ClipAnalysis:
        """Calls the hook as `Scene` does, if the clip was not analysed before."""
        return self._made.of(clip, lambda: self._analysed(clip, hook))

    def _analysed(self, clip: Clip, hook: Hook) -> ClipAnalysis:
        scene = self.store.scene(clip)
        if scene is None:
            scene = Scene(clip, hook)
            self.store.keep_scene(clip, scene)
        return ClipAnalysis(scene)
