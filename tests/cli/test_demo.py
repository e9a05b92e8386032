"""`refervid demo`: what it says in the end can be typed as it stands; a full disk is told by its folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from refervid.cli.app import app
from refervid.cli.demo import called_as


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "project" / ".venv" / "bin" / "refervid"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("here", "known", "words"),
    [
        ("project", False, ".venv/bin/refervid"),
        ("project", True, "refervid"),
        ("elsewhere", False, "../project/.venv/bin/refervid"),
    ],
)
def test_the_program_is_called_as_the_shell_finds_it(
    here: str, known: bool, words: str, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / here).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / here)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}/bin" if known else "/bin")
    monkeypatch.setattr(sys, "argv", [str(program), "demo"])
    assert called_as() == words


def test_a_module_is_called_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/refervid/__main__.py", "demo"])
    assert called_as() == "python -m refervid"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "refervid.datasets.demo.write_demo", lambda path, hook: Path("/dev/full").write_bytes(b"x")
    )
    ran = CliRunner().invoke(app, ["demo", "-o", str(tmp_path / "out")])
    assert ran.exit_code == 1
    assert f"OutputFailed: cannot write to {tmp_path / 'out'} (No space left on device" in ran.stderr
    assert not (tmp_path / "out").exists()
