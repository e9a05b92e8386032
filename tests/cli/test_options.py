"""Options that several commands take."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from refervid.cli.app import app
from refervid.core.errors import MediaTooLarge
from refervid.media.limits import DEFAULT_MAX_PIXELS, check_size


def taking(option: str, command: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    """The commands below `command` that take an option."""
    for name, below in getattr(command, "commands", {}).items():
        yield from taking(option, below, *words, name)
    if any(option in one.opts for one in command.params):
        yield words


COMMANDS = list(taking("--out", typer.main.get_command(app)))


def test_they_are_found() -> None:
    assert {("segment",), ("score",), ("train", "soc"), ("datasets", "from-sessions")} < set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_variable_without_a_value_is_not_the_current_folder(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "-o", ""])
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "--out is empty: say where the results go, as in --out results (or . for this folder)"
    ]


def test_what_is_too_large_names_the_commands_that_can_be_told_otherwise() -> None:
    commands = [name for [name] in taking("--max-pixels", typer.main.get_command(app))]
    with pytest.raises(MediaTooLarge) as told:
        check_size("clip.mp4", 20_000, 10_000, 1, DEFAULT_MAX_PIXELS)
    [named] = re.findall(r"--max-pixels of ([^)]+)\)", str(told.value))
    assert sorted(re.split(", | and ", named)) == sorted(commands)
