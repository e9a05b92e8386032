"""The synthetic clips: truth, sentences that fit one thing only, and the layout they are written in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from refervid.datasets.ref_youtube_vos import RefYoutubeVos
from refervid.datasets.synthetic.clips import MadeClip, make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.datasets.synthetic.sentences import TIME_KINDS
from refervid.datasets.synthetic.things import COLOURS, KINDS, PATTERNS
from refervid.datasets.synthetic.writer import write_split

SETTINGS = SceneSettings()


@pytest.fixture(scope="module")
def clips() -> list[MadeClip]:
    return [make_clip(SETTINGS, "train", index) for index in range(40)]


def test_the_same_seed_gives_the_same_clip() -> None:
    one, two = (make_clip(SETTINGS, "valid", 3, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.frames, two.frames)
    np.testing.assert_array_equal(one.ids, two.ids)
    assert one.sentences == two.sentences


def test_splits_and_seeds_differ() -> None:
    variants = [make_clip(SETTINGS, "train", 3), make_clip(SETTINGS, "valid", 3)]
    variants += [make_clip(SETTINGS, "train", 4), make_clip(SETTINGS, "train", 3, seed=1)]
    assert len({clip.frames.tobytes() for clip in variants}) == 4


def test_all_kinds_of_sentences_occur(clips: list[MadeClip]) -> None:
    kinds = {sentence.kind for clip in clips for sentence in clip.sentences}
    assert kinds == {"appearance", "size", "place", "moves", "order"}


def test_words_about_the_look_alone_fit_several_things_where_time_decides(clips: list[MadeClip]) -> None:
    for clip in clips:
        for sentence in clip.sentences:
            fitting = [
                index for index, thing in enumerate(clip.things) if _looks_fit(sentence.text, thing.look)
            ]
            assert sentence.thing in fitting, sentence
            if sentence.kind == "appearance":
                assert fitting == [sentence.thing], sentence
            if sentence.kind in TIME_KINDS:
                assert len(fitting) > 1, sentence


def test_the_masks_move_as_the_sentence_says(clips: list[MadeClip]) -> None:
    checked = 0
    for clip in clips:
        for sentence in clip.sentences:
            phases = clip.things[sentence.thing].behaviour.phases
            masks = clip.ids == sentence.thing + 1
            if phases != ("left",) or "left" not in sentence.text or not _whole(masks):
                continue
            x = [np.nonzero(mask)[1].mean() for mask in masks]
            assert x[-1] < x[0] - 0.15 * SETTINGS.height
            checked += 1
    assert checked


def test_the_referred_thing_is_seen(clips: list[MadeClip]) -> None:
    for clip in clips:
        for sentence in clip.sentences:
            shown = (clip.ids == sentence.thing + 1).any(axis=(1, 2))
            assert shown.mean() >= 0.75


def test_written_in_the_layout_of_ref_youtube_vos(tmp_path: Path) -> None:
    write_split(tmp_path, SETTINGS, "train", clips=2, seed=9)
    data = RefYoutubeVos(tmp_path, "train")
    data.check()
    made = [make_clip(SETTINGS, "train", index, seed=9) for index in range(2)]
    assert len(data.items()) == sum(len(clip.sentences) for clip in made)
    item, sentence = data.items()[0], made[0].sentences[0]
    assert item.reference.text == sentence.text  # type: ignore[union-attr]
    assert item.truth is not None
    np.testing.assert_array_equal(item.truth.at(3)[0], made[0].ids[3] == sentence.thing + 1)
    categories = json.loads((tmp_path / "train" / "meta.json").read_text())["videos"][made[0].name]["objects"]
    assert categories["1"]["category"] == made[0].things[0].look.kind


def _looks_fit(text: str, look: object) -> bool:
    words = text.split()
    said = {
        "colour": next((word for word in words if word in COLOURS), None),
        "pattern": next((word for word in words if word in PATTERNS), None),
        "kind": next((word for word in words if word in KINDS), None),
    }
    return all(word is None or getattr(look, name) == word for name, word in said.items())


def _whole(masks: np.ndarray) -> bool:
    """Never much hidden, so that its centre is the thing's."""
    areas = masks.sum(axis=(1, 2))
    return bool(areas.min() > 0.9 * areas.max())
