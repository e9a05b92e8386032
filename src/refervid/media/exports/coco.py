"""COCO's forms: for pictures, and for videos (YouTube-VIS)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from refervid.core.track import Track
from refervid.core.types import Details
from refervid.media.clip import Clip
from refervid.media.exports.form import NamedTrack, objects_of, write_json


def write_coco(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`coco.json` as pycocotools reads it: every frame is an image, every object on it an annotation.

    `segmentation` is run-length encoded, so that holes and parts apart stay as they are; `track_id` is the
    same for an object on all frames. Images are called as frames are elsewhere: `CLIP/00000.jpg`.
    """
    images = [
        {
            "id": index + 1,
            "file_name": f"{clip.name}/{clip.frame_name(index)}.jpg",
            "width": clip.width,
            "height": clip.height,
            "frame_index": index,
            "time_s": round(float(time), 6),
        }
        for index, time in enumerate(clip.times_s)
    ]
    annotations: list[dict[str, Any]] = []
    for number, (category, _, track) in enumerate(objects_of(tracks), 1):
        areas, boxes = track.areas(), track.boxes_xyxy()
        for index in np.flatnonzero(areas).tolist():
            x0, y0, x1, y1 = boxes[index].tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index + 1,
                    "category_id": category,
                    "track_id": number,
                    "segmentation": track.rle(index),
                    "area": int(areas[index]),
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": i, "name": named.text} for i, named in enumerate(tracks, 1)]
    write_json(folder / "coco.json", {"images": images, "annotations": annotations, "categories": categories})


def write_coco_video(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`coco_rle.json`: see `coco_video`; one annotation for each object."""
    groups = [(one.text, list(enumerate(one.objects, 1))) for one in tracks]
    write_json(folder / "coco_rle.json", coco_video(clip, groups))


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
        "file_names": [f"{clip.name}/{clip.frame_name(index)}.jpg" for index in range(len(clip))],
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
