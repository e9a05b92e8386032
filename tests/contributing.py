"""CONTRIBUTING's worked examples as installed packages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"


def install(heading: str, site: Path) -> None:
    """Write the files of one section as pip leaves a package: modules, and metadata with the entry points."""
    files = files_of(heading)
    groups = tomllib.loads(files.pop("pyproject.toml"))["project"]["entry-points"]
    info = site / "worked_example-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: worked-example\nVersion: 1.0\n")
    points = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points))
    for name, content in files.items():
        (site / name).write_text(content, "utf-8")


def files_of(heading: str) -> dict[str, str]:
    """The files that one section spells out."""
    return dict(re.findall(r"```\w+ file=(\S+)\n(.*?)```", _section(heading), flags=re.DOTALL))


def _section(heading: str) -> str:
    return PAGE.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]


def commands(heading: str) -> list[list[str]]:
    """The section's commands, word by word, without the first."""
    [block] = re.findall(r"```\n(refervid .*?)```", _section(heading), flags=re.DOTALL)
    return [re.findall(r'"[^"]+"|\S+', line)[1:] for line in block.splitlines()]
