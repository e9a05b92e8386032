"""`refervid segment`: one clip, one or more references."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from refervid.cli.console import DONE, FAILED, PARTIAL, USAGE, console, progress_hook, reporting_errors
from refervid.cli.options import AllowRemote, Changes, Device, Estimate, Json, MaxCost, Preset
from refervid.cli.spending import tell_estimate, tell_spending
from refervid.media.limits import DEFAULT_MAX_PIXELS
from refervid.report.result import Result
from refervid.types import Reference, SoundReference, TextReference


def segment(
    video: Annotated[Path, typer.Argument(help="A video file, or a folder of frames.")],
    text: Annotated[
        list[str] | None, typer.Option("--text", "-t", help="What to segment, in words. Repeatable.")
    ] = None,
    sound: Annotated[bool, typer.Option("--sound", help="Segment what makes the sound.")] = False,
    audio: Annotated[
        Path | None, typer.Option(help="A sound file to use in place of the clip's own sound.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path("out"),
    preset: Preset = "auto",
    changes: Changes = None,
    device: Device = "auto",
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="More output: coco-rle, davis-png, youtube-vos, npz, alpha-webm, contact-sheet. Repeatable.",
        ),
    ] = None,
    strict: Annotated[bool, typer.Option(help="Refuse clips that end before their header says.")] = False,
    max_pixels: Annotated[
        int, typer.Option(help="Largest width x height x frames to accept.")
    ] = DEFAULT_MAX_PIXELS,
    allow_remote: AllowRemote = False,
    max_cost: MaxCost = None,
    estimate: Estimate = False,
    as_json: Json = False,
) -> None:
    """Segment what a sentence says, or what makes the sound, in every frame of a video."""
    references: list[Reference] = [TextReference(one) for one in text or ()]
    if sound:
        references.append(SoundReference())
    if not references:
        console.print('say what to segment: --text "the blue cup", or --sound')
        raise typer.Exit(USAGE)

    with reporting_errors():
        from refervid.media.clip import open_clip
        from refervid.pipelines.presets import load
        from refervid.report.save import check_formats, save_results

        check_formats(formats or ())
        pipeline = load(
            preset,
            device=device,
            allow_remote=allow_remote,
            max_cost=max_cost,
            settings=changes or (),
            sound=sound,
        )
        clip = open_clip(video, audio=audio, strict=strict, max_pixels=max_pixels)
        seconds = float(clip.times_s[-1])
        console.print(
            f"{clip.name}: {len(clip)} frames, {clip.width}x{clip.height}, {seconds:.1f} s; "
            f"preset {pipeline.preset}",
            markup=False,
        )
        expected = pipeline.estimate(clip, references)
        if estimate or expected is not None:
            tell_estimate(expected, max_cost)
        if estimate:
            raise typer.Exit
        with progress_hook() as hook:
            results = pipeline.run(clip, references, hook)
            save_results(results, out, formats=formats or (), hook=hook)
    _tell(results)
    tell_spending(results[0].spending)
    console.print(f"open {out / 'report.html'}", markup=False)
    if as_json:
        print((out / "result.json").read_text("utf-8"))
    raise typer.Exit(exit_code(results))


def exit_code(results: Sequence[Result]) -> int:
    """Nothing found is an answer, not a failure."""
    statuses = {result.status for result in results}
    if statuses == {"failed"}:
        return FAILED
    return PARTIAL if statuses & {"failed", "partial"} else DONE


def _tell(results: Sequence[Result]) -> None:
    """A line for each sentence with its notes; those that all share come last, once."""
    common = [note for note in results[0].notes if all(note in result.notes for result in results)]
    for result in results:
        frames = int((result.areas > 0).sum())
        console.print(
            f"{result.query}: {result.status}, on {frames} of {len(result.track)} frames", markup=False
        )
        for note in result.notes:
            if note not in common:
                console.print(f"  - {note}", markup=False)
    for note in common:
        console.print(f"- {note}", markup=False)
