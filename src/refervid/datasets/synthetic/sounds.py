"""Sounds that toys make; each function gives mono float32 samples in -1..1."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def thud(rate: int, loudness: float = 1.0) -> Samples:
    """A rubber ball on wood: a low tone that falls while it dies away, with a short knock."""
    time = np.arange(int(0.22 * rate)) / rate
    pitch = 90 + 70 * np.exp(-time * 40)
    body = np.sin(2 * np.pi * np.cumsum(pitch) / rate) * np.exp(-time * 24)
    knock = np.random.default_rng(1).normal(0, 0.35, len(time)) * np.exp(-time * 190)
    return (loudness * 0.8 * (body + knock)).astype(np.float32)


def ding(rate: int) -> Samples:
    """A hand bell: inharmonic partials, the higher ones dying sooner."""
    time = np.arange(int(0.7 * rate)) / rate
    partials = ((1.0, 1.0), (2.0, 0.6), (2.92, 0.45), (4.1, 0.3), (5.4, 0.2))
    tone = sum(
        strength * np.sin(2 * np.pi * 880 * ratio * time) * np.exp(-time * 6 * ratio**0.7)
        for ratio, strength in partials
    )
    attack = np.minimum(time * 400, 1)
    return np.asarray(0.3 * attack * tone, np.float32)


def motor(rate: int, speed: NDArray[np.floating]) -> Samples:
    """A toy motor; `speed` in 0..1 per sample sets pitch and loudness."""
    pitch = 55 + 75 * speed
    phase = np.cumsum(pitch) / rate
    buzz = sum(np.sin(2 * np.pi * phase * k) / k for k in (1, 2, 3, 4, 6))
    rattle = np.random.default_rng(2).normal(0, 0.15, len(speed)) * (0.6 + 0.4 * np.sin(2 * np.pi * phase))
    return (0.35 * speed * (buzz + rattle)).astype(np.float32)


def mix(length: int, events: Iterable[tuple[int, Samples]]) -> Samples:
    """`(first sample, sound)` pairs laid over each other in `length` samples, kept within -1..1."""
    total = np.zeros(length, np.float32)
    for start, sound in events:
        end = min(length, start + len(sound))
        total[start:end] += sound[: end - start]
    return np.clip(total, -1, 1)
