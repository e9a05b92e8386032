"""SAM 3's concept tracks: what transformers says, in memory that does not grow, every frame encoded once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Sam3VideoModel
from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoInferenceSession

from refervid.core.errors import BadCheckpoint, MissingWeights
from refervid.core.track import Track
from refervid.core.types import no_hook
from refervid.engines.base import Runtime
from refervid.engines.registry import build_engine, missing_parts
from refervid.engines.rounds import ConceptFinder
from refervid.engines.sam3 import Sam3Finder, Sam3FinderSettings
from refervid.engines.sam3.finder import _tracks
from refervid.engines.sam3.model import unsuppressed
from refervid.engines.sam3.session import BoundedSession, pixels_of
from refervid.engines.sam3.writer import TrackWriter
from tests.engines.sam2.tiny import clip, frames
from tests.engines.sam3 import tiny
from tests.engines.sam3.memory import memory_of
from tests.pipelines.counting import counting

SHORT = {"num_maskmem": 3, "max_object_pointers_in_encoder": 6, "max_cond_frame_num": 2}
"""A memory that is full after six frames."""
AS_IT_COMES = {"det_nms_thresh": 0.0}
"""transformers leaves the suppression out where a package is not installed, and so its session has none."""
KINDS = {
    # Objects come, are no match for what is detected next, and are removed again.
    "many come and go": {"hotstart_delay": 4, "hotstart_unmatch_thresh": 3, "hotstart_dup_thresh": 3},
    "the first stay": {"hotstart_delay": 0},
    # All detections confirm what is tracked: frames that condition the rest pile up.
    "confirmed again and again": {
        "hotstart_delay": 0,
        "recondition_every_nth_frame": 2,
        "high_conf_thresh": 0.1,
        "high_iou_thresh": 0.0,
        "assoc_iou_thresh": 0.05,
    },
}
TOKENS = [torch.randint(0, 500, (1, 32), generator=torch.manual_seed(seed)) for seed in (0, 1)]


def prompted(session: Any) -> Any:
    for concept, tokens in zip(("dog", "cup"), TOKENS, strict=True):
        number = session.add_prompt(concept)
        session.prompt_input_ids[number] = tokens
        session.prompt_attention_masks[number] = torch.ones_like(tokens)
    return session


def bounded(model: Sam3VideoModel, pixels: torch.Tensor) -> Iterator[tuple[BoundedSession, Any]]:
    session = prompted(BoundedSession(model, len(pixels), 48, 80))
    for index, frame in enumerate(pixels):
        session.give(index, frame)
        said = model(session, frame_idx=index)
        session.forget(index)
        yield session, said


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_transformers_own_session(kind: str) -> None:
    model = tiny.video_model(SHORT, **AS_IT_COMES, **KINDS[kind])
    pixels = torch.stack([pixels_of(frame, tiny.SIZE) for frame in frames(14)])
    session = prompted(Sam3VideoInferenceSession(pixels, 48, 80, dtype=torch.float32))
    theirs = list(model.propagate_in_video_iterator(session))
    held = []
    for (ours, said), expected in zip(bounded(model, pixels), theirs, strict=True):
        held.append(memory_of(ours))
        assert said.object_ids == expected.object_ids
        assert said.obj_id_to_mask.keys() == expected.obj_id_to_mask.keys()
        assert said.removed_obj_ids == expected.removed_obj_ids
        for number, logits in said.obj_id_to_mask.items():
            torch.testing.assert_close(logits, expected.obj_id_to_mask[number], rtol=0, atol=1e-4)
            assert said.obj_id_to_tracker_score[number] == pytest.approx(
                expected.obj_id_to_tracker_score[number], abs=1e-5
            )
    assert any((logits > 0).any() for logits in theirs[-1].obj_id_to_mask.values())
    if kind == "confirmed again and again":
        conditioning = [outputs["cond_frame_outputs"] for outputs in ours.output_dict_per_obj.values()]
        assert max(map(len, conditioning)) > 4
    # Theirs has grown with every frame; of ours a pointer stays of frames that condition others.
    assert max(held) < memory_of(session) / 2
    assert held[-1] - held[7] <= 7 * 3 * 4 * (tiny.CHANNELS + 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folder_of(tiny.video_model(SHORT, hotstart_delay=0), tmp_path_factory.mktemp("sam3"))


@pytest.fixture(scope="module")
def finder(folder: Path) -> Sam3Finder:
    built = build_engine("finder", {"kind": "sam3", "weights": str(folder), "max_objects": 3}, RUNTIME)
    assert isinstance(built, Sam3Finder)
    return built


RUNTIME = Runtime("cpu", "float32", False, Path("unused"))


@pytest.mark.parametrize("concepts", [("dog",), ("dog", "cup", "red bird")])
def test_a_frame_is_encoded_once_for_any_number_of_concepts(
    finder: Sam3Finder, concepts: tuple[str, ...]
) -> None:
    made = clip(4)
    with counting() as runs:
        inventory = finder.find_concepts(made, concepts, no_hook)
        again = finder.find_concepts(made, concepts, no_hook)
    assert runs["SAM 3 frames"] == 4
    assert again is inventory


def test_tracks_have_masks_names_and_how_sure_they_are(finder: Sam3Finder) -> None:
    steps: Counter[str] = Counter()
    inventory = finder.find_concepts(clip(5), ("dog", "cup"), lambda stage, *_: steps.update([stage]))
    assert isinstance(finder, ConceptFinder)
    assert steps["objects"] == 5
    assert [track.number for track in inventory.tracks] == list(range(1, len(inventory.tracks) + 1))
    assert inventory.tracks
    for track in inventory.tracks:
        assert track.masks is not None
        assert set(track.names) <= {"dog", "cup"}
        assert all(0 < score <= 1 for score in track.names.values())
        np.testing.assert_array_equal(track.frame_indices, np.flatnonzero(track.masks.areas()))
        np.testing.assert_array_equal(track.boxes_xyxy, track.masks.boxes_xyxy()[track.frame_indices])


def test_a_concept_that_is_asked_for_twice_is_looked_for_once(folder: Path) -> None:
    """In a new finder, whose notes hold nothing of the clip."""
    names = []
    for concepts in (("dog", "cup", "red bird"), ("dog", "dog", "cup", "red bird")):
        built = build_engine("finder", {"kind": "sam3", "weights": str(folder), "max_objects": 9}, RUNTIME)
        inventory = built.find_concepts(clip(3), concepts, no_hook)
        names.append([dict(track.names) for track in inventory.tracks])
    assert names[0] == names[1]
    assert {name for each in names[0] for name in each} == {"dog", "cup", "red bird"}


def test_without_a_sentence_the_vocabulary_is_looked_for(folder: Path) -> None:
    settings = Sam3FinderSettings(weights=str(folder), vocabulary=("dog",), max_objects=1)
    inventory = Sam3Finder.build(settings, RUNTIME).find(clip(2), no_hook)
    assert {name for track in inventory.tracks for name in track.names} == {"dog"}


def test_detections_that_lie_on_surer_ones_are_left_out() -> None:
    masks = torch.zeros(4, 8, 8, dtype=torch.bool)
    masks[0, :4], masks[1, :5], masks[2, 5:], masks[3, 6:] = True, True, True, True
    scores = torch.tensor([0.5, 0.9, 0.4, 0.8])
    assert unsuppressed(masks, scores, 0.5).tolist() == [1, 3]
    assert unsuppressed(masks, scores, 0.9).tolist() == [0, 1, 2, 3]
    assert unsuppressed(masks[:0], scores[:0], 0.5).tolist() == []


def square(track: Track, index: int, left: int) -> None:
    mask = np.zeros((track.height, track.width), bool)
    mask[2:8, left : left + 6] = True
    track[index] = mask


def test_one_thing_that_two_concepts_find_is_one_track_with_two_names() -> None:
    person, man, other = (Track(4, 10, 20) for _ in range(3))
    for index in range(4):
        square(person, index, 3)
        square(man, index, 3)
        square(other, index, 12)
    found = _tracks([(person, {"person": 0.9}), (man, {"man": 0.95}), (other, {"man": 0.6})])
    assert [dict(track.names) for track in found] == [{"man": 0.95, "person": 0.9}, {"man": 0.6}]


def test_what_is_removed_within_the_delay_was_never_there_and_takes_no_pixels() -> None:
    class Said:
        def __init__(self, index: int, removed: set[int]) -> None:
            self.frame_idx = index
            self.obj_id_to_mask = {0: torch.ones(1, 4, 4), 1: torch.ones(1, 4, 4)}
            self.obj_id_to_tracker_score = {0: 0.5, 1: 0.9}
            self.suppressed_obj_ids: set[int] = set()
            self.removed_obj_ids = removed

    writer = TrackWriter(3, 8, 8, delay=3)
    for index in range(3):
        writer.add(Said(index, {1} if index == 2 else set()), {0: 0, 1: 0})
    tracks = writer.finish({0: 0, 1: 0})
    assert list(tracks) == [0]
    assert (tracks[0].areas() == 64).all()
    kept = TrackWriter(1, 8, 8, delay=0)
    kept.add(Said(0, set()), {0: 0, 1: 0})
    assert list(kept.finish({0: 0, 1: 0})) == [1]  # of one concept, a pixel is the surer one's
    beside = TrackWriter(1, 8, 8, delay=0)
    beside.add(Said(0, set()), {0: 0, 1: 1})
    assert sorted(beside.finish({0: 0, 1: 1})) == [0, 1]  # of two, both have it


def test_weights_that_are_not_there_are_named_with_the_way_to_get_them(tmp_path: Path) -> None:
    [lack] = missing_parts("finder", {"kind": "sam3", "weights": "facebook/sam3"})
    assert "facebook/sam3" in lack
    with pytest.raises(MissingWeights):
        build_engine("finder", {"kind": "sam3"}, RUNTIME)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadCheckpoint):
        build_engine("finder", {"kind": "sam3", "weights": str(tmp_path)}, RUNTIME)
