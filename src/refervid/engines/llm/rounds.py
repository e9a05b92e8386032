"""Questions about whole tracks, and about what a sentence names, as prompts; their replies as judgements."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from refervid.core.errors import ReplyUnreadable
from refervid.core.types import Candidate, Interval
from refervid.engines.inventory import ObjectTrack, tracks_at
from refervid.engines.llm.replies import (
    LONGEST_NAME,
    LONGEST_REASON,
    excerpt,
    json_objects,
    shown,
    without_thought,
)
from refervid.engines.llm.wording import Wording, enum_schema, object_schema, quoted
from refervid.engines.rounds import VERDICTS, Judgement, TracksQuestion, Verdict
from refervid.media.clip import Clip
from refervid.media.palette import box_colour

MOST_CONCEPTS = 6
"""Of each kind: more nouns than that are no answer."""
TOLD_NAMES = 3
_LISTS = re.compile(r"(keep|drop|unsure)\W*\[([\d\s,]*)\]", re.IGNORECASE)
_NAMED = re.compile(r"(meant|related)\W*\[([^\[\]]*)\]", re.IGNORECASE)
_QUOTED = re.compile(r"""["']([^"']+)["']""")


def tracks_text(words: Wording, question: TracksQuestion) -> str:
    """The question without the form of its answer."""
    section = question.section
    clip = section.clip
    times = [f"frame {n} at {clip.times_s[index]:.2f}" for n, index in enumerate(section.frame_indices, 1)]
    lines = [_line(words, "tracks-v1.line", clip, track) for track in question.tracks]
    lines += [_line(words, "tracks-v1.other", clip, track) for track in question.others]
    return words.fill(
        "tracks-v1",
        **words.picture_words(section),
        times=", ".join(times),
        list="\n".join(lines),
        heard=_heard(words, question),
        expression=quoted(question.text),
        numbers=", ".join(str(track.number) for track in question.tracks),
        look=words.text(f"tracks-v1.{'last' if question.last else 'more'}"),
    )


def _line(words: Wording, kind: str, clip: Clip, track: ObjectTrack) -> str:
    names = ", ".join(list(track.names)[:TOLD_NAMES]) or "something"
    values: dict[str, object] = {
        "number": track.number,
        "colour": box_colour(track.number - 1)[0],
        "names": names,
    }
    if kind == "tracks-v1.line":
        first, last = (float(clip.times_s[track.frame_indices[end]]) for end in (0, -1))
        values |= {"start": f"{first:.2f}", "end": f"{last:.2f}"}
    return words.fill(kind, **values)


def _heard(words: Wording, question: TracksQuestion) -> str:
    if not question.heard:
        return ""
    sounds = [
        words.fill(
            "tracks-v1.sound",
            number=number,
            start=f"{one.interval.start_s:.2f}",
            end=f"{one.interval.end_s:.2f}",
            labels=quoted([label.name for label in one.labels]),
        )
        for number, one in enumerate(question.heard, 1)
    ]
    return words.fill("tracks-v1.heard", sounds="; ".join(sounds))


def tracks_schema(question: TracksQuestion) -> dict[str, Any]:
    frames = range(1, len(question.section.frame_indices) + 1)
    entry = object_schema(
        track=enum_schema([track.number for track in question.tracks]),
        reason={"type": "string"},
        verdict={"type": "string", "enum": list(VERDICTS)},
        first=enum_schema(frames),
        last=enum_schema(frames),
    )
    words = {"type": "string"}
    return object_schema(scene=words, sentence=words, tracks={"type": "array", "items": entry})


def tracks_on(question: TracksQuestion) -> dict[int, dict[int, Candidate]]:
    """Where the question's tracks are on its frames, by the frames' indices and the tracks' numbers."""
    return {
        index: {track.number: mark for track, mark in tracks_at((*question.tracks, *question.others), index)}
        for index in question.section.frame_indices
    }


def read_judgements(text: str, question: TracksQuestion) -> dict[int, Judgement]:
    """A JSON list under "tracks", else three lists of numbers; what it leaves out is missing, and what it
    says of things that are drawn for orientation is left out.

    Raises `ReplyUnreadable` for other numbers or verdicts, and where one track has two verdicts.
    """
    answer = without_thought(text)
    numbers = {track.number for track in (*question.tracks, *question.others)}
    entries = next((one["tracks"] for one in json_objects(answer) if "tracks" in one), None)
    found: dict[int, Judgement] = {}
    for number, judgement in _in_lists(answer) if entries is None else _in_entries(entries, question):
        _add(found, number, judgement, numbers)
    return {one.number: found[one.number] for one in question.tracks if one.number in found}


