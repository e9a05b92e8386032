"""How loud a sound is over time, and where something begins in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refervid.types import Interval, Waveform

HOP_S = 0.01
WINDOW_S = 0.032
SILENCE_DB = -60.0
"""RMS level against full scale below which nothing is heard."""
BELOW_PEAK_DB = 45.0
"""What is this much quieter than the clip's loudest moment is background."""
SHORTEST_PAUSE_S = 1.0
"""Between the beats of one rhythm nothing is heard either, and yet it goes on."""
COMPRESSION = 100.0
"""Factor inside the logarithm that makes soft onsets count beside loud ones."""
_BLOCK = 4096


@dataclass(frozen=True)
class Envelopes:
    """`times_s` (N,) middles of windows on the clip's time axis, `HOP_S` apart; `level_db` (N,) RMS against
    full scale; `onsets` (N,) spectral flux, 0 and more; `flatness` (N,) 0 (a tone) to 1 (white noise).
    """

    times_s: NDArray[np.float64]
    level_db: NDArray[np.float64]
    onsets: NDArray[np.float64]
    flatness: NDArray[np.float64]

    @property
    def audible(self) -> NDArray[np.bool_]:
        """(N,) bool: louder than silence and than the clip's background."""
        if not len(self.level_db):
            return np.zeros(0, bool)
        return self.level_db > max(SILENCE_DB, float(self.level_db.max()) - BELOW_PEAK_DB)


def envelopes(waveform: Waveform) -> Envelopes:
    """Short-time analysis in windows of `WINDOW_S`; a sound shorter than one window is padded with zeros."""
    rate = waveform.sample_rate
    hop, size = round(HOP_S * rate), round(WINDOW_S * rate)
    samples = waveform.samples
    if len(samples) < size:
        samples = np.pad(samples, (0, size - len(samples)))
    windows = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    taper = np.hanning(size).astype(np.float32)
    level, flux, flatness = (np.zeros(len(windows)) for _ in range(3))
    before = None
    for start in range(0, len(windows), _BLOCK):
        block = windows[start : start + _BLOCK]
        here = slice(start, start + len(block))
        level[here] = 10 * np.log10((block.astype(np.float64) ** 2).mean(axis=1) + 1e-12)
        power = np.abs(np.fft.rfft(block * taper, axis=1)) ** 2 / size + 1e-10
        flatness[here] = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
        compressed = np.log1p(COMPRESSION * np.sqrt(power))
        earlier = np.vstack([compressed[:1] if before is None else before, compressed[:-1]])
        flux[here] = np.maximum(compressed - earlier, 0).mean(axis=1)
        before = compressed[-1:]
    times = waveform.start_s + (np.arange(len(windows)) * hop + size / 2) / rate
    return Envelopes(times, level, flux, flatness)


def audible_intervals(waveform: Waveform) -> list[Interval]:
    """Stretches that are not silent, in seconds from the first sample; short pauses are bridged."""
    found = envelopes(waveform)
    audible = found.audible
    edges = np.flatnonzero(np.diff(np.concatenate([[0], audible.view(np.int8), [0]])))
    starts, ends = edges[::2] * HOP_S, (edges[1::2] - 1) * HOP_S + WINDOW_S
    intervals: list[Interval] = []
    for start, end in zip(starts, np.minimum(ends, waveform.duration_s), strict=True):
        if intervals and start - intervals[-1].end_s < SHORTEST_PAUSE_S:
            intervals[-1] = Interval(intervals[-1].start_s, float(end))
        else:
            intervals.append(Interval(float(start), float(end)))
    return intervals
