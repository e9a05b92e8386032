"""What the frame viewer in the browser is told, ready for JSON."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np

from refervid.core.types import SoundReference
from refervid.media.palette import query_colour
from refervid.report.outcome import Outcome
from refervid.webui.pictures import frame_address, mask_address
from refervid.webui.session import Session

_turns = count()
"""The browser acts on what has changed; a correction that failed changes nothing else."""


def viewer_state(session: Session, *, busy: bool = False) -> dict[str, Any]:
    """The clip and, once something was asked, the answers; `{}` without a clip.

    Boxes are [x0, y0, x1, y1] in pixels of the clip's frame, null where the object is away; while
    `busy` no corrections are taken.
    """
    clip, answers = session.clip, session.answers
    if clip is None:
        return {}
    state: dict[str, Any] = {
        "turn": next(_turns),
        "token": session.token,
        "frames": frame_address(session),
        "count": len(clip),
        "width": clip.width,
        "height": clip.height,
        "times_s": [round(float(time), 3) for time in clip.times_s],
        "start": 0,
        "queries": [],
        "can_undo": False,
        "busy": busy,
    }
    if answers is not None:
        masks = mask_address(session, answers.number)
        state["queries"] = [
            _query(place, one, f"{masks}{place}/") for place, one in enumerate(answers.results)
        ]
        state["start"] = answers.best_frame
        state["can_undo"] = answers.before is not None
    return state


def _query(place: int, result: Outcome, masks: str) -> dict[str, Any]:
    boxes = result.boxes_xyxy
    return {
        "label": query_label(result),
        "guess": result.status == "guess",
        "colour": "#{:02x}{:02x}{:02x}".format(*query_colour(place)),
        "masks": masks,
        "boxes": [None if np.isnan(box[0]) else [round(float(v)) for v in box] for box in boxes],
        "pivots": sorted({pivot.frame_index for pivot in result.pivots}),
    }


def query_label(result: Outcome) -> str:
    return "what makes the sound" if isinstance(result.reference, SoundReference) else result.query
