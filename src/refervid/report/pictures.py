"""Pictures of the report: small enough to be carried in the page itself."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from refervid.core.track import Track
from refervid.core.types import Candidate, Frame, Pivot
from refervid.media.clip import Clip
from refervid.media.lettering import WHITE
from refervid.media.overlay import draw_masks
from refervid.media.palette import RGB, box_colour
from refervid.media.pictures import decode_jpeg, encode_jpeg, shrunk
from refervid.media.sections import draw_candidates

_LONG_SIDE = 960
_SECTION_LONG_SIDE = 1400
_QUALITY = 80


def data_uri(data: bytes, media_type: str) -> str:
    """`data` as an address that a page can show without fetching anything."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def picture_uri(picture: Frame) -> str:
    return data_uri(encode_jpeg(picture, _QUALITY), "image/jpeg")


def section_uri(picture: Frame) -> str:
    """What the chooser looked at, shrunk where it is very large."""
    return picture_uri(shrunk(picture, _SECTION_LONG_SIDE / max(picture.shape[:2])))


def poster_uri(clip: Clip, tracks: Sequence[Track]) -> str:
    """A usual frame with its masks: their area is nearest to the median. The middle one if there are none.

    Where masks are largest they often hold too much.
    """
    areas = np.sum([track.areas() for track in tracks], axis=0)
    shown = np.flatnonzero(areas)
    usual = np.abs(areas[shown] - np.median(areas[shown])).argmin() if len(shown) else 0
    index = int(shown[usual]) if len(shown) else len(clip) // 2
    frame = clip.frame(index)
    draw_masks(frame, [track[index] for track in tracks])
    return picture_uri(shrunk(frame, _LONG_SIDE / max(frame.shape[:2])))


class FrameStore:
    """Some of a clip's frames, read in one pass and kept small."""

    def __init__(self, clip: Clip, indices: Iterable[int]) -> None:
        self._frames: dict[int, tuple[bytes, float]] = {}
        scale = min(_LONG_SIDE / max(clip.height, clip.width), 1.0)
        for index, frame in clip.frames(sorted(set(indices))):
            self._frames[index] = (encode_jpeg(shrunk(frame, scale)), scale)

    def candidates_uri(self, index: int, candidates: Sequence[Candidate], chosen: Iterable[int]) -> str:
        """Frame `index` with numbered boxes, as the chooser sees them; those `chosen` have a white rim."""
        frame, scale = self._read(index)
        draw_candidates(frame, candidates, scale)
        line = max(round(min(frame.shape[:2]) / 90), 3)
        for number in chosen:
            x0, y0, x1, y1 = (round(float(v) * scale) for v in candidates[number - 1].box_xyxy)
            for colour, thickness in ((WHITE, 3 * line), (box_colour(number - 1)[1], line)):
                cv2.rectangle(frame, (x0, y0), (x1, y1), colour, thickness, cv2.LINE_AA)
        return picture_uri(frame)

    def pivot_uri(self, pivot: Pivot, colour: RGB) -> str:
        """The pivot frame with what the tracker started from: mask, box, points (hollow: not the object)."""
        frame, scale = self._read(pivot.frame_index)
        line = max(round(min(frame.shape[:2]) / 110), 2)
        if pivot.mask is not None:
            size = (frame.shape[1], frame.shape[0])
            small = cv2.resize(pivot.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
            draw_masks(frame, [np.asarray(small, bool)], colours=[colour])
        if pivot.box_xyxy is not None:
            x0, y0, x1, y1 = (round(float(v) * scale) for v in pivot.box_xyxy)
            cv2.rectangle(frame, (x0, y0), (x1, y1), colour, line, cv2.LINE_AA)
        if pivot.points_xy is not None and pivot.point_labels is not None:
            for (x, y), belongs in zip(pivot.points_xy * scale, pivot.point_labels, strict=True):
                centre = (round(float(x)), round(float(y)))
                cv2.circle(frame, centre, 3 * line, (255, 255, 255), line, cv2.LINE_AA)
                if belongs:
                    cv2.circle(frame, centre, 2 * line, colour, -1, cv2.LINE_AA)
        return picture_uri(frame)

    def _read(self, index: int) -> tuple[Frame, float]:
        data, scale = self._frames[index]
        return decode_jpeg(data), scale
