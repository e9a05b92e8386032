"""Tracks in the forms that other programs read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import SettingsError
from refervid.core.files import inside, safe_name
from refervid.core.track import Track
from refervid.core.types import Details
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


@dataclass(frozen=True)
class Form:
    """`write` puts its files below a folder; `files` gives their names from there, for a clip's name, the
    names of its frames, and the slugs of its tracks.
    """

    write: Callable[[Path, Clip, Sequence[NamedTrack]], None]
    files: Callable[[str, Sequence[str], Sequence[str]], Iterable[str]]


def export(kind: str, folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """Write `tracks` as `kind`, one of `EXPORTS`, under `folder`, where nothing of that kind lies yet.

    Raises `UnsafeName` for a clip or track whose name cannot be a file name.
    """
    EXPORTS[kind].write(folder, clip, tracks)


def _masks(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`masks/QUERY/00000.png`, ...: one 8-bit grey PNG per frame, 0 background and 255 object.

    Frames that are pictures of a folder keep their names, here and in the other forms.
    """
    for named in tracks:
        target = _made(inside(folder, "masks", named.slug))
        for index, mask in enumerate(named.track):
            write_mask(target / f"{clip.frame_name(index)}.png", mask)


def _coco_rle(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`coco_rle.json`: see `coco_video`; one annotation for each track."""
    _write_json(folder / "coco_rle.json", coco_video(clip, [(one.text, [(1, one.track)]) for one in tracks]))


def coco_video(clip: Clip, groups: Sequence[tuple[str, Sequence[tuple[int, Track]]]]) -> Details:
    """The form of YouTube-VIS (COCO for videos): lists over frames, null where away.

    `groups` are sentences, which are its categories, each with the ids and tracks of its objects.
    """
    video: dict[str, Any] = {
        "id": 1,
        "name": clip.name,
        "width": clip.width,
        "height": clip.height,
        "length": len(clip),
        "times_s": [round(float(time), 6) for time in clip.times_s],
    }
    members = [(category, *one) for category, (_, objects) in enumerate(groups, 1) for one in objects]
    return {
        "videos": [video],
        "categories": [{"id": i, "name": text} for i, (text, _) in enumerate(groups, 1)],
        "annotations": [_coco_annotation(number, *one) for number, one in enumerate(members, 1)],
    }


def _coco_annotation(number: int, category: int, object_id: int, track: Track) -> dict[str, Any]:
    areas = track.areas().tolist()
    boxes = track.boxes_xyxy()
    boxes[:, 2:] -= boxes[:, :2]  # COCO boxes are x, y, width, height
    return {
        "id": number,
        "video_id": 1,
        "category_id": category,
        "object_id": object_id,
        "iscrowd": 0,
        "segmentations": [track.rle(i) if area else None for i, area in enumerate(areas)],
        "bboxes": [box if area else None for box, area in zip(boxes.tolist(), areas, strict=True)],
        "areas": [area or None for area in areas],
    }


def _davis(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`davis/Annotations/480p/CLIP/00000.png`, ...: the layout of DAVIS 2017, palette and all."""
    _write_id_maps(_made(inside(folder, "davis", "Annotations", "480p", clip.name)), clip, tracks)


def _youtube_vos(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`youtube-vos/Annotations/CLIP/00000.png`, ... and `youtube-vos/meta.json`."""
    root = inside(folder, "youtube-vos")
    _write_id_maps(_made(inside(root, "Annotations", clip.name)), clip, tracks)
    objects = {
        str(number): {
            "category": named.text,
            "frames": [clip.frame_name(int(index)) for index in np.flatnonzero(named.track.areas())],
        }
        for number, named in enumerate(tracks, 1)
    }
    meta = {"videos": {clip.name: {"objects": objects}}}
    _write_json(root / "meta.json", meta)


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


def _npz(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`npz/QUERY.npz` per track, plain arrays only.

    `masks` (T, H, ceil(W / 8)) uint8 has eight pixels to a byte: get bool (T, H, W) back with
    `numpy.unpackbits(masks, axis=-1, count=width).astype(bool)`. Beside it `width`, `boxes_xyxy` (T, 4)
    float32 with NaN where away, `presence` (T,) float32 in 0..1, `times_s` (T,) float64.
    """
    target = _made(inside(folder, "npz"))
    for named in tracks:
        _write_npz(target / f"{safe_name(named.slug)}.npz", clip, named.track)


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


def _alpha(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`alpha/QUERY.webm` per track: the object cut out, VP9 with transparency around it."""
    paths = [_made(inside(folder, "alpha")) / f"{safe_name(named.slug)}.webm" for named in tracks]
    with ExitStack() as stack:
        movies = [stack.enter_context(MovieWriter(path, clip, VP9_ALPHA)) for path in paths]
        for index, frame in clip.frames():
            for movie, named in zip(movies, tracks, strict=True):
                alpha = named.track[index].astype(np.uint8) * 255
                movie.write(index, np.dstack([frame, alpha]))


def _contact_sheet(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    sheet = contact_sheet(clip, [named.track for named in tracks])
    (folder / "contact_sheet.jpg").write_bytes(encode_jpeg(sheet))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write_json(path: Path, document: Details) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8", errors="replace")


EXPORTS: Mapping[str, Form] = {
    "masks": Form(
        _masks,
        lambda clip, frames, slugs: (f"masks/{slug}/{frame}.png" for slug in slugs for frame in frames),
    ),
    "coco-rle": Form(_coco_rle, lambda clip, frames, slugs: ["coco_rle.json"]),
    "davis-png": Form(
        _davis, lambda clip, frames, slugs: (f"davis/Annotations/480p/{clip}/{frame}.png" for frame in frames)
    ),
    "youtube-vos": Form(
        _youtube_vos,
        lambda clip, frames, slugs: (
            "youtube-vos/meta.json",
            *(f"youtube-vos/Annotations/{clip}/{frame}.png" for frame in frames),
        ),
    ),
    "npz": Form(_npz, lambda clip, frames, slugs: (f"npz/{slug}.npz" for slug in slugs)),
    "alpha-webm": Form(_alpha, lambda clip, frames, slugs: (f"alpha/{slug}.webm" for slug in slugs)),
    "contact-sheet": Form(_contact_sheet, lambda clip, frames, slugs: ["contact_sheet.jpg"]),
}
"""The forms by the names that `--format` takes."""

ID_MAPS = ("davis-png", "youtube-vos")
"""Forms with one map of object ids per frame for all sentences, in a folder that is called as the clip."""
