"""The tracker as pipelines use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from refervid.core.errors import DeviceError, MissingWeights, OutOfMemory, SettingsError
from refervid.core.track import Track
from refervid.core.types import Pivot, no_hook
from refervid.engines.base import Runtime
from refervid.engines.registry import build_engine, missing_parts
from refervid.engines.sam2.network import FrameFeatures, Network
from refervid.engines.sam2.pixels import at_video_size, picture_pixels, video_pixels
from refervid.engines.sam2.prompts import boxes_to_masks
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.media.opening import open_clip
from refervid.media.part import PartClip
from tests.clips import write_pictures, write_video
from tests.engines.sam2 import tiny
from tests.engines.sam2.outcome import propagate, tracker

COUNT = 14
BOX = np.array([10, 10, 40, 30], np.float32)
OBJECTS = [[Pivot(5, box_xyxy=BOX)], [Pivot(2, mask=tiny.mask(2)), Pivot(9, mask=tiny.mask(9))]]


def same(one: list[Track], other: list[Track]) -> bool:
    return all(
        (a.stack() == b.stack()).all() and np.allclose(a.presence, b.presence)
        for a, b in zip(one, other, strict=True)
    )


def test_tracks_are_the_logits_above_zero_at_video_size() -> None:
    low = propagate(tiny.clip(COUNT), OBJECTS)
    tracks = tracker(keep_logits=True).track(tiny.clip(COUNT), OBJECTS, no_hook)
    for row, track in enumerate(tracks):
        full = at_video_size(torch.from_numpy(low[:, row]), tiny.HEIGHT, tiny.WIDTH).numpy() > 0
        assert (track.stack() != full).mean() < 1e-3
        assert track.logits is not None
        assert track.logits.dtype == np.float16
        np.testing.assert_allclose(track.logits, low[:, row], rtol=1e-2, atol=2e-2)
        assert (track.presence > 0.9).all()


def test_logits_are_kept_only_when_asked_for() -> None:
    assert tracker().track(tiny.clip(3), [[Pivot(0, box_xyxy=BOX)]], no_hook)[0].logits is None


def test_the_hook_counts_every_visit_of_a_frame() -> None:
    calls: list[tuple[str, int, int]] = []
    tracker().track(tiny.clip(COUNT), OBJECTS, lambda *call: calls.append((call[0], call[2], call[3])))
    total = calls[-1][2]
    assert calls == [("track", done, total) for done in range(1, total + 1)]


@pytest.mark.parametrize("pixels", ["video", "picture"])
def test_a_box_acts_like_the_mask_it_becomes(pixels: str) -> None:
    prepare = {"video": lambda f, s: video_pixels(f, s).float() / 255, "picture": picture_pixels}[pixels]
    features = tiny.network().encode(prepare(tiny.frames(COUNT)[5], tiny.SIZE)[None])[0]
    (mask,), _ = boxes_to_masks(tiny.network(), features, [BOX], tiny.HEIGHT, tiny.WIDTH)
    assert 0 < mask.mean() < 1
    boxed = tracker(box_pixels=pixels).track(tiny.clip(COUNT), [[Pivot(5, box_xyxy=BOX)]], no_hook)
    assert same(boxed, tracker().track(tiny.clip(COUNT), [[Pivot(5, mask=mask)]], no_hook))

    first = Pivot(1, mask=tiny.mask(1))
    [track] = tracker().track(tiny.clip(COUNT), [[first]], no_hook)
    by_box, by_mask = (
        tracker(box_pixels=pixels).correct(tiny.clip(COUNT), [first], track.copy(), mark, no_hook)
        for mark in (Pivot(5, box_xyxy=BOX), Pivot(5, mask=mask))
    )
    assert same([by_box], [by_mask])


def test_a_box_that_sticks_out_is_used_as_it_is() -> None:
    box = np.array([60, 30, 200, 90], np.float32)
    clip = tiny.clip(4)
    assert tracker().track(clip, [[Pivot(0, box_xyxy=box)]], no_hook)[0].areas().any()
    assert clip.notes == []


def test_boxes_without_area_in_the_frame_are_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Fault 19."""
    clip = tiny.clip(4)
    outside = Pivot(0, box_xyxy=np.array([90, 10, 120, 30], np.float32))
    flat = Pivot(1, box_xyxy=np.array([10, 10, 10, 30], np.float32))
    tracks = tracker().track(clip, [[outside, flat], [outside, Pivot(2, mask=tiny.mask(2))]], no_hook)
    assert not tracks[0].areas().any()
    assert not tracks[0].presence.any()
    assert tracks[1].areas().any()
    assert "3 pivots left out: no area of the box lies inside the frame" in caplog.text
    assert clip.notes == []  # every later sentence on the clip would show them


