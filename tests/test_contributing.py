"""The worked examples of CONTRIBUTING do what they say."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import refervid
from refervid.core.types import no_hook
from refervid.datasets.samples import two_shapes, write_pictures
from tests.chat_server import serving
from tests.contributing import PAGE, commands, files_of, install
from tests.pipelines.questions import kind_of, replying, text_of


def run(folder: Path, heading: str, *more: str, **replaced: str) -> None:
    """The section's commands in a process that has its package, with some words replaced, and `more`."""
    for words in commands(heading):
        asked = [replaced.get(word.strip('"'), word.strip('"')) for word in words]
        asked = [str(folder / word[5:]) if word.startswith("/tmp/") else word for word in asked]
        done = subprocess.run(
            [sys.executable, "-m", "refervid", *asked, *more],
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


def test_a_metric_is_added_by_a_function_and_who_calls_it(tmp_path: Path) -> None:
    install("Add a metric", tmp_path / "site")
    (tmp_path / "site" / "my_clips.py").write_text(files_of("Add a data set")["my_clips.py"])
    run(tmp_path, "Add a metric")
    scores = json.loads((tmp_path / "recall" / "scores.json").read_text())
    assert 0.5 < scores["recall"] <= 1


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


def test_the_engine_takes_whatever_marks_a_thing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install("Add an engine", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    tripod = import_module("tripod").TripodTracker
    clip = refervid.open_clip(np.zeros((2, 40, 60, 3), np.uint8))
    mask = np.zeros((40, 60), bool)
    mask[10:20, 30:50] = True
    marks = [
        refervid.Pivot(0, mask=mask),
        refervid.Pivot(0, box_xyxy=np.array([30, 10, 50, 20], np.float32)),
        refervid.Pivot(0, points_xy=np.array([[30, 10], [50, 20]], np.float32)),
    ]
    tracks = tripod(tripod.Settings()).track(clip, [[mark] for mark in marks], no_hook)
    assert [track.areas().tolist() for track in tracks] == [[200, 200]] * 3


def test_a_prompt_is_changed_by_a_file_of_its_name(tmp_path: Path) -> None:
    clip = two_shapes()
    write_pictures(tmp_path / "clip", list(clip.frames), clip.names)
    [(name, text)] = files_of("Change a prompt").items()
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(text)
    with serving(replying(frame=1)) as (server, url):
        ours = {
            "clip.mp4": "clip",
            "chooser.base_url=http://127.0.0.1:8000/v1": f"chooser.base_url={url}",
        }
        run(tmp_path, "Change a prompt", "--set", "chooser.probe=false", **ours)
    asked = {kind_of(body): text_of(body) for body in server.requests}
    assert "Name the frame that shows this whole, large and sharp:" in asked["frame"]
    assert "the blue square" in asked["frame"]
    assert "$" not in asked["frame"]
    assert "whole, large and sharp" not in asked["box"]


def test_the_walk_through_the_code_names_what_is_there() -> None:
    walk = PAGE.read_text("utf-8").split("## One sentence through the code")[1].split("\n## ")[0]
    stops = re.findall(r"^\d+\. `(\S+)` `(\w+)`(.*)$", walk, flags=re.MULTILINE)
    assert 8 <= len(stops) <= 12
    source = Path(refervid.__file__).parent
    functions = {}
    for file, name, _ in stops:
        tree = ast.parse((source / file).read_text("utf-8"))
        found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
        assert found, f"{file} has no function {name}"
        functions[name] = (source / file).read_text("utf-8")
    names = [name for _, name, _ in stops]
    for place, name in enumerate(names[1:], 1):
        call = rf"\b{name}\(|partial\(\s*{name}\b"
        callers = [other for other in names[:place] if re.search(call, functions[other])]
        assert callers, f"no stop before it calls {name}"
    for _, _, words in stops:
        for mentioned in re.findall(r"`(\w+)`", words):
            assert any(re.search(rf"\b{mentioned}\b", code) for code in functions.values()), mentioned


def test_every_room_of_the_table_is_there() -> None:
    table = PAGE.read_text("utf-8").split("| room | what is in it |")[1].split("\n\n")[0]
    source = Path(refervid.__file__).parent
    rooms = {room for row in table.splitlines()[2:] for room in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert rooms == {path.name for path in source.iterdir() if (path / "__init__.py").is_file()}
