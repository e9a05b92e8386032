"""What is written for people is true: links lead somewhere, commands and presets that are named exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

import refervid
from refervid.cli import app
from refervid.engines.registry import ENGINES
from refervid.media.exports import EXPORTS
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
    blocks = re.findall(
        r"^```(\w*)[^\n]*\n(.*?)^```", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    for line in "\n".join(code for language, code in blocks if language != "python").splitlines():
        words = line.split()
        if words[:1] == ["refervid"] and len(words) > 1 and words[1].isalpha():
            assert words[1] in known, line
            inner = getattr(known[words[1]], "commands", None)
            assert not inner or words[2].split("|")[0] in inner, line
            command = inner[words[2].split("|")[0]] if inner else known[words[1]]
            options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
            assert {word for word in line.partition("#")[0].split() if word.startswith("--")} <= options, line
        if "--preset" in words:
            assert words[words.index("--preset") + 1] in {*PRESETS, "auto"}, line


def _rows(page: str) -> dict[str, str]:
    """Of all tables whose rows begin with names: what stands behind each name."""
    lines = (ROOT / "docs" / page).read_text("utf-8").splitlines()
    cells = [line.split(" | ", 1) for line in lines if line.startswith("| `")]
    return {name: rest for names, rest in cells for name in re.findall("`([^`]+)`", names)}


def test_every_form_of_masks_is_told_with_its_files() -> None:
    told = _rows("outputs.md")
    for kind in EXPORTS.keys() - {"masks"}:
        for file in EXPORTS[kind].files("CLIP", ["FRAME"], ["QUERY"]):
            assert f"`{file}`" in told[kind]


def test_every_form_of_masks_is_in_the_help() -> None:
    segment = typer.main.get_command(app).commands["segment"]  # type: ignore[attr-defined]
    [told] = [option.help for option in segment.params if "--format" in option.opts]
    assert set(re.findall(r"[a-z-]+", told)) >= EXPORTS.keys() - {"masks"}


def test_the_version_is_the_same_everywhere() -> None:
    assert f"\nversion: {refervid.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    [newest, *_] = re.findall(r"^## (\S+) \(", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)
    assert newest == refervid.__version__


def test_every_kind_of_engine_is_told() -> None:
    told = _rows("settings.md")
    for role, kinds in ENGINES.items():
        assert all(f"`{kind}`" in told[role] for kind in kinds), role
