"""`refervid train soc`: train the SOC network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from refervid.cli.console import console, reporting_errors
from refervid.cli.options import Device

train = typer.Typer(name="train", help="Train a network on your own data.", no_args_is_help=True)


@train.callback()
def _train() -> None:
    pass


@train.command()
def soc(
    config: Annotated[
        str, typer.Option(help="A recipe: a YAML file, or the name of one that comes with refervid.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for checkpoints, log and curves.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change one setting of the recipe. Repeatable."),
    ] = None,
    device: Device = "auto",
) -> None:
    """Train SOC; start it with torchrun to use several processes or GPUs."""
    with reporting_errors():
        from refervid.device import resolve_device
        from refervid.training.recipe import read_recipe
        from refervid.training.trainer import train as run

        recipe = read_recipe(config, changes or ())
        chosen, note = resolve_device(device)
        if note:
            console.print(note)
        try:
            run(recipe, out, resume=resume, device=chosen, hook=_show)
        except KeyboardInterrupt:
            console.print("--resume goes on from the last saved step")
            raise
        console.print(
            f"done: {out / 'best.safetensors'} and last.safetensors; curves in curves.svg", markup=False
        )


def _show(stage: str, row: object, step: int, steps: int) -> None:
    """One line per logged step."""
    assert isinstance(row, dict)
    console.print(f"step {step}/{steps}  {_summary(row)}", markup=False)


def _summary(row: dict[str, Any]) -> str:
    if "loss" in row:
        return f"loss {row['loss']:.3f}  rate {row['rate']:.1e}  {row['steps_per_second']:.2f} steps/s"
    return "  ".join(f"{name} {value:.3f}" for name, value in row.items() if isinstance(value, float))
