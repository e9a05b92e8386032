"""What a session holds, as results to look at and to save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from refervid.core.errors import BadResult
from refervid.core.types import MarkReference
from refervid.media.clip import Clip
from refervid.pipelines.base import reference_slugs
from refervid.pipelines.marks import mark_decision
from refervid.pipelines.session.files import AnswerFile
from refervid.report.load import outcome_fields
from refervid.report.objects import TrackedObject, union_of
from refervid.report.outcome import status_of
from refervid.report.result import Result


def answer_result(clip: Clip, stored: AnswerFile, objects: Sequence[TrackedObject], *, sure: bool) -> Result:
    """What was found out, with the objects as they are now; `sure`: a person says that these are right, and
    what the engines doubted of them is no longer told.

    Raises `BadResult` for a stored mask that does not fit the clip.
    """
    fields = outcome_fields(stored.query, tuple(objects), clip)
    result = Result(**fields, preset=stored.preset, engines=stored.engines)
    try:
        decisions = stored.decisions(result.decisions, clip.height, clip.width)
    except ValueError as error:
        raise BadResult(f"the answer to {result.query!r} cannot be read: {error}") from error
    result = replace(result, decisions=decisions)
    result = replace(result, pivots=[pivot for one in objects for pivot in one.pivots])
    if not sure:
        return result
    status = status_of(clip, result.track)
    notes = result.notes if status == "not_found" else list(clip.notes)
    return replace(result, status=status, confidence=1.0, notes=notes)


def object_result(clip: Clip, one: TrackedObject, preset: str) -> Result:
    """Of an object that a person pointed at; the slug is left to the caller."""
    track = union_of([one], clip)
    return Result(
        clip,
        MarkReference(one.name),
        "",
        status_of(clip, track),
        track,
        preset,
        pivots=list(one.pivots),
        decisions=[mark_decision("mark", pivot) for pivot in one.pivots],
        objects=[one],
    )


def numbered(result: Result, first: int) -> list[TrackedObject]:
    """The objects of an answer, with ids from `first` on. They are called what sounds, or as the sentence."""
    names = [
        result.query if place == 0 else f"{result.query} {place + 1}" for place in range(len(result.objects))
    ]
    pairs = zip(result.objects, names, strict=True)
    return [replace(one, id=first + place, name=one.name or name) for place, (one, name) in enumerate(pairs)]


def with_slugs(results: Sequence[Result]) -> list[Result]:
    """With names for their folders that are unique among them."""
    slugs = reference_slugs([result.reference for result in results])
    return [replace(result, slug=slug) for result, slug in zip(results, slugs, strict=True)]
