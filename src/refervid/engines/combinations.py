"""Which of several named things sound together: the likeliest combination of names per interval.

AL-Ref-SAM 2, `avs` scripts, first LanguageBind stage.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from refervid.core.types import Interval, SoundingObject, Waveform
from refervid.engines.hub.engine import HubEngine, HubSettings
from refervid.engines.segments import cut
from refervid.models.adaptive_batch import AdaptiveBatch

log = logging.getLogger(__name__)

MOST_COMBINATIONS = 255
"""All of 8 names. Of more, the larger combinations are left out; the published data never has above 3."""

ALIASES: Mapping[str, str] = MappingProxyType({"dog": "dog barking", "cat": "cat meow", "gun": "gun shot"})
"""Names that say too little about their sound, as published."""


class CombinationSettings(HubSettings):
    """`batch` sounds go through the network together; `joiner` stands between names (published: ", " for MS3
    and V2, "; " for AVSS); `aliases` are what the text tower is told in the place of a name.
    """

    batch: int = Field(8, ge=1)
    joiner: str = ", "
    aliases: Mapping[str, str] = Field(default_factory=lambda: dict(ALIASES))


class CombinationBinder(HubEngine, ABC):
    """Compares the sound of every interval with every combination of names."""

    def __init__(self, network: nn.Module, settings: CombinationSettings, device: str) -> None:
        self.version = settings.weights
        self._naming = settings
        self._network: Any = network.to(device)
        self._device = device
        self._batch = AdaptiveBatch(settings.batch, "batch", torch.device(device))

    @abstractmethod
    def similarity(self, texts: Sequence[str], sounds: Sequence[Waveform]) -> NDArray[np.float32]:
        """(texts, sounds); no sound is empty."""

    def bind(
        self, waveform: Waveform, intervals: Sequence[Interval], objects: Sequence[SoundingObject]
    ) -> list[frozenset[str]]:
        """For every interval the names whose combination is most similar to its sound; the first of equals.

        A single name sounds in all of them, and no model is asked. An interval beyond the sound has none.
        """
        names = list(dict.fromkeys(thing.name for thing in objects))
        if len(names) < 2:
            return [frozenset(names)] * len(intervals)
        sounds = [cut(waveform, interval) for interval in intervals]
        heard = [index for index, sound in enumerate(sounds) if len(sound.samples)]
        sounding: list[frozenset[str]] = [frozenset()] * len(intervals)
        if not heard:
            return sounding
        candidates = name_combinations(names)
        texts = [self._spoken(candidate) for candidate in candidates]
        # numpy's argmax is the first of equals; torch's need not be.
        best = self.similarity(texts, [sounds[index] for index in heard]).argmax(axis=0)
        for index, winner in zip(heard, best, strict=True):
            sounding[index] = frozenset(candidates[winner])
        return sounding

    def _spoken(self, names: Sequence[str]) -> str:
        return self._naming.joiner.join(self._naming.aliases.get(name, name) for name in names)


def name_combinations(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Single names, then pairs, and so on; each size in lexicographic order of positions."""
    found: list[tuple[str, ...]] = []
    for size in range(1, len(names) + 1):
        these = list(combinations(names, size))
        if len(found) + len(these) > MOST_COMBINATIONS and size > 1:
            log.warning("of %d names that may sound, at most %d are tried together", len(names), size - 1)
            break
        found += these
    return found