def test_objects_without_pivots_and_no_objects_at_all_are_no_fault() -> None:
    assert tracker().track(tiny.clip(3), [], no_hook) == []
    (track,) = tracker().track(tiny.clip(3), [[]], no_hook)
    assert not track.areas().any()


def test_an_object_that_never_appears_has_an_empty_track() -> None:
    model = tiny.sam2_model()
    with torch.no_grad():
        model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(-10.0)
    absent = Network(model, torch.device("cpu"), torch.float32)
    sam2 = type(tracker())(absent, tracker()._settings)
    (track,) = sam2.track(tiny.clip(6), [[Pivot(2, mask=tiny.mask(2))]], no_hook)
    assert [index for index in range(6) if track.areas()[index]] == [2]
    assert (np.delete(track.presence, 2) < 0.1).all()


@pytest.mark.parametrize(
    "pivot",
    [
        Pivot(COUNT, box_xyxy=BOX),
        Pivot(-1, box_xyxy=BOX),
        Pivot(0),
        Pivot(0, mask=np.ones((4, 4), bool)),
        Pivot(0, box_xyxy=np.array([0, 0, np.nan, 5], np.float32)),
        Pivot(0, points_xy=np.ones((2, 2), np.float32)),
        Pivot(0, points_xy=np.ones((2, 2), np.float32), point_labels=np.array([True])),
        Pivot(0, points_xy=np.zeros((0, 2), np.float32), point_labels=np.zeros(0, bool)),
    ],
)
def test_pivots_that_do_not_fit_are_refused(pivot: Pivot) -> None:
    with pytest.raises(SettingsError, match="pivot on frame"):
        tracker().track(tiny.clip(COUNT), [[pivot]], no_hook)


def test_several_pivots_of_one_object_on_one_frame_are_united() -> None:
    left, right = np.zeros((2, tiny.HEIGHT, tiny.WIDTH), bool)
    left[10:30, 5:30], right[10:30, 45:70] = True, True
    split = [[Pivot(0, mask=left), Pivot(0, mask=right)]]
    united = [[Pivot(0, mask=left | right)]]
    assert same(tracker().track(tiny.clip(4), split, no_hook), tracker().track(tiny.clip(4), united, no_hook))


@pytest.mark.parametrize("form", ["video", "pictures"])
def test_a_file_is_tracked_like_the_same_frames_from_memory(tmp_path: Path, form: str) -> None:
    if form == "video":
        path = write_video(tmp_path / "clip.mp4", tiny.frames(40), gop=12)
    else:
        path = write_pictures(tmp_path / "clip", tiny.frames(40))
    streamed = open_clip(path)
    held = ArrayClip(np.stack([frame for _, frame in open_clip(path).frames()]))
    objects = [[Pivot(20, mask=tiny.mask(20))], [Pivot(36, mask=tiny.mask(36))]]
    from_file = tracker(feature_cache_mb=0).track(streamed, objects, no_hook)
    assert same(from_file, tracker(feature_cache_mb=0).track(held, objects, no_hook))


class Interrupted(Exception):
    """Stands for a process that ends."""


