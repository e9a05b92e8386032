"""The pipeline of the trained network: any length, several sentences, hand-over to a tracker."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from refervid.errors import MissingWeights, SettingsError
from refervid.media.array import ArrayClip
from refervid.models.soc import SOC, InputSize, NanoTextConfig, SocConfig, common_words, save
from refervid.pipelines.presets import load, missing_for
from refervid.pipelines.soc_windows import Answers, Segmenter, best_chain, windows

SIZE = InputSize(32, 64)
TEXTS = ["the red square", "the blue circle on the left"]


@pytest.fixture(scope="module")
def network() -> SOC:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = SocConfig.nano(common_words(TEXTS))
    return SOC(config).eval()


@pytest.fixture(scope="module")
def weights(network: SOC, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "own.safetensors"
    save(network, path)
    return path


def clip(frames: int = 6) -> ArrayClip:
    random = np.random.default_rng(0)
    return ArrayClip(random.integers(0, 255, (frames, 32, 48, 3), np.uint8), fps=10)


def test_windows_cover_all_frames_and_overlap() -> None:
    for frames in (1, 7, 8, 9, 20, 31, 100):
        cut = windows(frames, 8, 3)
        assert cut[0].start == 0
        assert cut[-1].stop == frames
        assert all(b.start <= a.stop - 3 for a, b in pairwise(cut))
        assert all(part.stop - part.start == min(8, frames) for part in cut)


def test_a_chain_follows_the_masks_where_scores_are_close() -> None:
    def answers(frames: slice, scores: list[float], columns: list[int]) -> Answers:
        logits = torch.full((2, 4, 4, 8), -5.0)
        for query, column in enumerate(columns):
            logits[query, :, :, column] = 5.0
        return Answers(frames, torch.tensor(scores), torch.ones(2, 4), logits.half())

    first = answers(slice(0, 4), [0.9, 0.2], [1, 6])
    second = answers(slice(2, 6), [0.6, 0.5], [6, 1])
    assert best_chain([first, second]) == [0, 1]
    assert best_chain([first]) == [0]


def test_a_window_as_long_as_the_clip_changes_nothing(network: SOC) -> None:
    whole = Segmenter(network, size=SIZE, window=36).segment(clip(), TEXTS)
    exact = Segmenter(network, size=SIZE, window=6, overlap=2).segment(clip(), TEXTS)
    for a, b in zip(whole, exact, strict=True):
        np.testing.assert_array_equal(a.stack(), b.stack())


def test_sentences_together_are_sentences_alone(network: SOC) -> None:
    segmenter = Segmenter(network, size=SIZE, window=4, overlap=2)
    together = segmenter.segment(clip(), TEXTS)
    for text, track in zip(TEXTS, together, strict=True):
        alone = segmenter.segment(clip(), [text])[0]
        assert (alone.stack() != track.stack()).mean() < 0.001
        np.testing.assert_allclose(alone.presence, track.presence, atol=1e-4)


def test_results_in_the_order_asked(weights: Path) -> None:
    pipeline = load("soc", device="cpu", settings=[f"weights={weights}", "short=32", "long=64"])
    results = pipeline(clip(), text=[*TEXTS, " "])
    assert isinstance(results, list)
    assert [result.query for result in results] == [*TEXTS, " "]
    assert results[2].status == "not_found"
    assert results[0].masks.shape == (6, 32, 48)


def test_a_tracker_takes_over(weights: Path) -> None:
    changes = [f"weights={weights}", "short=32", "long=64", "tracker.kind=flow", "pivots=2"]
    result = load("soc", device="cpu", settings=changes)(clip(), text=TEXTS[0])
    assert not isinstance(result, list)
    assert "tracker" in result.engines or result.status == "not_found"
    for pivot in result.pivots:
        assert pivot.mask is not None


def test_what_cannot_be_done_is_said(weights: Path) -> None:
    with pytest.raises(SettingsError, match="sentences only"):
        load("soc", device="cpu", settings=[f"weights={weights}"])(clip(), sound=True)
    with pytest.raises(SettingsError, match="overlap"):
        load("soc", settings=["window=4", "overlap=4"])
    assert missing_for("soc", ["weights=/nowhere/file.pth"])
    with pytest.raises(MissingWeights):
        load("soc", device="cpu", settings=["weights=/nowhere/file.pth"])(clip(), text="the cup")


def test_the_nano_tokenizer_is_in_the_checkpoint(weights: Path) -> None:
    from refervid.models.soc import load as load_own

    text = load_own(weights).config.text
    assert isinstance(text, NanoTextConfig)
    assert "circle" in text.words
