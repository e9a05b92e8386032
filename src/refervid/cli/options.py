"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

Preset = Annotated[
    str, typer.Option("--preset", "-p", help="Which engines: auto, or a name that `refervid presets` lists.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change one setting of the preset. Repeatable."),
]
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:N or mps.")]
AllowRemote = Annotated[
    bool, typer.Option("--allow-remote", help="Allow frames to be sent to a server that is not this machine.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
