"""`refervid track`: masks of what you point at, without a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refervid.cli.console import USAGE, console, print_line, progress_hook, reporting_errors
from refervid.cli.options import (
    AllowRemote,
    Changes,
    Device,
    Dtype,
    Formats,
    Fps,
    Json,
    MaxPixels,
    Out,
    Preset,
    Strict,
)
from refervid.cli.segmenting import exit_code, tell
from refervid.media.limits import DEFAULT_MAX_PIXELS

if TYPE_CHECKING:
    from refervid.core.types import Pivot


def track(
    video: Annotated[Path, typer.Argument(help="A video file, or a folder of frames.")],
    box: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]FRAME:X0,Y0,X1,Y1", help="A box around the object. Repeatable."),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]FRAME:X,Y[,-]", help="A point on the object, or with - beside it. Repeatable."
        ),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]FRAME:FILE", help="Its mask: a picture, black outside. Repeatable."),
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
    allow_remote: AllowRemote = False,
    as_json: Json = False,
) -> None:
    """Carry what you point at through a video: its mask in every frame.

    Marks with the same NAME are of one object. Frames count from 0; places are pixels of the frame.
    """
    if not box and not point and not mask:
        console.print("point at something: --box 0:40,30,200,180, --point 0:120,90 or --mask 0:mask.png")
        raise typer.Exit(USAGE)
    with reporting_errors():
        from refervid.cli.marks import read_marks
        from refervid.core.types import MarkReference
        from refervid.media.opening import open_clip
        from refervid.pipelines.base import reference_slugs
        from refervid.pipelines.marks import check_marks
        from refervid.pipelines.presets import load
        from refervid.pipelines.track import track_with
        from refervid.report.save import check_formats, result_files, results_folder, write_results

        objects: dict[str, list[Pivot]] = read_marks(box or (), point or (), mask or ())
        pipeline = load(
            preset, device=device, dtype=dtype, allow_remote=allow_remote, settings=changes or (), sound=False
        )
        clip = open_clip(video, fps=fps, strict=strict, max_pixels=max_pixels)
        check_marks(clip, objects)
        check_formats(formats or (), clip, len(objects))
        references = [MarkReference(name) for name in objects]
        with progress_hook() as hook, results_folder(out, clip) as target:
            target.check(result_files(clip, reference_slugs(references), formats or ()))
            tracked = track_with(pipeline.tracker, clip, objects, pipeline.preset, hook)
            results = write_results(tracked, target, formats or (), hook)
    tell(results)
    console.print(f"open {out / 'report.html'}", markup=False)
    if as_json:
        print_line((out / "result.json").read_text("utf-8"))
    raise typer.Exit(exit_code(results))
