"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from refervid.cli.console import USAGE, console

Preset = Annotated[
    str, typer.Option("--preset", "-p", help="Which engines: auto, or a name that `refervid presets` lists.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Change one setting of the preset; `refervid presets NAME` shows all. Repeatable.",
    ),
]
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:N or mps.")]
DtypeName = Literal["auto", "float32", "bfloat16", "float16"]
Dtype = Annotated[
    DtypeName,
    typer.Option(
        help="What networks compute in: float32, bfloat16 or float16; by default as the preset says (`paper` "
        "and `soc` float32, others bfloat16 on GPUs that have it)."
    ),
]
AllowRemote = Annotated[
    bool, typer.Option("--allow-remote", help="Allow frames to be sent to a server that is not this machine.")
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost", min=0, metavar="USD", help="Stop before a language model has cost more US dollars."
    ),
]
Estimate = Annotated[
    bool, typer.Option("--estimate", help="Only say what a language model would be asked and cost.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


def out_option(about: str) -> Any:
    return typer.Option("--out", "-o", help=about, metavar="<path>", parser=_place)


def _place(text: str) -> Path:
    """A shell variable without a value is not the current folder, which `-o .` names."""
    if not str(text):
        console.print("--out is empty: say where the results go, as in --out results (or . for this folder)")
        raise typer.Exit(USAGE)
    return Path(text)


def text_option(about: str) -> Any:
    return typer.Option("--text", "-t", help=about, metavar="TEXT", parser=_sentence)


def _sentence(text: str) -> str:
    if not text.strip():
        console.print('--text is empty: say what is meant, as in --text "the blue cup"')
        raise typer.Exit(USAGE)
    return text


Out = Annotated[Path, out_option("Folder for the results.")]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help="More output: coco, coco-rle (YouTube-VIS), davis-png, youtube-vos, cvat, label-studio, mot, "
        "mots, npz, npz-packed, alpha-webm, prores, rgba-png, matte, exr, contact-sheet. Repeatable.",
    ),
]
Fps = Annotated[float | None, typer.Option(help="Frames per second of a folder of frames.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse clips that end before their header says.")]
MaxPixels = Annotated[
    int,
    typer.Option(
        min=1, help="Largest width x height x frames to accept; one frame may have a ten-thousandth of it."
    ),
]
