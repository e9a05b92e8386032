"""Loudness, onsets and pauses."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.scene.sound import audible_intervals, envelopes
from refervid.types import Waveform

RATE = 16_000


def beeps(*spans: tuple[float, float], seconds: float = 6.0) -> Waveform:
    time = np.arange(round(seconds * RATE)) / RATE
    sounding = np.any([(time >= start) & (time < end) for start, end in spans], axis=0)
    return Waveform((0.4 * np.sin(2 * np.pi * 440 * time) * sounding).astype(np.float32), RATE)


def test_silence_is_not_audible() -> None:
    assert audible_intervals(Waveform(np.zeros(RATE, np.float32), RATE)) == []
    rng = np.random.default_rng(0)
    faint = Waveform((1e-4 * rng.normal(size=RATE)).astype(np.float32), RATE)
    assert audible_intervals(faint) == []


def test_stretches_of_sound_are_found_and_short_pauses_bridged() -> None:
    intervals = audible_intervals(beeps((0.5, 1.5), (2.0, 2.5), (4.5, 5.5)))
    assert [(each.start_s, each.end_s) for each in intervals] == [
        pytest.approx((0.5, 2.5), abs=0.06),
        pytest.approx((4.5, 5.5), abs=0.06),
    ]


def test_onsets_lie_where_sound_begins() -> None:
    found = envelopes(beeps((1.0, 2.0), (4.0, 5.0)))
    for start in (1.0, 4.0):
        near = np.abs(found.times_s - start) < 0.05
        calm = (found.times_s > start + 0.2) & (found.times_s < start + 0.8)
        assert found.onsets[near].max() > 5 * found.onsets[calm].max()


def test_times_follow_the_start_of_the_waveform() -> None:
    late = Waveform(beeps((1.0, 2.0)).samples, RATE, start_s=3.0)
    assert envelopes(late).times_s[0] == pytest.approx(3.016)


def test_a_sound_shorter_than_a_window() -> None:
    assert len(envelopes(Waveform(np.full(10, 0.5, np.float32), RATE)).times_s) == 1
    assert len(envelopes(Waveform(np.zeros(0, np.float32), RATE)).times_s) == 1


def test_blocks_join_without_a_seam() -> None:
    rng = np.random.default_rng(0)
    long = (0.1 * rng.normal(size=RATE * 60)).astype(np.float32)
    onsets = envelopes(Waveform(long, RATE)).onsets
    assert onsets[1:].max() < 3 * np.median(onsets)
