"""Cutting a sound at intervals."""

from __future__ import annotations

import numpy as np

from refervid.core.types import Interval, Waveform


def cut(waveform: Waveform, interval: Interval) -> Waveform:
    """The samples of an interval in seconds from the first sample; where the sound ends, fewer or none."""
    start, end = (round(seconds * waveform.sample_rate) for seconds in (interval.start_s, interval.end_s))
    return Waveform(waveform.samples[max(0, start) : max(0, end)], waveform.sample_rate)


def through_int16(waveform: Waveform) -> Waveform:
    """As if written to and read from a 16-bit wav file, rounding down.

    AL-Ref-SAM 2's `avs` scripts do this between cutting and embedding; in soft passages it shows.
    """
    values = np.clip(np.floor(waveform.samples * 32768), -32768, 32767)
    return Waveform((values / 32768).astype(np.float32), waveform.sample_rate)
