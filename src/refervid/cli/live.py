"""`refervid live`: objects in a stream, a camera's picture or a pipe, as it comes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from refervid.cli.console import DONE, PARTIAL, USAGE, console, print_json, reporting_errors
from refervid.cli.options import (
    AllowRemote,
    Changes,
    Device,
    Dtype,
    Json,
    MaxPixels,
    Out,
    Preset,
    text_option,
)
from refervid.core.counting import counted
from refervid.core.errors import UnreadableMedia
from refervid.media.limits import DEFAULT_MAX_PIXELS

if TYPE_CHECKING:
    from refervid.core.types import Frame, Pivot
    from refervid.media.live import Late, LivePicture
    from refervid.pipelines.live import Followed


def live(
    source: Annotated[
        str,
        typer.Argument(help="An address (rtsp://, http://, https://), a camera's number, or - for a pipe."),
    ],
    text: Annotated[
        list[str] | None, text_option("What to follow, looked for in the first seconds. Repeatable.")
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]0:X0,Y0,X1,Y1", help="A box on the first frame. Repeatable."),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]0:X,Y[,-]", help="A point on the first frame. Repeatable."),
    ] = None,
    out: Out = Path("out"),
    look: Annotated[float, typer.Option(min=0, help="Seconds in which sentences are looked for.")] = 2.0,
    late: Annotated[
        Literal["drop", "wait", "auto"],
        typer.Option(
            help="Frames that come while another is worked on: drop them, or let the source wait. auto: a "
            "pipe waits, others drop."
        ),
    ] = "auto",
    serve: Annotated[
        int | None,
        typer.Option(metavar="PORT", min=0, max=65535, help="Show the overlay at this port of this machine."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Stop after so many seconds of the source.")
    ] = None,
    preset: Preset = "auto",
    changes: Changes = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    allow_remote: AllowRemote = False,
    as_json: Json = False,
) -> None:
    """Follow what you point at, or say, in a live source; masks are written frame by frame.

    Ctrl-C ends it, and keeps all; so does a source that breaks off, with exit code 3. Frames that were
    dropped are counted in OUT/live.json.
    """
    if not text and not box and not point:
        console.print('say what to follow: --text "the cup", or --box 0:40,30,200,180 on the first frame')
        raise typer.Exit(USAGE)
    if text and (box or point):
        console.print("--text is followed from the end of --look, marks from the first frame: give either")
        raise typer.Exit(USAGE)
    with reporting_errors(), ExitStack() as stack:
        from refervid.cli.marks import read_marks
        from refervid.media.live import PIPE, LiveSource
        from refervid.pipelines.live import LiveFolder, follow, look_for
        from refervid.pipelines.presets import load

        objects: Mapping[str, Sequence[Pivot]] = read_marks(box or (), point or (), ())
        pipeline = load(
            preset, device=device, dtype=dtype, allow_remote=allow_remote, settings=changes or (), sound=False
        )
        tracker = pipeline.tracker  # its networks are read before the first frame comes
        kept: Late = late if late != "auto" else "wait" if source == PIPE else "drop"
        stream = LiveSource(source, late=kept, max_pixels=max_pixels)
        film = None
        if serve is not None:
            from refervid.webui.mjpeg import FilmServer
            from refervid.webui.ports import taking_port

            with taking_port(serve, "--serve"):
                film = stack.enter_context(FilmServer(serve))
            console.print(f"open {film.address}", markup=False)
        folder = stack.enter_context(LiveFolder(out, stream.name, stream.notes))
        pictures: Iterator[LivePicture] = iter(stack.enter_context(stream))
        if text:
            looked = look_for(pipeline, text, pictures, look)
            objects, folder.guesses = looked.objects, looked.guesses
            pictures = chain([looked.picture], pictures)
            for note in [f"looked until {looked.picture.time_s:.1f} s, and follow from there", *looked.notes]:
                console.print(note, markup=False)
        code = DONE
        try:
            for followed in follow(tracker, pictures, objects):
                folder.write(followed)
                if film is not None:
                    film.show(partial(_overlay, followed, folder.guesses))
                if seconds is not None and followed.picture.time_s >= seconds:
                    break
        except KeyboardInterrupt:
            if not folder.tally.frames:
                raise
            console.print("stopped")
        except UnreadableMedia as error:
            if not folder.tally.frames:
                raise
            code = PARTIAL
            stream.notes.append(str(error))
        for note in stream.notes:
            console.print(f"- {note}", markup=False)
        figures = folder.tally.content()
    latency_s = figures["latency_s"]["median"]
    console.print(
        f"{counted(figures['frames'], 'frame')} followed, {figures['dropped']} dropped, "
        f"{figures['fps']} a second; latency {latency_s:.2f} s; masks in {out / 'masks.jsonl'}",
        markup=False,
    )
    if as_json:
        print_json(figures)
    raise typer.Exit(code)


def _overlay(followed: Followed, guesses: Collection[str]) -> Frame:
    from refervid.media.overlay import draw_masks

    frame = followed.picture.frame.copy()
    delay = f"{followed.latency_s * 1000:.0f} ms"
    labels = [f"{name} ? {delay}" if name in guesses else f"{name} {delay}" for name in followed.masks]
    draw_masks(frame, list(followed.masks.values()), labels)
    return frame
