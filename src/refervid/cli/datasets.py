"""`refervid datasets`: which there are, samples to try them with, and checks of real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from refervid.cli.console import (
    console,
    print_json,
    print_line,
    print_table,
    progress_hook,
    reporting_errors,
)
from refervid.cli.options import Json, out_option
from refervid.core.counting import counted

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
    print_line(f"{data.name} {data.split}: {items} on {videos}, all well")
    for note in data.notes:
        print_line(f"- {note}")


@datasets.command("from-sessions")
def from_sessions(
    sessions: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders of sessions, or folders above them.")
    ],
    out: Annotated[Path, out_option("Folder of the data set to make.")],
    every: Annotated[int, typer.Option(min=1, help="Take every so many frames.")] = 1,
) -> None:
    """Make a data set of the answers that were accepted: what `evaluate folder` and `train soc` take."""
    with reporting_errors():
        from refervid.core.outputs import result_folder, writing_to
        from refervid.pipelines.presets import load
        from refervid.pipelines.session.reviewed import sessions_below, write_reviewed

        found = sessions_below(sessions)
        with progress_hook() as hook, result_folder(out, "dataset.json", found) as target, writing_to(out):
            written = write_reviewed(found, target.new, load(sound=False), every=every, hook=hook)
            target.finish({"sessions": [str(one) for one in found], "notes": written.notes})
    for note in written.notes:
        console.print(f"- {note}", markup=False)
    sentences = sum(len(video["expressions"]) for video in written.videos.values())
    console.print(
        f"{counted(sentences, 'sentence')} on {counted(len(written.videos), 'clip')}: "
        f"refervid datasets check folder {out}",
        markup=False,
    )
