"""What `refervid segment` does on one clip, and on several: here, or shared out on a cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refervid.cli.console import DONE, FAILED, PARTIAL, console, progress_hook
from refervid.cli.spending import tell_estimate, tell_spending
from refervid.core.counting import counted
from refervid.core.errors import RefervidError

if TYPE_CHECKING:
    from refervid.core.types import Hook, Reference
    from refervid.media.clip import Clip
    from refervid.pipelines.base import Pipeline
    from refervid.pipelines.cluster import RayCluster
    from refervid.report.result import Result

_Work = tuple[Path, Path]
"""A clip, and the folder for what comes of it."""

STRONGER = "refervid models pull --preset fast"


@dataclass(frozen=True)
class Request:
    """What is asked of every clip."""

    references: Sequence[Reference]
    formats: Sequence[str]
    reading: Mapping[str, Any]
    """What `open_clip` takes besides the path."""
    without_guesses: bool
    save_intermediate: bool
    max_cost: float | None
    only_estimate: bool
    resume: bool


@dataclass(frozen=True)
class Exit:
    """What came of one of several clips: the exit code it would have alone, and what `--json` prints of it;
    why it failed, if it did, and what was said meanwhile where no terminal hears it."""

    code: int
    document: Any = None
    failure: str | None = None
    said: str = ""


def segment_several(
    pipeline: Pipeline, videos: Sequence[Path], out: Path, request: Request, cluster: RayCluster | None
) -> tuple[int, dict[str, Any]]:
    """Exit code, and documents by folder; which clips failed, and why, is said once more at the end.

    Raises `OutputConflict`, and with a cluster whatever `RayCluster.outcomes` does.
    """
    from refervid.core.files import slug
    from refervid.core.outputs import refuse_inputs

    documents: dict[str, Any] = {}
    for video in videos:
        documents[slug(video.name if video.is_dir() else video.stem, documents)] = None
    names = list(documents)
    for name in names:  # the folder of one may be another one's frames
        refuse_inputs(out / name, ["result.json", "overlay.mp4", "masks/any"], videos)
    works = [(video, out / name) for video, name in zip(videos, names, strict=True)]
    if cluster is None:
        outcomes: Iterator[tuple[int, Exit]] = enumerate(_try(work, pipeline, request) for work in works)
    else:
        outcomes = _shared_out(cluster, works, pipeline.plan(), request)
    codes, failures = set(), {}
    for number, outcome in outcomes:
        console.print(outcome.said, end="", markup=False)
        if outcome.failure is not None:
            console.print(outcome.failure, markup=False)
            failures[number] = outcome.failure
        documents[names[number]] = outcome.document
        codes.add(outcome.code)
    tell_stronger(pipeline.preset, documents.values())
    if failures:
        console.print(f"{counted(len(failures), 'clip')} of {len(videos)} failed:", markup=False)
        for number, failure in sorted(failures.items()):
            console.print(f"- {videos[number]}: {failure}", markup=False)
    return (codes.pop() if len(codes) == 1 else PARTIAL), documents


def _try(work: _Work, pipeline: Pipeline, request: Request) -> Exit:
    """A failure of one clip is none of the others'."""
    try:
        return Exit(*segment_one(pipeline, *work, request))
    except RefervidError as error:
        return Exit(FAILED, failure=f"{type(error).__name__}: {error}")


def _shared_out(
    cluster: RayCluster, works: Sequence[_Work], plan: Mapping[str, Any], request: Request
) -> Iterator[tuple[int, Exit]]:
    """Clips done by actors, which write what comes of them where it is seen from here too."""
    from refervid.pipelines.cluster import Lost

    sent = [(video.absolute(), folder.absolute()) for video, folder in works]
    with redirect_stdout(sys.stderr):  # what Ray has to say is no part of the answer
        for number, outcome in cluster.outcomes(partial(_try_there, request=request), sent, plan):
            if isinstance(outcome, Lost):
                yield number, Exit(FAILED, failure=outcome.reason)
            elif outcome.failure or request.only_estimate or (sent[number][1] / "result.json").is_file():
                yield number, outcome
            else:
                failure = f"what was written cannot be seen here: all machines must share {sent[number][1]}"
                yield number, Exit(FAILED, failure=failure, said=outcome.said)


