"""Training of the mask decoder, on a handful of made-up pictures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco
from safetensors.torch import load_file
from typer.testing import CliRunner

from refervid.cli.app import app
from refervid.core.errors import SettingsError
from refervid.models.mask_decoder import MaskDecoder
from refervid.training.masks.examples import Examples
from refervid.training.masks.figures import figure_pair
from refervid.training.masks.recipe import VideoData, read_mask_recipe
from refervid.training.masks.sources import MixedPairs

SIDE = 64


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


def recipe_file(folder: Path, entries: list[dict[str, object]], pairs: int) -> Path:
    file = folder / "recipe.yaml"
    content = {
        "data": entries,
        "phases": [{"side": SIDE, "pairs": pairs}],
        "batch": 2,
        "workers": 0,
        "log_every": 4,
    }
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("kind", ["collage", "coco", "video"])
def test_every_source_gives_pairs_with_the_object_on_the_first(data: Path, tmp_path: Path, kind: str) -> None:
    recipe = read_mask_recipe(str(recipe_file(tmp_path, [kinds(data)[kind]], 4)))
    examples = Examples(MixedPairs(recipe.data, SIDE), 4, seed=0)
    for index in range(4):
        example = examples[index]
        assert example["rgb"].shape == (2, 3, SIDE, SIDE)
        assert example["known"].shape == (2, 3, SIDE, SIDE)
        assert (example["mask"][0] > 0.5).sum() >= 80
        assert 0 <= float(example["mask"].min()) <= float(example["mask"].max()) <= 1
        assert float(example["known"].abs().max()) <= 1 + 1e-5
    assert all((examples[2][name] == value).all() for name, value in examples[2].items())


def test_masks_of_clips_lie_on_their_objects(data: Path) -> None:
    pairs = MixedPairs([VideoData(kind="video", root=data)], 96)
    for seed in range(4):
        shot, _ = pairs.pair(np.random.default_rng(seed))
        inside, outside = (shot.rgb[shot.mask > 0.9].mean(0), shot.rgb[shot.mask < 0.1].mean(0))
        assert np.abs(inside - outside).max() > 60


def test_a_figure_has_thin_limbs_and_moves() -> None:
    first, second = (pose[..., 3] > 127 for pose in figure_pair(np.random.default_rng(1)))
    assert first.any()
    assert 0 < (first & second).sum() < (first | second).sum()


def test_one_command_trains_on_all_of_it_and_learns(data: Path, tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path, list(kinds(data).values()), 32)
    result = CliRunner().invoke(app, ["train", "masks", "--config", str(recipe), "-o", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    MaskDecoder().load_state_dict(load_file(tmp_path / "run/decoder.safetensors"))
    rows = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [4, 8, 12, 16]
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_the_shipped_recipe_is_whole_and_wrong_ones_are_named(tmp_path: Path) -> None:
    assert sum(phase.pairs for phase in read_mask_recipe("mask-decoder").phases) > 10_000
    with pytest.raises(SettingsError, match="no recipe"):
        read_mask_recipe(str(tmp_path / "nowhere.yaml"))
    with pytest.raises(SettingsError, match="side"):
        read_mask_recipe("mask-decoder", ["phases=[{side: 50, pairs: 1}]"])
    with pytest.raises(SettingsError, match="Annotations"):
        MixedPairs([VideoData(kind="video", root=tmp_path)], SIDE)
