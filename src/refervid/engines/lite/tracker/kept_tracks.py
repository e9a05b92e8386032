"""Tracks of objects as bytes and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from refervid.config.frozen import Frozen
from refervid.core.rle import decode_mask
from refervid.core.track import Track
from refervid.media.clip import Clip


class _Track(Frozen):
    masks: list[str]
    presence: list[Annotated[float, Field(ge=0, le=1)]]


class _Tracks(Frozen):
    tracks: list[_Track]


def to_bytes(tracks: Sequence[Track]) -> bytes:
    kept = [
        _Track(
            masks=[str(one.rle(index)["counts"]) for index in range(len(one))], presence=one.presence.tolist()
        )
        for one in tracks
    ]
    return _Tracks(tracks=kept).model_dump_json().encode()


def from_bytes(content: bytes, clip: Clip, count: int) -> list[Track]:
    """The `count` tracks that `to_bytes` was given; raises `ValueError` for anything else."""
    read = _Tracks.model_validate_json(content).tracks
    if len(read) != count or not all(len(one.masks) == len(clip) == len(one.presence) for one in read):
        raise ValueError("tracks of other objects, or of another clip")
    tracks = []
    for one in read:
        track = Track(len(clip), clip.height, clip.width)
        for index, counts in enumerate(one.masks):
            decode_mask(counts.encode(), clip.height, clip.width)
            track.put_rle(index, counts)
        track.presence[:] = one.presence
        track.written[:] = True
        tracks.append(track)
    return tracks
