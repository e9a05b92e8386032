"""Detections on some frames of a scene become tracks, which its flow takes along between these frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refervid.engines.linking import Detections, Linker
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.analysis.flow import Flow
from refervid.engines.lite.objects.colours import colours_of

POINTS = 8
"""Rows and columns of the points of a box whose flow carries it."""


class SceneLinker(Linker):
    """A linker of boxes by what a scene knows: colours, and how far things go from one look to the next."""

    def __init__(self, times_s: NDArray[np.float64]) -> None:
        super().__init__(times_s)
        self._before = 0

    def see(self, scene: Scene, index: int, found: Detections) -> None:
        """What was found on frame `index`, later than all before."""
        carry(self, scene, self._before, index)
        self.add(index, float(scene.times_s[index]), found, colours_of(scene, index, found.boxes))
        self._before = index


def carry(linker: Linker, scene: Scene, start: int, end: int) -> None:
    """Take the open tracks along from one frame to another; none goes over a cut."""
    scale = np.tile(scene.scale_xy, 2)
    for index in range(start, end):
        if scene.cut(index):
            linker.open = []
        if not linker.open:
            return
        flow = scene.half_forward(index)
        for track in linker.open:
            track.expected = track.expected + np.tile(_shift(flow, track.expected * scale / 2), 2) / scale


def _shift(flow: Flow, box: NDArray[np.float64]) -> NDArray[np.float32]:
    """(2,) median flow in the inner half of a box, both at half the analysis size."""
    height, width = flow.shape[:2]
    xs, ys = (np.linspace(start, end, POINTS + 2)[1:-1] for start, end in (box[[0, 2]], box[[1, 3]]))
    columns = np.clip(xs.round().astype(int), 0, width - 1)
    rows = np.clip(ys.round().astype(int), 0, height - 1)
    return np.asarray(np.median(flow[np.ix_(rows, columns)].reshape(-1, 2), axis=0), np.float32)
