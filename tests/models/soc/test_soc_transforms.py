"""Transforms and post-processing where they have no published number."""

from __future__ import annotations

import torch

from refervid.models.soc import LayerOutput, collate_frames, collate_targets
from refervid.models.soc.postprocess import a2d_predictions, clip_scores, refcoco_predictions
from refervid.models.soc.transforms import SIZE, Sample, input_size, mask_boxes, mirror, mirror_text, prepare


def sample(height: int = 40, width: int = 60) -> Sample:
    masks = torch.zeros(2, height, width, dtype=torch.bool)
    masks[0, 10:20, 5:25] = True
    frames = torch.zeros(2, 3, height, width, dtype=torch.uint8)
    frames[0, 0, 10:20, 5:25] = 255
    return Sample(frames, masks, mask_boxes(masks), torch.tensor([True, False]), "left of the right one", 3)


def test_mirroring_twice_is_nothing() -> None:
    once = mirror(sample())
    assert once.text == "right of the left one"
    assert once.boxes[1].tolist() == [0, 0, 0, 0]
    assert once.masks[0, 10:20, 35:55].all()
    twice = mirror(once)
    assert torch.equal(twice.frames, sample().frames)
    assert torch.equal(twice.boxes, sample().boxes)
    assert mirror_text("bright") == "bleft"


def test_prepare_scales_everything_alike() -> None:
    frames, target = prepare(sample(), SIZE)
    assert frames.shape == (2, 3, 360, 540)
    assert frames[0, 0].max() > 2
    assert target.masks.shape == (2, 360, 540)
    assert target.label == 3
    lit, masked = (frames[0, 0] > 0).nonzero(), target.masks[0].nonzero()
    assert (lit.float().mean(0) - masked.float().mean(0)).abs().max() < 2
    torch.testing.assert_close(target.boxes[0] * 60, torch.tensor([14.5, 14.5 * 1.5, 19.0, 9 * 1.5]))


def test_size_rule_needs_no_resize_when_the_short_side_fits() -> None:
    assert input_size(360, 400, SIZE) == (360, 400)
    assert input_size(400, 400, SIZE) == (360, 360)


def test_collating_pads_at_the_right_and_bottom() -> None:
    frames, sizes = collate_frames([torch.ones(2, 3, 8, 6), torch.ones(2, 3, 4, 10)])
    assert frames.shape == (2, 2, 3, 8, 10)
    assert sizes == [(8, 6), (4, 10)]
    assert frames[1, :, :, :4, :10].all()
    assert not frames[1, :, :, 4:].any()
    targets = collate_targets([prepare(sample(20, 30), SIZE)[1], prepare(sample(30, 30), SIZE)[1]])
    assert targets.masks.shape == (2, 2, 360, 540)
    assert targets.labels.tolist() == [3, 3]


def output(queries: int = 25, frames: int = 1) -> LayerOutput:
    generator = torch.Generator().manual_seed(0)
    classes = torch.randn(1, frames, queries, 1, generator=generator)
    masks = torch.randn(1, frames, queries, 5, 6, generator=generator)
    boxes = torch.rand(1, frames, queries, 4, generator=generator)
    return LayerOutput(classes, boxes, masks, torch.zeros(1, queries, 8))


def test_a_small_network_has_fewer_than_twenty_answers() -> None:
    assert len(refcoco_predictions(output(5), [(20, 24)], [(20, 24)])[0].scores) == 5
    found = refcoco_predictions(output(25), [(20, 24)], [(20, 24)])[0]
    assert len(found.scores) == 20
    assert (found.scores.diff() <= 0).all()
    assert len(a2d_predictions(output(25), (20, 24), [(20, 24)], [(20, 24)])[0].scores) == 25


def test_best_query_is_the_best_on_average() -> None:
    classes = torch.full((1, 3, 2, 1), -4.0)
    classes[0, 0, 0] = 9.0
    classes[0, :, 1] = 1.0
    assert clip_scores(classes).total.argmax(-1).tolist() == [1]


def test_a_query_is_of_one_class_over_the_whole_clip() -> None:
    classes = torch.full((1, 2, 2, 2), -9.0)
    classes[0, 0, 0, 0] = classes[0, 1, 0, 1] = 9.0
    classes[0, :, 1, 1] = 1.0
    scores = clip_scores(classes)
    assert scores.total.argmax(-1).tolist() == [1]
    torch.testing.assert_close(scores.presence[0, :, 1], torch.tensor([1.0, 1.0]).sigmoid())
