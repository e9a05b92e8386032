"""What every source of training data gives: a clip with sentences, drawn by epoch and number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from refervid.models.soc.tokenizer import clean
from refervid.models.soc.transforms import Sample, mask_boxes, mirror
from refervid.training.jitter import jittered


@dataclass(frozen=True)
class ClipSamples:
    """Samples of one clip: they share their frames, each has its own sentence.

    `name` tells a person which clip it is. With `annotated` the masks are those of that frame alone.
    `flip` is how often such a draw should be mirrored, 0..1.
    """

    name: str
    samples: tuple[Sample, ...]
    annotated: int | None = None
    flip: float = 0.0

    def mirrored(self) -> ClipSamples:
        return replace(self, samples=tuple(mirror(sample) for sample in self.samples))

    def jittered(self, random: np.random.Generator) -> ClipSamples:
        """With other colours, the same for all samples, which go on sharing their frames."""
        frames = jittered(self.samples[0].frames, random)
        return replace(self, samples=tuple(replace(sample, frames=frames) for sample in self.samples))


class Source(Protocol):
    """Training data. `draw` is a function of its arguments alone, so that any process can repeat it."""

    def __len__(self) -> int:
        """Samples in one epoch."""
        ...

    def texts(self) -> list[str]:
        """Sentences, or phrases that hold all their words: the vocabulary of a small text encoder."""
        ...

    def contents(self) -> dict[str, str]:
        """A digest of what is read from each folder; empty for what is made up."""
        ...

    def draw(self, index: int, epoch: int, random: np.random.Generator) -> ClipSamples: ...


def sample_of(frames: Tensor, masks: NDArray[np.bool_], text: str, label: int = 0) -> Sample:
    """`frames` (T, 3, H, W) uint8 with truth (T or 1, H, W), from which the boxes follow.

    The sentence is put in lower case, as published: a pretrained text encoder tells cases apart.
    """
    truth = torch.from_numpy(masks)
    return Sample(frames, truth, mask_boxes(truth), truth.flatten(1).any(1), clean(text), label)
