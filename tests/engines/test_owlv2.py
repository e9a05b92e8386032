"""OWLv2 on a tiny real model with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CLIPTokenizer, Owlv2Config, Owlv2ForObjectDetection

from refervid.core.errors import BadCheckpoint, OutOfMemory
from refervid.engines.base import DetectorRequest, Runtime
from refervid.engines.owlv2 import Owlv2Detector, Owlv2Settings, without_overlaps
from refervid.media.array import ArrayClip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("owlv2")
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    special = {"bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1, "pad_token_id": 0}
    config = Owlv2Config(
        text_config={**small, **special, "vocab_size": len(words), "max_position_embeddings": 16},
        vision_config={**small, "image_size": 64, "patch_size": 16},
        projection_dim=16,
    )
    Owlv2ForObjectDetection(config).save_pretrained(path)
    tokenizer = CLIPTokenizer(vocab={word: n for n, word in enumerate(words)}, merges=[])
    tokenizer.save_pretrained(path)
    return path


def test_sentences_share_a_frame_and_do_not_influence_each_other(folder: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 40, 72, 3), np.uint8)
    clip = ArrayClip(frames)
    settings = Owlv2Settings(weights=str(folder), box_threshold=0.0, overlap=1.0)
    detector = Owlv2Detector.build(settings, Runtime("cpu", "float32", False, folder))
    runs = []
    detector._model.owlv2.vision_model.register_forward_hook(lambda *_: runs.append(1))
    requests = [DetectorRequest(1, "a red cup"), DetectorRequest(1, "dog"), DetectorRequest(0, "dog")]
    together = detector.detect(clip, requests)
    assert len(runs) == 2
    for request, expected in zip(requests, together, strict=True):
        [single] = detector.detect(clip, [request])
        assert len(single) == 16  # one per patch of 4 x 4
        np.testing.assert_allclose([c.score for c in single], [c.score for c in expected], atol=1e-5)
        assert [c.score for c in single] == sorted((c.score for c in single), reverse=True)
    [guess] = detector.detect(clip, [DetectorRequest(0, "dog", last_resort=True)])
    assert len(guess) == 1


def test_overlapping_boxes_give_way_to_better_ones() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 10, 10], [20, 0, 30, 10], [0, 0, 10, 4]], np.float32)
    assert without_overlaps(boxes, 0.5) == [0, 2, 3]


def test_a_cut_tokenizer_is_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    cut = tmp_path / "tokenizer.json"
    cut.write_bytes(cut.read_bytes()[:100])
    with pytest.raises(BadCheckpoint, match="files of the tokenizer"):
        Owlv2Detector.build(Owlv2Settings(weights=str(tmp_path)), Runtime("cpu", "float32", False, folder))


def test_out_of_memory_has_its_own_error(folder: Path) -> None:
    detector = Owlv2Detector.build(
        Owlv2Settings(weights=str(folder)), Runtime("cpu", "float32", False, folder)
    )

    def refuse(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    detector._model.register_forward_pre_hook(refuse)
    with pytest.raises(OutOfMemory, match="cpu ran out of memory: choose a smaller model"):
        detector.detect(ArrayClip(np.zeros((1, 40, 72, 3), np.uint8)), [DetectorRequest(0, "dog")])
