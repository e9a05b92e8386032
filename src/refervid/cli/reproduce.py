"""`refervid reproduce`: the rows of both papers' tables, one command each."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from refervid.cli.console import (
    DONE,
    FAILED,
    PARTIAL,
    USAGE,
    console,
    print_json,
    print_line,
    print_table,
    reporting_errors,
)
from refervid.cli.options import AllowRemote, Changes, Device, Dtype, Json, MaxCost, out_option
from refervid.cli.running import run_within_budget, tell_run


def reproduce(
    name: Annotated[str, typer.Argument(metavar="ROW|list", help="A row by name; `list` shows them all.")],
    root: Annotated[Path | None, typer.Option(help="The data set's folder.")] = None,
    out: Annotated[Path | None, out_option("Folder for masks and scores.")] = None,
    answers: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder `avs` of AL-Ref-SAM 2's repository, for its sounds."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="FILE", help="The SOC checkpoint, where it has another name.")
    ] = None,
    changes: Changes = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many items.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is missing on this machine.")
    ] = False,
    allow_remote: AllowRemote = False,
    max_cost: MaxCost = None,
    as_json: Json = False,
) -> None:
    """Run a row of a paper's table, and hold what comes out against the published numbers."""
    if name == "list":
        _list(as_json)
        return
    with reporting_errors():
        from refervid.evaluation.reproduction.rows import DIFFERENCES, row_named
        from refervid.evaluation.reproduction.run import (
            Place,
            lacks_of_row,
            open_data,
            settings_of_row,
            write_report,
        )
        from refervid.evaluation.runner import evaluate
        from refervid.pipelines.presets import load

        row = row_named(name)
        if root is None or (out is None and not dry_run):
            console.print("give --root DATA and --out OUT (or --root and --dry-run)")
            raise typer.Exit(USAGE)
        place = Place(root, answers, weights, tuple(changes or ()))
        told = row.command(str(root), str(out or "OUT"), str(answers or "AVS"), weights)
        lacks = lacks_of_row(row, place)
        console.print(f"{row.about}\n{told}", markup=False, soft_wrap=True)
        for difference in row.differs:
            console.print(f"- {DIFFERENCES[difference]}", markup=False)
        if dry_run or lacks:
            _tell_lacks(row.name, lacks, as_json)
            raise typer.Exit(FAILED if lacks else DONE)
        assert out is not None
        data = open_data(row, place)
        settings = settings_of_row(row, place, data)
        pipeline = load(
            row.preset,
            device=device,
            dtype=dtype,
            allow_remote=allow_remote,
            max_cost=max_cost,
            settings=settings,
        )
        work = partial(evaluate, data, pipeline, out, limit=limit, resume=resume)
        scores = run_within_budget(work, pipeline)
        report = write_report(out, row, scores, place.changes)
    _tell(report, scores, as_json)
    raise typer.Exit(PARTIAL if scores["failed"] or not scores["complete"] else DONE)


def _list(as_json: bool) -> None:
    with reporting_errors():
        from refervid.evaluation.reproduction.rows import rows

        if as_json:
            print_json([row.model_dump(mode="json") for row in rows().values()])
            return
        name = Column("row", no_wrap=True, overflow="fold")  # the command needs all of it
        table = Table(name, "what", "published", "estimate", box=None, header_style="bold", pad_edge=False)
        for row in rows().values():
            numbers = ", ".join(f"{metric} {100 * value:.1f}" for metric, value in row.published.items())
            table.add_row(row.name, row.about, numbers or "-", f"{row.hours:g} h")
        print_table(table)


def _tell_lacks(name: str, lacks: list[str], as_json: bool) -> None:
    if as_json:
        print_json({"row": name, "missing": lacks})
        return
    for lack in lacks:
        print_line(f"missing: {lack}")
    if not lacks:
        print_line("everything is here")


def _tell(report: dict[str, Any], scores: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        table = Table("metric", "published", "here", box=None, header_style="bold", pad_edge=False)
        for one in report["metrics"]:
            missing = "-" if "stopped" in report else "private"
            here = missing if one["here"] is None else f"{one['here']:.3f}"
            table.add_row(one["metric"], f"{one['published']:.3f}", here)
        if not report["metrics"]:
            for metric, value in scores.items():
                if isinstance(value, float):
                    table.add_row(metric, "-", f"{value:.3f}")
        print_table(table)
    tell_run(scores)
