"""Marks as they come from a browser or a client, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, Field, NonNegativeInt, ValidationError, model_validator

from refervid.config.frozen import Frozen
from refervid.config.problems import problems_of
from refervid.core.errors import SettingsError
from refervid.core.rle import checked_runs, encode_mask, filled_runs
from refervid.core.types import Mask, Pivot
from refervid.media.clip import Clip

T = TypeVar("T", bound=BaseModel)

Pixels = Annotated[float, Field(ge=-1e6, le=1e6)]
"""Much further out than any frame reaches: marks may lie beside it."""


class Mark(Frozen):
    """On frame `frame`, for the answer `query` (from 0; null: for something new): a `box` x0, y0, x1, y1,
    `points` x, y with `labels` (true: on the object), all in pixels of the clip's frame, or a `mask`: the
    lengths of its runs down the columns, outside and inside in turn, as COCO has them uncompressed."""

    query: int | None = None
    frame: int
    points: list[tuple[Pixels, Pixels]] = Field([], max_length=100)
    labels: list[bool] = Field([])
    box: tuple[Pixels, Pixels, Pixels, Pixels] | None = None
    mask: list[NonNegativeInt] | None = None
    afresh: bool = False

    @model_validator(mode="after")
    def _marks_something(self) -> Mark:
        if len(self.points) != len(self.labels):
            raise ValueError(f"{len(self.points)} points need as many labels, not {len(self.labels)}")
        if (self.box is not None) + bool(self.points) + (self.mask is not None) != 1:
            raise ValueError("give points, a box or a mask")
        if self.box and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError("a box is left, top, right, bottom")
        return self

    def pivot(self, clip: Clip) -> Pivot:
        """Raises `SettingsError` for a mask that is not of this clip's size."""
        if self.mask is not None:
            if sum(self.mask) != clip.height * clip.width:
                raise SettingsError(f"this mask is not of frames of {clip.width}x{clip.height} pixels")
            return Pivot(self.frame, mask=filled_runs(self.mask, clip.height, clip.width))
        if self.box is not None:
            return Pivot(self.frame, box_xyxy=np.array(self.box, np.float32))
        return Pivot(
            self.frame, points_xy=np.array(self.points, np.float32), point_labels=np.array(self.labels)
        )


class CandidateChoice(Frozen):
    """Candidate `candidate` (from 1) of decision `decision` (from 0) of the answer `query` (from 0)."""

    query: int
    decision: int
    candidate: int


def mask_counts(mask: Mask) -> list[int]:
    """Run lengths as `Mark.mask` has them."""
    counts: list[int] = checked_runs(encode_mask(mask), *mask.shape).tolist()
    return counts


class Subject(Frozen):
    """The answer `query` (from 0), and the name that it is to have."""

    query: int
    name: str = ""


def read(model: type[T], data: Mapping[str, Any]) -> T:
    """What a browser or a client says, as one of the above. Raises `SettingsError`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise SettingsError(f"this mark cannot be used: {problems_of(error)}") from error
