"""Tracks in the forms that other programs read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import SettingsError
from refervid.core.files import atomic_dir, atomic_file, inside, write_text
from refervid.core.track import Track
from refervid.media.clip import Clip
from refervid.media.contact_sheet import contact_sheet
from refervid.media.movie import VP9_ALPHA, MovieWriter
from refervid.media.pictures import encode_jpeg, write_indexed, write_mask

MOST_IDS = 255
"""An indexed PNG has 256 values, and 0 is the background."""


@dataclass(frozen=True)
class NamedTrack:
    """A track with the sentence it answers and the name of its files."""

    slug: str
    text: str
    track: Track


def export(kind: str, folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> Path:
    """Write `tracks` as `kind`, one of `EXPORTS`, under `folder`; returns the new file or folder.

    Raises `UnsafeName` for a clip or track whose name cannot be a file name.
    """
    return EXPORTS[kind](folder, clip, tracks)


def _masks(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> Path:
    """`masks/QUERY/00000.png`, ...: one 8-bit grey PNG per frame, 0 background and 255 object.

    Frames that are pictures of a folder keep their names, here and in the other forms.
    """
    for named in tracks:
        with atomic_dir(inside(folder, "masks", named.slug)) as part:
            for index, mask in enumerate(named.track):
                write_mask(part / f"{clip.frame_name(index)}.png", mask)
    return folder / "masks"


def _coco_rle(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> Path:
    """`coco_rle.json` in the form of YouTube-VIS (COCO for videos): lists over frames, null where away."""
    video: dict[str, Any] = {
        "id": 1,
        "name": clip.name,
        "width": clip.width,
        "height": clip.height,
        "length": len(clip),
        "times_s": [round(float(time), 6) for time in clip.times_s],
    }
    document = {
        "videos": [video],
        "categories": [{"id": i, "name": named.text} for i, named in enumerate(tracks, 1)],
        "annotations": [_coco_annotation(i, named.track) for i, named in enumerate(tracks, 1)],
    }
    path = folder / "coco_rle.json"
    write_text(path, json.dumps(document, ensure_ascii=False))
    return path


def _coco_annotation(number: int, track: Track) -> dict[str, Any]:
    areas = track.areas().tolist()
    boxes = track.boxes_xyxy()
    boxes[:, 2:] -= boxes[:, :2]  # COCO boxes are x, y, width, height
    return {
        "id": number,
        "video_id": 1,
        "category_id": number,
        "iscrowd": 0,
        "segmentations": [track.rle(i) if area else None for i, area in enumerate(areas)],
        "bboxes": [box if area else None for box, area in zip(boxes.tolist(), areas, strict=True)],
        "areas": [area or None for area in areas],
    }


def _davis(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> Path:
    """`davis/Annotations/480p/CLIP/00000.png`, ...: the layout of DAVIS 2017, palette and all."""
    target = inside(folder, "davis", "Annotations", "480p", clip.name)
    with atomic_dir(target) as part:
        _write_id_maps(part, clip, tracks)
    return folder / "davis"


def _youtube_vos(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> Path:
    """`youtube-vos/Annotations/CLIP/00000.png`, ... and `youtube-vos/meta.json`."""
    root = inside(folder, "youtube-vos")
    with atomic_dir(inside(root, "Annotations", clip.name)) as part:
        _write_id_maps(part, clip, tracks)
    objects = {
        str(number): {
            "category": named.text,
            "frames": [clip.frame_name(int(index)) for index in np.flatnonzero(named.track.areas())],
        }
        for number, named in enumerate(tracks, 1)
    }
    meta = {"videos": {clip.name: {"objects": objects}}}
    write_text(root / "meta.json", json.dumps(meta, ensure_ascii=False, indent=1))
    return root


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


def _npz(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> Path:
    """`npz/QUERY.npz` per track, plain arrays only.

    `masks` (T, H, ceil(W / 8)) uint8 has eight pixels to a byte: get bool (T, H, W) back with
    `numpy.unpackbits(masks, axis=-1, count=width).astype(bool)`. Beside it `width`, `boxes_xyxy` (T, 4)
    float32 with NaN where away, `presence` (T,) float32 in 0..1, `times_s` (T,) float64.
    """
    for named in tracks:
        with atomic_file(inside(folder, "npz", f"{named.slug}.npz")) as part:
            _write_npz(part, clip, named.track)
    return folder / "npz"


def _write_npz(path: Path, clip: Clip, track: Track) -> None:
    small = {
        "width": np.int64(track.width),
        "boxes_xyxy": track.boxes_xyxy(),
        "presence": track.presence,
        "times_s": clip.times_s,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in small.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
        # numpy.savez would want all masks at once.
        shape = (len(track), track.height, -(-track.width // 8))
        with archive.open("masks.npy", "w", force_zip64=True) as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for mask in track:
                file.write(np.packbits(mask, axis=-1).tobytes())


def _alpha(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> Path:
    """`alpha/QUERY.webm` per track: the object cut out, VP9 with transparency around it."""
    with ExitStack() as stack:
        parts = [
            stack.enter_context(atomic_file(inside(folder, "alpha", f"{named.slug}.webm")))
            for named in tracks
        ]
        movies = [stack.enter_context(MovieWriter(part, clip, VP9_ALPHA)) for part in parts]
        for index, frame in clip.frames():
            for movie, named in zip(movies, tracks, strict=True):
                alpha = named.track[index].astype(np.uint8) * 255
                movie.write(index, np.dstack([frame, alpha]))
    return folder / "alpha"


def _contact_sheet(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> Path:
    path = folder / "contact_sheet.jpg"
    with atomic_file(path) as part:
        part.write_bytes(encode_jpeg(contact_sheet(clip, [named.track for named in tracks])))
    return path


EXPORTS: Mapping[str, Callable[[Path, Clip, Sequence[NamedTrack]], Path]] = {
    "masks": _masks,
    "coco-rle": _coco_rle,
    "davis-png": _davis,
    "youtube-vos": _youtube_vos,
    "npz": _npz,
    "alpha-webm": _alpha,
    "contact-sheet": _contact_sheet,
}
"""The forms by the names that `--format` takes."""

ID_MAPS = ("davis-png", "youtube-vos")
"""Forms with one map of object ids per frame for all sentences, in a folder that is called as the clip."""
