"""Do the masks of an object fill the boxes that it was chosen by?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refervid.core.boxes import SAME_OBJECT, box_iou, box_of
from refervid.pipelines.pivot.selection import Selection
from refervid.report.objects import TrackedObject

NOTE = "the outline found does not fill the box of what was chosen"


def with_outlines(selection: Selection) -> Selection:
    """The same, as a guess where the masks of an object do not fill most of its boxes: what was recognised is
    not what is shown then.
    """
    if selection.guess or all(map(_fills, selection.tracked)):
        return selection
    return replace(selection, guess=True).noted([NOTE])


def _fills(thing: TrackedObject) -> bool:
    shares = []
    for pivot in thing.pivots:
        box = pivot.box_xyxy
        if pivot.mask is None and box is not None and (box[2:] > box[:2]).all():
            found = box_of(thing.track[pivot.frame_index])
            shares.append(0.0 if found is None else box_iou(found, box))
    return not shares or float(np.median(shares)) >= SAME_OBJECT
