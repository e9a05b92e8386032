"""The commands and what they share."""

from __future__ import annotations

import typer

import refervid
from refervid.cli.console import print_line
from refervid.cli.datasets import datasets
from refervid.cli.demo import demo
from refervid.cli.download import download
from refervid.cli.evaluate import compare, evaluate, score
from refervid.cli.inventory import inventory
from refervid.cli.live import live
from refervid.cli.models import models
from refervid.cli.presets import doctor, presets
from refervid.cli.reproduce import reproduce
from refervid.cli.segment import segment
from refervid.cli.track import track
from refervid.cli.train import train
from refervid.cli.ui import ui

app = typer.Typer(
    name="refervid",
    help="Point at anything in a video with words or with its own sound; get its mask in every frame.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print_line(f"refervid {refervid.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    pass


for command in (
    segment,
    track,
    live,
    download,
    inventory,
    ui,
    evaluate,
    score,
    compare,
    reproduce,
    demo,
    presets,
    doctor,
):
    app.command()(command)
app.add_typer(models)
app.add_typer(datasets)
app.add_typer(train)
