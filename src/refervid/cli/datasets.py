"""`refervid datasets`: which there are, samples to try them with, and checks of real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from refervid.cli.console import console, counted, print_json, print_table, reporting_errors
from refervid.cli.options import Json

datasets = typer.Typer(
    name="datasets", help="Data sets: list them, write samples, check folders.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `refervid datasets list` says.")]


@datasets.command("list")
def list_datasets(as_json: Json = False) -> None:
    """List the data sets and their splits, the usual one first."""
    with reporting_errors():
        from refervid.datasets.registry import datasets

        splits = {name: list(kind.splits) for name, kind in datasets().items()}
    if as_json:
        print_json(splits)
        return
    table = Table("data set", "splits", box=None, header_style="bold", pad_edge=False)
    for name, names in splits.items():
        table.add_row(name, ", ".join(names))
    print_table(table)


@datasets.command("make-sample")
def make_sample(name: Name, folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Write a tiny made-up data set in the true layout, to an empty or new folder."""
    with reporting_errors():
        from refervid.core.errors import SettingsError
        from refervid.core.outputs import LOCK, result_folder, writing_to
        from refervid.datasets.registry import dataset_class

        kind = dataset_class(name)
        refusal = SettingsError(f"{folder} is not empty: choose a new folder for the sample")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / LOCK).exists():
            raise refusal
        with result_folder(folder, "sample.json", []) as target, writing_to(folder):
            if {entry.name for entry in folder.iterdir()} - {LOCK, target.new.parent.name}:
                raise refusal
            kind.make_sample(target.new)
            target.finish({"dataset": name})
    console.print(f"{name}: refervid evaluate {name} --root {folder} --out OUT", markup=False)


@datasets.command("check")
def check(
    name: Name,
    folder: Annotated[Path, typer.Argument(metavar="DIR")],
    split: Annotated[str | None, typer.Option(help="Only this split; by default the usual one.")] = None,
) -> None:
    """Read every list and annotation, and report all that is missing or wrong."""
    with reporting_errors():
        from refervid.datasets.registry import open_dataset

        data = open_dataset(name, folder, split)
        data.check()
    items = counted(len(data.items()), "item")
    videos = counted(len({item.video.name for item in data.items()}), "video")
    print(f"{data.name} {data.split}: {items} on {videos}, all well")
    for note in data.notes:
        print(f"- {note}")
