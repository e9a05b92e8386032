"""How loud a sound is over time, and where something begins in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from refervid.core.types import Interval, Waveform

HOP_S = 0.01
"""As nearly as whole samples allow: `_hop_s` is what comes of it."""
WINDOW_S = 0.032
SILENCE_DB = -60.0
"""RMS level against full scale below which nothing is heard."""
BELOW_PEAK_DB = 45.0
"""What is this much quieter than the clip's loudest moment is background."""
SHORTEST_PAUSE_S = 1.0
"""Between the beats of one rhythm nothing is heard either, and yet it goes on."""
SHORTEST_S = 0.8
"""Shorter stretches are not cut off."""
DIP_DB = 6.0
SMOOTHED_S = 0.03
SHORTEST_BEAT_S = 0.2
TIMBRE_S = 0.8
"""So much sound before and after a moment is compared."""
NEW_TIMBRE = 0.35
"""1 less the likeness (Bhattacharyya coefficient) of the two spectra from which the timbre is a new one."""
BANDS = 28
COMPRESSION = 100.0
"""Factor inside the logarithm that makes soft onsets count beside loud ones."""
_BLOCK = 4096


@dataclass(frozen=True)
class Envelopes:
    """`times_s` (N,) middles of windows on the clip's time axis, one hop apart; `level_db` (N,) RMS against
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

    def only(self, span: Interval) -> Envelopes:
        """The same with silence outside `span` (clip's time)."""
        outside = (self.times_s < span.start_s) | (self.times_s >= span.end_s)
        return replace(
            self, level_db=np.where(outside, -120.0, self.level_db), onsets=np.where(outside, 0, self.onsets)
        )


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
    times = (np.arange(len(windows)) * hop + size / 2) / rate
    return Envelopes(times, level, flux, flatness)


def stretches(waveform: Waveform) -> list[Interval]:
    """What is heard, cut at pauses and where the timbre changes for good; seconds from the first sample."""
    places = timbre_changes(waveform)
    return [piece for one in audible_intervals(waveform) for piece in _cut(one, places, SHORTEST_S)]


def beats(waveform: Waveform) -> list[Interval]:
    """The stretches, cut where the level dips: what one event each sounds like."""
    from scipy.signal import find_peaks  # takes a third of a second, and sentences do not need it

    found, hop_s = envelopes(waveform), _hop_s(waveform)
    level = gaussian_filter1d(np.maximum(found.level_db, SILENCE_DB), SMOOTHED_S / hop_s)
    dips, _ = find_peaks(-level, prominence=DIP_DB, distance=round(SHORTEST_BEAT_S / hop_s))
    places = found.times_s[dips].tolist()
    return [piece for one in stretches(waveform) for piece in _cut(one, places, 0.0)]


def _cut(interval: Interval, places: Sequence[float], least_s: float) -> list[Interval]:
    """At the places that are further than this from both of its ends."""
    inside = [place for place in places if interval.start_s + least_s < place < interval.end_s - least_s]
    return [Interval(*pair) for pair in pairwise([interval.start_s, *inside, interval.end_s])]


def timbre_changes(waveform: Waveform) -> list[float]:
    """Seconds from the first sample where the spectrum before and after has little in common.

    After the idea of novelty along the diagonal of a self-similarity matrix (J. Foote, "Automatic audio
    segmentation using a measure of audio novelty", ICME 2000), with one distance of two halves. Digital
    silence has no spectrum, and nothing in common with any: it is no new timbre.
    """
    total, hop_s = _summed_bands(waveform), _hop_s(waveform)
    reach, count = round(TIMBRE_S / hop_s), len(total) - 1
    novelty = np.zeros(count)
    for start in range(0, count, _BLOCK):
        at = np.arange(start, min(start + _BLOCK, count))
        before = _shape(total[at] - total[np.maximum(at - reach, 0)])
        after = _shape(total[np.minimum(at + reach, count)] - total[at])
        heard = before.any(axis=1) & after.any(axis=1)
        novelty[at] = np.where(heard, 1 - (before * after).sum(axis=1), 0)
    novelty[: reach // 2] = novelty[-reach // 2 :] = 0
    highest = np.flatnonzero((novelty > NEW_TIMBRE) & (novelty == maximum_filter1d(novelty, 2 * reach)))
    peaks: list[int] = []
    for place in highest.tolist():
        if not peaks or place - peaks[-1] >= reach:  # the first of a plateau
            peaks.append(place)
    return [peak * hop_s for peak in peaks]


def _hop_s(waveform: Waveform) -> float:
    return round(HOP_S * waveform.sample_rate) / waveform.sample_rate


def _summed_bands(waveform: Waveform) -> NDArray[np.float64]:
    """(N + 1, BANDS) power in bands of equal width in pitch, summed over the first 0 to N moments.

    The moments are one hop apart.
    """
    rate = waveform.sample_rate
    hop, size = round(HOP_S * rate), round(2 * WINDOW_S * rate)
    samples = np.pad(waveform.samples, (size // 2, size))
    windows = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    edges = np.geomspace(60, rate / 2, BANDS + 1)
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    band = np.clip(np.searchsorted(edges, frequencies) - 1, 0, BANDS - 1)
    gather = np.eye(BANDS)[band]
    taper = np.hanning(size).astype(np.float32)
    total = np.zeros((len(windows) + 1, BANDS))
    for start in range(0, len(windows), _BLOCK):
        block = windows[start : start + _BLOCK] * taper
        power = np.abs(np.fft.rfft(block, axis=1)) ** 2 @ gather
        total[start + 1 : start + 1 + len(block)] = total[start] + np.cumsum(power, axis=0)
    return total


def _shape(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square roots of each row's shares: their inner products are 1 for equal rows, 0 for disjoint ones."""
    return np.asarray(np.sqrt(power / np.maximum(power.sum(axis=1, keepdims=True), 1e-12)), np.float64)


def audible_intervals(waveform: Waveform) -> list[Interval]:
    """Stretches that are not silent, in seconds from the first sample; short pauses are bridged."""
    found = envelopes(waveform)
    audible = found.audible
    edges = np.flatnonzero(np.diff(np.concatenate([[0], audible.view(np.int8), [0]])))
    hop_s = _hop_s(waveform)
    starts, ends = edges[::2] * hop_s, (edges[1::2] - 1) * hop_s + WINDOW_S
    intervals: list[Interval] = []
    for start, end in zip(starts, np.minimum(ends, waveform.duration_s), strict=True):
        if intervals and start - intervals[-1].end_s < SHORTEST_PAUSE_S:
            intervals[-1] = Interval(intervals[-1].start_s, float(end))
        else:
            intervals.append(Interval(float(start), float(end)))
    return intervals
