"""`refervid download`: a clip from the web, before anything is done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from refervid.cli.console import console, progress_hook, reporting_errors
from refervid.cli.options import out_option


def download(
    address: Annotated[str, typer.Argument(help="Where the video lies: https://...", metavar="URL")],
    out: Annotated[Path, out_option("The file to make; it may not be there yet.")],
    max_mb: Annotated[
        float, typer.Option("--max-mb", min=0, max=1e9, help="Refuse what is larger.")
    ] = 2000.0,
) -> None:
    """Download a video; of the other commands only `live` takes one from an address."""
    with reporting_errors():
        from refervid.media.download import download as fetch

        with progress_hook() as hook:
            fetch(address, out, max_bytes=round(max_mb * 10**6), hook=hook)
    console.print(f"now: refervid segment {out} --text ...", markup=False)
