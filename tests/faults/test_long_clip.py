"""A quarter of an hour at 30 frames a second: every frame is answered, in the memory of a short clip."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from refervid.media.opening import open_clip
from tests.clips import disc_and_square, repeat_video, write_video

MOST_KILOBYTES = 1_500_000
"""Python with the networks of `lite`, and what a long clip may add; all frames would be 1.1 GB more."""
COMMAND = """
import sys
from refervid.cli.app import app
try:
    app(sys.argv[1:])
except SystemExit as end:
    # Not the resource usage: that begins with the size of the process that started this one.
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    print(end.code, line.split()[1])
"""


@pytest.mark.parametrize("minutes", [1 / 60, pytest.param(15, marks=pytest.mark.slow)])
def test_a_long_clip_is_answered_in_little_memory(tmp_path: Path, minutes: float) -> None:
    scene = write_video(tmp_path / "scene.mp4", disc_and_square(30), fps=30, b_frames=0)
    clip = repeat_video(scene, tmp_path / "long.mp4", round(minutes * 60))
    words = ["segment", str(clip), "-t", "the red disc", "-p", "lite", "-o", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", COMMAND, *words], capture_output=True, text=True)
    code, kilobytes = done.stdout.split()
    assert code == "0", done.stderr
    assert int(kilobytes) < MOST_KILOBYTES
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["video"]["frames"] == round(minutes * 60) * 30
    assert len(list((tmp_path / "out" / "masks").glob("*/*.png"))) == result["video"]["frames"]


@pytest.mark.slow
def test_three_hours_are_open_without_being_decoded(tmp_path: Path) -> None:
    """What grew with the square of the length took a quarter of an hour here."""
    scene = write_video(tmp_path / "scene.mp4", disc_and_square(60), fps=30, b_frames=0)
    clip = open_clip(repeat_video(scene, tmp_path / "long.mp4", 3 * 3600 // 2))
    assert len(clip) == 3 * 3600 * 30
    assert clip.times_s[-1] == pytest.approx(3 * 3600 - 1 / 30)
    assert (clip.frame(len(clip) - 1) == clip.frame(59)).all()
