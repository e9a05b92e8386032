"""The pipeline of the trained network: any length, several sentences, hand-over to a tracker."""

from __future__ import annotations

import copy
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from refervid.core.errors import MissingWeights, SettingsError
from refervid.engines.hub.weights import find_weights
from refervid.media.array import ArrayClip
from refervid.models.soc import SOC, InputSize, NanoTextConfig, SocConfig, build_tokenizer, common_words, save
from refervid.models.soc.inference import Answers, Chain, Segmenter, windows
from refervid.pipelines.presets import load, missing_for

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


def segmenter_of(network: SOC, **settings: Any) -> Segmenter:
    return Segmenter(network, build_tokenizer(network.config.text, find_weights), size=SIZE, **settings)


def pictures(frames: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (frames, 32, 48, 3), np.uint8)


def clip(frames: int = 6) -> ArrayClip:
    return ArrayClip(pictures(frames), fps=10)


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
    chain = Chain()
    chain.add(first)
    assert chain.best() == [0]
    chain.add(second)
    assert chain.best() == [0, 1]


def random_answers(frames: list[slice], seed: int) -> list[Answers]:
    """Three queries a window, which agree with some of the next by chance."""
    random = torch.Generator().manual_seed(seed)
    return [
        Answers(
            part,
            torch.rand(3, generator=random),
            torch.rand(3, 6, generator=random),
            (torch.randint(0, 2, (3, 1, 4, 8), generator=random) * 2.0 - 1).expand(-1, 6, -1, -1).half(),
        )
        for part in frames
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_chain_found_on_the_way_is_the_best_of_all(seed: int) -> None:
    answers = random_answers(windows(22, 6, 2), seed)
    chain, handed_out = Chain(), []
    for part in answers:
        chain.add(part)
        handed_out += list(chain.decided(ended=part is answers[-1]))
    assert [index for index, _, _ in handed_out] == list(range(22))

    def merit(queries: tuple[int, ...]) -> float:
        total = sum(float(part.scores[query]) for part, query in zip(answers, queries, strict=True))
        for (before, q), (after, r) in pairwise(zip(answers, queries, strict=True)):
            a, b = before.logits[q, 0] > 0, after.logits[r, 0] > 0
            total += float((a & b).sum() / (a | b).sum())
        return total

    best = max(product(range(3), repeat=len(answers)), key=merit)
    for place, (part, query) in enumerate(zip(answers, best, strict=True)):
        frame = part.frames.start + 3  # shared with no other window
        np.testing.assert_array_equal(handed_out[frame][1], part.logits[query, 3].float(), str(place))


def test_windows_are_held_no_longer_than_later_ones_may_change_them() -> None:
    chain, handed_out, waited = Chain(), 0, []
    for part in random_answers(windows(2000, 6, 2), 0):
        chain.add(part)
        handed_out += len(list(chain.decided(ended=False)))
        waited.append(part.frames.stop - handed_out)
    assert max(waited) < 100


def test_a_window_as_long_as_the_clip_changes_nothing(network: SOC) -> None:
    whole = segmenter_of(network, window=36).segment(clip(), TEXTS)
    exact = segmenter_of(network, window=6, overlap=2).segment(clip(), TEXTS)
    for a, b in zip(whole, exact, strict=True):
        np.testing.assert_array_equal(a.stack(), b.stack())


def test_sentences_together_are_sentences_alone(network: SOC) -> None:
    segmenter = segmenter_of(network, window=4, overlap=2)
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
    changes = [f"weights={weights}", "short=32", "long=64", "tracker.kind=embedded", "pivots=2"]
    result = load("soc", device="cpu", settings=changes)(clip(), text=TEXTS[0])
    assert not isinstance(result, list)
    assert "tracker" in result.engines or result.status == "not_found"
    for pivot in result.pivots:
        assert pivot.mask is not None


@pytest.mark.parametrize(("odds", "status"), [(-9.0, "guess"), (9.0, "ok")])
def test_what_the_network_doubts_is_a_guess(network: SOC, tmp_path: Path, odds: float, status: str) -> None:
    """Its class heads alone say whether the thing is there, whatever masks it gives."""
    own = copy.deepcopy(network)
    with torch.no_grad():
        for head in own.class_embed:
            head.weight.zero_()
            head.bias.copy_(torch.linspace(odds, -odds, len(head.bias)))
    save(own, tmp_path / "own.safetensors")
    changes = [f"weights={tmp_path / 'own.safetensors'}", "short=32", "long=64"]
    result = load("soc", device="cpu", settings=changes)(clip(), text=TEXTS[0])
    assert result.masks.any()
    assert result.status == status
    assert (result.confidence > 0.5) == (status == "ok")


def test_what_cannot_be_done_is_said(weights: Path) -> None:
    with pytest.raises(SettingsError, match="sentences only"):
        load("soc", device="cpu", settings=[f"weights={weights}"])(clip(), sound=True)
    with pytest.raises(SettingsError, match="overlap"):
        load("soc", settings=["window=4", "overlap=4"])
    assert missing_for("soc", ["weights=/nowhere/file.pth"])
    with pytest.raises(MissingWeights):
        load("soc", device="cpu", settings=["weights=/nowhere/file.pth"])(clip(), text="the cup")


def test_a_published_checkpoint_lacks_its_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REFERVID_WEIGHTS", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "best.pth.tar").write_bytes(b"weights")
    (lack,) = missing_for("soc", [f"weights={tmp_path / 'best.pth.tar'}"])
    assert "refervid models pull FacebookAI/roberta-base" in lack


def test_the_nano_tokenizer_is_in_the_checkpoint(weights: Path) -> None:
    from refervid.models.soc import load as load_own

    text = load_own(weights).config.text
    assert isinstance(text, NanoTextConfig)
    assert "circle" in text.words


def test_windows_without_overlap_are_answered_one_by_one(network: SOC) -> None:
    assert windows(80, 36, 0) == [slice(0, 36), slice(36, 72), slice(72, 80)]
    (track,) = segmenter_of(network, window=4, overlap=0).segment(clip(), TEXTS[:1])
    (head,) = segmenter_of(network).segment(ArrayClip(pictures()[:4], fps=10), TEXTS[:1])
    np.testing.assert_array_equal(track.stack()[:4], head.stack())


def test_logits_are_kept_if_asked_for(network: SOC) -> None:
    (track,) = segmenter_of(network, keep_logits=True).segment(clip(), TEXTS[:1])
    assert track.logits is not None
    assert track.logits.shape == (6, 8, 12)
    (track,) = segmenter_of(network).segment(clip(), TEXTS[:1])
    assert track.logits is None


def test_sentences_in_batches_are_sentences_together(network: SOC) -> None:
    together = segmenter_of(network).segment(clip(), TEXTS)
    for a, b in zip(
        together,
        segmenter_of(network, batch=1).segment(clip(), TEXTS),
        strict=True,
    ):
        assert (a.stack() != b.stack()).mean() < 0.001


@pytest.mark.parametrize("index", [0, 3, 5])
def test_a_frame_is_answered_from_the_eight_around_it(network: SOC, index: int) -> None:
    frames = pictures()
    found = segmenter_of(network).answers_at(clip(), index, ["The  RED square"])[0]
    around = np.clip(np.arange(index - 4, index + 4), 0, 5)
    same = segmenter_of(network).answers_at(ArrayClip(frames[around], fps=10), 4, ["the red square"])
    assert found.masks.shape == (network.config.queries, 32, 48)
    torch.testing.assert_close(found.scores, same[0].scores)
    assert (found.masks == same[0].masks).all()


def test_a_still_is_seen_alone_and_its_answers_come_best_first(network: SOC) -> None:
    still = ArrayClip(pictures()[:1], fps=10)
    (found,) = segmenter_of(network).answers_at(still, 0, TEXTS[:1])
    assert (found.scores.diff() <= 0).all()
    (track,) = segmenter_of(network).segment(still, TEXTS[:1])
    assert (track[0] != found.masks[0].numpy()).mean() < 0.01
    assert track.presence[0] == pytest.approx(float(found.scores[0]), abs=1e-5)


@pytest.mark.parametrize(("frames", "short"), [(6, 320), (1, 360)])
def test_an_unknown_input_size_is_the_published_one(network: SOC, frames: int, short: int) -> None:
    seen: list[tuple[int, ...]] = []
    unknown = SOC(network.config.model_copy(update={"size": None})).eval()
    unknown.backbone.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape)))
    Segmenter(unknown, build_tokenizer(unknown.config.text, find_weights)).answers_at(
        clip(frames), 0, TEXTS[:1]
    )
    assert seen == [(1, 8 if frames > 1 else 1, 3, short, short * 3 // 2)]
