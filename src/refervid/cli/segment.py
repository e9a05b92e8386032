"""`refervid segment`: one or more references, on one clip or several."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from refervid.cli.console import (
    DONE,
    FAILED,
    PARTIAL,
    USAGE,
    console,
    counted,
    print_json,
    progress_hook,
    reporting_errors,
)
from refervid.cli.options import (
    AllowRemote,
    Changes,
    Device,
    Dtype,
    Estimate,
    Formats,
    Fps,
    Json,
    MaxCost,
    MaxPixels,
    Out,
    Preset,
    Strict,
)
from refervid.cli.patterns import expanded
from refervid.cli.spending import tell_estimate, tell_spending
from refervid.core.errors import RefervidError
from refervid.media.limits import DEFAULT_MAX_PIXELS

if TYPE_CHECKING:
    from refervid.core.types import Hook, Reference
    from refervid.media.clip import Clip
    from refervid.pipelines.base import Pipeline
    from refervid.report.result import Result

STRONGER = "refervid models pull --preset fast"


@dataclass(frozen=True)
class _Request:
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


def segment(
    videos: Annotated[
        list[Path],
        typer.Argument(
            help="A video file or a folder of frames; or several, also as a pattern such as 'clips/*.mp4'.",
            metavar="VIDEO...",
        ),
    ],
    text: Annotated[
        list[str] | None, typer.Option("--text", "-t", help="What to segment, in words. Repeatable.")
    ] = None,
    speech: Annotated[
        Path | None, typer.Option(help="What to segment, spoken in a sound file; what was heard is shown.")
    ] = None,
    sound: Annotated[bool, typer.Option("--sound", help="Segment what makes the sound.")] = False,
    audio: Annotated[
        Path | None, typer.Option(help="A sound file to use in place of the clip's own sound.")
    ] = None,
    out: Out = Path("out"),
    preset: Preset = "auto",
    changes: Changes = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    formats: Formats = None,
    fps: Fps = None,
    start: Annotated[float, typer.Option(min=0, help="Begin so many seconds into the clip.")] = 0.0,
    end: Annotated[float | None, typer.Option(help="End before so many seconds of the clip.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Take every so many frames.")] = 1,
    strict: Strict = False,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    guess: Annotated[
        Literal["yes", "no"], typer.Option(help="`no`: empty masks where the answer is only a guess.")
    ] = "yes",
    save_intermediate: Annotated[
        bool,
        typer.Option("--save-intermediate", help="Keep what stages came to, under OUT/intermediate."),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where the same command was stopped; what is done is kept."),
    ] = False,
    allow_remote: AllowRemote = False,
    max_cost: MaxCost = None,
    estimate: Estimate = False,
    as_json: Json = False,
) -> None:
    """Segment what a sentence says, or what makes the sound, in every frame of a video.

    Of several videos each gets a folder of its own below --out; one that fails does not stop the others.
    With --resume answers are kept in a session below OUT/session, one after the other.
    """
    if not text and not sound and speech is None:
        console.print('say what to segment: --text "the blue cup", --speech FILE, or --sound')
        raise typer.Exit(USAGE)
    if not all(one.strip() for one in text or ()):
        console.print('--text is empty: say what to segment, as in --text "the blue cup"')
        raise typer.Exit(USAGE)
    with reporting_errors():
        videos = expanded(videos)
    if audio is not None and len(videos) > 1:
        console.print("--audio is the sound of one clip: give one video with it")
        raise typer.Exit(USAGE)

    with reporting_errors():
        from refervid.core.types import SoundReference, TextReference
        from refervid.pipelines.presets import load

        reading = {
            "audio": audio,
            "fps": fps,
            "strict": strict,
            "max_pixels": max_pixels,
            "start_s": start,
            "end_s": end,
            "every": every,
        }
        pipeline = load(
            preset,
            device=device,
            dtype=dtype,
            allow_remote=allow_remote,
            max_cost=max_cost,
            settings=changes or (),
            sound=sound,
        )
        sentences = [*(text or ()), *([] if speech is None else [_heard(pipeline, speech)])]
        references: list[Reference] = [TextReference(one) for one in sentences]
        if sound:
            references.append(SoundReference())
        request = _Request(
            references, formats or (), reading, guess == "no", save_intermediate, max_cost, estimate, resume
        )
        if len(videos) == 1:
            code, document = _segment_one(pipeline, videos[0], out, request)
        else:
            code, document = _segment_all(pipeline, videos, out, request)
    if as_json:
        print_json(document)
    raise typer.Exit(code)


def _heard(pipeline: Pipeline, speech: Path) -> str:
    """What is spoken; who sits at a terminal may correct it."""
    heard = pipeline.transcribe(speech)
    console.print(f"heard: {heard}", markup=False)
    return str(typer.prompt("find", default=heard, err=True)) if sys.stdin.isatty() else heard


def _segment_all(
    pipeline: Pipeline, videos: Sequence[Path], out: Path, request: _Request
) -> tuple[int, dict[str, Any]]:
    """Exit code, and documents by folder; which clips failed, and why, is said once more at the end."""
    from refervid.core.files import slug
    from refervid.core.outputs import refuse_inputs

    documents: dict[str, Any] = {}
    for video in videos:
        documents[slug(video.name if video.is_dir() else video.stem, documents)] = None
    for name in documents:  # the folder of one may be another one's frames
        refuse_inputs(out / name, ["result.json", "overlay.mp4", "masks/any"], videos)
    codes, failures = [], []
    for video, name in zip(videos, list(documents), strict=True):
        try:
            code, documents[name] = _segment_one(pipeline, video, out / name, request)
        except RefervidError as error:
            console.print(f"{type(error).__name__}: {error}", markup=False)
            failures.append(f"{video}: {error}")
            code = FAILED
        codes.append(code)
    if failures:
        console.print(f"{counted(len(failures), 'clip')} of {len(videos)} failed:", markup=False)
        for failure in failures:
            console.print(f"- {failure}", markup=False)
    return (codes[0] if len(set(codes)) == 1 else PARTIAL), documents


def _segment_one(pipeline: Pipeline, video: Path, out: Path, request: _Request) -> tuple[int, Any]:
    """Exit code, and what `--json` prints."""
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
        f"{clip.name}: {counted(len(clip), 'frame')}, {clip.width}x{clip.height}, {seconds:.1f} s; "
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
            console.print(f"{clip.name}: done before", markup=False)
        else:
            results = write_results(results, target, formats, hook)
    tell(results)
    if pipeline.preset == "lite" and any(result.status == "guess" for result in results):
        console.print(f"`{STRONGER}` gets a stronger preset, which `auto` then takes", markup=False)
    tell_spending(results[0].spending)
    console.print(f"open {out / 'report.html'}", markup=False)
    return exit_code(results), json.loads((out / "result.json").read_text("utf-8"))


def _answers(pipeline: Pipeline, clip: Clip, out: Path, request: _Request, hook: Hook) -> Sequence[Result]:
    if not request.resume:
        return pipeline.run(clip, request.references, hook)
    from refervid.pipelines.session.resume import answer_all
    from refervid.pipelines.session.session import Session

    with Session(clip, out / "session", pipeline) as session:
        return answer_all(session, request.references, hook)


def exit_code(results: Sequence[Result]) -> int:
    """Nothing found is an answer, not a failure; so is a guess, which the status tells."""
    statuses = {result.status for result in results}
    if statuses == {"failed"}:
        return FAILED
    return PARTIAL if statuses & {"failed", "partial"} else DONE


def tell(results: Sequence[Result]) -> None:
    """A line for each sentence with its notes; those that all share come last, once."""
    common = [note for note in results[0].notes if all(note in result.notes for result in results)]
    for result in results:
        status = result.status.replace("_", " ")
        sure = "" if result.status == "failed" else f" ({result.confidence:.0%} sure)"
        frames, total = int((result.areas > 0).sum()), counted(len(result.track), "frame")
        console.print(f"{result.query}: {status}{sure}, on {frames} of {total}", markup=False)
        for note in result.notes:
            if note not in common:
                console.print(f"  - {note}", markup=False)
    for note in common:
        console.print(f"- {note}", markup=False)
