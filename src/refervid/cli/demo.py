"""`refervid demo`: the main job on a clip that is made on the spot, scored against the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from refervid.cli.console import console, progress_hook, reporting_errors
from refervid.cli.options import Device


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the clip and its results.")] = Path(
        "out/demo"
    ),
    preset: Annotated[str, typer.Option("--preset", "-p", help="Which engines to try.")] = "lite",
    device: Device = "auto",
) -> None:
    """Make a clip of toys with sound, find some by words and by sound, and compare with the truth."""
    with reporting_errors():
        from refervid.datasets.demo import TEXTS, write_demo
        from refervid.media.clip import open_clip
        from refervid.metrics.boundary import boundary_f
        from refervid.metrics.region import jaccard
        from refervid.pipelines.presets import load
        from refervid.report.save import save_results
        from refervid.types import Reference, SoundReference, TextReference

        pipeline = load(preset, device=device)
        with progress_hook() as hook:
            truth = write_demo(out / "demo.mp4", hook)
            references: list[Reference] = [*(TextReference(text) for text in TEXTS), SoundReference()]
            results = pipeline.run(open_clip(out / "demo.mp4"), references, hook)
            save_results(results, out, hook=hook)
    table = Table("what was asked", "status", "J", "F", "J&F", box=None, header_style="bold", pad_edge=False)
    for result in results:
        true = truth[result.query].stack()
        j, f = jaccard(true, result.masks).mean(), boundary_f(true, result.masks).mean()
        table.add_row(result.query, result.status, f"{j:.3f}", f"{f:.3f}", f"{(j + f) / 2:.3f}")
    console.print(table)
    console.print(f"\nopen {out / 'report.html'} in a browser; the clip is {out / 'demo.mp4'}", markup=False)
    console.print('now your own: refervid segment VIDEO --text "the red car"', markup=False)
