"""Masks as pictures: one per sentence, or maps of object ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from refervid.core.errors import SettingsError
from refervid.core.files import inside
from refervid.media.clip import Clip
from refervid.media.exports.form import NamedTrack, made, write_json
from refervid.media.pictures import id_map, write_indexed, write_mask

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
    if len(tracks) > MOST_IDS:
        raise SettingsError(f"{len(tracks)} objects do not fit in one id map: {MOST_IDS} at most")
    for index in range(len(clip)):
        ids = id_map((named.track[index] for named in tracks), clip.height, clip.width)
        write_indexed(folder / f"{clip.frame_name(index)}.png", ids)
