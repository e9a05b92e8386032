"""What is said while work goes on where there is no terminal to draw on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from rich.table import Table

from refervid.cli import console
from refervid.cli.console import (
    print_json,
    print_line,
    print_table,
    progress_hook,
    reporting_errors,
    spell_time,
)
from refervid.core.errors import SettingsError


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_every_stage_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_hook() as hook:
        for completed, total in ((0, 4), (2, 8), (8, 8), (4, 4), (0, 4), (4, 4)):
            hook("track", None, completed, total)
        hook("overlay", None, 3, 3)
        hook("propose", None, 0, 0)  # nothing to do, nothing to say
    assert said(capsys) == [
        "Tracking through the clip: 8 of 8",
        "Tracking through the clip: 4 of 4",
        "Drawing the overlay: 3 of 3",
    ]


def test_what_libraries_say_meanwhile_is_no_part_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_hook():
        print("(raylet) A worker died")
    print("{}")
    assert capsys.readouterr() == ("{}\n", "(raylet) A worker died\n")


def test_a_long_stage_says_how_long_it_will_take(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.0, 1.0, 11.0, 30.0])
    monkeypatch.setattr(console, "monotonic", lambda: next(clock))
    with progress_hook(lambda artefact: f"{artefact} failed") as hook:
        hook("items", 0, 90, 200)  # 90 were done by an earlier run
        hook("items", 1, 91, 200)
        hook("items", 1, 101, 200)
        hook("items", 2, 200, 200)
    assert said(capsys) == ["items: 101 of 200, 1 failed, 1 min 39 s left", "items: 200 of 200, 2 failed"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (40, "40 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert spell_time(seconds) == words


def test_what_would_steer_the_terminal_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "dog\x1b[31mred\x9b2J\r\x07\x7f.mp4"
    shown = "dog\\u001b[31mred\\u009b2J\\u000d\\u0007\\u007f.mp4"
    console.console.print(hostile, markup=False)
    with pytest.raises(SystemExit), reporting_errors():
        raise SettingsError(hostile)
    with progress_hook(lambda artefact: hostile) as hook:
        hook("items", None, 1, 1)
    assert said(capsys) == [shown, f"error: SettingsError: {shown}", f"items: 1 of 1, {shown}"]
    print_line(f"é\t{hostile}\n日")
    table = Table(hostile, box=None, pad_edge=False)
    table.add_row("\udcff")
    print_table(table)
    assert capsys.readouterr().out.splitlines() == [f"é\t{shown}", "日", shown, "\\udcff"]
    print_json({"name": hostile})
    assert json.loads(out := capsys.readouterr().out) == {"name": hostile}
    assert out.replace("\n", "").isprintable()


def test_who_has_read_enough_ends_a_command_in_silence() -> None:
    command = [sys.executable, "-m", "refervid", "presets", "lite"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0
