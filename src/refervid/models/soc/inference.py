"""SOC on clips of any length: one window, or windows that overlap and whose queries are linked.

In every window each query is a possible answer. Over the windows the best chain of queries is looked for:
each brings its score, and each pair of neighbours how well their masks agree on the frames they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from refervid.core.track import Track
from refervid.core.types import Hook, no_hook
from refervid.media.clip import Clip, read_frames
from refervid.models.adaptive_batch import AdaptiveBatch, memory_checked
from refervid.models.soc import SOC, InputSize, LayerOutput, Tokens
from refervid.models.soc.postprocess import (
    Predictions,
    a2d_predictions,
    clip_scores,
    refcoco_predictions,
    resized,
)
from refervid.models.soc.tokenizer import Tokenizer, clean
from refervid.models.soc.transforms import A2D_SIZE, SIZE, prepare_frames, to_tensor

Found = TypeVar("Found")

_KEPT = 3
"""Queries per window and sentence that a chain may choose from."""
_ANNOTATED = 4
"""Place of the annotated frame among those that the network sees."""


@dataclass(frozen=True)
class Answers:
    """What one window says to one sentence, best query first: `scores` (K,) and `presence` (K, T) as in
    `ClipScores`; `logits` (K, T, h, w) of the masks.
    """

    frames: slice
    scores: Tensor
    presence: Tensor
    logits: Tensor


class Segmenter:
    """The network with everything that turns a clip and sentences into tracks.

    `size` is what frames are resized to; None: as the network was trained, or if that is not known as the
    published code does. With `overlap` 0 every window is answered on its own, and the last one may be
    shorter. `batch` is how many sentences go through the network at a time, fewer if memory runs out.
    """

    def __init__(
        self,
        model: SOC,
        tokenizer: Tokenizer,
        *,
        size: InputSize | None = None,
        window: int = 36,
        overlap: int = 8,
        batch: int = 8,
        keep_logits: bool = False,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._size = size or model.config.size
        self._window = window
        self._overlap = overlap
        self._keep_logits = keep_logits
        self._device = torch.device(device)
        self._dtype = dtype
        self._batch = AdaptiveBatch(batch, "batch", self._device)

    def segment(self, clip: Clip, texts: Sequence[str], hook: Hook = no_hook) -> list[Track]:
        """One track per sentence; every window's frames go through the backbone once for all sentences.

        Raises `OutOfMemory`.
        """
        tokens = self._tokenizer(list(texts)).to(self._device)
        chains = [Chain() for _ in texts]
        tracks = [Track(len(clip), clip.height, clip.width) for _ in texts]
        for frames in windows(len(clip), self._window, self._overlap):
            answers = self._answer(clip, frames, tokens)
            for track, chain, answer in zip(tracks, chains, answers, strict=True):
                chain.add(answer)
                self._write(track, chain.decided(ended=frames.stop == len(clip)))
            hook("segment", None, frames.stop, len(clip))
        return tracks

    @torch.inference_mode()
    def answers_at(self, clip: Clip, index: int, texts: Sequence[str]) -> list[Predictions]:
        """All queries' answers to each sentence on frame `index`, as data sets of single frames take them.

        The network sees frames `index` - 4 to `index` + 3 of a clip, a still alone, and sentences in lower
        case (public repository, A2D-Sentences and RefCOCO). Raises `OutOfMemory`.
        """
        still = len(clip) == 1
        around = [0] if still else np.clip(np.arange(index - 4, index + 4), 0, len(clip) - 1).tolist()
        size = self._size or (SIZE if still else A2D_SIZE)
        pixels = self._pixels(clip, around, size)
        annotated = torch.tensor([0 if still else _ANNOTATED], device=self._device)
        tokens = self._tokenizer([clean(text) for text in texts]).to(self._device)
        padded, original = (pixels.shape[-2], pixels.shape[-1]), (clip.height, clip.width)

        def predictions(output: LayerOutput) -> list[Predictions]:
            count = len(output.classes)
            if still:
                return refcoco_predictions(output, [padded] * count, [original] * count)
            return a2d_predictions(output, padded, [padded] * count, [original] * count)

        return self._refer(pixels, tokens, predictions, annotated)

    @torch.inference_mode()
    def _answer(self, clip: Clip, frames: slice, tokens: Tokens) -> list[Answers]:
        linked = self._overlap > 0 and frames != slice(0, len(clip))
        pixels = self._pixels(clip, range(frames.start, frames.stop), self._size or SIZE)

        def answers(output: LayerOutput) -> list[Answers]:
            found, scored = [], clip_scores(output.classes)
            for total, presence, logits in zip(
                scored.total, scored.presence.transpose(1, 2), output.masks.transpose(1, 2), strict=True
            ):
                scores, best = total.topk(min(_KEPT, len(total)) if linked else 1)
                # Linked windows wait for later ones: half precision halves what they hold.
                kept = logits[best].half() if linked else logits[best]
                found.append(Answers(frames, scores.cpu(), presence[best].cpu(), kept.cpu()))
            return found

        return self._refer(pixels, tokens, answers)

    def _pixels(self, clip: Clip, indices: Sequence[int], size: InputSize) -> Tensor:
        """(T, 3, h, w) on the device."""
        return prepare_frames(to_tensor(read_frames(clip, indices)), size).to(self._device)

    def _refer(
        self,
        pixels: Tensor,
        tokens: Tokens,
        read: Callable[[LayerOutput], list[Found]],
        annotated: Tensor | None = None,
    ) -> list[Found]:
        """What `read` makes of the network's output, sentence by sentence; the backbone runs once."""
        with self._precision():
            with memory_checked(self._device, "window or short"):
                features = self._model.encode_clips(pixels[None], None, annotated)

            def refer(part: slice) -> list[Found]:
                asked = Tokens(tokens.ids[part], tokens.keep[part])
                rows = torch.zeros(len(asked.ids), dtype=torch.long, device=self._device)
                return read(self._model.refer(features, asked, rows).main)

            return self._batch.run(refer, len(tokens.ids))

    def _precision(self) -> AbstractContextManager[object]:
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, self._dtype)

    def _write(self, track: Track, frames: Iterable[tuple[int, Tensor, float]]) -> None:
        for index, logits, presence in frames:
            track[index] = (resized(logits[None], (track.height, track.width))[0] > 0).numpy()
            track.presence[index] = presence
            if self._keep_logits:
                if track.logits is None:
                    track.logits = np.zeros((len(track), *logits.shape), np.float32)
                track.logits[index] = logits.numpy()


