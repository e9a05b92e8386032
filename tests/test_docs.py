"""What is written for people is true: links lead somewhere, commands and presets that are named exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from refervid.cli import app
from refervid.pipelines.presets import PRESETS

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *(page for page in (ROOT / "docs").rglob("*.md") if "reference" not in page.parts),
    *(ROOT / "src").rglob("*.md"),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_written_down_exist(page: Path) -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    code = re.findall(r"```(?!python)[a-z]*\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
    for line in "\n".join(code).splitlines():
        words = line.split()
        if words[:1] == ["refervid"] and len(words) > 1 and words[1].isalpha():
            assert words[1] in known, line
            inner = getattr(known[words[1]], "commands", None)
            assert not inner or words[2].split("|")[0] in inner, line
        if "--preset" in words:
            assert words[words.index("--preset") + 1] in {*PRESETS, "auto"}, line
