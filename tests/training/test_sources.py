"""Training data from the generator and from every layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from refervid.datasets.a2d_sentences import A2dSentences
from refervid.datasets.folder import Folder
from refervid.datasets.ref_youtube_vos import RefYoutubeVos
from refervid.datasets.refcoco import RefCoco
from refervid.datasets.synthetic.clips import make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.errors import SettingsError
from refervid.models.soc import build_tokenizer
from refervid.models.soc.config import NanoTextConfig
from refervid.models.soc.tokenizer import split_words
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
    source, tokenizer = open_source(recipe), build_tokenizer(NanoTextConfig())
    cpu = torch.device("cpu")
    whole = Batches(source, recipe, tokenizer, Processes(0, 1, cpu))[1]
    parts = [Batches(source, recipe, tokenizer, Processes(rank, 2, cpu))[1] for rank in range(2)]
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