@pytest.mark.parametrize("stop_at", [3, 8, 17])
def test_resumed_tracking_equals_tracking_at_a_stretch(tmp_path: Path, stop_at: int) -> None:
    whole = tracker(keep_logits=True).track(tiny.clip(COUNT), OBJECTS, no_hook)
    settings = {"keep_logits": True, "resume_folder": tmp_path, "chunk_frames": 2}
    visited: list[int] = []

    def interrupt(stage: str, artefact: object, completed: int, total: int) -> None:
        visited.append(completed)
        if completed == stop_at and len(visited) == stop_at:
            raise Interrupted

    with pytest.raises(Interrupted):
        tracker(**settings).track(tiny.clip(COUNT), OBJECTS, interrupt)
    assert len(list(tmp_path.iterdir())) == 1
    visited.clear()
    resumed = tracker(**settings).track(tiny.clip(COUNT), OBJECTS, lambda *call: visited.append(call[2]))
    assert visited[0] == stop_at // 2 * 2 + 1
    assert same(resumed, whole)
    for one, other in zip(resumed, whole, strict=True):
        np.testing.assert_allclose(one.logits, other.logits, rtol=0, atol=1e-2)
    assert list(tmp_path.iterdir()) == []


def resume_files(folder: Path, clip: Clip, objects: Sequence[Sequence[Pivot]] = OBJECTS) -> int:
    """How many there are in a folder after this work was begun too."""

    def interrupt(*call: object) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        tracker(resume_folder=folder, chunk_frames=1).track(clip, objects, interrupt)
    return len(list(folder.iterdir()))


def test_other_pivots_do_not_resume_from_the_same_file(tmp_path: Path) -> None:
    assert resume_files(tmp_path, tiny.clip(COUNT)) == 1
    assert resume_files(tmp_path, tiny.clip(COUNT), OBJECTS[:1]) == 2


def test_other_frames_do_not_resume_from_the_same_file(tmp_path: Path) -> None:
    """Parts of one clip, pictures that were changed where they lie, and what is in memory."""
    kept, frames = tmp_path / "kept", tiny.frames(2 * COUNT)
    video = open_clip(write_video(tmp_path / "clip.mp4", frames))
    half_s = float(video.times_s[COUNT])
    assert resume_files(kept, PartClip(video, end_s=half_s)) == 1
    assert resume_files(kept, PartClip(video, start_s=half_s)) == 2
    assert resume_files(kept, PartClip(video, end_s=half_s)) == 2
    for number, first in enumerate((0, COUNT), 3):
        pictures = write_pictures(tmp_path / "pictures", frames[first : first + COUNT])
        assert resume_files(kept, open_clip(pictures)) == number
    assert resume_files(kept, ArrayClip(frames[:COUNT])) == 5
    assert resume_files(kept, ArrayClip(frames[COUNT:])) == 6


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def lose_the_masks(file: Path) -> None:
    save_file(load_file(file), file)


def garble_the_masks(file: Path) -> None:
    save_file(load_file(file), file, metadata={"counts": "[["})


@pytest.mark.parametrize("damage", [cut, lose_the_masks, garble_the_masks])
def test_a_damaged_resume_file_counts_as_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    settings = {"resume_folder": tmp_path, "chunk_frames": 2}

    def interrupt(stage: str, artefact: object, completed: int, total: int) -> None:
        if completed == 5:
            raise Interrupted

    with pytest.raises(Interrupted):
        tracker(**settings).track(tiny.clip(COUNT), OBJECTS, interrupt)
    [saved] = tmp_path.iterdir()
    damage(saved)
    anew = tracker(**settings).track(tiny.clip(COUNT), OBJECTS, no_hook)
    assert same(anew, tracker().track(tiny.clip(COUNT), OBJECTS, no_hook))
    assert f"{saved} is damaged" in caplog.text
    assert list(tmp_path.iterdir()) == []


def exhausted(largest: int) -> Network:
    """A network that runs out of memory with more than `largest` pictures."""
    network = Network(tiny.sam2_model(), torch.device("cpu"), torch.float32)
    encode = network.encode

    def refuse(pixels: torch.Tensor) -> list[FrameFeatures]:
        if len(pixels) > largest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return encode(pixels)

    network.encode = refuse  # type: ignore[method-assign]
    return network


