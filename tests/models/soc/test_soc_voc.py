"""What the cluster knows of time."""

from __future__ import annotations

import pytest
import torch

from refervid.models.soc.config import SocConfig, VocConfig
from refervid.models.soc.voc import VideoObjectCluster
from tests.models.soc.conftest import tiny_config


def cluster(whereabouts: bool) -> VideoObjectCluster:
    torch.manual_seed(0)
    config: SocConfig = tiny_config()
    return VideoObjectCluster(config, VocConfig(whereabouts=whereabouts)).eval()


@torch.no_grad()
@pytest.mark.parametrize("whereabouts", [False, True])
def test_only_whereabouts_tell_a_clip_from_the_same_backwards(whereabouts: bool) -> None:
    voc = cluster(whereabouts)
    queries, width = voc.query_embed.weight.shape
    hidden, sentence = torch.randn(1, 2, 6, queries, width), torch.randn(2, width)
    boxes = torch.full((1, 2, 6, queries, 4), 0.3)
    boxes[0, 0, :, 0, 0] = torch.linspace(0.2, 0.8, 6)  # in the first clip a thing moves right
    forwards = voc(hidden, sentence, boxes)[0]
    backwards = voc(hidden.flip(2), sentence, boxes.flip(2))[0]
    same = [torch.allclose(one, other, atol=1e-5) for one, other in zip(forwards, backwards, strict=True)]
    assert same == [not whereabouts, not whereabouts]


@torch.no_grad()
def test_steps_do_not_depend_on_how_densely_a_clip_is_sampled() -> None:
    voc = cluster(True)
    assert voc.whereabouts is not None
    boxes = torch.full((1, 9, 1, 4), 0.3)
    boxes[0, :, 0, 0] = torch.linspace(0.2, 0.8, 9)
    all_frames, every_other = voc.whereabouts(boxes)[:, ::2], voc.whereabouts(boxes[:, ::2])
    torch.testing.assert_close(all_frames, every_other)
