"""`refervid presets` and `refervid doctor`: what can run on this machine, and how it is set."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

import refervid
from refervid.cli.console import console, print_json, print_line, print_table, reporting_errors
from refervid.cli.options import Changes, Json
from refervid.core.counting import counted

PACKAGES = ("torch", "transformers", "av", "opencv-python-headless", "numpy", "scipy")
EXTRAS = {"ui": "gradio", "cluster": "ray", "datasets": "h5py", "train": "tensorboard"}
ENCODERS = ("libx264", "libvpx-vp9", "aac")


def presets(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Show the settings of this one, as --set takes them."),
    ] = None,
    changes: Changes = None,
    as_json: Json = False,
) -> None:
    """List the presets, what they are made of, and what each still needs here; or the settings of one."""
    with reporting_errors():
        from refervid.core.errors import SettingsError

        if name is not None:
            _show_settings(name, changes or (), as_json)
        elif changes:
            raise SettingsError("--set changes one preset: give its name, as in refervid presets lite")
        else:
            _list(as_json)


def _show_settings(name: str, changes: Sequence[str], as_json: bool) -> None:
    import yaml

    from refervid.pipelines.presets import settings_of

    settings = settings_of(name, changes)
    if as_json:
        print_json(settings)
        return
    for setting, value in settings.items():
        [written, *_] = yaml.safe_dump(value, default_flow_style=True, width=10_000).splitlines()
        print_line(f"{setting}={written}")


def _list(as_json: bool) -> None:
    from refervid.pipelines.presets import PRESETS, best_preset, lacks_of

    lacking = {name: lacks_of(name) for name in PRESETS}
    best = best_preset()
    if as_json:
        rows = [
            {"name": name, "about": preset.about, "needs": preset.needs, "missing": lacking[name].messages}
            for name, preset in PRESETS.items()
        ]
        print_json({"auto": best, "presets": rows})
        return
    table = Table("preset", "engines", "needs", "here", box=None, header_style="bold", pad_edge=False)
    for name, preset in PRESETS.items():
        count = len(lacking[name].always)
        ready = Text("ready for sentences" if lacking[name].for_sound else "ready", style="green")
        here = f"{counted(count, 'part')} missing" if count else ready
        table.add_row(name, preset.about, preset.needs, here)
    print_table(table)
    console.print(f"auto means {best} on this machine; `refervid doctor` names what is missing")
    console.print("`refervid presets NAME` shows the settings of one")


def doctor(as_json: Json = False) -> None:
    """Show what refervid finds on this machine, and what would make it better."""
    with reporting_errors():
        import av
        import torch

        from refervid.config.environment import Environment
        from refervid.core.device import resolve_device
        from refervid.pipelines.presets import PRESETS, best_preset, lacks_of

        device, note = resolve_device("auto")
        missing = {name: lacks_of(name).messages for name in PRESETS}
        encoders = {name: name in av.codec.codecs_available for name in ENCODERS}
        extras = {extra: find_spec(package) is not None for extra, package in EXTRAS.items()}
        facts = {
            "refervid": refervid.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": {name: _version_of(name) for name in PACKAGES},
            "extras": extras,
            "device": device,
            "device_note": note,
            "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
            "threads": torch.get_num_threads(),
            "video_encoders": encoders,
            "cache": str(Environment().cache),
            "auto": best_preset(),
            "missing": missing,
        }
    if as_json:
        print_json(facts)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("refervid", f"{facts['refervid']} on Python {facts['python']}, {sys.platform}")
    table.add_row("device", f"{device} {'(' + note + ')' if note else ''}")
    table.add_row("threads", f"{facts['threads']}")
    table.add_row("cache", f"{facts['cache']}")
    for name in PACKAGES:
        table.add_row(name, _version_of(name))
    for name, there in encoders.items():
        table.add_row(f"encoder {name}", "here" if there else "not in this build of PyAV")
    for extra, there in extras.items():
        how = "installed" if there else f"not installed: pip install 'refervid[{extra}]'"
        table.add_row(f"extra {extra}", how)
    for name, lacks in missing.items():
        pull = [f"all weights at once: `refervid models pull --preset {name}`"] if _can_pull(name) else []
        for n, lack in enumerate([*lacks, *pull] or ["ready"]):
            table.add_row("" if n else f"preset {name}", lack)
    table.add_row("preset auto", f"means {facts['auto']}")
    print_table(table)


def _can_pull(preset: str) -> bool:
    """Whether `refervid models pull` gets something that the preset lacks."""
    from refervid.engines.hub.checkpoints import only_by_hand
    from refervid.engines.hub.weights import missing_weights
    from refervid.pipelines.presets import checkpoints_of

    return any(missing_weights(name) and not only_by_hand(name) for name in checkpoints_of(preset))


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
