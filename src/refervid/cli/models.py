"""`refervid models`: which checkpoints there are, getting them, and checking those that are here."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from refervid.cli.console import FAILED, console, print_json, print_line, reporting_errors
from refervid.cli.options import Device, Dtype, DtypeName, Json
from refervid.core.errors import SettingsError

models = typer.Typer(name="models", help="Checkpoints: list, download and verify them.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Hub ids, or names from `refervid models list`.")]


@models.command("list")
def list_models(as_json: Json = False) -> None:
    """List the known checkpoints, which preset needs them, and whether they are here."""
    with reporting_errors():
        from refervid.engines.hub.checkpoints import CHECKPOINTS, pinned_revision
        from refervid.engines.hub.weights import missing_weights
        from refervid.pipelines.presets import PRESETS, checkpoints_of

        needed = {preset: checkpoints_of(preset) for preset in PRESETS}
        rows: list[dict[str, Any]] = [
            {
                "name": one.name,
                "about": one.about,
                "bytes": one.size,
                "licence": one.licence,
                "revision": pinned_revision(one.name),
                "sha256": one.sha256,
                "published_at": one.page or f"https://huggingface.co/{one.name}",
                "presets": [preset for preset, names in needed.items() if one.name in names],
                "here": not missing_weights(one.name),
            }
            for one in CHECKPOINTS.values()
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print_line(row["name"])
        facts = [row["about"], _size(row["bytes"]), row["licence"]]
        facts.append(f"revision {row['revision'][:10]}" if row["revision"] else "revision not pinned")
        facts.append(f"preset {', '.join(row['presets'])}" if row["presets"] else "no preset")
        facts.append("here" if row["here"] else "not here")
        print_line(f"    {'; '.join(facts)}")
    console.print("your own copy: give its path, as in --set tracker.weights=/path", markup=False)


@models.command()
def pull(
    names: Names = None,
    preset: Annotated[str | None, typer.Option("--preset", "-p", help="All that this preset needs.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before downloading.")] = False,
) -> None:
    """Download checkpoints, at pinned revisions where one is known."""
    with reporting_errors():
        from refervid.engines.hub.checkpoints import only_by_hand
        from refervid.engines.hub.downloads import plan_download
        from refervid.engines.hub.downloads import pull as fetch
        from refervid.pipelines.presets import checkpoints_of

        needed = checkpoints_of(preset) if preset else []
        by_hand = {name: how for name in needed if (how := only_by_hand(name))}
        wanted = list(dict.fromkeys([*(names or []), *(name for name in needed if name not in by_hand)]))
        if not wanted and not by_hand:
            raise SettingsError(
                "nothing to download: give names that `refervid models list` shows, or --preset local"
            )
        downloads = [plan_download(name) for name in wanted]
        for download in downloads:
            at = f" at {download.revision[:10]}" if download.revision else ""
            console.print(f"{download.name}{at}: {_size(download.size)}", markup=False)
        total = _size(sum(download.size for download in downloads))
        if not yes and not typer.confirm(f"download {total}?", err=True):
            console.print("nothing was downloaded")
            return
        for download in downloads:
            console.print(f"{download.name} is in {fetch(download)}", markup=False)
        for name, how in by_hand.items():
            console.print(f"yours to do: {name}: {how}", markup=False)


@models.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names or paths; by default all that are here.")
    ] = None,
    load: Annotated[bool, typer.Option(help="Also try to load the weights.")] = True,
    run: Annotated[
        bool,
        typer.Option("--run", help="Run each on the demo's clip, and compare with kept numbers."),
    ] = False,
    device: Device = "auto",
    dtype: Dtype = "float32",
    as_json: Json = False,
) -> None:
    """Compare checkpoints with the published hashes and load them; with --run, accept this machine."""
    if run:
        _accept(names, device, dtype, as_json)
        return
    with reporting_errors():
        from refervid.engines.hub.checkpoints import CHECKPOINTS
        from refervid.engines.hub.verification import verify as check
        from refervid.engines.hub.weights import missing_weights

        wanted = names or [name for name in CHECKPOINTS if not missing_weights(name)]
        found = [check(name, load=load) for name in wanted]
    if as_json:
        print_json([{**vars(one), "path": str(one.path), "hashes": dict(one.hashes)} for one in found])
    for one in () if as_json else found:
        words = {True: "as published", False: "different", None: "no published hash"}
        hashes = "; ".join(f"{file}: {words[same]}" for file, same in one.hashes.items())
        verdict = f"problem: {one.problem}" if one.problem else "loads" if one.loads else "not loaded"
        print_line(f"{one.name} in {one.path}: {hashes}; {verdict}")
    if not found:
        console.print(
            "no known checkpoint is here: `refervid models pull --preset local` gets those of a preset",
            markup=False,
        )
    if any(one.problem for one in found):
        sys.exit(FAILED)


def _accept(names: list[str] | None, device: str, dtype: DtypeName, as_json: bool) -> None:
    with reporting_errors():
        from refervid.config.environment import Environment
        from refervid.core.device import resolve_device
        from refervid.engines.base import Runtime
        from refervid.engines.hub.acceptance import accept
        from refervid.engines.hub.checkpoints import CHECKPOINTS
        from refervid.engines.hub.weights import missing_weights
        from refervid.models.soc.shipped import SHIPPED

        wanted = names or [SHIPPED, *(name for name in CHECKPOINTS if not missing_weights(name))]
        runtime = Runtime(resolve_device(device)[0], dtype, False, Environment().cache)
        found = [accept(name, runtime) for name in wanted]
    if as_json:
        print_json([vars(one) for one in found])
    for one in () if as_json else found:
        verdict = "first run: its numbers are kept" if one.numbers else "loads"
        if one.difference is not None:
            verdict = f"as kept, but for {100 * one.difference:.2f} %"
        print_line(f"{one.name} on {runtime.device}: {one.seconds:.1f} s; {one.problem or verdict}")
    if any(one.problem for one in found):
        sys.exit(FAILED)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
