"""`refervid evaluate`, `refervid score` and `refervid compare`: data sets and their metrics."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from refervid.cli.cluster import Actors, Ray, check_cluster, chosen_cluster
from refervid.cli.console import (
    DONE,
    PARTIAL,
    console,
    print_json,
    print_line,
    print_table,
    reporting_errors,
)
from refervid.cli.options import (
    AllowRemote,
    Changes,
    Device,
    Dtype,
    Estimate,
    Json,
    MaxCost,
    Preset,
    out_option,
)
from refervid.cli.running import run_within_budget, tell_run
from refervid.cli.spending import tell_estimate
from refervid.core.counting import counted

Name = Annotated[
    str, typer.Argument(metavar="DATASET", help="Name of the data set; `folder` is your own data.")
]
Root = Annotated[Path, typer.Option(help="The data set's folder.")]
Split = Annotated[str | None, typer.Option(help="Which split; by default the one that is usually reported.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that compute scores.")]


def evaluate(
    dataset: Name,
    root: Root,
    out: Annotated[Path, out_option("Folder for masks and scores.")],
    split: Split = None,
    preset: Preset = "auto",
    changes: Changes = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many items.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run; failed items are tried again.")
    ] = False,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Only the I-th of N parts of the videos.")
    ] = "1/1",
    workers: Workers = 1,
    ray: Ray = None,
    actors: Actors = None,
    mirror: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Keep a copy of the run there (fsspec), and resume from it."),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Replay the answers in DIR/gpt_results and DIR/audio_segment: no key, no request.",
        ),
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(metavar="FILE.zip", help="Also write what the data set's server takes.")
    ] = None,
    allow_remote: AllowRemote = False,
    max_cost: MaxCost = None,
    estimate: Estimate = False,
    as_json: Json = False,
) -> None:
    """Segment a whole data set and score it; may be stopped and resumed at any time."""
    with reporting_errors():
        import torch

        from refervid.core.outputs import refuse_inputs
        from refervid.datasets.registry import open_dataset
        from refervid.evaluation.estimate import estimate as estimate_run
        from refervid.evaluation.mirror import Mirror
        from refervid.evaluation.presets import for_dataset, preset_for, replaying
        from refervid.evaluation.runner import Shard, evaluate, first_items, on_cluster
        from refervid.pipelines.presets import load

        check_cluster(ray, actors, max_cost)
        own = Shard.parse(shard)
        if own.count > 1 and "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(1)  # shards share the cores: their threads would wait for each other
        data = open_dataset(dataset, root, split)
        if not resume and limit is None:  # a fault in the truth is better told now than after the last item
            data.check()
        preset = preset_for(preset, data, replay=answers is not None)
        if answers is not None:  # a run writes its own below OUT/answers
            refuse_inputs(out, ["answers/any"], [answers])
        replayed = () if answers is None else replaying(data, answers)
        settings = (*for_dataset(data, preset), *replayed, *(changes or ()))
        build = partial(load, device=device, dtype=dtype, allow_remote=allow_remote, settings=settings)
        pipeline = build(preset, max_cost=max_cost)
        cluster = chosen_cluster(ray, actors, device, partial(build, pipeline.preset))
        items = counted(len(data.items()), "item")
        console.print(f"{data.name} {data.split}: {items}; preset {pipeline.preset}")
        expected = estimate_run(own.part(first_items(data, limit)), pipeline)
        if estimate or expected is not None:
            tell_estimate(expected, max_cost)
        if estimate:
            if as_json:
                print_json(None if expected is None else asdict(expected))
            raise typer.Exit
        work = partial(
            evaluate,
            data,
            pipeline,
            out,
            limit=limit,
            resume=resume,
            shard=own,
            workers=workers,
            executor=None if cluster is None else on_cluster(cluster, pipeline),
            mirror=None if mirror is None else Mirror(mirror),
            submission=submission,
        )
        scores = run_within_budget(work, pipeline)
    _show(scores, as_json)
    raise typer.Exit(PARTIAL if scores["failed"] or not scores["complete"] else DONE)


def score(
    dataset: Name,
    root: Root,
    predictions: Annotated[Path, typer.Option(help="Folder with VIDEO/EXPRESSION/FRAME.png, 0 or 255.")],
    split: Split = None,
    out: Annotated[Path | None, out_option("Also write scores.json and items.csv here.")] = None,
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """Score masks from any system."""
    with reporting_errors():
        from refervid.core.errors import OutputConflict
        from refervid.core.outputs import result_folder
        from refervid.datasets.registry import open_dataset
        from refervid.evaluation.store import save_scores

        if out is not None and (out / "run.json").exists():
            raise OutputConflict(
                f"{out} holds a run of `refervid evaluate` and its scores: choose another folder (--out)"
            )
        data = open_dataset(dataset, root, split)
        place = nullcontext() if out is None else result_folder(out, "scores.json", [root, predictions])
        with place as target:
            if target is not None:
                target.check(["items.csv"])
            scores = data.score(predictions, workers=workers)
            content = {**scores.metrics, "items": len(scores.items), "notes": list(scores.notes)}
            if target is not None:
                content = save_scores(target, data, scores)
    _show(content, as_json)


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN...", help="Folders of runs; the first is the measure.")
    ],
    page: Annotated[
        Path | None, typer.Option("--page", metavar="FILE.html", help="Also write a page with pictures.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="The data set's folder, to show frames and truth on the page.")
    ] = None,
    show: Annotated[int, typer.Option(min=1, help="How many of the items that changed most.")] = 10,
    as_json: Json = False,
) -> None:
    """Hold runs on the same data set against the first of them: scores, and which items got worse."""
    with reporting_errors():
        from refervid.core.errors import OutputConflict
        from refervid.evaluation.compare import compare_runs
        from refervid.evaluation.comparison_page import write_comparison

        if page is not None and os.path.lexists(page):
            raise OutputConflict(f"{page} is there already: choose another name for the page")
        comparison = compare_runs(runs)
        if page is not None:
            write_comparison(page, comparison, show, root)
    if page is not None:
        console.print(f"open {page} in a browser", markup=False)
    if as_json:
        print_json(comparison.summary())
        return
    table = Table("", *comparison.names, box=None, header_style="bold", pad_edge=False)
    for name, values in comparison.metrics.items():
        table.add_row(name, *("-" if value is None else f"{value:.4f}" for value in values))
    print_table(table)
    for number, name in list(enumerate(comparison.names))[1:]:
        worse, better = comparison.worse(number), comparison.better(number)
        print_line(
            f"{name}: {counted(len(worse), 'item')} worse, {len(better)} better by {comparison.measure}"
        )
        for change in worse[:show]:
            first, this = change.values[0], change.values[number]
            print_line(f"  {first:.4f} -> {this:.4f}  {change.name}  {change.query}")
    for note in comparison.notes:
        print_line(f"- {note}")


def _show(scores: Mapping[str, Any], as_json: bool) -> None:
    """The scores on stdout, as a table or whole as JSON; what else is to be known on stderr."""
    if as_json:
        print_json(scores)
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for name, value in scores.items():
            if isinstance(value, float):
                table.add_row(name, f"{value:.4f}")
        for status, count in scores.get("statuses", {}).items():
            table.add_row(status.replace("_", " "), counted(count, "item"))
        print_table(table)
    tell_run(scores)
