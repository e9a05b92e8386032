"""Tracks in the forms that other programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from refervid.media.clip import Clip
from refervid.media.contact_sheet import contact_sheet
from refervid.media.exports.arrays import write_npz, write_packed_npz
from refervid.media.exports.coco import coco_video, write_coco, write_coco_video
from refervid.media.exports.editing import write_alpha, write_exr, write_matte, write_prores, write_rgba
from refervid.media.exports.form import Form, NamedTrack
from refervid.media.exports.labelling import write_cvat, write_label_studio, write_mot, write_mots
from refervid.media.exports.masks import MOST_IDS, write_davis, write_masks, write_youtube_vos
from refervid.media.pictures import encode_jpeg

__all__ = ["EXPORTS", "ID_MAPS", "MOST_IDS", "Form", "NamedTrack", "coco_video", "export"]


def export(kind: str, folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """Write `tracks` as `kind`, one of `EXPORTS`, under `folder`, where nothing of that kind lies yet.

    Raises `UnsafeName` for a clip or track whose name cannot be a file name.
    """
    EXPORTS[kind].write(folder, clip, tracks)


def _contact_sheet(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    sheet = contact_sheet(clip, [named.track for named in tracks])
    (folder / "contact_sheet.jpg").write_bytes(encode_jpeg(sheet))


EXPORTS: Mapping[str, Form] = {
    "masks": Form(
        write_masks,
        lambda clip, frames, slugs: (f"masks/{slug}/{frame}.png" for slug in slugs for frame in frames),
    ),
    "coco": Form(write_coco, lambda clip, frames, slugs: ["coco.json"]),
    "coco-rle": Form(write_coco_video, lambda clip, frames, slugs: ["coco_rle.json"]),
    "davis-png": Form(
        write_davis,
        lambda clip, frames, slugs: (f"davis/Annotations/480p/{clip}/{frame}.png" for frame in frames),
    ),
    "youtube-vos": Form(
        write_youtube_vos,
        lambda clip, frames, slugs: (
            "youtube-vos/meta.json",
            *(f"youtube-vos/Annotations/{clip}/{frame}.png" for frame in frames),
        ),
    ),
    "cvat": Form(write_cvat, lambda clip, frames, slugs: ["cvat.xml"]),
    "label-studio": Form(write_label_studio, lambda clip, frames, slugs: ["label_studio.json"]),
    "mot": Form(write_mot, lambda clip, frames, slugs: ["mot/gt/gt.txt", "mot/gt/labels.txt"]),
    "mots": Form(write_mots, lambda clip, frames, slugs: ["mots/gt.txt", "mots/labels.txt"]),
    "npz": Form(write_npz, lambda clip, frames, slugs: (f"npz/{slug}.npz" for slug in slugs)),
    "npz-packed": Form(
        write_packed_npz, lambda clip, frames, slugs: (f"npz-packed/{slug}.npz" for slug in slugs)
    ),
    "alpha-webm": Form(write_alpha, lambda clip, frames, slugs: (f"alpha/{slug}.webm" for slug in slugs)),
    "prores": Form(write_prores, lambda clip, frames, slugs: (f"prores/{slug}.mov" for slug in slugs)),
    "rgba-png": Form(
        write_rgba,
        lambda clip, frames, slugs: (f"rgba/{slug}/{frame}.png" for slug in slugs for frame in frames),
    ),
    "matte": Form(write_matte, lambda clip, frames, slugs: (f"matte/{slug}.mp4" for slug in slugs)),
    "exr": Form(
        write_exr,
        lambda clip, frames, slugs: (f"exr/{slug}/{frame}.exr" for slug in slugs for frame in frames),
    ),
    "contact-sheet": Form(_contact_sheet, lambda clip, frames, slugs: ["contact_sheet.jpg"]),
}
"""The forms by the names that `--format` takes; masks/ has the matte as pictures."""

ID_MAPS = ("davis-png", "youtube-vos")
"""Forms with one map of object ids per frame for all sentences, in a folder that is called as the clip."""
