"""`refervid presets` and `refervid doctor`: what can run on this machine."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import av
import torch
from rich.table import Table

import refervid
from refervid.cli.console import console, print_json, reporting_errors
from refervid.cli.options import Json
from refervid.device import resolve_device
from refervid.pipelines.presets import PRESETS, best_preset, lacks_of
from refervid.settings import Environment

PACKAGES = ("torch", "transformers", "av", "opencv-python-headless", "numpy", "scipy")
EXTRAS = {"llm": "openai", "ui": "gradio", "cluster": "ray"}


def presets(as_json: Json = False) -> None:
    """List the presets, what they are made of, and what each still needs here."""
    with reporting_errors():
        lacking = {name: lacks_of(name) for name in PRESETS}
        best = best_preset()
    if as_json:
        rows = [
            {"name": name, "about": preset.about, "needs": preset.needs, "missing": lacking[name].told}
            for name, preset in PRESETS.items()
        ]
        print_json({"auto": best, "presets": rows})
        return
    table = Table("preset", "engines", "needs", "here", box=None, header_style="bold", pad_edge=False)
    for name, preset in PRESETS.items():
        count = len(lacking[name].always)
        ready = "[green]ready for sentences[/]" if lacking[name].for_sound else "[green]ready[/]"
        here = f"{count} part{'s' * (count > 1)} missing" if count else ready
        table.add_row(name, preset.about, preset.needs, here)
    console.print(table)
    console.print(f"auto means {best} on this machine; `refervid doctor` names what is missing")


def doctor(as_json: Json = False) -> None:
    """Show what refervid finds on this machine, and what would make it better."""
    with reporting_errors():
        device, note = resolve_device("auto")
        missing = {name: lacks_of(name).told for name in PRESETS}
        facts = {
            "refervid": refervid.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": {name: _version_of(name) for name in PACKAGES},
            "extras": {extra: find_spec(package) is not None for extra, package in EXTRAS.items()},
            "device": device,
            "device_note": note,
            "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
            "threads": torch.get_num_threads(),
            "video_encoders": {
                name: name in av.codec.codecs_available for name in ("libx264", "libvpx-vp9", "aac")
            },
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
    for name in PACKAGES:
        table.add_row(name, _version_of(name))
    for extra, package in EXTRAS.items():
        there = find_spec(package) is not None
        table.add_row(
            f"extra {extra}", "installed" if there else f"not installed: pip install 'refervid[{extra}]'"
        )
    for name, lacks in missing.items():
        for n, lack in enumerate(lacks or ["ready"]):
            table.add_row("" if n else f"preset {name}", lack)
    console.print(table, markup=False)


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
