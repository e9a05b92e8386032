"""Transforms, post-processing and the two published inference scripts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from refervid.core.rle import encode_mask
from refervid.datasets.ref_davis17 import merge_logits
from refervid.engines.hub.weights import find_weights
from refervid.media.array import ArrayClip
from refervid.models.soc import LayerOutput, SocConfig, SocOutput, Tokens, build_tokenizer
from refervid.models.soc.inference import Segmenter
from refervid.models.soc.postprocess import (
    a2d_predictions,
    clip_scores,
    cropped_masks,
    refcoco_predictions,
    resized,
)
from refervid.models.soc.transforms import A2D_SIZE, InputSize, Sample, input_size, mirror, prepare
from refervid.pipelines.soc import SocPipeline
from tests.parity.fill import normal
from tests.parity.soc.published import Expected, random

TOLERANCE = 1e-6
SIZES = [(62, 95), (40, 56)]
PADDED = (62, 95)


def output(classes: Tensor, masks: Tensor, boxes: Tensor | None = None) -> LayerOutput:
    """From the published layout, time first."""
    boxes = torch.zeros(*masks.shape[:3], 4) if boxes is None else boxes
    queries = torch.zeros(classes.shape[1], classes.shape[2], 1)
    return LayerOutput(classes.transpose(0, 1), boxes.transpose(0, 1), masks.transpose(0, 1), queries)


def test_a2d_original_vs_ours() -> None:
    expected = Expected("post")
    masks = random("post/a2d/masks", 2, 20, 16, 24)[None]
    found = a2d_predictions(
        output(random("post/a2d/cls", 1, 2, 20, 1), masks), PADDED, SIZES, [(48, 72), (33, 47)]
    )
    for index, one in enumerate(found):
        expected.check(f"a2d/{index}/scores", one.scores, TOLERANCE)
        expected.check(f"a2d/{index}/masks", one.masks[:, None], 0)
        best = one.masks[one.scores.argmax()].numpy()
        assert encode_mask(best).decode() == str(expected[f"a2d/{index}/rle_of_best"])


@pytest.mark.parametrize("classes", [1, 65])
def test_youtube_vos_validation_original_vs_ours(classes: int) -> None:
    expected, name = Expected("post"), f"ytvos{classes}"
    one = output(
        random(f"post/{name}/cls", 4, 2, 20, classes), random(f"post/{name}/masks", 4, 2, 20, 16, 24)
    )
    best = clip_scores(one.classes).total.argmax(-1)
    assert best.tolist() == expected[f"{name}/query"].tolist()
    for index, original in enumerate([(48, 72), (90, 120)]):
        masks = cropped_masks(one.masks[index, :, best[index]], PADDED, SIZES[index], original)
        expected.check(f"{name}/{index}/masks", masks[:, None], 0)


def test_refcoco_original_vs_ours() -> None:
    expected = Expected("post")
    one = output(
        random("post/coco/cls", 1, 2, 20, 1),
        random("post/coco/masks", 1, 2, 20, 16, 24),
        random("post/coco/boxes", 1, 2, 20, 4).sigmoid(),
    )
    for index, found in enumerate(refcoco_predictions(one, SIZES, [(48, 72), (33, 47)])):
        expected.check(f"coco/{index}/scores", found.scores, TOLERANCE)
        expected.check(f"coco/{index}/boxes", found.boxes, TOLERANCE)
        expected.check(f"coco/{index}/masks", found.masks[:, None], 0)
        assert (expected[f"coco/{index}/labels"] == 1).all()


class Scripted:
    """Stands for the network: answers call by call with what the published scripts were fed."""

    def __init__(self, data: str, first: int = 0) -> None:
        self.config = SocConfig.nano().model_copy(update={"size": None})
        self._data, self._call = data, first

    def encode_clips(self, frames: Tensor, sizes: None, annotated: None) -> Tensor:
        return frames

    def refer(self, frames: Tensor, tokens: Tokens, rows: Tensor) -> SocOutput:
        count, _, height, width = frames.shape[1:]
        name = f"post_scripts/{self._data}/call{self._call}"
        self._call += 1
        small = random(f"{name}/masks", count, 20, 4, 6)
        masks = F.interpolate(small, size=(-(-height // 4), -(-width // 4)), mode="bilinear")
        one = output(random(f"{name}/cls", count, 1, 20, 1), masks[:, None])
        return SocOutput((one,), torch.zeros(1, 1))


def clip(frames: int, height: int, width: int) -> ArrayClip:
    return ArrayClip(np.zeros((frames, height, width, 3), np.uint8), fps=24)


def test_youtube_vos_script_original_vs_ours() -> None:
    expected = Expected("post_scripts")
    for call, expression in enumerate((0, 7)):
        network = Scripted("ytvos", call)
        segmenter = Segmenter(network, build_tokenizer(network.config.text, find_weights))  # type: ignore[arg-type]
        (track,) = segmenter.segment(clip(5, 48, 64), ["a"])
        expected.check(f"ytvos/exp{expression}", torch.from_numpy(track.stack()), 0)


def test_davis_script_original_vs_ours() -> None:
    expected = Expected("post_scripts")
    network = Scripted("davis")
    tokenizer = build_tokenizer(network.config.text, find_weights)
    segmenter = Segmenter(network, tokenizer, overlap=0, keep_logits=True)  # type: ignore[arg-type]
    for annotator in range(4):
        planes = []
        for _ in range(2):
            (track,) = segmenter.segment(clip(39, 30, 44), ["a"])
            assert track.logits is not None
            planes.append(resized(torch.from_numpy(track.logits), (30, 44)).numpy())
        background = SocPipeline.background_logit
        labels = [merge_logits(np.stack([p[index] for p in planes]), background) for index in range(39)]
        assert (np.stack(labels) == expected[f"davis/anno{annotator}"]).all()


def test_transforms_original_vs_ours() -> None:
    expected = Expected("transforms")
    image = np.clip(128 + 40 * normal("soc/transforms/image", (48, 67, 3)), 0, 255).astype(np.uint8)
    mask = torch.zeros(1, 48, 67, dtype=torch.bool)
    mask[:, 10:40, 12:31] = True
    sample = Sample(
        frames=torch.from_numpy(image).permute(2, 0, 1)[None],
        masks=mask,
        boxes=torch.tensor([[12.0, 10.0, 30.0, 39.0]]),
        visible=torch.tensor([True]),
        text="the left man right of the bright car",
    )
    for case, one in {"test": sample, "train": sample, "train_flip": mirror(sample)}.items():
        frames, target = prepare(one, A2D_SIZE)
        expected.check(f"{case}/frame", frames[0], TOLERANCE)
        expected.check(f"{case}/mask", target.masks.view(expected[f"{case}/mask"].shape), 0)
        expected.check(f"{case}/box", target.boxes, TOLERANCE)
        assert expected[f"{case}/size"].tolist() == list(frames.shape[2:])
        assert str(expected[f"{case}/text"]) == one.text


def test_resizing_rule_original_vs_ours() -> None:
    for short, long, height, width, new_height, new_width in Expected("transforms")["sizes"].tolist():
        assert input_size(height, width, InputSize(short, long)) == (new_height, new_width)
