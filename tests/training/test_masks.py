"""Training of the mask decoder, on a handful of made-up pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as coco
from safetensors.torch import load_file, save
from torch.nn import functional as F
from typer.testing import CliRunner

from refervid.cli.app import app
from refervid.core.errors import SettingsError
from refervid.metrics.region import jaccard
from refervid.models.mask_decoder import MaskDecoder
from refervid.training.masks.figures import Figures
from refervid.training.masks.recipe import CocoData, VideoData, read_mask_recipe
from refervid.training.masks.sources import Sources

SIDE = 64
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cut-outs and photographs, COCO stills, and a clip in YouTube-VOS's layout with two objects."""
    root = tmp_path_factory.mktemp("masks")
    for name in ("shapes", "photos", "images", "JPEGImages/a", "Annotations/a"):
        (root / name).mkdir(parents=True)
    random = np.random.default_rng(0)
    ground = cv2.GaussianBlur(random.integers(0, 256, (260, 300, 3)).astype(np.uint8), (0, 0), 3)
    cv2.imwrite(str(root / "photos/a.png"), ground)
    ring = np.zeros((80, 80, 4), np.uint8)
    cv2.circle(ring, (40, 40), 30, (40, 200, 90, 255), 12)
    cv2.imwrite(str(root / "shapes/ring.png"), ring)
    for index in range(3):
        ids = np.zeros((120, 160), np.uint8)
        cv2.circle(ids, (40 + 5 * index, 60), 22, 1, -1)
        cv2.rectangle(ids, (90, 20), (140, 70), 2, -1)
        picture = ground[:120, :160].copy()
        picture[ids == 1], picture[ids == 2] = (20, 20, 200), (200, 60, 20)
        cv2.imwrite(str(root / f"JPEGImages/a/{index:05d}.jpg"), picture)
        cv2.imwrite(str(root / f"Annotations/a/{index:05d}.png"), ids)
    cv2.imwrite(str(root / "images/1.jpg"), picture)
    counts = coco.encode(np.asfortranarray(ids == 1, np.uint8))
    counts["counts"] = counts["counts"].decode()
    entry = {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "bbox": [28, 38, 45, 45],
        "segmentation": counts,
        "iscrowd": 0,
    }
    content = {
        "images": [{"id": 1, "file_name": "1.jpg", "height": 120, "width": 160}],
        "annotations": [entry | {"area": 1500}],
        "categories": [{"id": 1, "name": "ball"}],
    }
    (root / "coco.json").write_text(json.dumps(content))
    return root


def kinds(root: Path) -> dict[str, dict[str, object]]:
    return {
        "collage": {"kind": "collage", "shapes": [str(root / "shapes")], "photos": [str(root / "photos")]},
        "coco": {"kind": "coco", "images": str(root / "images"), "annotations": str(root / "coco.json")},
        "video": {"kind": "video", "root": str(root)},
    }