def exhausted_by_objects(largest: int) -> Network:
    network = Network(tiny.sam2_model(), torch.device("cpu"), torch.float32)

    def refuse(module: torch.nn.Module, args: tuple[torch.Tensor], options: dict[str, torch.Tensor]) -> None:
        if len(options["image_embeddings"]) > largest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    network._model.mask_decoder.register_forward_pre_hook(refuse, with_kwargs=True)
    return network


def test_out_of_memory_is_tried_once_with_a_smaller_batch() -> None:
    sam2 = type(tracker())(exhausted(2), tracker(encode_batch=4)._settings)
    tracks = sam2.track(tiny.clip(COUNT), OBJECTS, no_hook)
    assert same(tracks, tracker(encode_batch=2).track(tiny.clip(COUNT), OBJECTS, no_hook))


@pytest.mark.parametrize(
    ("batch", "told"), [(4, "=2: lower encode_batch, "), (1, "=1: choose a smaller model")]
)
def test_out_of_memory_names_device_size_and_option(batch: int, told: str) -> None:
    """Fault 13."""
    sam2 = type(tracker())(exhausted(0), tracker(encode_batch=batch)._settings)
    objects = [[Pivot(index, mask=tiny.mask(index)) for index in range(4)]]
    with pytest.raises(OutOfMemory, match=f"cpu ran out of memory with encode_batch{told}"):
        sam2.track(tiny.clip(COUNT), objects, no_hook)


def test_out_of_memory_on_boxes_of_many_objects() -> None:
    objects = [[Pivot(5, box_xyxy=BOX + shift)] for shift in range(5)]
    sam2 = type(tracker())(exhausted_by_objects(3), tracker(box_pixels="picture")._settings)
    small = tracker(box_pixels="picture", object_batch=2)
    assert same(sam2.track(tiny.clip(6), objects, no_hook), small.track(tiny.clip(6), objects, no_hook))
    sam2 = type(tracker())(exhausted(0), tracker(box_pixels="picture")._settings)
    with pytest.raises(OutOfMemory, match="cpu ran out of memory: choose a smaller model"):
        sam2.track(tiny.clip(6), objects, no_hook)


def test_bfloat16_tracks_much_the_same_object() -> None:
    """On nearly every frame: where a toy's random weights score two masks alike, either is taken."""
    half = Network(tiny.sam2_model(), torch.device("cpu"), torch.bfloat16)
    ours = type(tracker())(half, tracker()._settings).track(tiny.clip(COUNT), OBJECTS, no_hook)
    full = tracker().track(tiny.clip(COUNT), OBJECTS, no_hook)
    for one, other in zip(ours, full, strict=True):
        a, b = one.stack(), other.stack()
        overlaps = (a & b).sum((1, 2)) / (a | b).sum((1, 2))
        assert np.quantile(overlaps, 0.3) > 0.8


def test_the_registry_builds_from_a_folder_and_says_what_is_missing(tmp_path: Path) -> None:
    tiny.sam2_model().save_pretrained(tmp_path / "weights")
    options = {"kind": "sam2", "weights": str(tmp_path / "weights")}
    runtime = Runtime("cpu", "float32", False, tmp_path)
    built = build_engine("tracker", options, runtime)
    assert same(
        built.track(tiny.clip(4), [[Pivot(0, box_xyxy=BOX)]], no_hook),  # type: ignore[attr-defined]
        tracker().track(tiny.clip(4), [[Pivot(0, box_xyxy=BOX)]], no_hook),
    )
    assert missing_parts("tracker", options) == []
    absent = {"kind": "edgetam", "weights": str(tmp_path / "nothing")}
    assert "nothing" in missing_parts("tracker", absent)[0]
    with pytest.raises(MissingWeights):
        build_engine("tracker", absent, runtime)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_device_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Fault 14."""
    with pytest.raises(DeviceError):
        build_engine("tracker", {"kind": "sam2"}, Runtime("cuda:0", "auto", False, tmp_path))
