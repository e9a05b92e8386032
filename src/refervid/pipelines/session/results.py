"""What a session holds, as results to look at and to save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from refervid.core.types import MarkReference
from refervid.media.clip import Clip
from refervid.pipelines.base import reference_slugs
from refervid.pipelines.correct import mark_decision
from refervid.pipelines.session.files import AnswerFile
from refervid.report.load import outcome_fields
from refervid.report.objects import TrackedObject, union_of
from refervid.report.outcome import status_of
from refervid.report.result import Result


def answer_result(clip: Clip, stored: AnswerFile, objects: Sequence[TrackedObject], *, sure: bool) -> Result:
    """What was found out, with the objects as they are now; `sure`: a person says that these are right."""
    fields = outcome_fields(stored.query, tuple(objects), clip)
    result = Result(**fields, preset=stored.preset, engines=stored.engines)
    result = replace(result, pivots=[pivot for one in objects for pivot in one.pivots])
    return replace(result, status=status_of(clip, result.track), confidence=1.0) if sure else result


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


def with_slugs(results: Sequence[Result]) -> list[Result]:
    """With names for their folders that are unique among them."""
    slugs = reference_slugs([result.reference for result in results])
    return [replace(result, slug=slug) for result, slug in zip(results, slugs, strict=True)]
