"""Masks as pictures: one per sentence, or maps of object ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import SettingsError
from refervid.core.files import inside
from refervid.media.clip import Clip
from refervid.media.exports.form import NamedTrack, made, write_json
from refervid.media.pictures import write_indexed, write_mask

MOST_IDS = 255
"""An indexed PNG has 256 values, and 0 is the background."""


def write_masks(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`masks/QUERY/00000.png`, ...: one 8-bit grey PNG per frame, 0 background and 255 object.

    Frames that are pictures of a folder keep their names, here and in the other forms.
    """
    for named in tracks:
        target = made(inside(folder, "masks", named.slug))
        for index, mask in enumerate(named.track):
            write_mask(target / f"{clip.frame_name(index)}.png", mask)


def write_davis(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`davis/Annotations/480p/CLIP/00000.png`, ...: the layout of DAVIS 2017, palette and all."""
    _write_id_maps(made(inside(folder, "davis", "Annotations", "480p", clip.name)), clip, tracks)


def write_youtube_vos(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`youtube-vos/Annotations/CLIP/00000.png`, ... and `youtube-vos/meta.json`."""
    root = inside(folder, "youtube-vos")
    _write_id_maps(made(inside(root, "Annotations", clip.name)), clip, tracks)
    objects = {
        str(number): {
            "category": named.text,
            "frames": [clip.frame_name(int(index)) for index in np.flatnonzero(named.track.areas())],
        }
        for number, named in enumerate(tracks, 1)
    }
    meta = {"videos": {clip.name: {"objects": objects}}}
    write_json(root / "meta.json", meta)


def _write_id_maps(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    for index, ids in enumerate(_id_maps(clip, tracks)):
        write_indexed(folder / f"{clip.frame_name(index)}.png", ids)


def _id_maps(clip: Clip, tracks: Sequence[NamedTrack]) -> Iterator[NDArray[np.uint8]]:
    """Per frame uint8 (H, W): 1 + position of the track; where several overlap, the first one's."""
    if len(tracks) > MOST_IDS:
        raise SettingsError(f"{len(tracks)} objects do not fit in one id map: {MOST_IDS} at most")
    for index in range(len(clip)):
        ids = np.zeros((clip.height, clip.width), np.uint8)
        for number, named in reversed(list(enumerate(tracks, 1))):
            ids[named.track[index]] = number
        yield ids
