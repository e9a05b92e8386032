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
    "masks": Form(write_masks, "masks/{slug}/{frame}.png"),
    "coco": Form(write_coco, "coco.json"),
    "coco-rle": Form(write_coco_video, "coco_rle.json"),
    "davis-png": Form(write_davis, "davis/Annotations/480p/{clip}/{frame}.png"),
    "youtube-vos": Form(
        write_youtube_vos, "youtube-vos/meta.json", "youtube-vos/Annotations/{clip}/{frame}.png"
    ),
    "cvat": Form(write_cvat, "cvat.xml"),
    "label-studio": Form(write_label_studio, "label_studio.json"),
    "mot": Form(write_mot, "mot/gt/gt.txt", "mot/gt/labels.txt"),
    "mots": Form(write_mots, "mots/gt.txt", "mots/labels.txt"),
    "npz": Form(write_npz, "npz/{slug}.npz"),
    "npz-packed": Form(write_packed_npz, "npz-packed/{slug}.npz"),
    "alpha-webm": Form(write_alpha, "alpha/{slug}.webm"),
    "prores": Form(write_prores, "prores/{slug}.mov"),
    "rgba-png": Form(write_rgba, "rgba/{slug}/{frame}.png"),
    "matte": Form(write_matte, "matte/{slug}.mp4"),
    "exr": Form(write_exr, "exr/{slug}/{frame}.exr"),
    "contact-sheet": Form(_contact_sheet, "contact_sheet.jpg"),
}
"""The forms by the names that `--format` takes; masks/ has the matte as pictures."""

ID_MAPS = ("davis-png", "youtube-vos")
"""Forms with one map of object ids per frame for all sentences, in a folder that is called as the clip."""
