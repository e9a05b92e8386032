"""From what stands after the last round to a selection: objects, a status, and words for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from refervid.core.counting import plural
from refervid.core.types import Decision, Pivot, TextReference
from refervid.engines.inventory import Inventory, ObjectTrack, tracks_at
from refervid.engines.questions import BoxChoice, BoxQuestion
from refervid.engines.surest import surest_pivots
from refervid.media.clip import Clip
from refervid.media.sections import Section
from refervid.pipelines.pivot.select import to_pivot
from refervid.pipelines.pivot.selection import Selection
from refervid.pipelines.tracks.rounds import Standing
from refervid.report.objects import TrackedObject


def selection_of(clip: Clip, standing: Standing) -> Selection:
    """The tracks that were kept. Those that stayed undecided are a guess where none was; where all were
    dropped, the answer is that it is not there, and why.
    """
    selection = Selection(
        TextReference(standing.text),
        decisions=standing.decisions,
        notes=standing.notes,
        error=standing.error,
    )
    if standing.error is not None:
        return selection
    meant, undecided = standing.kept, standing.undecided
    if not meant and not undecided:
        return selection.noted([_absence(standing)])
    notes = []
    if not meant:
        meant = (max(undecided, key=lambda one: one.sureness),) if standing.stuck else undecided
        notes.append("nobody could tell whether it is this: " + _numbers(meant))
    elif undecided:
        notes.append(f"undecided, and left out: {_numbers(undecided)}")
    return _with_objects(clip, selection.noted(notes), standing, meant)


def _with_objects(
    clip: Clip, selection: Selection, standing: Standing, meant: Sequence[ObjectTrack]
) -> Selection:
    things = _things(meant)
    objects = tuple(_pivots(thing) for thing in things)
    tracked = tuple(
        TrackedObject(number, pivots, masks)
        for number, (pivots, (track, *_)) in enumerate(zip(objects, things, strict=True), 1)
        if (masks := track.masks) is not None
    )
    return Selection(
        selection.reference,
        objects=objects,
        answered=(_answered(clip, standing, meant),),
        tracked=tracked if len(tracked) == len(objects) else (),
        decisions=selection.decisions,
        notes=selection.notes,
        guess=not standing.kept,
    )


def _answered(clip: Clip, standing: Standing, meant: Sequence[ObjectTrack]) -> tuple[BoxQuestion, BoxChoice]:
    """The elimination as a choice among boxes on the frame that shows most of the tracks: what the closing
    check starts from, and may name others of."""
    frames = dict.fromkeys(int(index) for track in meant for index in track.frame_indices)
    shown = {index: sum(track.box_at(index) is not None for track in standing.tracks) for index in frames}
    meant_there = {index: sum(track.box_at(index) is not None for track in meant) for index in frames}
    best = max(frames, key=lambda index: (meant_there[index], shown[index], -index))
    there = tracks_at(standing.tracks, best)
    picks = [place for place, (track, _) in enumerate(there) if track in meant]
    section = Section(clip, 0, (best,))
    question = BoxQuestion(section, best, [mark for _, mark in there], standing.text)
    return question, BoxChoice(picks, Decision("tracks", _numbers(meant), "model"))


def with_tracks(decision: Decision, inventory: Inventory) -> Decision:
    """A choice among all tracks, whose answer are their numbers, with what a person may choose instead: the
    tracks as candidates on the frame that shows the chosen ones and most of the others.
    """
    numbers = str(decision.answer).split(", ")
    shown = {index: tracks_at(inventory.tracks, index) for index in inventory.frame_indices}
    if not any(shown.values()):
        return decision

    def worth(index: int) -> tuple[int, int]:
        return sum(str(track.number) in numbers for track, _ in shown[index]), len(shown[index])

    best = max(shown, key=worth)
    candidates = [
        replace(mark, phrase=f"track {track.number}: {next(iter(track.names), 'no name')}")
        for track, mark in shown[best]
    ]
    chosen = tuple(place for place, (track, _) in enumerate(shown[best]) if str(track.number) in numbers)
    return replace(decision, frame_index=best, candidates=candidates, chosen=chosen)


def _things(tracks: Sequence[ObjectTrack]) -> list[list[ObjectTrack]]:
    """Tracks of boxes alone that have one name and follow one another are one thing, lost and found again."""
    things: list[list[ObjectTrack]] = []
    for track in sorted(tracks, key=lambda one: int(one.frame_indices[0])):
        before = next((thing for thing in things if _goes_on(thing[-1], track)), None)
        if before is None:
            things.append([track])
        else:
            before.append(track)
    return things


def _goes_on(one: ObjectTrack, later: ObjectTrack) -> bool:
    if one.masks is not None or later.masks is not None:
        return False
    return one.frame_indices[-1] < later.frame_indices[0] and next(iter(one.names), "") in later.names


def _pivots(thing: Sequence[ObjectTrack]) -> tuple[Pivot, ...]:
    """One is enough for what is segmented already; else as many as of a thing that was never lost:
    with more of them doubtful sightings take part."""
    [track, *_] = thing
    if track.masks is not None:
        best = int(track.frame_indices[int(track.scores.argmax())])
        mark = track.candidate_at(best)
        return (Pivot(best, track.box_at(best)) if mark is None else to_pivot(best, mark),)
    return tuple(surest_pivots(thing))


def _numbers(tracks: Sequence[ObjectTrack]) -> str:
    return f"{plural(len(tracks), 'track')} {', '.join(str(track.number) for track in tracks)}"


def _absence(standing: Standing) -> str:
    reasons = [
        f"{', '.join(list(track.names)[:1]) or 'something'} (track {track.number}): {one.reason}"
        for track in standing.tracks
        if (one := standing.judgements.get(track.number)) and one.reason
    ]
    return "nothing that was followed is meant" + (f". {'; '.join(reasons[:6])}" if reasons else "")
