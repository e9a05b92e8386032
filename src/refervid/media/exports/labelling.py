"""What labelling tools and trackers' benchmarks read: CVAT, Label Studio, MOT and MOTS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from refervid.media.clip import Clip
from refervid.media.exports.form import NamedTrack, made, objects_of, write_json
from refervid.media.exports.polygons import outline
from refervid.media.timing import frame_step


def write_cvat(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`cvat.xml`, "CVAT for video 1.1": a track of polygons per object, `outside` where it is away.

    Parts apart and holes are one polygon, joined by seams without width.
    """
    root = ElementTree.Element("annotations")
    _text(root, "version", "1.1")
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    _text(task, "name", clip.name)
    _text(task, "size", str(len(clip)))
    _text(task, "mode", "interpolation")
    labels = ElementTree.SubElement(task, "labels")
    for name in dict.fromkeys(named.text for named in tracks):
        label = ElementTree.SubElement(labels, "label")
        _text(label, "name", _printable(name))
        _text(label, "type", "polygon")
    size = ElementTree.SubElement(task, "original_size")
    _text(size, "width", str(clip.width))
    _text(size, "height", str(clip.height))
    for number, (_, text, track) in enumerate(objects_of(tracks)):
        element = ElementTree.SubElement(root, "track", id=str(number), label=_printable(text))
        points = ""
        for index, mask in enumerate(track):
            if mask.any():
                points = ";".join(f"{x:.2f},{y:.2f}" for x, y in outline(mask).tolist())
            if points:  # before it first comes there is nothing to be outside
                shape = {"frame": str(index), "points": points, "outside": str(int(not mask.any()))}
                ElementTree.SubElement(element, "polygon", shape, keyframe="1", occluded="0", z_order="0")
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(folder / "cvat.xml", "utf-8", xml_declaration=True)


def write_label_studio(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`label_studio.json`: a task with a rectangle per object over time, in per cent of the frame.

    For a labelling interface with `<Video name="video" value="$video"/>`, `<VideoRectangle name="box"
    toName="video"/>` and `<Labels name="label" toName="video">`. Frames count from 1.
    """
    scale = np.array([clip.width, clip.height, clip.width, clip.height]) / 100
    results = []
    for number, (_, text, track) in enumerate(objects_of(tracks), 1):
        sequence: list[dict[str, Any]] = []
        seen = track.areas() > 0
        for index, box in enumerate(track.boxes_xyxy()):
            if seen[index]:
                x0, y0, x1, y1 = (box / scale).tolist()
                goes_on = bool(index + 1 < len(track) and seen[index + 1])
                place = {"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0, "rotation": 0}
                time = round(float(clip.times_s[index]), 6)
                sequence.append({"frame": index + 1, "enabled": goes_on, "time": time, **place})
        value = {
            "framesCount": len(clip),
            "duration": round(float(clip.times_s[-1]) + frame_step(clip.times_s), 6),
            "sequence": sequence,
            "labels": [text],
        }
        results.append(
            {
                "id": str(number),
                "type": "videorectangle",
                "from_name": "box",
                "to_name": "video",
                "value": value,
            }
        )
    task = {"data": {"video": clip.source.name}, "predictions": [{"result": results}]}
    write_json(folder / "label_studio.json", [task])  # type: ignore[arg-type]


def write_mot(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`mot/gt/gt.txt` as MOTChallenge has it: frame from 1, id, x, y, width, height, 1, class, visibility."""
    lines = []
    for number, (category, _, track) in enumerate(objects_of(tracks), 1):
        boxes = track.boxes_xyxy()
        for index in np.flatnonzero(track.areas()).tolist():
            x0, y0, x1, y1 = boxes[index].tolist()
            box = f"{x0:.2f},{y0:.2f},{x1 - x0:.2f},{y1 - y0:.2f}"
            lines.append((index, f"{index + 1},{number},{box},1,{category},1"))
    _write_lines(made(folder / "mot" / "gt") / "gt.txt", lines)
    _write_names(folder / "mot" / "gt" / "labels.txt", tracks)


def write_mots(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`mots/gt.txt` as MOTS has it: frame from 1, id, class, height, width, COCO's run-length code."""
    lines = []
    size = f"{clip.height} {clip.width}"
    for number, (category, _, track) in enumerate(objects_of(tracks), 1):
        for index in np.flatnonzero(track.areas()).tolist():
            counts = track.rle(index)["counts"]
            lines.append((index, f"{index + 1} {category * 1000 + number} {category} {size} {counts}"))
    _write_lines(made(folder / "mots") / "gt.txt", lines)
    _write_names(folder / "mots" / "labels.txt", tracks)


def _write_lines(path: Path, lines: list[tuple[int, str]]) -> None:
    """In the order of frames."""
    text = "".join(f"{line}\n" for _, line in sorted(lines, key=lambda pair: pair[0]))
    path.write_text(text, "ascii")


def _write_names(path: Path, tracks: Sequence[NamedTrack]) -> None:
    path.write_text("".join(f"{' '.join(named.text.split())}\n" for named in tracks), "utf-8", "replace")


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = _printable(text)


def _printable(text: str) -> str:
    """XML has no place for control characters."""
    return "".join(c if c.isprintable() else " " for c in text)