def recipe_file(folder: Path, entries: list[dict[str, object]], steps: int) -> Path:
    file = folder / "recipe.yaml"
    content = {
        "data": entries,
        "phases": [{"side": SIDE, "length": 2, "batch": 2, "steps": steps}],
        "warm_up": 2,
        "log_every": 4,
    }
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("kind", ["collage", "coco", "video"])
def test_every_source_gives_scenes_with_the_object_on_the_first_shot(
    data: Path, tmp_path: Path, kind: str
) -> None:
    recipe = read_mask_recipe(str(recipe_file(tmp_path, [kinds(data)[kind]], 4)))
    shots = Sources(recipe.data, 0, CPU).draw(6, 3, SIDE)
    assert shots.rgb.shape == (6, 3, 3, SIDE, SIDE)
    assert shots.mask.shape == (6, 3, SIDE, SIDE)
    assert shots.origin.shape == (6, 3, SIDE // 2, SIDE // 2, 2)
    assert 0 <= float(shots.rgb.min()) < float(shots.rgb.max()) <= 255
    assert 0 <= float(shots.mask.min()) <= float(shots.mask.max()) <= 1
    seen = (shots.mask[:, 0] > 0.5).sum((1, 2))
    assert int((seen > 80).sum()) >= 5  # one may be behind something
    again = Sources(recipe.data, 0, CPU).draw(6, 3, SIDE)
    assert torch.equal(again.rgb, shots.rgb)
    assert torch.equal(again.origin, shots.origin)


@pytest.mark.parametrize("kind", ["collage", "coco", "video"])
def test_masks_carried_by_the_motion_given_reach_the_next_shot(data: Path, tmp_path: Path, kind: str) -> None:
    recipe = read_mask_recipe(str(recipe_file(tmp_path, [kinds(data)[kind]], 4)))
    shots = Sources(recipe.data, 3, CPU).draw(24, 2, SIDE)
    before, after = (F.avg_pool2d(shots.mask[:, index], 2) for index in (0, 1))
    carried = F.grid_sample(before[:, None], shots.origin[:, 1], align_corners=False)[:, 0]
    there = ((before > 0.5).sum((1, 2)) > 60) & ((after > 0.5).sum((1, 2)) > 60)
    overlaps = [
        jaccard((one > 0.5)[there].numpy(), (after > 0.5)[there].numpy()).mean() for one in (carried, before)
    ]
    assert overlaps[0] > max(overlaps[1] + 0.02, 0.3)


def test_masks_of_clips_lie_on_their_objects(data: Path) -> None:
    shots = Sources([VideoData(kind="video", root=data)], 0, CPU).draw(4, 2, 96)
    for rgb, mask in zip(shots.rgb.flatten(0, 1), shots.mask.flatten(0, 1), strict=True):
        inside, outside = (rgb[:, mask > 0.9].mean(1), rgb[:, mask < 0.1].mean(1))
        assert float((inside - outside).abs().max()) > 60


def test_a_figure_has_thin_limbs_and_moves() -> None:
    random = np.random.default_rng(1)
    [poses] = Figures(random).draw(1, 2, 96, random, CPU)
    first, second = poses[:, 3] > 0.5
    assert 0 < int((first & second).sum()) < int((first | second).sum())
    thin = first & (F.avg_pool2d(first[None].float(), 9, 1, 4)[0] < 0.5)
    assert thin.any()


def test_one_command_trains_on_all_of_it_and_learns(data: Path, tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path, list(kinds(data).values()), 16)
    call = ["train", "masks", "--config", str(recipe), "-o", str(tmp_path / "run"), "--device", "cpu"]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 0, result.output
    MaskDecoder().load_state_dict(load_file(tmp_path / "run/decoder.safetensors"))
    rows = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [4, 8, 12, 16]
    assert rows[-1]["loss"] < rows[0]["loss"]


@pytest.mark.parametrize("content", [b"no safetensors at all", save({"a": torch.zeros(3)})])
def test_weights_to_go_on_from_that_do_not_fit_are_told(data: Path, tmp_path: Path, content: bytes) -> None:
    """Faults 27 and 28."""
    weights, out = tmp_path / "before.safetensors", tmp_path / "run"
    weights.write_bytes(content)
    recipe = recipe_file(tmp_path, [kinds(data)["collage"]], 4)
    call = ["train", "masks", "--config", str(recipe), "-o", str(out), "--set", f"weights={weights}"]
    result = CliRunner().invoke(app, call)
    assert (result.exit_code, f"BadCheckpoint: {weights}" in result.stderr) == (1, True)
    assert not out.exists()


@pytest.mark.parametrize(
    "content", ["no JSON", "[]", '{"images": [], "annotations": [{"id": 1, "image_id": 1}]}']
)
def test_annotations_that_are_none_of_coco_are_told(tmp_path: Path, content: str) -> None:
    file = tmp_path / "coco.json"
    file.write_text(content)
    with pytest.raises(SettingsError, match="instances_"):
        Sources([CocoData(kind="coco", images=tmp_path, annotations=file)], 0, CPU)


def test_clips_without_an_object_come_to_an_end(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "clips")
    for file in tmp_path.glob("clips/Annotations/a/*.png"):
        cv2.imwrite(str(file), np.zeros((120, 160), np.uint8))
    with pytest.raises(SettingsError, match="no object"):
        Sources([VideoData(kind="video", root=tmp_path / "clips")], 0, CPU).draw(1, 2, SIDE)


def test_the_shipped_recipe_is_whole_and_wrong_ones_are_named(tmp_path: Path) -> None:
    phases = read_mask_recipe("mask-decoder").phases
    assert sum(phase.steps * phase.batch for phase in phases) > 10_000
    with pytest.raises(SettingsError, match="no recipe"):
        read_mask_recipe(str(tmp_path / "nowhere.yaml"))
    with pytest.raises(SettingsError, match="side"):
        read_mask_recipe("mask-decoder", ["phases=[{side: 50, length: 2, batch: 1, steps: 1}]"])
    with pytest.raises(SettingsError, match="Annotations"):
        Sources([VideoData(kind="video", root=tmp_path)], 0, CPU)
