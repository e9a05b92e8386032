"""Writes the reference pages: every command with its options, and every public name, as the code has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

import refervid
from refervid.cli import app


def write(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "commands.md").write_text(_commands(), "utf-8")
    (folder / "python.md").write_text(_python(), "utf-8")


def _commands() -> str:
    lines = ["# Commands", "", "As `refervid COMMAND --help` prints them.", ""]
    for name, command in _leaves("refervid", typer.main.get_command(app)):
        lines += [f"## `{name}`", "", *_paragraphs(command.help or ""), "", "| option | what |", "|---|---|"]
        lines += [_row(parameter) for parameter in command.params if parameter.name != "help"]
        lines.append("")
    return "\n".join(lines)


def _leaves(name: str, command: Any) -> list[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(name, command)]
    return [leaf for key in inner for leaf in _leaves(f"{name} {key}", inner[key])]


def _row(parameter: Any) -> str:
    names = parameter.opts + parameter.secondary_opts
    if parameter.param_type_name == "argument":
        names = [parameter.metavar or parameter.name.upper()]
    default = parameter.default
    told = "" if default in (None, False, (), []) or callable(default) else f" (default: `{default}`)"
    return (
        f"| {' '.join(f'`{name}`' for name in names)} | {_cell(getattr(parameter, 'help', '') or '')}{told} |"
    )


def _paragraphs(text: str) -> list[str]:
    return [line.strip().replace("\b", "") for line in text.splitlines()]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _python() -> str:
    lines = ["# Python", "", "Everything that `import refervid` offers.", ""]
    for name in refervid.__all__:
        value = getattr(refervid, name)
        kind = "autofunction"
        if isinstance(value, type):
            kind = "autoexception" if issubclass(value, Exception) else "autoclass"
        elif not callable(value):
            kind = "autodata"
        home = (
            f"{value.__module__}.{value.__qualname__}"
            if hasattr(value, "__qualname__")
            else f"refervid.{name}"
        )
        lines += [f"## {name}", "", "```{eval-rst}", f".. {kind}:: {home}"]
        if kind == "autoclass":
            lines += ["   :members:", "   :inherited-members:", "   :special-members: __call__, __getitem__"]
        lines += ["```", ""]
    return "\n".join(lines)
