"""What one reference on one clip gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import ChooserError
from refervid.core.track import Track, union
from refervid.core.types import (
    Decision,
    Details,
    MarkReference,
    Pivot,
    Reference,
    SoundReference,
    Spending,
    Status,
    TextReference,
    words_of,
)
from refervid.media.clip import Clip

_KINDS = {TextReference: "text", SoundReference: "sound", MarkReference: "mark"}


@dataclass(frozen=True, eq=False)
class TrackedObject:
    """One object of an answer: what its track started from, and the track as the tracker gave it.

    `shown` (T,) bool: the frames on which it counts, such as those at which it is heard; None: all.
    """

    pivots: tuple[Pivot, ...] = field(repr=False)
    track: Track = field(repr=False)
    name: str = ""
    shown: NDArray[np.bool_] | None = field(default=None, repr=False)

    def shown_track(self) -> Track:
        """`track`, empty on the frames that do not count."""
        if self.shown is None:
            return self.track
        gated = Track(len(self.track), self.track.height, self.track.width)
        for index in np.flatnonzero(self.shown).tolist():
            gated[index] = self.track[index]
            gated.presence[index] = self.track.presence[index]
        return gated


@dataclass(frozen=True)
class Result:
    """Masks of what `reference` means, with everything that led to them.

    `confidence` in 0..1 is how likely the answer is right: calibrated for preset `lite`, with other presets
    the engines' own score, and 1 where a person said so.
    `slug` is the name of the result's folder, unique among results of one call; `notes` are sentences
    for a person; `timings_s` are seconds per stage; `engines` maps each role to "name version";
    `tracked` are the objects that the masks were made of; `error` is why a question could not be asked
    (status "failed"); `spending` is what a language model was asked for all results of one call; `sound` is
    what was found out about the clip's sound, ready for JSON.
    """

    clip: Clip = field(repr=False)
    reference: Reference
    slug: str
    status: Status
    track: Track = field(repr=False)
    preset: str
    confidence: float = 1.0
    pivots: Sequence[Pivot] = field(default=(), repr=False)
    decisions: Sequence[Decision] = field(default=(), repr=False)
    notes: Sequence[str] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict, repr=False)
    engines: Mapping[str, str] = field(default_factory=dict, repr=False)
    tracked: Sequence[TrackedObject] = field(default=(), repr=False)
    error: ChooserError | None = field(default=None, repr=False)
    spending: Spending | None = field(default=None, repr=False)
    sound: Details | None = field(default=None, repr=False)

    @property
    def query(self) -> str:
        """The sentence, the name of what was pointed at, or "sound"."""
        return words_of(self.reference)

    @property
    def objects(self) -> list[tuple[str, Track]]:
        """Name and track of each thing that makes the sound, empty where it is not heard."""
        return [(one.name, one.shown_track()) for one in self.tracked if one.name]

    @property
    def masks(self) -> NDArray[np.bool_]:
        """All masks, bool (T, H, W), decoded anew at each call; `track[i]` decodes one."""
        return self.track.stack()

    @property
    def boxes_xyxy(self) -> NDArray[np.float32]:
        """(T, 4) tight boxes in pixels of the displayed frame; NaN where the mask is empty."""
        return self.track.boxes_xyxy()

    @property
    def areas(self) -> NDArray[np.int64]:
        """(T,) mask pixels per frame."""
        return self.track.areas()

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(T,) seconds from the first frame."""
        return self.clip.times_s

    def without_guess(self) -> Result:
        """The result itself; where it is a guess, with empty masks, and a note that says so."""
        if self.status != "guess":
            return self
        return replace(
            self,
            status="not_found",
            track=Track(len(self.clip), self.clip.height, self.clip.width),
            tracked=(),
            notes=[*self.notes, "a guess was found, and is left out as guesses are not wanted"],
        )

    def save(self, folder: str | Path, formats: Sequence[str] = ()) -> Path:
        """Write result.json, masks, overlay and report under `folder`; see `save_results`."""
        from refervid.report.save import save_results

        return save_results([self], folder, formats=formats)

    def summary(self) -> Details:
        """The result as `result.json` holds it, without the masks."""
        boxes = self.boxes_xyxy
        return {
            "query": self.query,
            "kind": _KINDS[type(self.reference)],
            "slug": self.slug,
            "status": self.status,
            "confidence": round(self.confidence, 4),
            "notes": list(self.notes),
            "pivots": [_pivot_summary(pivot) for pivot in self.pivots],
            "decisions": [_decision_summary(decision) for decision in self.decisions],
            "areas": self.areas.tolist(),
            "boxes_xyxy": [None if np.isnan(box[0]) else [round(float(v), 2) for v in box] for box in boxes],
            "presence": [round(float(p), 4) for p in self.track.presence],
            **({} if self.sound is None else {"sound": dict(self.sound)}),
            "timings_s": {stage: round(seconds, 4) for stage, seconds in self.timings_s.items()},
        }


def union_of(tracked: Sequence[TrackedObject], clip: Clip) -> Track:
    """The answer that objects make together: frame by frame, each where it counts."""
    tracks = [one.shown_track() for one in tracked]
    return tracks[0] if len(tracks) == 1 else union(tracks, len(clip), clip.height, clip.width)


def status_of(clip: Clip, track: Track, *, guess: bool = False) -> Status:
    """`not_found` for empty masks; `partial` if the clip broke off; else `guess` or `ok`."""
    if not track.areas().any():
        return "not_found"
    if not clip.complete:
        return "partial"
    return "guess" if guess else "ok"


def _pivot_summary(pivot: Pivot) -> Details:
    return {
        "frame": pivot.frame_index,
        "box_xyxy": None if pivot.box_xyxy is None else [round(float(v), 2) for v in pivot.box_xyxy],
        "points_xy": None if pivot.points_xy is None else pivot.points_xy.tolist(),
        "point_labels": None if pivot.point_labels is None else pivot.point_labels.tolist(),
    }


def _decision_summary(decision: Decision) -> Details:
    return {
        "question": decision.question,
        "section": decision.section,
        "frame": decision.frame_index,
        "answer": decision.answer,
        "chosen": list(decision.chosen),
        "source": decision.source,
        "reason": decision.reason,
        "model": decision.model,
        "prompt_version": decision.prompt_version,
        "raw": decision.raw,
        "candidates": [
            {
                "box_xyxy": [round(float(v), 2) for v in candidate.box_xyxy],
                "score": round(float(candidate.score), 4),
                "phrase": candidate.phrase,
            }
            for candidate in decision.candidates
        ],
    }
