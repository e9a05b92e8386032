"""An inventory as bytes and back."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from refervid.config.frozen import Frozen
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.lite.analysis.colour import TERMS

Share = Annotated[float, Field(ge=0, le=1)]
Box = tuple[float, float, float, float]


class _Track(Frozen):
    number: int
    frames: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    boxes: list[Box]
    scores: list[Share]
    names: dict[str, Share]
    colours: list[Share] = Field(min_length=2 * len(TERMS), max_length=2 * len(TERMS))


class _Inventory(Frozen):
    tracks: list[_Track]
    frames: list[Annotated[int, Field(ge=0)]]


def to_bytes(inventory: Inventory) -> bytes:
    """JSON; notes are left out, since they tell of the machine."""
    tracks = [
        _Track(
            number=one.number,
            frames=one.frame_indices.tolist(),
            boxes=one.boxes_xyxy.tolist(),
            scores=one.scores.tolist(),
            names=dict(one.names),
            colours=one.colours.tolist(),
        )
        for one in inventory.tracks
    ]
    return _Inventory(tracks=tracks, frames=list(inventory.frame_indices)).model_dump_json().encode()


def from_bytes(content: bytes, frames: int) -> Inventory:
    """What `to_bytes` made of a clip of so many frames; raises `ValueError` for anything else."""
    read = _Inventory.model_validate_json(content)
    tracks = []
    for one in read.tracks:
        places, boxes = np.array(one.frames, np.int64), np.array(one.boxes, np.float32).reshape(-1, 4)
        if not len(places) == len(boxes) == len(one.scores) or (np.diff(places) <= 0).any():
            raise ValueError("sightings of a track do not fit each other")
        scores, colours = np.array(one.scores, np.float32), np.array(one.colours, np.float32)
        tracks.append(ObjectTrack(one.number, places, boxes, scores, one.names, colours))
    if any(
        place >= frames for places in (read.frames, *(one.frames for one in read.tracks)) for place in places
    ):
        raise ValueError("a frame that the clip does not have")
    return Inventory(tuple(tracks), tuple(read.frames))
