"""`refervid inventory`: what is in a clip, when and where."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from refervid.cli.console import (
    DONE,
    PARTIAL,
    console,
    print_json,
    print_table,
    progress_hook,
    reporting_errors,
)
from refervid.cli.options import Changes, Device, Fps, Json, MaxPixels, Strict, out_option
from refervid.media.limits import DEFAULT_MAX_PIXELS


def inventory(
    video: Annotated[Path, typer.Argument(help="A video file, or a folder of frames.")],
    out: Annotated[Path | None, out_option("Also write it there, and inventory.html with pictures.")] = None,
    preset: Annotated[str, typer.Option("--preset", "-p", help="A preset that has a finder.")] = "lite",
    changes: Changes = None,
    device: Device = "auto",
    fps: Fps = None,
    strict: Strict = False,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    as_json: Json = False,
) -> None:
    """List the things in a video: what they may be, their colours, when and where they are seen."""
    with reporting_errors():
        from refervid.core.outputs import result_folder, writing_to
        from refervid.media.opening import open_clip
        from refervid.pipelines.tracks.inventory import inventory as find
        from refervid.report.inventory import NOTHING, summary, words_of, write_page

        clip = open_clip(video, fps=fps, strict=strict, max_pixels=max_pixels)
        place = nullcontext() if out is None else result_folder(out, "inventory.json", [video])
        with place as target, progress_hook() as hook:
            if target is not None:
                target.check(["inventory.html"])
            found = find(clip, preset=preset, device=device, settings=changes or (), hook=hook)
            content = summary(clip, found)
            if target is not None:
                with writing_to(target.path):
                    write_page(target.new / "inventory.html", clip, found)
                target.finish(content)
    if as_json:
        print_json(content)
    elif not content["tracks"]:
        console.print(NOTHING)
    else:
        columns = ("#", "what", "colours", "when", "where", "goes")
        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for row in content["tracks"]:
            table.add_row(str(row["number"]), *words_of(row).values())
        print_table(table)
    for note in content["notes"]:
        console.print(f"- {note}", markup=False)
    if out is not None:
        console.print(f"open {out / 'inventory.html'}", markup=False)
    raise typer.Exit(DONE if clip.complete else PARTIAL)
