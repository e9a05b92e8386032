"""What the frame viewer in the browser is told, ready for JSON."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np

from refervid.core.types import SoundReference
from refervid.media.palette import query_colour
from refervid.report.outcome import Outcome
from refervid.webui.clip_work import Answers, ClipWork
from refervid.webui.desk import Desk
from refervid.webui.pictures import answers_number, next_place, work_address

_turns = count()
"""The browser acts on what has changed; a correction that failed changes nothing else."""


def viewer_state(desk: Desk, *, busy: bool = False) -> dict[str, Any]:
    """The clip that is looked at and, once something was asked, the answers; the token alone without a clip.

    Boxes are [x0, y0, x1, y1] in pixels of the clip's frame, null where the object is away; `presence` is
    in hundredths, `marks` are the frames on which a person pointed; while `busy` no corrections are taken.
    """
    clip_work = desk.work
    if clip_work is None:
        return {"turn": next(_turns), "token": desk.token}
    clip, answers, address = clip_work.clip, clip_work.answers, work_address(desk, clip_work)
    state: dict[str, Any] = {
        "turn": next(_turns),
        "token": desk.token,
        "frames": address,
        "preview": f"{address}preview-{answers_number(clip_work)}/",
        "next_colour": _css(next_place(clip_work)),
        "count": len(clip),
        "width": clip.width,
        "height": clip.height,
        "times_s": [round(float(time), 3) for time in clip.times_s],
        "start": 0,
        "queries": [],
        "can_undo": clip_work.can_undo,
        "can_redo": clip_work.can_redo,
        "drawing": answers is not None and clip_work.film is None,
        "busy": busy,
    }
    if answers is not None:
        state["queries"] = [
            _query(place, one, answers, clip_work, f"{address}mask-{answers.number}/{place}/")
            for place, one in enumerate(answers.results)
        ]
        state["start"] = answers.best_frame
    return state


def _query(place: int, result: Outcome, answers: Answers, work: ClipWork, masks: str) -> dict[str, Any]:
    boxes = result.boxes_xyxy
    return {
        "key": answers.keys[place],
        "has_name": answers.owners[place] is None,
        "label": query_label(result),
        "guess": result.status == "guess",
        "unfinished": answers.unfinished[place],
        "colour": _css(place),
        "masks": masks,
        "boxes": [None if np.isnan(box[0]) else [round(float(v)) for v in box] for box in boxes],
        "presence": [round(100 * float(value)) for value in result.track.presence],
        "pivots": sorted({pivot.frame_index for pivot in result.pivots}),
        "marks": work.marked_frames(place),
    }


def _css(place: int) -> str:
    return "#{:02x}{:02x}{:02x}".format(*query_colour(place))


def query_label(result: Outcome) -> str:
    return "what makes the sound" if isinstance(result.reference, SoundReference) else result.query