def _in_lists(answer: str) -> Iterator[tuple[int, Judgement]]:
    lists = {verdict.lower(): inside for verdict, inside in _LISTS.findall(answer)}
    if not lists:
        raise ReplyUnreadable(f"the reply judges no tracks: {excerpt(answer)}")
    for verdict, inside in lists.items():
        for number in re.findall(r"\d{1,6}", inside):
            yield int(number), Judgement(_verdict(verdict))


def _in_entries(entries: object, question: TracksQuestion) -> Iterator[tuple[Any, Judgement]]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ReplyUnreadable(f"'tracks' is no list of tracks with verdicts: {excerpt(str(entries))}")
    for entry in entries:
        reason = entry.get("reason")
        said = shown(reason, LONGEST_REASON) if isinstance(reason, str) else ""
        yield entry.get("track"), Judgement(_verdict(entry.get("verdict")), said, _span(entry, question))


def _add(found: dict[int, Judgement], number: Any, judgement: Judgement, numbers: Collection[int]) -> None:
    if type(number) is not int or number not in numbers:
        raise ReplyUnreadable(f"{number!r} is none of {', '.join(map(str, sorted(numbers)))}")
    if number in found and found[number].verdict != judgement.verdict:
        raise ReplyUnreadable(f"track {number}: {found[number].verdict} and {judgement.verdict}")
    found[number] = judgement


def _verdict(value: object) -> Verdict:
    for verdict in VERDICTS:
        if value == verdict:
            return verdict
    raise ReplyUnreadable(f"{value!r} is no verdict")


def _span(entry: Mapping[str, Any], question: TracksQuestion) -> Interval | None:
    """A span that makes no sense counts as none: it is only a hint where to look."""
    ends = entry.get("first"), entry.get("last")
    frames = question.section.frame_indices
    if not all(type(end) is int and 1 <= end <= len(frames) for end in ends):
        return None
    first, last = sorted(frames[end - 1] for end in ends if end is not None)
    times = question.section.clip.times_s
    return Interval(float(times[first]), float(times[last]))


def judged_words(judgements: Mapping[int, Judgement]) -> str:
    """ "keep 1, 3; drop 2"."""
    groups = {
        verdict: [str(n) for n, one in sorted(judgements.items()) if one.verdict == verdict]
        for verdict in VERDICTS
    }
    return "; ".join(f"{verdict} {', '.join(own)}" for verdict, own in groups.items() if own)


def reasons_of(judgements: Mapping[int, Judgement]) -> str:
    """A line for each track."""
    return "\n".join(f"Track {n}: {one.reason}" for n, one in sorted(judgements.items()) if one.reason)


def concepts_schema() -> dict[str, Any]:
    nouns = {"type": "array", "items": {"type": "string"}}
    return object_schema(reason={"type": "string"}, meant=nouns, related=nouns)


def read_concepts(text: str) -> tuple[list[str], list[str]]:
    """Nouns that could be meant, and that they are related to: lists in a JSON object, else in brackets.

    Raises `ReplyUnreadable` where nothing could be meant.
    """
    answer = without_thought(text)
    lists = next((one for one in json_objects(answer) if "meant" in one), None)
    if lists is None:
        lists = {name.lower(): _QUOTED.findall(inside) for name, inside in _NAMED.findall(answer)}
    meant = _nouns(lists.get("meant"))
    if not meant:
        raise ReplyUnreadable(f"the reply names nothing that could be meant: {excerpt(text)}")
    return meant, [noun for noun in _nouns(lists.get("related")) if noun not in meant]


def _nouns(values: Any) -> list[str]:
    """Short ones, in small letters, each once: all that a detector is asked for."""
    words = [value for value in values if isinstance(value, str)] if isinstance(values, Sequence) else []
    nouns = [" ".join(word.lower().replace(".", " ").split()) for word in words]
    fit = [noun for noun in nouns if 0 < len(noun) <= LONGEST_NAME and noun.isprintable()]
    return list(dict.fromkeys(fit))[:MOST_CONCEPTS]