def _try_there(work: _Work, pipeline: Pipeline, request: Request) -> Exit:
    """On a machine whose terminal nobody looks at."""
    with console.capture() as said:
        outcome = _try(work, pipeline, request)
    return replace(outcome, said=said.get())


def segment_one(pipeline: Pipeline, video: Path, out: Path, request: Request) -> tuple[int, Any]:
    """Exit code, and what `--json` prints. Raises `RefervidError` of every kind."""
    from refervid.media.opening import open_clip
    from refervid.media.timing import frame_edges
    from refervid.pipelines.base import reference_slugs
    from refervid.report.intermediate import IntermediateFiles
    from refervid.report.save import (
        check_formats,
        is_written,
        result_files,
        results_folder,
        write_results,
    )

    references, formats = request.references, request.formats
    clip = open_clip(video, **request.reading)
    check_formats(formats, clip, len(references))
    seconds = float(frame_edges(clip.times_s)[-1])
    console.print(
        f"{video}: {counted(len(clip), 'frame')}, {clip.width}x{clip.height}, {seconds:.1f} s; "
        f"preset {pipeline.preset}",
        markup=False,
    )
    expected = pipeline.estimate(clip, references)
    if request.only_estimate or expected is not None:
        tell_estimate(expected, request.max_cost)
    if request.only_estimate:
        return DONE, None if expected is None else asdict(expected)
    with progress_hook() as hook, results_folder(out, clip) as target:
        target.check(result_files(clip, reference_slugs(references), formats))
        kept = IntermediateFiles(target.new / "intermediate", hook) if request.save_intermediate else hook
        results = _answers(pipeline, clip, out, request, kept)
        if request.without_guesses:
            results = [result.without_guess() for result in results]
        if request.resume and is_written(results, out, formats):
            console.print(f"{video}: done before", markup=False)
        else:
            results = write_results(results, target, formats, hook)
    tell(results)
    tell_spending(results[0].spending)
    console.print(f"open {out / 'report.html'}", markup=False)
    return exit_code(results), json.loads((out / "result.json").read_text("utf-8"))


def _answers(pipeline: Pipeline, clip: Clip, out: Path, request: Request, hook: Hook) -> Sequence[Result]:
    if not request.resume:
        return pipeline.run(clip, request.references, hook)
    from refervid.pipelines.session.resume import answer_all
    from refervid.pipelines.session.session import Session

    folder = out / "session"
    if not folder.exists():  # answers that are there need no engine any more
        pipeline.check_ready(request.references)
    with Session(clip, folder, pipeline) as session:
        return answer_all(session, request.references, hook)


def exit_code(results: Sequence[Result]) -> int:
    """Nothing found is an answer, not a failure; so is a guess, which the status tells."""
    from refervid.report.outcome import overall_status

    return {"failed": FAILED, "partial": PARTIAL}.get(overall_status(results), DONE)


def tell_stronger(preset: str, documents: Iterable[Any]) -> None:
    """Once for all clips, of which these are what `--json` prints: what may do better than guess."""
    queries = [query for document in documents if document for query in document.get("queries", ())]
    if preset == "lite" and any(query["status"] == "guess" for query in queries):
        console.print(f"`{STRONGER}` gets a stronger preset, which `auto` then takes", markup=False)


def tell(results: Sequence[Result]) -> None:
    """A line for each sentence with its notes; those that all share come last, once."""
    common = [note for note in results[0].notes if all(note in result.notes for result in results)]
    for result in results:
        status = result.status.replace("_", " ")
        unsaid = result.status == "failed" or not result.confidence
        sure = "" if unsaid else f" ({result.confidence:.0%} sure)"
        frames, total = int((result.areas > 0).sum()), counted(len(result.track), "frame")
        console.print(f"{result.query}: {status}{sure}, on {frames} of {total}", markup=False)
        for note in result.notes:
            if note not in common:
                console.print(f"  - {note}", markup=False)
    for note in common:
        console.print(f"- {note}", markup=False)
