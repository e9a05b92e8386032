"""Names of ImageNet for tracks, asked for where COCO's do not suffice."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from refervid.core.types import BoxArray, Frame
from refervid.engines.inventory import ObjectTrack
from refervid.engines.lite.computing import computing
from refervid.engines.lite.efficientnet import WEIGHTS, load_efficientnet
from refervid.engines.surest import surest
from refervid.media.clip import Clip

SIGHTINGS = 4
"""So many of the surest sightings of a track, spread over its time, are looked at."""
AROUND = 1.15
"""Side of the square that is cut out, in longer sides of the box: the network was trained on things with some
of their surroundings."""
SIDE = 224
"""The pictures' side in its training."""


class TrackNames:
    """Probabilities of ImageNet's 1000 classes for the tracks of one clip, each computed once."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._known: dict[int, NDArray[np.float32]] = {}

    def of(self, tracks: Sequence[ObjectTrack]) -> dict[int, NDArray[np.float32]]:
        """(1000,) by track number: the mean over sightings. Empty where the network is not installed."""
        if WEIGHTS.missing():
            return {}
        new = [track for track in tracks if track.number not in self._known]
        shown = {
            (track.number, int(track.frame_indices[row])): track.boxes_xyxy[row]
            for track in new
            for row in surest(track.scores, SIGHTINGS)
        }
        pictures: dict[int, list[Frame]] = {track.number: [] for track in new}
        for index, frame in self._clip.frames(sorted({frame for _, frame in shown})):
            for (number, place), box in shown.items():
                if place == index:
                    pictures[number].append(_cut_out(frame, box))
        for number, own in pictures.items():
            self._known[number] = _named(own)
        return {track.number: self._known[track.number] for track in tracks}


def _cut_out(frame: Frame, box: BoxArray) -> Frame:
    """(SIDE, SIDE, 3): the square around a box; what is beyond the frame repeats its border."""
    x, y = (float(value) for value in (box[:2] + box[2:]) / 2)
    half = max(AROUND * float((box[2:] - box[:2]).max()) / 2, 1.0)
    scale = SIDE / (2 * half)
    place = np.array([[scale, 0, SIDE / 2 - scale * x], [0, scale, SIDE / 2 - scale * y]])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(
        cv2.warpAffine(frame, place, (SIDE, SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _named(pictures: Sequence[Frame]) -> NDArray[np.float32]:
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
    with computing():
        shares = load_efficientnet()(batch).softmax(dim=1).mean(dim=0)
    return np.asarray(shares, np.float32)
