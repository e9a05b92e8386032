"""What is known of every frame's look and motion, gathered in one pass over the clip."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame, Hook, no_hook
from refervid.engines.lite.analysis.blob import Blob
from refervid.engines.lite.analysis.flow import (
    CUT_SHARE,
    Flow,
    camera_motion,
    closed_vectors,
    new_flow_estimator,
    pack_flow,
    texture,
    unpack_flow,
    unpack_half_flow,
)
from refervid.media.clip import Clip

LONG_SIDE = 432
"""Longer side of the analysed frames in pixels: flow at this size costs 15 ms a frame for both directions."""
PICTURE_SIDE = 640
"""Longer side at most of the pictures that are kept: twice what most networks see of an object."""
NEAR = 32
"""Analysed frames kept at hand, 0.3 MB each: whoever looks at one does so often, and at those around it."""
LEAST_SIDE = 16
"""Frames with shorter sides are enlarged: the flow estimator refuses sides below 12 pixels."""
JPEG_QUALITY = 95
_BLOBS, _SHOTS = ("pictures", "forward", "backward"), "shots.npz"


@dataclass(frozen=True)
class Step:
    """From one frame to the next: flow (h, w, 2) both ways, the camera's 3x3 homography, or another shot."""

    forward: Flow
    backward: Flow
    camera: NDArray[np.float64]
    cut: bool


class StepEstimator:
    """Steps between frames as they come, each (h, w, 3) uint8 RGB; flow is sought on two cores."""

    def __init__(self) -> None:
        self._onward, self._back = new_flow_estimator(), new_flow_estimator()
        self._before: NDArray[np.uint8] | None = None
        self._other_core = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._other_core.shutdown()

    def step_to(self, frame: Frame) -> Step | None:
        """None: it is the first frame."""
        before, grey = self._before, cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        self._before = grey
        if before is None:
            return None
        pending = self._other_core.submit(self._back.calc, grey, before, None)
        forward = self._onward.calc(before, grey, None)
        backward = pending.result()
        start, end, share = closed_vectors(forward, backward)
        cut = bool(share < CUT_SHARE)
        camera = np.eye(3) if cut else camera_motion(start, end, texture(before))
        return Step(forward, backward, camera, cut)


