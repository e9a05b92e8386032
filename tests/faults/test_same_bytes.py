"""Fault 44: the same command gives the same bytes, wherever in memory things lie."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import refervid
from refervid.media.opening import open_clip
from tests.clips import disc_and_square, write_video


def _without_times(path: Path) -> object:
    """What result.json holds: besides the report it alone tells how long something took."""
    content = json.loads(path.read_text("utf-8"))
    del content["seal"], content["files"]["report.html"]
    for query in content["queries"]:
        del query["timings_s"]
    return content


def test_two_processes_write_the_same_files(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "a.mp4", disc_and_square(12))
    forms = ("coco-rle", "davis-png", "youtube-vos", "npz", "alpha-webm", "contact-sheet")
    options = [*(word for form in forms for word in ("--format", form)), "--preset", "lite"]
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "refervid", "segment", str(clip), "-t", "the red ball", *options]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run(
            [*command, "-o", str(tmp_path / seed)], check=True, env=environment, capture_output=True
        )
    files = [path for path in sorted((tmp_path / "1").rglob("*")) if path.is_file()]
    assert len(files) > 40
    for path in files:
        other = tmp_path / "2" / path.relative_to(tmp_path / "1")
        if path.name == "result.json":
            assert _without_times(path) == _without_times(other)
        elif path.name != "report.html":
            assert path.read_bytes() == other.read_bytes(), path.name


@pytest.mark.parametrize("preset", ["lite", "soc"])
def test_no_number_depends_on_where_in_memory_things_lie(tmp_path: Path, preset: str) -> None:
    frames = [cv2.resize(frame, (160, 128)) for frame in disc_and_square(10)]
    path = write_video(tmp_path / "a.mp4", frames)
    pipeline = refervid.load(preset, device="cpu", remember=False)
    draw = random.Random(0)
    kept = []
    outcomes = set()
    for _ in range(3):
        kept += [np.ones(draw.randrange(1, 200_000), np.uint8) for _ in range(10)]
        result = pipeline(open_clip(path), text="the red disc")  # a clip that nothing is known of
        outcomes.add(result.masks.tobytes() + result.track.presence.tobytes())
        draw.shuffle(kept)
        del kept[::2]
    assert len(outcomes) == 1


def test_damaged_pictures_are_decoded_the_same_every_time(tmp_path: Path) -> None:
    """A decoder with several threads conceals damage by what happens to be done already."""
    texture = np.random.default_rng(1).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    large = cv2.resize(texture, (640, 480))
    path = write_video(tmp_path / "a.mp4", [np.roll(large, (3 * i, 5 * i), (0, 1)) for i in range(40)])
    data = bytearray(path.read_bytes())
    draw = random.Random(0)
    media = data.index(b"mdat") + 8
    for _ in range(30):
        data[draw.randrange(media, len(data))] = draw.randrange(256)
    path.write_bytes(data)
    clips = [open_clip(path) for _ in range(5)]
    assert len({b"".join(frame.tobytes() for _, frame in clip.frames()) for clip in clips}) == 1
