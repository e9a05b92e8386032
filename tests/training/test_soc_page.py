"""The folders of SOC's page, `rvosdata` and `pretrained`, checked and trained on as they lie there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from refervid.cli.app import app
from refervid.core.errors import DatasetError
from refervid.datasets.a2d_sentences import A2dSentences
from refervid.datasets.jhmdb_sentences import JhmdbSentences
from refervid.datasets.ref_youtube_vos import RefYoutubeVos
from refervid.datasets.registry import dataset_class, open_dataset
from refervid.models.soc import load
from tests.models.soc.tiny_published import TEXT, kinetics_file, roberta_folder, small_published

HEAD = {"features": 4, "channels": 6, "layers": 2, "places": False}
SWIN = "swin_tiny_patch244_window877_kinetics400_1k.pth"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up copy of both folders."""
    root = tmp_path_factory.mktemp("page")
    data = root / "rvosdata"
    A2dSentences.make_sample(data / "a2d_sentences")
    release = data / "a2d_sentences" / "Release"
    (release / "clips320H").rename(release / "CLIPS320")
    RefYoutubeVos.make_sample(data / "refer_youtube_vos")
    shutil.rmtree(data / "refer_youtube_vos" / "meta_expressions" / "test")
    shutil.rmtree(data / "refer_youtube_vos" / "test")
    shutil.rmtree(data / "refer_youtube_vos" / "valid" / "JPEGImages" / "2a1b2c3d4e")  # of the test split
    for name in ("refcoco", "refcoco+", "refcocog"):
        dataset_class(name).make_sample(data / "coco")
    kinetics_file(root / "pretrained" / "pretrained_swin_transformer" / SWIN)
    roberta_folder(root / "pretrained" / "pretrained_roberta")
    return root


def test_all_sets_are_read(page: Path) -> None:
    data = page / "rvosdata"
    roots = {
        "a2d-sentences": data / "a2d_sentences",
        "ref-youtube-vos": data / "refer_youtube_vos",
        "refcoco": data / "coco",
        "refcoco+": data / "coco",
        "refcocog": data / "coco",
    }
    for name, root in roots.items():
        found = open_dataset(name, root)
        found.check()
        assert found.items(), name
    valid = open_dataset("ref-youtube-vos", data / "refer_youtube_vos")
    assert {item.video.name for item in valid.items()} == {"1a1b2c3d4e"}


def train(recipe: str, page: Path, out: Path, *changes: str) -> Result:
    sizes = small_published().model_dump(mode="json", include={"backbone", "text", "voc", "width", "queries"})
    text = {**sizes["text"], "tokenizer": TEXT.tokenizer}
    settings = [
        f"network.config={json.dumps({**sizes, 'text': text, 'feed_forward': 32, 'mask_head': HEAD})}",
        "schedule={epochs: 1}",
        "batch=2",
        "short=32",
        "long=64",
        "workers=0",
        *changes,
    ]
    words = ["train", "soc", "--config", recipe, "-o", str(out), "--device", "cpu"]
    for change in settings:
        words += ["--set", change]
    return CliRunner().invoke(app, words, env={"REFERVID_WEIGHTS": str(page / "pretrained")})


@pytest.mark.parametrize("recipe", ["a2d-scratch", "ref-youtube-vos-scratch", "refcoco-pretraining", "joint"])
def test_recipes_start_from_these_folders(recipe: str, page: Path, tmp_path: Path) -> None:
    data = page / "rvosdata"
    roots = {
        "a2d-scratch": [data / "a2d_sentences"],
        "ref-youtube-vos-scratch": [data / "refer_youtube_vos"],
        "refcoco-pretraining": [data / "coco"] * 3,
        "joint": [*[data / "coco"] * 3, data / "refer_youtube_vos"],
    }[recipe]
    changes = [f"data.{number}.root={root}" for number, root in enumerate(roots)]
    result = train(recipe, page, tmp_path / "out", *changes, "validation=null")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "out" / "last.safetensors").is_file()
    config = load(tmp_path / "out" / "last.safetensors").config
    assert (config.queries, config.mask_head.model_dump()) == (5, HEAD)


def test_sizes_that_there_are_not(page: Path, tmp_path: Path) -> None:
    for change, said in (
        ("network.config={queri: 3}", "there is no such setting"),
        ("network.config={width: 100}", "no multiple of 128"),
        ("network.config.mask_head.layers=1", "greater than or equal to 2"),
        ("network.config.two_stage=true", "two_stage is no setting here"),
    ):
        result = train(
            "a2d-scratch", page, tmp_path, f"data.0.root={page / 'rvosdata/a2d_sentences'}", change
        )
        assert result.exit_code == 2
        assert said in result.stderr


def test_jhmdb_frames_of_soc_s_repository(tmp_path: Path) -> None:
    JhmdbSentences.make_sample(tmp_path)
    frames = {"catch_shapes": (6, (1, 4, 6)), "stand_shapes": (5, (2, 3, 5))}
    rows = [
        [
            video,
            f"/mnt/data/jhmdb_sentences/Rename_Images/x/{video}/{number:05d}.png",
            f"/mnt/data/jhmdb_sentences/puppet_mask/x/{video}/puppet_mask.mat",
            count,
            "someone",
        ]
        for video, (count, numbers) in frames.items()
        for number in numbers
    ]
    file = tmp_path / "jhmdb_sentences_samples_metadata_new.json"
    file.write_text(json.dumps(rows))
    listed = JhmdbSentences(tmp_path)
    assert not listed.notes
    assert [item.frames for item in listed.items()] == [
        ("00001", "00004", "00006"),
        ("00002", "00003", "00005"),
    ]
    file.write_text(json.dumps(rows[1:]))
    with pytest.raises(DatasetError, match="have not 3 frames"):
        JhmdbSentences(tmp_path)
