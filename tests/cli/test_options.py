"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from refervid.cli.app import app


def with_out(command: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    """The commands below `command` that take --out."""
    for name, below in getattr(command, "commands", {}).items():
        yield from with_out(below, *words, name)
    if any("--out" in option.opts for option in command.params):
        yield words


COMMANDS = list(with_out(typer.main.get_command(app)))


def test_they_are_found() -> None:
    assert {("segment",), ("score",), ("train", "soc"), ("datasets", "from-sessions")} < set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_variable_without_a_value_is_not_the_current_folder(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "-o", ""])
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "--out is empty: say where the results go, as in --out results (or . for this folder)"
    ]
