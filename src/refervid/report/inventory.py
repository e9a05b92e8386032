"""What an inventory says, for tables, JSON and a page with one picture per track."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from refervid import __version__
from refervid.core.files import write_text
from refervid.core.types import Frame
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.media.clip import Clip
from refervid.report.pictures import picture_uri
from refervid.report.plot import clock
from refervid.report.templates import template

NOTHING = "nothing was found: no thing was recognised, and none moves or stands out"
"""Of an inventory without tracks."""
COLOUR_TERMS = (
    *("black", "white", "grey", "red", "orange", "yellow"),
    *("green", "blue", "purple", "pink", "brown"),
)
"""In the order of `ObjectTrack.colours`."""
COLOURED = 0.25
"""A half of a thing has a colour that covers so much of it."""
MARGIN = 0.15
"""What is shown around a thing, in shares of its sides."""
RESTS = 0.1
"""What moves by less of the frame's width or height between its first and its last sighting stays."""


def summary(clip: Clip, inventory: Inventory) -> dict[str, Any]:
    """Ready for JSON: the tracks in order, times in seconds, boxes xyxy in pixels."""
    return {
        "video": {"name": clip.name, "frames": len(clip), "width": clip.width, "height": clip.height},
        "frames_looked_at": [int(index) for index in inventory.frame_indices],
        "tracks": [_row(clip, track) for track in inventory.tracks],
        "notes": [*clip.notes, *inventory.notes],
    }


def write_page(path: Path, clip: Clip, inventory: Inventory) -> None:
    """One HTML file with a row and a picture for every track; without scripts or requests."""
    content = summary(clip, inventory)
    rows = content["tracks"]
    pictures = _pictures(clip, inventory.tracks)
    html = template("inventory.html.j2", ("refervid.report", "template")).render(
        clip=clip,
        rows=[{**row, "picture": pictures[row["number"]]} for row in rows],
        words=[words_of(row) for row in rows],
        notes=content["notes"],
        nothing=NOTHING,
        version=__version__,
    )
    write_text(path, html)


def words_of(row: dict[str, Any]) -> dict[str, str]:
    """A row of `summary` in words."""
    names = ", ".join(f"{name} {p:.0%}" for name, p in list(row["names"].items())[:3])
    start, end = row["seen_s"]
    return {
        "what": names or "something",
        "colours": f"{row['colours']['upper']} over {row['colours']['lower']}"
        if row["colours"]["upper"] != row["colours"]["lower"]
        else row["colours"]["upper"],
        "when": f"{clock(start)} to {clock(end)}",
        "where": row["place"],
        "goes": row["goes"],
    }


def _row(clip: Clip, track: ObjectTrack) -> dict[str, Any]:
    best = int(track.scores.argmax())
    frames = track.frame_indices
    sides = track.boxes_xyxy[:, 2:] - track.boxes_xyxy[:, :2]
    share = float(np.median(sides.prod(axis=1))) / (clip.width * clip.height)
    return {
        "number": track.number,
        "names": {name: round(p, 3) for name, p in track.names.items()},
        "colours": {"upper": _colour(track.colours[:11]), "lower": _colour(track.colours[11:])},
        "seen_s": [round(float(clip.times_s[frames[0]]), 3), round(float(clip.times_s[frames[-1]]), 3)],
        "size_of_frame": round(share, 4),
        "place": _place(clip, track.boxes_xyxy[best]),
        "goes": _way(clip, track),
        "frames": frames.tolist(),
        "boxes_xyxy": [[round(float(side), 1) for side in box] for box in track.boxes_xyxy],
        "scores": [round(float(score), 3) for score in track.scores],
    }


def _colour(shares: np.ndarray) -> str:
    total = float(shares.sum())
    order = np.argsort(-shares)
    named = [COLOUR_TERMS[n] for n in order[:2] if total and shares[n] / total >= COLOURED]
    return " and ".join(named) or "many colours"


def _place(clip: Clip, box: np.ndarray) -> str:
    x, y = (box[:2] + box[2:]) / 2 / (clip.width, clip.height)
    column = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    row = "top" if y < 1 / 3 else "bottom" if y > 2 / 3 else ""
    return " ".join(filter(None, (row, column))) or "middle"


def _way(clip: Clip, track: ObjectTrack) -> str:
    """Where it goes in the picture, from its first to its last sighting."""
    first, last = track.boxes_xyxy[0], track.boxes_xyxy[-1]
    dx, dy = ((last[:2] + last[2:]) - (first[:2] + first[2:])) / 2 / (clip.width, clip.height)
    across = "right" if dx > RESTS else "left" if dx < -RESTS else ""
    down = "down" if dy > RESTS else "up" if dy < -RESTS else ""
    return " and ".join(filter(None, (across, down))) or "stays"


def _pictures(clip: Clip, tracks: Sequence[ObjectTrack]) -> dict[int, str]:
    """By number, the surest sighting of each track as an address for a page."""
    best = {track.number: int(track.scores.argmax()) for track in tracks}
    wanted: dict[int, list[ObjectTrack]] = {}
    for track in tracks:
        wanted.setdefault(int(track.frame_indices[best[track.number]]), []).append(track)
    shown = {}
    for index, frame in clip.frames(sorted(wanted)):
        for track in wanted[index]:
            shown[track.number] = picture_uri(_cut_out(frame, track.boxes_xyxy[best[track.number]]))
    return shown


def _cut_out(frame: Frame, box: np.ndarray) -> Frame:
    height, width = frame.shape[:2]
    around = np.tile((box[2:] - box[:2]) * MARGIN, 2) * (-1, -1, 1, 1)
    x0, y0, x1, y1 = np.clip(box + around, 0, (width, height, width, height)).round().astype(int)
    return frame[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
