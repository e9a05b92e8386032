"""What stages hand to the hook, and the files that it becomes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco
from typer.testing import CliRunner

import refervid
from refervid.cli.app import app
from refervid.media.array import ArrayClip
from tests.chat_server import serving
from tests.clips import write_video
from tests.pipelines.questions import replying

LITE = ["pipeline=pivot", "chooser.kind=server", "chooser.probe=false"]


def frames() -> np.ndarray:
    pictures = np.full((30, 64, 96, 3), 110, np.uint8)
    for index, picture in enumerate(pictures):
        picture[20:40, 10 + index : 30 + index] = (220, 30, 30)
        picture[4:16, 60:80] = (30, 60, 220)
    return pictures


def test_every_stage_hands_over_what_it_came_to(tmp_path: Path) -> None:
    with serving(replying(frame=1, box=1)) as (_, url):
        pipeline = refervid.load("lite", device="cpu", settings=[*LITE, f"chooser.base_url={url}"])
        hook = refervid.IntermediateFiles(tmp_path)
        result = pipeline(ArrayClip(frames()), text="the red thing", hook=hook)
    documents = {file.stem.split("-", 1)[1]: json.loads(file.read_text()) for file in tmp_path.glob("*.json")}
    assert sorted(documents) == ["choose-boxes", "choose-frames", "propose", "track"]
    [frame] = documents["choose-frames"]
    assert frame["frame_index"] == result.decisions[0].frame_index
    assert cv2.imread(str(tmp_path / frame["decision"]["jpeg"])) is not None
    [[request, candidates]] = documents["propose"]
    assert request["text"] == "the red thing"
    [box] = documents["choose-boxes"]
    chosen = box["decision"]["chosen"]
    np.testing.assert_allclose(candidates[chosen[0]]["box_xyxy"], result.pivots[0].box_xyxy)
    [track] = documents["track"]
    masks = [mask for mask in track["segmentations"] if mask]
    np.testing.assert_array_equal(coco.decode(masks[0]), result.masks[result.areas > 0][0])


def test_the_command_keeps_them_beside_the_result(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", list(frames()[:8]))
    words = ["segment", tmp_path / "clip.mp4", "-t", "the red thing", "-p", "lite", "--device", "cpu"]
    words += ["--set", "pipeline=pivot", "--set", "chooser.kind=best-box"]
    for more in (["--save-intermediate"], []):
        ran = CliRunner().invoke(app, [str(word) for word in [*words, "-o", tmp_path / "out", *more]])
        assert ran.exit_code == 0, ran.output
        kept = {file.name.split("-", 1)[1] for file in tmp_path.glob("out/intermediate/*.json")}
        assert ("track.json" in kept) == bool(more)  # a later run without leaves nothing of them behind
        listed = json.loads((tmp_path / "out" / "result.json").read_text())["files"]
        assert any(name.startswith("intermediate/") for name in listed) == bool(more)
