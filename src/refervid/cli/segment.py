"""`refervid segment`: one or more references, on one clip or several."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from refervid.cli.cluster import Actors, Ray, check_cluster, chosen_cluster
from refervid.cli.console import USAGE, console, print_json, reporting_errors
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
    text_option,
)
from refervid.cli.patterns import expanded
from refervid.cli.segmenting import Request, segment_one, segment_several, tell_stronger
from refervid.media.limits import DEFAULT_MAX_PIXELS

if TYPE_CHECKING:
    from refervid.core.types import Reference
    from refervid.pipelines.base import Pipeline


def segment(
    videos: Annotated[
        list[Path],
        typer.Argument(
            help="A video file or a folder of frames; or several, also as a pattern such as 'clips/*.mp4'.",
            metavar="VIDEO...",
        ),
    ],
    text: Annotated[list[str] | None, text_option("What to segment, in words. Repeatable.")] = None,
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
    ray: Ray = None,
    actors: Actors = None,
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
    With --ray they are shared out among the machines of a cluster, which must all see them and --out.
    With --resume answers are kept in a session below OUT/session, one after the other.
    """
    if not text and not sound and speech is None:
        console.print('say what to segment: --text "the blue cup", --speech FILE, or --sound')
        raise typer.Exit(USAGE)
    with reporting_errors():
        videos = expanded(videos)
    if audio is not None and len(videos) > 1:
        console.print("--audio is the sound of one clip: give one video with it")
        raise typer.Exit(USAGE)

    with reporting_errors():
        from refervid.core.types import SoundReference, TextReference
        from refervid.pipelines.presets import load

        check_cluster(ray, actors, max_cost)
        reading = {
            "audio": audio,
            "fps": fps,
            "strict": strict,
            "max_pixels": max_pixels,
            "start_s": start,
            "end_s": end,
            "every": every,
        }
        build = partial(
            load,
            device=device,
            dtype=dtype,
            allow_remote=allow_remote,
            max_cost=max_cost,
            settings=tuple(changes or ()),
            sound=sound,
        )
        pipeline = build(preset)
        sentences = [*(text or ()), *([] if speech is None else [_heard(pipeline, speech)])]
        references: list[Reference] = [TextReference(one) for one in sentences]
        if sound:
            references.append(SoundReference())
        request = Request(
            references, formats or (), reading, guess == "no", save_intermediate, max_cost, estimate, resume
        )
        if len(videos) == 1:
            code, document = segment_one(pipeline, videos[0], out, request)
            tell_stronger(pipeline.preset, [document])
        else:
            cluster = chosen_cluster(ray, actors, device, partial(build, pipeline.preset))
            code, document = segment_several(pipeline, videos, out, request, cluster)
    if as_json:
        print_json(document)
    raise typer.Exit(code)


def _heard(pipeline: Pipeline, speech: Path) -> str:
    """What is spoken; who sits at a terminal may correct it."""
    heard = pipeline.transcribe(speech)
    console.print(f"heard: {heard}", markup=False)
    return str(typer.prompt("find", default=heard, err=True)) if sys.stdin.isatty() else heard
