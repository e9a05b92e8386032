"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

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
