"""`refervid evaluate` and `refervid score`: data sets and their metrics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from refervid.cli.console import DONE, PARTIAL, console, print_json, progress_hook, reporting_errors
from refervid.cli.options import AllowRemote, Changes, Device, Json, Preset

Name = Annotated[
    str, typer.Argument(metavar="DATASET", help="Name of the data set; `folder` is your own data.")
]
Root = Annotated[Path, typer.Option(help="The data set's folder.")]
Split = Annotated[str | None, typer.Option(help="Which split; by default the one that is usually reported.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that compute scores.")]


def evaluate(
    dataset: Name,
    root: Root,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for masks and scores.")],
    split: Split = None,
    preset: Preset = "auto",
    changes: Changes = None,
    device: Device = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many items.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run; failed items are tried again.")
    ] = False,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Only the I-th of N parts of the videos.")
    ] = "1/1",
    workers: Workers = 1,
    allow_remote: AllowRemote = False,
    as_json: Json = False,
) -> None:
    """Segment a whole data set and score it; may be stopped and resumed at any time."""
    with reporting_errors():
        from refervid.datasets.registry import open_dataset
        from refervid.evaluation.runner import Shard, evaluate
        from refervid.pipelines.presets import load

        part = Shard.parse(shard)
        data = open_dataset(dataset, root, split)
        pipeline = load(preset, device=device, allow_remote=allow_remote, settings=changes or ())
        console.print(f"{data.name} {data.split}: {len(data.items())} items; preset {pipeline.preset}")
        with progress_hook() as hook:
            scores = evaluate(
                data, pipeline, out, limit=limit, resume=resume, shard=part, workers=workers, hook=hook
            )
    _show(scores, as_json)
    raise typer.Exit(PARTIAL if scores["failed"] or not scores["complete"] else DONE)


def score(
    dataset: Name,
    root: Root,
    predictions: Annotated[Path, typer.Option(help="Folder with VIDEO/EXPRESSION/FRAME.png, 0 or 255.")],
    split: Split = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write scores.json and items.csv here.")
    ] = None,
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """Score masks from any system."""
    with reporting_errors():
        from refervid.datasets.registry import open_dataset
        from refervid.evaluation.store import write_scores

        data = open_dataset(dataset, root, split)
        scores = data.score(predictions, workers=workers)
        content = {**scores.metrics, "items": len(scores.items), "notes": list(scores.notes)}
        if out is not None:
            content = write_scores(out, data, scores)
    _show(content, as_json)


def _show(scores: Mapping[str, Any], as_json: bool) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in scores.items():
        if isinstance(value, float):
            table.add_row(name, f"{value:.4f}")
    console.print(table)
    for note in scores.get("notes", ()):
        console.print(f"- {note}", markup=False)
    for name, message in scores.get("failed", {}).items():
        console.print(f"failed: {name}: {message}", markup=False)
    if scores.get("pending"):
        console.print(f"{scores['pending']} items of other shards are not done yet: no scores so far")
    if as_json:
        print_json(scores)
