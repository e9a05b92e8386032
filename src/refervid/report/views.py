"""What the report says about each query: words and pictures, ready for the template."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from refervid.core.boxes import box_area
from refervid.core.counting import counted, plural
from refervid.core.types import Candidate, Decision, Pivot, SoundReference, Source, Spending, Status
from refervid.media.clip import Clip
from refervid.media.lettering import ink_on
from refervid.media.palette import RGB, box_colour, query_colour
from refervid.media.pictures import decode_jpeg
from refervid.report.outcome import Outcome
from refervid.report.pictures import FrameStore, section_uri
from refervid.report.plot import AreaPlot, area_plot, clock, seen_spans
from refervid.report.stages import stage_words

_MOST_PIVOTS = 12
_MOST_PICTURES = 24
"""Per query: no browser likes to open a page with a thousand pictures."""

_MOST_SPANS = 6

_STATUS_WORDS: dict[Status, str] = {
    "ok": "found",
    "guess": "a guess",
    "not_found": "not found",
    "partial": "found, but the clip breaks off",
    "failed": "failed",
}

_SOURCE_WORDS: dict[Source, str] = {
    "model": "a model",
    "rules": "rules",
    "fallback": "fallback",
    "cache": "a model, remembered",
    "user": "you",
    "replay": "a recorded run",
}

_QUESTION_WORDS = {
    "frame": "Which frame shows it best?",
    "box": "Which box is it?",
    "tracks": "Which of the things is it?",
    "objects": "What makes the sound?",
    "mark": "What was pointed at?",
    "correction": "What was marked?",
    "check": "Is the result right?",
    "concepts": "What does the sentence name?",
}


@dataclass(frozen=True)
class PivotView:
    """`uri` shows the frame with what the tracker started from."""

    uri: str
    place: str


@dataclass(frozen=True)
class CandidateView:
    """A numbered box; `colour` and `ink` (of the number) are those of its drawing.

    `area` is the box (left, top, width, height) in hundredths of the frame.
    """

    number: int
    colour: str
    ink: str
    phrase: str
    score: str
    is_chosen: bool
    area: tuple[float, float, float, float]

    @property
    def size(self) -> float:
        return self.area[2] * self.area[3]


@dataclass(frozen=True)
class DecisionView:
    """`uri` is what was looked at, "" where no picture is shown; `is_frame` if that is one whole frame."""

    decision: Decision
    question: str
    answer: str
    source: str
    place: str
    uri: str
    is_frame: bool
    is_tall: bool
    is_open: bool
    candidates: tuple[CandidateView, ...]


@dataclass(frozen=True)
class QueryView:
    """Everything on one query; the counts tell what was left out for length.

    `notes` are those that are not about the clip as a whole.
    """

    result: Outcome
    number: int
    colour: str
    is_sound: bool
    status: str
    seen: str
    notes: tuple[str, ...]
    plot: AreaPlot
    pivots: tuple[PivotView, ...]
    pivots_left_out: int
    decisions: tuple[DecisionView, ...]
    pictures_left_out: int
    timings: tuple[tuple[str, str], ...]


def view_queries(results: Sequence[Outcome]) -> list[QueryView]:
    """Views of the results of one clip, with every frame that they show read once."""
    shown = [pivot.frame_index for result in results for pivot in _pivots(result)[:_MOST_PIVOTS]]
    for result in results:
        pictured = [decision for decision in _decisions(result) if _has_picture(decision)][:_MOST_PICTURES]
        shown += [d.frame_index for d in pictured if d.jpeg is None and d.frame_index is not None]
    frames = FrameStore(results[0].clip, shown)
    return [_view_query(number, result, frames) for number, result in enumerate(results)]


def _view_query(position: int, result: Outcome, frames: FrameStore) -> QueryView:
    colour = query_colour(position)
    pivots = _pivots(result)
    decisions = _decisions(result)
    pictured = [decision for decision in decisions if _has_picture(decision)]
    telling = next((decision for decision in pictured if decision.candidates), None)
    with_picture = {id(decision) for decision in pictured[:_MOST_PICTURES]}
    return QueryView(
        result=result,
        number=position + 1,
        colour=_css(colour),
        is_sound=isinstance(result.reference, SoundReference),
        status=_status_words(result),
        seen=_seen_words(result),
        notes=tuple(note for note in result.notes if note not in result.clip.notes),
        plot=area_plot(result.track, result.times_s, [pivot.frame_index for pivot in pivots]),
        pivots=tuple(
            PivotView(frames.pivot_uri(pivot, colour), _place(result.clip, pivot.frame_index))
            for pivot in pivots[:_MOST_PIVOTS]
        ),
        pivots_left_out=max(len(pivots) - _MOST_PIVOTS, 0),
        decisions=tuple(
            _view_decision(
                decision, result.clip, frames if id(decision) in with_picture else None, decision is telling
            )
            for decision in decisions
        ),
        pictures_left_out=max(len(pictured) - _MOST_PICTURES, 0),
        timings=tuple((stage_words(stage), clock(seconds)) for stage, seconds in result.timings_s.items()),
    )


def _status_words(result: Outcome) -> str:
    words = _STATUS_WORDS[result.status]
    return words if result.status == "failed" else f"{words}, {result.confidence:.0%} sure"


def _view_decision(decision: Decision, clip: Clip, frames: FrameStore | None, is_open: bool) -> DecisionView:
    """`frames` is None for a decision that is told without its picture."""
    uri, is_frame, is_tall = "", False, False
    chosen = {position + 1 for position in decision.chosen}
    if frames is not None and decision.jpeg is not None:
        picture = decode_jpeg(decision.jpeg)
        uri = section_uri(picture)
        is_tall = picture.shape[0] > picture.shape[1]
        is_frame = picture.shape[:2] == (clip.height, clip.width)
    elif frames is not None and decision.frame_index is not None:
        uri = frames.candidates_uri(decision.frame_index, decision.candidates, chosen)
        is_tall, is_frame = clip.height > clip.width, True
    places = [] if decision.section is None else [f"section {decision.section + 1}"]
    if decision.frame_index is not None:
        places.append(_place(clip, decision.frame_index))
    return DecisionView(
        decision=decision,
        question=question_words(decision.question),
        answer=_answer_words(decision, clip),
        source=_SOURCE_WORDS[decision.source],
        place=" · ".join(places),
        uri=uri,
        is_frame=is_frame,
        is_tall=is_tall,
        is_open=is_open,
        candidates=tuple(
            _view_candidate(position, candidate, clip, position + 1 in chosen)
            for position, candidate in enumerate(decision.candidates)
        ),
    )


def _view_candidate(position: int, candidate: Candidate, clip: Clip, is_chosen: bool) -> CandidateView:
    colour = box_colour(position)[1]
    x0, y0, x1, y1 = (float(v) for v in candidate.box_xyxy)
    area = (x0 / clip.width, y0 / clip.height, (x1 - x0) / clip.width, (y1 - y0) / clip.height)
    left, top, width, height = (round(100 * part, 2) for part in area)
    return CandidateView(
        number=position + 1,
        colour=_css(colour),
        ink=_css(ink_on(colour)),
        phrase=candidate.phrase,
        score=f"{candidate.score:.2f}",
        is_chosen=is_chosen,
        area=(left, top, width, height),
    )


def _has_picture(decision: Decision) -> bool:
    return decision.jpeg is not None or (decision.frame_index is not None and bool(decision.candidates))


def question_words(question: str) -> str:
    """What was asked; the question's own name where it is of an engine from elsewhere."""
    if question.startswith("round"):
        return f"{question.capitalize()}: which of the things is it?"
    return _QUESTION_WORDS.get(question, question)


