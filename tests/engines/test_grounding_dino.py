"""Grounding DINO on a tiny real model with random weights, against transformers' own processing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from refervid.core.errors import BadCheckpoint, MissingWeights, OutOfMemory
from refervid.engines.base import DetectorRequest, Runtime
from refervid.engines.detector_pixels import shorter_side_size, to_tensor
from refervid.engines.grounding_dino import GroundingDinoDetector, GroundingDinoSettings, caption
from refervid.engines.hub.weights import find_weights
from refervid.engines.text_detector import box_dtype
from refervid.media.array import ArrayClip
from tests.engines.tiny_detectors import KINDS, grounding_dino_folder


@pytest.fixture(scope="module", params=sorted(KINDS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grounding_dino_folder(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def clip() -> ArrayClip:
    return ArrayClip(np.random.default_rng(0).integers(0, 256, (3, 60, 90, 3), np.uint8))


def _detector(folder: Path, **settings: object) -> GroundingDinoDetector:
    options = GroundingDinoSettings(weights=str(folder), short_side=96, long_side=160, **settings)
    return GroundingDinoDetector.build(options, Runtime("cpu", "float32", False, folder))


REQUESTS = [
    DetectorRequest(2, "The red dog"),
    DetectorRequest(0, "a cup on the left."),
    DetectorRequest(2, "that blue cup"),
]


def test_batches_share_the_backbone_and_equal_single_runs(folder: Path, clip: ArrayClip) -> None:
    detector = _detector(folder, box_threshold=0.0)
    runs = []
    detector._backbone.backbone.register_forward_hook(lambda *_: runs.append(1))
    together = detector.detect(clip, REQUESTS)
    assert len(runs) == 1  # two frames in one batch, three sentences
    for request, expected in zip(REQUESTS, together, strict=True):
        [single] = detector.detect(clip, [request])
        assert len(single) == len(expected) == 12
        np.testing.assert_allclose([c.box_xyxy for c in single], [c.box_xyxy for c in expected], atol=2e-3)
        assert [c.phrase for c in single] == [c.phrase for c in expected]


def test_original_vs_ours(folder: Path, clip: ArrayClip) -> None:
    from transformers import AutoModelForZeroShotObjectDetection, AutoTokenizer

    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(["the red dog."], return_tensors="pt")
    pixels = to_tensor(clip.frame(2), shorter_side_size(60, 90, 96, 160))[None]
    with torch.inference_mode():
        output = model(pixel_values=pixels, **tokens)
    scores = output.logits.sigmoid()[0].max(dim=1).values
    best = int(scores.argmax())
    [ours] = _detector(folder, box_threshold=0.0).detect(clip, REQUESTS[:1])
    assert ours[0].score == pytest.approx(float(scores[best]), abs=1e-5)
    x, y, w, h = (output.pred_boxes[0, best] * torch.tensor([90, 60, 90, 60])).tolist()
    np.testing.assert_allclose(ours[0].box_xyxy, [x - w / 2, y - h / 2, x + w / 2, y + h / 2], atol=1e-3)


def test_thresholds_and_last_resort(folder: Path, clip: ArrayClip) -> None:
    detector = _detector(folder, box_threshold=1.0)
    assert detector.detect(clip, REQUESTS) == [[], [], []]
    [guess] = detector.detect(clip, [DetectorRequest(1, "a dog", last_resort=True)])
    assert len(guess) == 1


def test_boxes_in_the_order_of_queries(folder: Path, clip: ArrayClip) -> None:
    [by_score] = _detector(folder, box_threshold=0.0).detect(clip, REQUESTS[:1])
    [by_query] = _detector(folder, box_threshold=0.0, order="queries").detect(clip, REQUESTS[:1])
    scores = [one.score for one in by_query]
    assert sorted(scores, reverse=True) == [one.score for one in by_score]
    assert scores != sorted(scores, reverse=True)


def test_caption_is_lower_case_with_a_full_stop() -> None:
    assert caption(" The Red dog ") == "the red dog."
    assert caption("a cup.") == "a cup."


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(480, 854, (749, 1332)), (720, 1280, (750, 1333)), (400, 300, (1066, 800))],
)
def test_resize_rule(height: int, width: int, expected: tuple[int, int]) -> None:
    assert shorter_side_size(height, width) == expected


def test_missing_weights_name_the_command() -> None:
    with pytest.raises(MissingWeights, match="refervid models pull nobody/nothing"):
        find_weights("nobody/nothing")
    assert GroundingDinoDetector.missing(GroundingDinoSettings(weights="nobody/nothing"))
    for file in ("out/best.safetensors", "./nobody/nothing", "weights.pth"):
        with pytest.raises(MissingWeights, match="no checkpoint at"):
            find_weights(file)


def test_a_truncated_checkpoint_is_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        data = file.read_bytes()
        (tmp_path / file.name).write_bytes(data[:-500] if file.suffix == ".safetensors" else data)
    with pytest.raises(BadCheckpoint, match="download it again"):
        _detector(tmp_path)


def test_keys_that_are_left_over(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        shutil.copy(file, tmp_path / file.name)
    weights = load_file(folder / "model.safetensors")
    weights["model.text_backbone.embeddings.position_ids"] = torch.arange(4)[None]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert _detector(tmp_path)
    weights["model.text_backbone.embeddings.something"] = torch.zeros(2)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadCheckpoint, match=r"unexpected keys: model\.text_backbone\.embeddings\.something$"):
        _detector(tmp_path)


def test_nothing_is_run_twice_on_one_clip(folder: Path, clip: ArrayClip) -> None:
    detector = _detector(folder, box_threshold=0.0)
    frames, texts = [], []
    detector._backbone.backbone.register_forward_hook(lambda _, args, __: frames.extend(args[0]))
    detector._model.register_forward_pre_hook(
        lambda _, args, options: texts.extend(options["input_ids"]), with_kwargs=True
    )
    first = detector.detect(clip, [*REQUESTS, REQUESTS[0]])
    assert first[0] == first[3]
    guess = DetectorRequest(REQUESTS[0].frame_index, REQUESTS[0].text, last_resort=True)
    again = detector.detect(clip, [guess, DetectorRequest(0, "the dog")])
    assert again[0][0].score == first[0][0].score
    assert (len(frames), len(texts)) == (2, 4)
    other = ArrayClip(np.zeros((1, 60, 90, 3), np.uint8))
    assert detector.detect(other, [DetectorRequest(0, "the dog")]) != again[1:]
    assert (len(frames), len(texts)) == (3, 5)


def test_frames_beyond_what_is_kept(folder: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (12, 60, 90, 3), np.uint8)
    requests = [DetectorRequest(frame, text) for frame in (*range(12), 0, 5) for text in ("a dog", "a cup")]
    detector = _detector(folder, box_threshold=0.0, batch=3)
    detector.detect(ArrayClip(pixels), [DetectorRequest(frame, "the cup") for frame in range(12)])
    clip = ArrayClip(pixels)
    detector.detect(clip, requests[:4])
    one_by_one = _detector(folder, box_threshold=0.0, batch=1)
    for request, found in zip(requests, detector.detect(clip, requests), strict=True):
        [single] = one_by_one.detect(clip, [request])
        np.testing.assert_allclose([c.box_xyxy for c in single], [c.box_xyxy for c in found], atol=2e-3)


def test_of_a_long_sentence_the_first_tokens_are_read(folder: Path, clip: ArrayClip) -> None:
    detector = _detector(folder, box_threshold=0.0)
    endless = DetectorRequest(0, "the red dog " * 200)
    [found], [beside, again] = detector.detect(clip, [endless]), detector.detect(clip, [REQUESTS[0], endless])
    assert len(found) == len(again) == 12
    [alone] = _detector(folder, box_threshold=0.0).detect(clip, [REQUESTS[0]])
    np.testing.assert_allclose([c.score for c in beside], [c.score for c in alone], atol=1e-5)


def test_boxes_are_finer_than_bfloat16_unless_that_is_asked_for(folder: Path) -> None:
    def dtype(asked: str) -> torch.dtype:
        settings = GroundingDinoSettings(weights=str(folder))
        return GroundingDinoDetector.build(settings, Runtime("cpu", asked, False, folder))._dtype  # type: ignore[arg-type]

    assert box_dtype("auto") == dtype("auto") == torch.float32
    assert dtype("bfloat16") == torch.bfloat16


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_a_cut_tokenizer_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    for file in folder.iterdir():
        data = file.read_bytes()
        (tmp_path / file.name).write_bytes(data[: len(data) // 2] if file.name == name else data)
    with pytest.raises(BadCheckpoint, match="files of the tokenizer"):
        _detector(tmp_path)


def _exhausted(folder: Path, module: str, largest: int) -> GroundingDinoDetector:
    """A detector of which one part runs out of memory above `largest` entries."""
    detector = _detector(folder, box_threshold=0.0)

    def refuse(_: object, args: tuple[torch.Tensor], options: dict[str, torch.Tensor]) -> None:
        if len(next(iter((*args, *options.values())))) > largest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    part = detector._model.get_submodule(module)
    part.register_forward_pre_hook(refuse, with_kwargs=True)
    return detector


@pytest.mark.parametrize("module", ["model.backbone.backbone", "model.text_backbone"])
def test_out_of_memory_is_tried_with_smaller_batches(folder: Path, module: str) -> None:
    clip = ArrayClip(np.random.default_rng(0).integers(0, 256, (4, 60, 90, 3), np.uint8))
    requests = [DetectorRequest(frame, "the red dog") for frame in range(4)]
    whole = _detector(folder, box_threshold=0.0).detect(clip, requests)
    pieces = _exhausted(folder, module, 2).detect(clip, requests)
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_allclose([c.box_xyxy for c in one], [c.box_xyxy for c in other], atol=2e-3)
    with pytest.raises(OutOfMemory, match="cpu ran out of memory with batch=2: lower batch"):
        _exhausted(folder, module, 0).detect(clip, requests)
