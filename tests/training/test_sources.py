"""Training data from the generator and from every layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from refervid.core.errors import DatasetError, SettingsError
from refervid.datasets.a2d_sentences import A2dSentences
from refervid.datasets.folder import Folder
from refervid.datasets.ref_youtube_vos import RefYoutubeVos
from refervid.datasets.refcoco import RefCoco
from refervid.datasets.synthetic.clips import make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.models.soc import Tokens, build_tokenizer
from refervid.models.soc.config import NanoTextConfig
from refervid.models.soc.tokenizer import split_words
from refervid.training import sources
from refervid.training.batches import Batches
from refervid.training.categories import YOUTUBE_VOS
from refervid.training.processes import Processes
from refervid.training.recipe import read_recipe, recipe_names
from refervid.training.sources import open_source
from tests.training.tiny import tiny_recipe

SAMPLES = {
    "folder": Folder,
    "ref-youtube-vos": RefYoutubeVos,
    "a2d-sentences": A2dSentences,
    "refcoco": RefCoco,
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_layout_trains(kind: str, tmp_path: Path) -> None:
    SAMPLES[kind].make_sample(tmp_path)
    source = open_source(tiny_recipe(data=[{"kind": kind, "root": str(tmp_path)}]))
    drawn = source.draw(0, 0, np.random.default_rng(0))
    (sample,) = drawn.samples
    frames = {"refcoco": 1}.get(kind, 8)
    assert sample.frames.shape[0] == frames
    assert len(sample.masks) == (1 if kind == "a2d-sentences" else frames)
    assert sample.masks.any()
    assert sample.text in source.texts()


def test_pseudo_clips_move_picture_and_mask_alike(tmp_path: Path) -> None:
    RefCoco.make_sample(tmp_path)
    source = open_source(tiny_recipe(data=[{"kind": "refcoco", "root": str(tmp_path), "frames": 8}]))
    (sample,) = source.draw(0, 0, np.random.default_rng(1)).samples
    assert sample.frames.shape[0] == 8
    assert sample.text == "the red circle on the left"
    for frame, mask in zip(sample.frames.float(), sample.masks, strict=True):
        if mask.sum() > 50:
            red = (frame[0] - frame[1:].mean(0))[mask].mean()
            assert red > 50, "the mask lies on the red disk"


def test_several_sets_are_one(tmp_path: Path) -> None:
    Folder.make_sample(tmp_path)
    own = {"kind": "folder", "root": str(tmp_path), "frames": 4}
    alone = open_source(tiny_recipe(data=[own]))
    both = open_source(tiny_recipe(data=[own, own]))
    assert len(both) == 2 * len(alone)
    names = [both.draw(i, 0, np.random.default_rng(0)).name for i in range(len(both))]
    assert names[: len(alone)] == names[len(alone) :]


class HeardTexts:
    """A tokenizer that remembers what it was given."""

    def __init__(self) -> None:
        self.texts: set[str] = set()

    def __call__(self, texts: Sequence[str]) -> Tokens:
        self.texts.update(texts)
        return Tokens(
            torch.ones(len(texts), 3, dtype=torch.long), torch.ones(len(texts), 3, dtype=torch.bool)
        )


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("entries", [1, 2])
def test_clips_are_mirrored_if_the_recipe_says_so(mirror: bool, entries: int, tmp_path: Path) -> None:
    Folder.make_sample(tmp_path)
    meta = tmp_path / "meta_expressions" / "meta_expressions.json"
    meta.write_text(
        meta.read_text().replace("the red circle that moves to the right", "The Left  RED circle")
    )
    data = [{"kind": "folder", "root": str(tmp_path), "frames": 2}] * entries
    recipe = tiny_recipe(data=data, mirror=mirror, schedule={"epochs": 4})
    heard = HeardTexts()
    batches = Batches(open_source(recipe), recipe, heard, Processes(0, 1, torch.device("cpu")))
    for step in range(len(batches)):
        batches.batch(step)
    mirrored = {"the right red circle"} if mirror else set()
    assert heard.texts == {"the left red circle", "the blue square"} | mirrored


def test_data_that_make_no_common_batch_are_refused() -> None:
    own = {"kind": "folder", "root": "own", "frames": 8}
    with pytest.raises(ValueError, match="clips of 4 and 8 frames"):
        tiny_recipe(data=[own, own | {"frames": 4}])
    with pytest.raises(ValueError, match="clips of 1 and 8 frames"):
        tiny_recipe(data=[own, {"kind": "refcoco", "root": "coco"}])
    with pytest.raises(ValueError, match="a2d-sentences has a mask for one frame"):
        tiny_recipe(data=[own, {"kind": "a2d-sentences", "root": "a2d"}])
    tiny_recipe(data=[own, {"kind": "refcoco", "root": "coco", "frames": 8}, {"kind": "synthetic"}])


@pytest.mark.parametrize("black_and_white", [True, False])
def test_every_map_is_read_once_to_see_who_is_shown(
    black_and_white: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Folder.make_sample(tmp_path)
    maps = sorted((tmp_path / "Annotations").rglob("*.png"))
    for number, file in enumerate(maps):
        ids = sources.read_ids(file)
        ids[ids == 1 + number % 2] = 0
        cv2.imwrite(str(file), np.where(ids == 2, 255, 0).astype(np.uint8) if black_and_white else ids)
    read: list[Path] = []
    real = sources.read_ids
    monkeypatch.setattr(sources, "read_ids", lambda file: (read.append(file), real(file))[1])
    data = {"kind": "folder", "root": str(tmp_path), "frames": 1}
    source = open_source(tiny_recipe(data=[data]))
    assert sorted(read) == maps
    truly = [
        f"{item.name} from {frame}"
        for item in Folder(tmp_path).items()
        for position, frame in enumerate(item.frames)
        if item.truth is not None and item.truth.at(position)[0].any()
    ]
    assert 0 < len(truly) < 2 * len(maps)
    assert [source.draw(i, 0, np.random.default_rng(0)).name for i in range(len(source))] == truly


def test_data_without_any_object_are_refused(tmp_path: Path) -> None:
    Folder.make_sample(tmp_path)
    for file in (tmp_path / "Annotations").rglob("*.png"):
        cv2.imwrite(str(file), np.zeros_like(sources.read_ids(file)))
    with pytest.raises(DatasetError, match="no sentence's object is in any frame"):
        open_source(tiny_recipe(data=[{"kind": "folder", "root": str(tmp_path)}]))


def test_a_short_last_clip_becomes_the_last_frames(tmp_path: Path) -> None:
    Folder.make_sample(tmp_path)
    source = open_source(tiny_recipe(data=[{"kind": "folder", "root": str(tmp_path), "frames": 4}]))
    starts = {source.draw(i, 0, np.random.default_rng(0)).name[-5:] for i in range(len(source))}
    assert starts == {"00000", "00002"}


def test_stills_with_sentences_that_need_no_time() -> None:
    data = {"kind": "synthetic", "scene": {"height": 64, "width": 96}, "clips": 12, "sentences": 3}
    source = open_source(tiny_recipe(data=[data | {"frames": 1, "kinds": ["appearance", "size", "place"]}]))
    time_words = ("moves", "stops", "starts", "grows", "shrinks", "spins", "still")
    for index in range(len(source)):
        drawn = source.draw(index, 0, np.random.default_rng(0))
        clip = make_clip(SceneSettings(height=64, width=96), "train", index)
        assert all(sample.frames.shape[0] == len(sample.masks) == 1 for sample in drawn.samples)
        if any(one.kind in ("appearance", "size", "place") for one in clip.sentences):
            assert not any(word in sample.text for sample in drawn.samples for word in time_words)


def test_the_generator_uses_only_words_of_the_vocabulary() -> None:
    recipe = tiny_recipe()
    known = {word for text in open_source(recipe).texts() for word in split_words(text)}
    for index in range(60):
        for sentence in make_clip(SceneSettings(), "train", index).sentences:
            assert set(split_words(sentence.text)) <= known


def test_processes_cut_one_batch() -> None:
    recipe = tiny_recipe()
    source, tokenizer = open_source(recipe), build_tokenizer(NanoTextConfig(), Path)
    cpu = torch.device("cpu")
    whole = Batches(source, recipe, tokenizer, Processes(0, 1, cpu)).batch(1)
    parts = [Batches(source, recipe, tokenizer, Processes(rank, 2, cpu)).batch(1) for rank in range(2)]
    assert whole.names == parts[0].names + parts[1].names
    torch.testing.assert_close(whole.frames, torch.cat([part.frames for part in parts]))
    with pytest.raises(SettingsError, match="3 processes"):
        Batches(source, recipe, tokenizer, Processes(0, 3, cpu))


@pytest.mark.parametrize("name", recipe_names())
def test_recipes_that_come_with_the_package_are_valid(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.network.classes in (1, len(YOUTUBE_VOS))


def test_mistakes_in_recipes_are_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("batch: 2\nschedule: {epochs: 3}\ndata: [{kind: synthetic, clip: 5}]\n")
    with pytest.raises(SettingsError, match=r"data\.0\.synthetic\.clip"):
        read_recipe(str(file))
    with pytest.raises(SettingsError, match="soc-nano"):
        read_recipe("no-such-recipe")
    for content in (
        "batch: 2  # zwölf".encode("utf-16"),
        b"batch: " + b"[" * 5000,
        b"b: " + b"[" * 400 + b"]" * 400,
    ):
        file.write_bytes(content)
        with pytest.raises(SettingsError, match="no YAML file in UTF-8"):
            read_recipe(str(file))


@pytest.mark.parametrize(
    "change",
    [
        "short=0",
        "long=-5",
        "weight_decay=-1",
        "rates.main=.inf",
        "seed=-1",
        "schedule.drops=[-3]",
        "network={}",
        "network={weights: soc-nano, roberta: true}",
    ],
)
def test_values_that_make_no_sense_are_refused(change: str) -> None:
    with pytest.raises(SettingsError, match=change.split("=")[0].replace(".", r"\.")):
        read_recipe("folder-nano", [change])