def _answer_words(decision: Decision, clip: Clip) -> str:
    if decision.answer is None:
        asked = decision.question
        return "no answer" if asked in ("check", "concepts") or asked.startswith("round") else "none fits"
    if decision.question == "frame" and decision.frame_index is not None:
        return _place(clip, decision.frame_index)
    if decision.question == "tracks" and all(each.isdigit() for each in str(decision.answer).split(", ")):
        return f"{plural(str(decision.answer).count(',') + 1, 'track')} {decision.answer}"
    return f"box {decision.answer}" if decision.question == "box" else str(decision.answer)


def spending_words(spending: Spending | None) -> str:
    """What a language model was asked for the whole page."""
    if spending is None or not (spending.asked or spending.from_cache):
        return ""
    cost = "price unknown" if spending.usd is None else f"{spending.usd:.4f} USD"
    return (
        f"{counted(spending.asked, 'question')} asked, {counted(spending.from_cache, 'answer')} remembered: "
        f"{spending.input_tokens:,} tokens in, {spending.output_tokens:,} out, {cost}"
    )


def _seen_words(result: Outcome) -> str:
    spans = seen_spans(result.track, result.times_s)
    if not spans:
        return ""
    words = [f"{clock(start)} to {clock(end)}" for start, end in spans[:_MOST_SPANS]]
    if len(spans) > _MOST_SPANS:
        words.append(f"{len(spans) - _MOST_SPANS} more times")
    count = int((result.areas > 0).sum())
    return f"on {count} of {counted(len(result.track), 'frame')}: {', '.join(words)}"


def _pivots(result: Outcome) -> list[Pivot]:
    """Where there is something to see: pivots that mark nothing say that the thing is away."""
    return sorted(filter(_marks_something, result.pivots), key=lambda pivot: pivot.frame_index)


def _marks_something(pivot: Pivot) -> bool:
    box, mask = pivot.box_xyxy, pivot.mask
    has_box = box is not None and box_area(box) > 0
    return has_box or pivot.points_xy is not None or (mask is not None and bool(mask.any()))


def _decisions(result: Outcome) -> list[Decision]:
    """Section by section; what concerns no section comes last."""
    return sorted(result.decisions, key=lambda d: math.inf if d.section is None else d.section)


def _place(clip: Clip, frame_index: int) -> str:
    """Counted from 1, as the page counts."""
    return f"frame {frame_index + 1} of {len(clip)}, {clock(float(clip.times_s[frame_index]))}"


def _css(colour: RGB) -> str:
    return f"rgb({colour[0]} {colour[1]} {colour[2]})"
