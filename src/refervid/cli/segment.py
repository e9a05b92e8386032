"""`refervid segment`: one clip, one or more references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
from refervid.cli.spending import tell_estimate, tell_spending
from refervid.media.limits import DEFAULT_MAX_PIXELS

if TYPE_CHECKING:
    from refervid.core.types import Reference
    from refervid.report.result import Result


def segment(
    video: Annotated[Path, typer.Argument(help="A video file, or a folder of frames.")],
    text: Annotated[
        list[str] | None, typer.Option("--text", "-t", help="What to segment, in words. Repeatable.")
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
    strict: Strict = False,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    guess: Annotated[
        Literal["yes", "no"], typer.Option(help="`no`: empty masks where the answer is only a guess.")
    ] = "yes",
    allow_remote: AllowRemote = False,
    max_cost: MaxCost = None,
    estimate: Estimate = False,
    as_json: Json = False,
) -> None:
    """Segment what a sentence says, or what makes the sound, in every frame of a video."""
    if not text and not sound:
        console.print('say what to segment: --text "the blue cup", or --sound')
        raise typer.Exit(USAGE)
    if not all(one.strip() for one in text or ()):
        console.print('--text is empty: say what to segment, as in --text "the blue cup"')
        raise typer.Exit(USAGE)

    with reporting_errors():
        from refervid.core.types import SoundReference, TextReference
        from refervid.media.opening import open_clip
        from refervid.media.timing import frame_edges
        from refervid.pipelines.base import reference_slugs
        from refervid.pipelines.presets import load
        from refervid.report.save import check_formats, result_files, results_folder, write_results

        references: list[Reference] = [TextReference(one) for one in text or ()]
        if sound:
            references.append(SoundReference())
        pipeline = load(
            preset,
            device=device,
            dtype=dtype,
            allow_remote=allow_remote,
            max_cost=max_cost,
            settings=changes or (),
            sound=sound,
        )
        clip = open_clip(video, audio=audio, fps=fps, strict=strict, max_pixels=max_pixels)
        check_formats(formats or (), clip, len(references))
        seconds = float(frame_edges(clip.times_s)[-1])
        console.print(
            f"{clip.name}: {counted(len(clip), 'frame')}, {clip.width}x{clip.height}, {seconds:.1f} s; "
            f"preset {pipeline.preset}",
            markup=False,
        )
        expected = pipeline.estimate(clip, references)
        if estimate or expected is not None:
            tell_estimate(expected, max_cost)
        if estimate:
            if as_json:
                print_json(None if expected is None else asdict(expected))
            raise typer.Exit
        with progress_hook() as hook, results_folder(out, clip) as target:
            target.check(result_files(clip, reference_slugs(references), formats or ()))
            results: Sequence[Result] = pipeline.run(clip, references, hook)
            if guess == "no":
                results = [result.without_guess() for result in results]
            results = write_results(results, target, formats or (), hook)
    tell(results)
    tell_spending(results[0].spending)
    console.print(f"open {out / 'report.html'}", markup=False)
    if as_json:
        print((out / "result.json").read_text("utf-8"))
    raise typer.Exit(exit_code(results))


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