class Scene:
    """A clip at analysis size, with its motion. Arrays live on disk and are read anew at every call.

    `size` is (h, w) of the analysed frames, `picture_size` of the larger ones that are kept; `scale_xy` is
    (x, y) analysis pixels per clip pixel. Calls `hook("motion", None, frames done, T)` while it gathers. With
    `folder` what was kept there is read instead.
    """

    def __init__(self, clip: Clip, hook: Hook = no_hook, folder: Path | None = None) -> None:
        self.times_s = clip.times_s
        self._measure(clip.height, clip.width)
        self._cameras: list[NDArray[np.float64]] = []
        self._cuts: list[bool] = []
        if folder is None:
            self._pictures, self._forward, self._backward = Blob(), Blob(), Blob()
            self._gather(clip, hook)
        else:
            self._read(folder, len(clip))
        self._small = lru_cache(NEAR)(partial(_small, self._pictures, self.size))

    def _measure(self, height: int, width: int) -> None:
        shrink = min(1.0, LONG_SIDE / max(height, width))
        self.size = max(LEAST_SIDE, round(height * shrink)), max(LEAST_SIDE, round(width * shrink))
        self.clip_size = (height, width)
        largest = min(1.0, PICTURE_SIDE / max(height, width))
        self.picture_size = max(round(height * largest), 1), max(round(width * largest), 1)
        self.scale_xy = (self.size[1] / width, self.size[0] / height)

    def __len__(self) -> int:
        """Number of frames T."""
        return len(self._pictures)

    def picture(self, index: int) -> Frame:
        """(h, w, 3) uint8 RGB of `picture_size`."""
        return _decoded(self._pictures[index])

    def small(self, index: int) -> Frame:
        """(h, w, 3) uint8 RGB at analysis size; not to be changed, since others look at it too."""
        return self._small(index)

    def forward(self, index: int) -> Flow:
        """(h, w, 2) float32 flow from frame `index` to the next; zero on the last frame."""
        return unpack_flow(self._forward[index], *self.size)

    def half_forward(self, index: int) -> Flow:
        """`forward` at half resolution, (ceil(h/2), ceil(w/2), 2), in pixels of the analysis size."""
        return unpack_half_flow(self._forward[index], *self.size)

    def half_backward(self, index: int) -> Flow:
        """`backward` likewise."""
        return unpack_half_flow(self._backward[index], *self.size)

    def backward(self, index: int) -> Flow:
        """(h, w, 2) float32 flow from frame `index` to the one before; zero on the first frame."""
        return unpack_flow(self._backward[index], *self.size)

    def camera(self, index: int) -> NDArray[np.float64]:
        """3x3 homography in analysis pixels from frame `index` to the next; identity where the shot ends."""
        return self._cameras[index]

    def cut(self, index: int) -> bool:
        """Whether the shot ends with frame `index`."""
        return self._cuts[index]

    @property
    def size_bytes(self) -> int:
        """Of disk that the arrays take."""
        return sum(blob.size_bytes for blob in (self._pictures, self._forward, self._backward))

    def keep(self, folder: Path) -> None:
        """Write all to a folder, from which another process can read it. Raises `OSError`."""
        for name, blob in zip(_BLOBS, (self._pictures, self._forward, self._backward), strict=True):
            blob.keep(folder / name)
        np.savez(folder / _SHOTS, cameras=np.stack(self._cameras), cuts=np.array(self._cuts))

    def _read(self, folder: Path, count: int) -> None:
        """Raises `OSError`, and `ValueError` where something else lies there."""
        self._pictures, self._forward, self._backward = (Blob.kept(folder / name, count) for name in _BLOBS)
        with np.load(folder / _SHOTS, allow_pickle=False) as shots:
            cameras, cuts = shots["cameras"], shots["cuts"]
        if cameras.shape != (count, 3, 3) or cuts.shape != (count,) or not np.isfinite(cameras).all():
            raise ValueError(f"{folder} holds another clip's analysis")
        self._cameras, self._cuts = list(cameras.astype(np.float64)), [bool(cut) for cut in cuts]

    def _gather(self, clip: Clip, hook: Hook) -> None:
        h, w = self.size
        still = pack_flow(np.zeros((h, w, 2), np.float32))
        with StepEstimator() as estimator:
            for index, frame in clip.frames():
                step = estimator.step_to(_resized(frame, self.size))
                if step is None:
                    self._backward.append(still)
                else:
                    self._forward.append(pack_flow(step.forward))
                    self._backward.append(pack_flow(step.backward))
                    self._cuts.append(step.cut)
                    self._cameras.append(step.camera)
                bgr = cv2.cvtColor(_resized(frame, self.picture_size), cv2.COLOR_RGB2BGR)
                self._pictures.append(
                    cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
                )
                hook("motion", None, index + 1, len(clip))
        self._forward.append(still)
        self._cameras.append(np.eye(3))
        self._cuts.append(True)


def _small(pictures: Blob, size: tuple[int, int], index: int) -> Frame:
    return _resized(_decoded(pictures[index]), size)


def _decoded(picture: bytes) -> Frame:
    return cast(Frame, cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR_RGB))


def _resized(frame: Frame, size: tuple[int, int]) -> Frame:
    return cast(Frame, cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA))


class LiveScene(Scene):
    """Frames as they arrive, of which the last one and those at `kept` are remembered."""

    def __init__(self, height: int, width: int) -> None:
        self._measure(height, width)
        self.kept: set[int] = set()
        self._estimator = StepEstimator()
        self._seen: dict[int, Frame] = {}
        self._step: Step | None = None

    def add(self, index: int, frame: Frame) -> None:
        """Frame `index` (H, W, 3) of the source, one more than the last."""
        self._step = self._estimator.step_to(_resized(frame, self.size))
        self._seen = {number: seen for number, seen in self._seen.items() if number in self.kept}
        self._seen[index] = _resized(frame, self.picture_size)

    def picture(self, index: int) -> Frame:
        return self._seen[index]

    def forward(self, index: int) -> Flow:
        return self._present.forward

    def backward(self, index: int) -> Flow:
        return self._present.backward

    def camera(self, index: int) -> NDArray[np.float64]:
        return self._present.camera

    def cut(self, index: int) -> bool:
        return self._step is not None and self._step.cut

    @property
    def _present(self) -> Step:
        assert self._step is not None  # nothing is carried onto the first frame
        return self._step
