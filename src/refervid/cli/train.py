"""`refervid train`: train the SOC network, and the recipes that come with refervid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from refervid.cli.console import console, print_line, reporting_errors, spell_time
from refervid.cli.options import Device, out_option

_Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change one setting of the recipe. Repeatable."),
]

train = typer.Typer(name="train", help="Train a network on your own data.", no_args_is_help=True)


@train.command()
def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Print this one, to be changed for --config.")
    ] = None,
) -> None:
    """List the recipes that come with refervid, or print one."""
    with reporting_errors():
        from refervid.training.recipe import recipe_names, recipe_text

        print_line("\n".join(recipe_names()) if name is None else recipe_text(name).rstrip())


@train.command()
def soc(
    config: Annotated[
        str, typer.Option(help="A recipe: a YAML file, or a name that `refervid train recipes` lists.")
    ],
    out: Annotated[Path, out_option("Folder for checkpoints, log and curves.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    changes: _Changes = None,
    device: Device = "auto",
) -> None:
    """Train SOC; start it with torchrun to use several processes or GPUs."""
    with reporting_errors():
        from refervid.core.outputs import refuse_inputs
        from refervid.training.recipe import read_recipe
        from refervid.training.trainer import train as run

        recipe = read_recipe(config, changes or ())
        if not resume:  # which reads the recipe in the folder, and leaves it
            refuse_inputs(out, ["recipe.json"], [Path(config)])
        chosen = _resolved(device)
        try:
            run(recipe, out, resume=resume, device=chosen, hook=_show)
        except KeyboardInterrupt:
            console.print("--resume goes on from the last saved step")
            raise
        console.print(
            f"done: {out / 'best.safetensors'} and last.safetensors; curves in curves.svg", markup=False
        )


@train.command()
def masks(
    config: Annotated[
        str,
        typer.Option(help="A recipe: a YAML file, or mask-decoder, the one of the decoder in the package."),
    ],
    out: Annotated[Path, out_option("Folder for the weights and the log.")],
    changes: _Changes = None,
    device: Device = "auto",
) -> None:
    """Train the mask decoder of the embedded tracker: on cut-out pictures, COCO or YouTube-VOS masks."""
    with reporting_errors():
        import torch

        from refervid.engines.lite.efficientnet import load_efficientnet
        from refervid.training.masks.recipe import read_mask_recipe
        from refervid.training.masks.trainer import train_decoder

        recipe = read_mask_recipe(config, changes or ())
        train_decoder(load_efficientnet(), recipe, out, torch.device(_resolved(device)), _show_masks)
        console.print(f"done: {out / 'decoder.safetensors'}", markup=False)


def _resolved(device: str) -> str:
    """The device that is meant; why it is that one, if there is something to say."""
    from refervid.core.device import resolve_device

    chosen, note = resolve_device(device)
    if note:
        console.print(note)
    return chosen


def _show_masks(row: dict[str, float]) -> None:
    console.print(
        f"step {row['step']}/{row['of']}  loss {row['loss']:.3f}  overlap with the truth: from a box "
        f"{row['box']:.3f}, on the next shot {row['shot 1']:.3f}  {row['seconds']} s",
        markup=False,
    )


def _show(stage: str, row: object, step: int, steps: int) -> None:
    """One line per logged step."""
    assert isinstance(row, dict)
    console.print(f"step {step}/{steps}  {_summary(row, steps - step)}", markup=False)


def _summary(row: dict[str, Any], steps_left: int) -> str:
    if "loss" in row:
        speed = row["steps_per_second"]
        time_left = f"about {spell_time(steps_left / speed)} left"
        return f"loss {row['loss']:.3f}  rate {row['rate']:.1e}  {speed:.2f} steps/s  {time_left}"
    return "  ".join(f"{name} {value:.3f}" for name, value in row.items() if isinstance(value, float))
