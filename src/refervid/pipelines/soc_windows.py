"""SOC on clips of any length: one window, or windows that overlap and whose queries are linked.

In every window each query is a possible answer. Over the windows the best chain of queries is looked for:
each brings its score, and each pair of neighbours how well their masks agree on the frames they share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from refervid.media.clip import Clip
from refervid.models.soc import SOC, InputSize, Tokens, build_tokenizer
from refervid.models.soc.transforms import prepare_frames
from refervid.track import Track
from refervid.types import Hook, no_hook

_KEPT = 3
"""Queries per window and sentence that a chain may choose from."""


@dataclass(frozen=True)
class Answers:
    """What one window says to one sentence, best query first: `scores` (K,), the mean over the frames of
    `presence` (K, T) in 0..1; `logits` (K, T, h, w) float16 of the masks.
    """

    frames: slice
    scores: Tensor
    presence: Tensor
    logits: Tensor


class Segmenter:
    """The network with everything that turns a clip and sentences into tracks.

    `size` is what frames are resized to; None: as the network was trained.
    """

    def __init__(
        self,
        model: SOC,
        *,
        size: InputSize | None = None,
        window: int = 36,
        overlap: int = 8,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._model = model
        self._tokenizer = build_tokenizer(model.config.text)
        self._size = size or model.config.size
        self._window = window
        self._overlap = overlap
        self._device = torch.device(device)
        self._dtype = dtype

    def segment(self, clip: Clip, texts: Sequence[str], hook: Hook = no_hook) -> list[Track]:
        """One track per sentence; every window's frames go through the backbone once for all sentences."""
        tokens = self._tokenizer(list(texts)).to(self._device)
        chains: list[list[Answers]] = [[] for _ in texts]
        for frames in windows(len(clip), self._window, self._overlap):
            for chain, answers in zip(chains, self._answer(clip, frames, tokens), strict=True):
                chain.append(answers)
            hook("segment", None, frames.stop, len(clip))
        return [self._track(clip, chain) for chain in chains]

    @torch.inference_mode()
    def _answer(self, clip: Clip, frames: slice, tokens: Tokens) -> list[Answers]:
        pictures = np.stack([frame for _, frame in clip.frames(range(frames.start, frames.stop))])
        pixels = prepare_frames(torch.from_numpy(pictures).permute(0, 3, 1, 2).to(self._device), self._size)
        rows = torch.zeros(len(tokens.ids), dtype=torch.long, device=self._device)
        with self._precision():
            output = self._model(pixels[None], tokens, rows=rows).main
        presence = output.classes.float().sigmoid().amax(-1).transpose(1, 2)
        found = []
        for seen, logits in zip(presence, output.masks.transpose(1, 2), strict=True):
            scores, best = seen.mean(1).topk(min(_KEPT, seen.shape[0]))
            found.append(Answers(frames, scores.cpu(), seen[best].cpu(), logits[best].half().cpu()))
        return found

    def _precision(self) -> AbstractContextManager[object]:
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, self._dtype)

    def _track(self, clip: Clip, chain: Sequence[Answers]) -> Track:
        track = Track(len(clip), clip.height, clip.width)
        for index, logits, presence in _joined(chain, best_chain(chain)):
            enlarged = F.interpolate(logits[None, None], (clip.height, clip.width), mode="bilinear")
            track[index] = (enlarged[0, 0] > 0).numpy()
            track.presence[index] = presence
        return track


def windows(frames: int, length: int, overlap: int) -> list[slice]:
    """Windows of `length` frames that share at least `overlap` with the next; one if all frames fit."""
    if frames <= length:
        return [slice(0, frames)]
    count = -(-(frames - overlap) // (length - overlap))
    starts = np.linspace(0, frames - length, count).round().astype(int).tolist()
    return [slice(start, start + length) for start in starts]


def best_chain(chain: Sequence[Answers]) -> list[int]:
    """The query of every window, as its place among the kept ones (Viterbi)."""
    totals = chain[0].scores
    sources = []
    for before, after in pairwise(chain):
        links = totals[:, None] + _agreement(before, after)
        best, source = links.max(0)
        totals = best + after.scores
        sources.append(source)
    picks = [int(totals.argmax())]
    for source in reversed(sources):
        picks.append(int(source[picks[-1]]))
    return picks[::-1]


def _agreement(before: Answers, after: Answers) -> Tensor:
    """(K, K): intersection over union of the masks on the shared frames; 1 where both are empty."""
    shared = before.frames.stop - after.frames.start
    a = (before.logits[:, -shared:] > 0).flatten(1).float()
    b = (after.logits[:, :shared] > 0).flatten(1).float()
    intersection = a @ b.T
    union = a.sum(1)[:, None] + b.sum(1)[None] - intersection
    return torch.where(union > 0, intersection / union.clamp(min=1), 1.0)


def _joined(chain: Sequence[Answers], picks: Sequence[int]) -> Iterator[tuple[int, Tensor, float]]:
    """Frame, mask logits (h, w) and presence in order; shared frames fade from one window to the next."""
    for place, (answers, pick) in enumerate(zip(chain, picks, strict=True)):
        done = chain[place - 1].frames.stop if place else 0
        for index in range(max(answers.frames.start, done), answers.frames.stop):
            offset = index - answers.frames.start
            logits, presence = answers.logits[pick, offset].float(), float(answers.presence[pick, offset])
            if place + 1 < len(chain) and index >= chain[place + 1].frames.start:
                later, other = chain[place + 1], picks[place + 1]
                shared = answers.frames.stop - later.frames.start
                offset = index - later.frames.start
                weight = (offset + 1) / (shared + 1)
                logits = (1 - weight) * logits + weight * later.logits[other, offset].float()
                presence = (1 - weight) * presence + weight * float(later.presence[other, offset])
            yield index, logits, presence
