"""Boxes to masks against the official image predictor, and both ways to prepare a picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from refervid.engines.sam2.pixels import picture_pixels, video_pixels
from refervid.engines.sam2.prompts import boxes_to_masks
from refervid.models.normalisation import IMAGENET_MEAN, IMAGENET_STD
from tests.parity.sam2 import published
from tests.parity.sam2.published import FRAMES, IMAGE, SIZE

MEAN = torch.tensor(IMAGENET_MEAN).view(3, 1, 1)
STD = torch.tensor(IMAGENET_STD).view(3, 1, 1)


@pytest.mark.parametrize("version", ["sam2.1", "sam2"])
def test_boxes_give_the_image_predictors_masks(version: str) -> None:
    network = published.network(version)
    frame = FRAMES[int(IMAGE["frame"])]
    features = network.encode(picture_pixels(frame, SIZE)[None])[0]
    masks, decoded = boxes_to_masks(network, features, list(IMAGE["boxes"]), *frame.shape[:2])
    low = decoded.logits.clamp(-32, 32)
    np.testing.assert_allclose(low, IMAGE[f"{version}/low"], rtol=0, atol=1e-4)
    assert (np.stack(masks) == published.unpack(IMAGE[f"{version}/mask"])).all()


def test_pictures_are_prepared_as_the_image_predictor_does() -> None:
    pixels = picture_pixels(FRAMES[int(IMAGE["frame"])], SIZE)
    np.testing.assert_allclose(((pixels - MEAN) / STD)[:, ::16, ::16], IMAGE["pixels"], rtol=0, atol=1e-5)


def test_frames_are_prepared_as_the_video_predictor_does() -> None:
    truth = np.load(published.HERE / "internals_sam2.1.npz")
    pixels = video_pixels(FRAMES[int(truth["frame"])], SIZE).float() / 255
    np.testing.assert_allclose(((pixels - MEAN) / STD)[:, ::16, ::16], truth["pixels"], rtol=0, atol=1e-5)


def test_encoder_features_match() -> None:
    truth = np.load(published.HERE / "internals_sam2.1.npz")
    network = published.network("sam2.1")
    pixels = video_pixels(FRAMES[int(truth["frame"])], SIZE).float() / 255
    features = network.encode(pixels[None])[0]
    slices = {
        "fpn_stride4": features.stride4[0, :2, ::4, ::4],
        "fpn_stride8": features.stride8[0, :2, ::2, ::2],
        "fpn_stride16": features.stride16[0, :8],
    }
    for name, own in slices.items():
        np.testing.assert_allclose(own, truth[name], rtol=0, atol=1e-4)
    means = [float(level.mean()) for level in features.levels]
    np.testing.assert_allclose(means, truth["fpn_means"], atol=1e-5)
