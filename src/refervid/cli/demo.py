"""`refervid demo`: the main job on a clip that is made on the spot, scored against the truth."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from refervid.cli.console import console, print_table, progress_hook, reporting_errors
from refervid.cli.options import Device, out_option

if TYPE_CHECKING:
    from refervid.core.types import Reference


KNOWS = """toys are easy: lite names 80 kinds of things, and 26 000 nouns through them. On seven real clips
it was right with 39 of 48 sentences, on 214 that nobody had looked at with 1144 of 2325 (see README)"""


def demo(
    out: Annotated[Path, out_option("Folder for the clip and its results.")] = Path("out/demo"),
    preset: Annotated[str, typer.Option("--preset", "-p", help="Which engines to try.")] = "lite",
    device: Device = "auto",
) -> None:
    """Make a clip of toys with sound, find some by words and by sound, and compare with the truth."""
    with reporting_errors():
        from refervid.core.outputs import writing_to
        from refervid.core.types import SoundReference, TextReference
        from refervid.datasets.demo import TEXTS, write_demo
        from refervid.media.opening import open_clip
        from refervid.metrics.boundary import boundary_f
        from refervid.metrics.region import jaccard
        from refervid.pipelines.base import reference_slugs
        from refervid.pipelines.presets import load
        from refervid.report.save import results_folder, write_results

        pipeline = load(preset, device=device)
        references: list[Reference] = [*(TextReference(text) for text in TEXTS), SoundReference()]
        folders = [f"masks/{slug}/00000.png" for slug in reference_slugs(references)]
        with progress_hook() as hook, results_folder(out) as target:
            target.check(["demo.mp4", "overlay.mp4", "report.html", *folders])
            with writing_to(out):
                truth = write_demo(target.new / "demo.mp4", hook)
            results = pipeline.run(open_clip(target.new / "demo.mp4"), references, hook)
            write_results(results, target, (), hook)
    table = Table("what was asked", "status", "J", "F", "J&F", box=None, header_style="bold", pad_edge=False)
    for result in results:
        true = truth[result.query].stack()
        j, f = jaccard(true, result.masks).mean(), boundary_f(true, result.masks).mean()
        status = result.status.replace("_", " ")
        table.add_row(result.query, status, f"{j:.3f}", f"{f:.3f}", f"{(j + f) / 2:.3f}")
    print_table(table)
    console.print(f"\nopen {out / 'report.html'} in a browser; the clip is {out / 'demo.mp4'}", markup=False)
    if preset == "lite":
        console.print(KNOWS, markup=False)
    console.print(f'now your own: {called_as()} segment VIDEO --text "the red car"', markup=False)


def called_as() -> str:
    """How this program is started from here: by its name where the shell knows it, else by its path."""
    path = Path(sys.argv[0])
    if path.name == "__main__.py":
        return "python -m refervid"
    known = shutil.which(path.name)
    if known is not None and path.exists() and os.path.samefile(known, path):
        return path.name
    return min(str(path), os.path.relpath(path), key=len)
