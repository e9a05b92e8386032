"""The worked examples of CONTRIBUTING do what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from refervid.datasets.samples import two_shapes, write_pictures
from tests.contributing import commands, install


def run(folder: Path, heading: str, **replaced: str) -> None:
    """The section's commands in a process that has its package, with some words replaced."""
    for words in commands(heading):
        asked = [replaced.get(word.strip('"'), word.strip('"')) for word in words]
        asked = [str(folder / word[5:]) if word.startswith("/tmp/") else word for word in asked]
        done = subprocess.run(
            [sys.executable, "-m", "refervid", *asked],
            env={**os.environ, "PYTHONPATH": f"{folder / 'site'}:{os.environ.get('PYTHONPATH', '')}"},
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


def test_a_data_set_is_added_by_one_file(tmp_path: Path) -> None:
    install("Add a data set", tmp_path / "site")
    run(tmp_path, "Add a data set")
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert scores["J&F"] > 0.5


def test_an_engine_is_added_by_one_class(tmp_path: Path) -> None:
    clip = two_shapes()
    write_pictures(tmp_path / "clip", list(clip.frames), clip.names)
    install("Add an engine", tmp_path / "site")
    run(tmp_path, "Add an engine", **{"clip.mp4": "clip"})
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["engines"]["tracker"] == "tripod 1"
    areas = result["queries"][0]["areas"]
    assert len(set(areas)) == 1, "nothing moves"
    assert areas[0] == pytest.approx(30 * 30, rel=0.3), "a square of 26 pixels with 2 around it"