def windows(frames: int, length: int, overlap: int) -> list[slice]:
    """Windows of `length` frames that share at least `overlap` with the next; one if all frames fit.

    Without overlap they follow each other, and the last one may be shorter.
    """
    if frames <= length:
        return [slice(0, frames)]
    if not overlap:
        return [slice(start, min(start + length, frames)) for start in range(0, frames, length)]
    count = -(-(frames - overlap) // (length - overlap))
    starts = np.linspace(0, frames - length, count).round().astype(int).tolist()
    return [slice(start, start + length) for start in starts]


class Chain:
    """The best chain of queries through one sentence's windows, which are added in order (Viterbi).

    Only windows on which the chains that may still win differ, and the one before them, are held.
    """

    def __init__(self) -> None:
        self._windows: list[Answers] = []
        self._totals = torch.empty(0)
        self._paths: list[list[int]] = []  # the best chain to each query of the last window
        self._done = 0  # frames handed out

    def add(self, answers: Answers) -> None:
        if self._windows:
            links = self._totals[:, None] + _agreement(self._windows[-1], answers)
            best, sources = links.max(0)
            self._totals = best + answers.scores
            self._paths = [[*self._paths[source], query] for query, source in enumerate(sources.tolist())]
        else:
            self._totals = answers.scores
            self._paths = [[query] for query in range(len(answers.scores))]
        self._windows.append(answers)

    def best(self) -> list[int]:
        """The query of every window held, as its place among the kept ones."""
        return self._paths[int(self._totals.argmax())]

    def decided(self, *, ended: bool) -> Iterator[tuple[int, Tensor, float]]:
        """Frame, mask logits (h, w) and presence in order, of the frames that no later window changes and
        that were not handed out yet; with `ended` there is no later window.
        """
        paths = [self.best()] if ended else self._paths
        # Chains that meet in one window are the same before it.
        picks = [query for query, *others in zip(*paths, strict=True) if all(o == query for o in others)]
        # A window fades into the next one, whose query must be known.
        count = len(picks) if ended else max(len(picks) - 1, 0)
        for place in range(count):
            yield from _joined(self._windows, picks, place, self._done)
            self._done = self._windows[place].frames.stop
        del self._windows[:count]
        self._paths = [path[count:] for path in self._paths]


def _agreement(before: Answers, after: Answers) -> Tensor:
    """(K, K): intersection over union of the masks on the shared frames; 1 where both are empty or no
    frame is shared.
    """
    shared = before.frames.stop - after.frames.start
    if not shared:
        return torch.ones(len(before.scores), len(after.scores))
    a = (before.logits[:, -shared:] > 0).flatten(1).float()
    b = (after.logits[:, :shared] > 0).flatten(1).float()
    intersection = a @ b.T
    union = a.sum(1)[:, None] + b.sum(1)[None] - intersection
    return torch.where(union > 0, intersection / union.clamp(min=1), 1.0)


def _joined(
    chain: Sequence[Answers], picks: Sequence[int], place: int, done: int
) -> Iterator[tuple[int, Tensor, float]]:
    """Frame, mask logits (h, w) and presence of the window at `place`, from frame `done` on; frames shared
    with the next window fade into it.
    """
    answers, pick = chain[place], picks[place]
    for index in range(max(answers.frames.start, done), answers.frames.stop):
        offset = index - answers.frames.start
        logits, presence = answers.logits[pick, offset].float(), float(answers.presence[pick, offset])
        if place + 1 < len(picks) and index >= chain[place + 1].frames.start:
            later, other = chain[place + 1], picks[place + 1]
            shared = answers.frames.stop - later.frames.start
            offset = index - later.frames.start
            weight = (offset + 1) / (shared + 1)
            logits = (1 - weight) * logits + weight * later.logits[other, offset].float()
            presence = (1 - weight) * presence + weight * float(later.presence[other, offset])
        yield index, logits, presence
