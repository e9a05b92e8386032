"""Does a thing's motion go with the sound?

Impacts and turns of motion are compared with onsets of the sound, and how much moves with how loud it is, by
normalised cross-correlation over a few lags: sound and picture are seldom aligned to the frame. A chance
likeness is told from a real one by the same sound shifted in time, which is just as rhythmical.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from refervid.core.types import Interval
from refervid.engines.lite.analysis.sound import Envelopes
from refervid.engines.lite.chooser.point_tracks import PointTrack

GRID_S = 0.04
LAG_S = 0.16
"""Sound may lead or lag so much: more than broadcasting allows (ITU-R BT.1359), less than a beat."""
SHORTEST_S = 1.5
"""In less time motion and sound may agree by chance."""
MEASURED_S = 5.0
CONVINCING = 0.55
"""What squared correlation times surprise must reach in a clip of `MEASURED_S`. Measured on bouncing balls
with knocks of other things, noise and babble (225 pairs): 0.48 at most; with their own and another ball's
knocks mixed: 0.62 at least."""

MODULATED = 0.25
"""Standard deviation over mean that a signal must have: steady noise and even motion have no pattern."""

Signal = NDArray[np.float64]


@dataclass(frozen=True)
class Synchrony:
    """`correlation` at the best lag; `surprise` in standard deviations of shifted sound; `lag_s` positive if
    the sound comes after the motion; `by` what was compared, over `seconds`. Where nothing could be compared
    these are 0, and `by` says why. `chance` in 0..1 is the share of all shifts of the sound that would go
    with the motion as well: a permutation test, so it is no less than one over their number.
    """

    correlation: float
    surprise: float
    lag_s: float
    by: str
    seconds: float = 0.0
    chance: float = 1.0

    @property
    def weight(self) -> float:
        """From 1 on it is convincing."""
        # The shorter the clip, the better the best likeness by chance.
        needed = CONVINCING * max(1.0, MEASURED_S / max(self.seconds, GRID_S))
        return max(self.correlation, 0.0) ** 2 * self.surprise / needed

    def __str__(self) -> str:
        if not self.seconds:
            return self.by
        return (
            f"{self.by} correlate by {self.correlation:.2f}, {self.surprise:.1f} deviations above chance"
            f" (p = {self.chance:.3f}),"
            f" at a lag of {self.lag_s * 1000:.0f} ms"
        )


NOTHING_MOVES = Synchrony(0.0, 0.0, 0.0, "nothing moves as a whole")
TOO_SHORT = Synchrony(
    0.0, 0.0, 0.0, f"less than {SHORTEST_S} s are both seen and heard, too short to compare"
)
EVEN = Synchrony(0.0, 0.0, 0.0, "the motion or the sound is too even to compare")
INCOMPARABLE = (TOO_SHORT, EVEN)
"""Something moves, and whether it goes with the sound is not known."""
COMPARISONS = 4
"""What `synchrony` takes the best of: two pairs of signals, each over the span and over the whole clip."""


def weightiest(found: Iterable[Synchrony]) -> Synchrony:
    """The one of most weight; among equals one that was compared at all, then the first."""
    return max(found, key=lambda each: (each.weight, each.seconds))


def synchrony(point_track: PointTrack, sound: Envelopes, span: Interval) -> Synchrony:
    """The best likeness of motion and the sound in `span`.

    Compared are impacts with onsets and motion with loudness, within the span, and over the whole clip with
    all other sound left out: a thing that moves only when its sound is heard has no other pattern.
    """
    everywhere = Interval(float(point_track.times_s[0]), float(point_track.times_s[-1]))
    return weightiest(
        [_compare(point_track, sound.only(span), everywhere), _compare(point_track, sound, span)]
    )


def _compare(point_track: PointTrack, sound: Envelopes, span: Interval) -> Synchrony:
    times_s = point_track.times_s
    followed = times_s[np.isfinite(point_track.agitation)]
    if not len(followed):
        return NOTHING_MOVES
    start = max(followed[0], sound.times_s[0], span.start_s)
    end = min(followed[-1], sound.times_s[-1], span.end_s)
    grid = np.arange(start, end, GRID_S)
    if len(grid) * GRID_S < SHORTEST_S:
        return TOO_SHORT
    impacts = _motion_on(grid, times_s, _impacts(point_track))
    agitation = _motion_on(grid, times_s, np.nan_to_num(point_track.agitation))
    loudness = np.sqrt(10 ** (sound.level_db / 10))
    pairs = (
        ("impacts and onsets", impacts, _sound_on(grid, sound.times_s, sound.onsets)),
        ("motion and loudness", agitation, _sound_on(grid, sound.times_s, loudness)),
    )
    return weightiest(_correlate(motion, heard, by) for by, motion, heard in pairs)


def _impacts(point_track: PointTrack) -> Signal:
    """(T,) sudden changes of velocity at each frame."""
    steps = np.linalg.norm(np.diff(point_track.velocity, axis=0, prepend=np.nan), axis=1)
    steps = np.nan_to_num(steps)
    return np.asarray(np.sqrt(np.maximum(steps - np.median(steps), 0)), np.float64)


def _motion_on(grid: Signal, times_s: Signal, values: Signal) -> Signal:
    return np.asarray(gaussian_filter1d(np.interp(grid, times_s, values), 1.0), np.float64)


def _sound_on(grid: Signal, times_s: Signal, values: Signal) -> Signal:
    """The loudest within each cell of the grid: an onset is shorter than a cell."""
    inside = (times_s >= grid[0]) & (times_s < grid[-1] + GRID_S)
    cells = np.searchsorted(grid, times_s[inside], side="right") - 1
    peaks = np.zeros(len(grid))
    np.maximum.at(peaks, cells, values[inside])
    return np.asarray(gaussian_filter1d(peaks, 1.0), np.float64)


def _modulation(signal: Signal) -> float:
    return float(signal.std() / max(signal.mean(), 1e-9))


def _correlate(motion: Signal, heard: Signal, by: str) -> Synchrony:
    if min(_modulation(motion), _modulation(heard)) < MODULATED:
        return EVEN
    heard = np.maximum(heard - np.median(heard), 0)
    count = len(motion)
    normal_motion = (motion - motion.mean()) / motion.std()
    normal_heard = (heard - heard.mean()) / heard.std()
    # Correlation for every circular shift; shift k lets the sound come k cells after the motion.
    spectrum = np.conj(np.fft.rfft(normal_motion)) * np.fft.rfft(normal_heard)
    shifted = np.fft.irfft(spectrum, count) / count
    reach = round(LAG_S / GRID_S)
    lags = np.arange(-reach, reach + 1)
    near = shifted[lags]
    far = np.delete(shifted, lags % count)
    best = int(near.argmax())
    surprise = (near[best] - far.mean()) / max(far.std(), 1e-9) if len(far) > 2 * len(near) else 0.0
    if len(far) and near[best] < 0.9 * far.max():
        surprise = 0.0
    lag_s = float(lags[best] * GRID_S)
    # A shift is as free to choose its lag as the sound itself was.
    window = np.concatenate([shifted[-reach:], shifted, shifted[:reach]])
    free = np.delete(
        np.lib.stride_tricks.sliding_window_view(window, 2 * reach + 1).max(axis=1), lags % count
    )
    chance = (1 + int((free >= near[best]).sum())) / (1 + len(free))
    return Synchrony(float(near[best]), float(surprise), lag_s, by, count * GRID_S, chance)
