"""What a user gets: one outcome, to be looked at, taken apart, kept, and handed on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, overload

import numpy as np

from refervid.core.boxes import box_of
from refervid.core.counting import counted
from refervid.core.errors import MissingExtra, SettingsError
from refervid.core.types import BoxArray, Details, Frame, Hook, Mask, no_hook
from refervid.media.clip import Clip
from refervid.media.exports import coco_video
from refervid.media.overlay import draw_masks
from refervid.report.load import load_outcomes
from refervid.report.notebook import notebook_html
from refervid.report.outcome import Outcome
from refervid.report.save import save_results


@dataclass(frozen=True, eq=False)
class FrameResult:
    """A result on one frame: `mask` (H, W) bool, its tight box (4,) xyxy or None where it is empty, the masks
    of the objects by their ids, and the time in seconds from the first frame.
    """

    index: int
    time_s: float
    mask: Mask
    box_xyxy: BoxArray | None
    objects: Mapping[int, Mask]


class Result(Outcome):
    """Masks of what a reference means, on every frame of a clip.

    `result[i]` is the result on frame `i`, `result[i:j]` a list of those, `len(result)` the number of frames,
    and iteration goes over them. Beside `masks`, `boxes_xyxy`, `areas` and `times_s` of all frames it has
    `status` ("ok", "guess", "not_found", "partial" or "failed"), `confidence` in 0..1 (how likely the answer
    is right: calibrated for preset `lite`, with other presets the engines' own score), `notes` for a person,
    `objects` that the masks are made of, `pivots` and `decisions` that led to them, `engines` by role, and
    `timings_s` in seconds by stage.

    >>> result.query, result.masks.shape, len(result.objects)
    ('the red disc', (12, 96, 144), 1)
    >>> bool(result[3].mask.any())
    True
    """

    @classmethod
    def load(cls, folder: str | Path, video: str | Path | Clip | None = None) -> Result:
        """The result that `save` left in `folder`; with its `video` it has frames again.

        Raises `SettingsError` where the folder holds several, and what `load_outcomes` does.
        """
        results = load_outcomes(cls, folder, video)
        if len(results) != 1:
            raise SettingsError(f"{folder} holds {len(results)} results: use refervid.load_results")
        return results[0]

    def save(self, folder: str | Path, formats: Sequence[str] = (), hook: Hook = no_hook) -> Path:
        """Write result.json, masks, overlay and report under `folder`; see `save_results`."""
        return save_results([self], folder, formats=formats, hook=hook)

    def __len__(self) -> int:
        return len(self.track)

    @overload
    def __getitem__(self, index: int) -> FrameResult: ...

    @overload
    def __getitem__(self, index: slice) -> list[FrameResult]: ...

    def __getitem__(self, index: int | slice) -> FrameResult | list[FrameResult]:
        """Raises `IndexError`; negative numbers count from the end. A slice gives a list."""
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        try:
            place = range(len(self))[index]
        except IndexError:
            raise IndexError(f"no frame {index}: the clip has {counted(len(self), 'frame')}") from None
        mask = self.track[place]
        objects = {one.id: one.track[place] for one in self.objects}
        return FrameResult(place, float(self.times_s[place]), mask, box_of(mask), objects)

    def __iter__(self) -> Iterator[FrameResult]:
        return (self[index] for index in range(len(self)))

    def overlay(self) -> Iterator[Frame]:
        """Every frame (H, W, 3) uint8 RGB with the objects drawn in, each in its colour."""
        tracks = [one.track for one in self.objects] or [self.track]
        for index, frame in self.clip.frames():
            draw_masks(frame, [track[index] for track in tracks])
            yield frame

    def to_coco(self) -> Details:
        """COCO's form for videos (YouTube-VIS): an annotation per object, ready for JSON."""
        return coco_video(self.clip, [(self.query, [(one.id, one.track) for one in self.objects])])

    def to_supervision(self) -> Iterator[Any]:
        """A `supervision.Detections` per frame: the objects with a mask there, `tracker_id` being their ids.

        Raises `MissingExtra` without the package supervision.
        """
        if find_spec("supervision") is None:
            raise MissingExtra("to_supervision needs the package supervision: pip install supervision")
        import supervision

        for frame in self:
            seen = {number: mask for number, mask in frame.objects.items() if mask.any()}
            if not seen:
                yield supervision.Detections.empty()
                continue
            masks = np.stack(list(seen.values()))
            yield supervision.Detections(
                xyxy=supervision.mask_to_xyxy(masks).astype(np.float32),
                mask=masks,
                class_id=np.zeros(len(seen), int),
                tracker_id=np.array(list(seen)),
                data={"class_name": np.array([self.query] * len(seen))},
            )

    def _repr_html_(self) -> str:
        """What a notebook shows: the words, and a small video."""
        return notebook_html(self, self.overlay)


def load_results(folder: str | Path, video: str | Path | Clip | None = None) -> list[Result]:
    """The results that `save_results` left in `folder`, in order; see `load_outcomes`.

    >>> folder = refervid.save_results([result], out / "stored")
    >>> [loaded.query for loaded in refervid.load_results(folder)]
    ['the red disc']
    """
    return load_outcomes(Result, folder, video)
