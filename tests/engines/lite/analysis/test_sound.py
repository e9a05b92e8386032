"""Loudness, onsets and pauses."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from refervid.core.types import Waveform
from refervid.engines.lite.analysis.sound import audible_intervals, beats, envelopes, stretches

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


def test_a_sound_shorter_than_a_window() -> None:
    assert len(envelopes(Waveform(np.full(10, 0.5, np.float32), RATE)).times_s) == 1
    assert len(envelopes(Waveform(np.zeros(0, np.float32), RATE)).times_s) == 1


def test_blocks_join_without_a_seam() -> None:
    rng = np.random.default_rng(0)
    long = (0.1 * rng.normal(size=RATE * 60)).astype(np.float32)
    onsets = envelopes(Waveform(long, RATE)).onsets
    assert onsets[1:].max() < 3 * np.median(onsets)


def test_a_new_timbre_begins_a_new_stretch() -> None:
    time = np.arange(4 * RATE) / RATE
    hiss = 0.1 * np.random.default_rng(0).normal(size=len(time))
    sound = np.where(time < 2.2, 0.4 * np.sin(2 * np.pi * 200 * time), hiss)
    first, second = stretches(Waveform(sound.astype(np.float32), RATE))
    assert first.end_s == second.start_s == pytest.approx(2.2, abs=0.1)
    assert second.end_s == pytest.approx(4.0, abs=0.05)


def test_one_timbre_is_one_stretch() -> None:
    noise = 0.1 * np.random.default_rng(0).normal(size=5 * RATE)
    assert len(stretches(Waveform(noise.astype(np.float32), RATE))) == 1


def test_a_long_sound_takes_little_more_memory_than_its_samples() -> None:
    def peak(minutes: int) -> int:
        waveform = Waveform(np.tile(noise, minutes), RATE)
        tracemalloc.start()
        try:
            stretches(waveform)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    noise = (0.1 * np.random.default_rng(0).normal(size=60 * RATE)).astype(np.float32)
    assert peak(6) - peak(2) < 2 * 4 * noise.nbytes


def test_beats_are_cut_where_the_level_dips() -> None:
    time = np.arange(3 * RATE) / RATE
    knocks = 0.5 * np.sin(2 * np.pi * 300 * time) * np.exp(-6 * ((time - 0.2) % 0.7))
    starts = [each.start_s for each in beats(Waveform(knocks.astype(np.float32), RATE))]
    for knock in (0.9, 1.6, 2.3):
        assert min(abs(start - knock) for start in starts) < 0.08


def test_a_pause_of_digital_silence_is_no_new_timbre() -> None:
    noise = (0.1 * np.random.default_rng(0).normal(size=2 * RATE)).astype(np.float32)
    for pause_s in (0.85, 0.95):
        silence = np.zeros(round(pause_s * RATE), np.float32)
        assert len(stretches(Waveform(np.concatenate([noise, silence, noise]), RATE))) == 1


def test_what_sounds_otherwise_after_a_pause_is_cut_off_once() -> None:
    tone = (0.3 * np.sin(2 * np.pi * 200 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    noise = (0.1 * np.random.default_rng(0).normal(size=2 * RATE)).astype(np.float32)
    sound = np.concatenate([tone, np.zeros(round(0.9 * RATE), np.float32), noise])
    first, second = stretches(Waveform(sound, RATE))
    assert 1.9 < first.end_s == second.start_s < 3.0


def test_times_are_true_where_no_whole_samples_make_a_hop() -> None:
    rate, noise = 22_050, np.random.default_rng(0).normal(size=22_050).astype(np.float32)
    time = np.arange(2 * rate) / rate
    tone = 0.3 * np.sin(2 * np.pi * 200 * time)
    silence = np.zeros(300 * rate, np.float32)
    late = Waveform(np.concatenate([silence, tone, 0.1 * noise, 0.1 * noise], dtype=np.float32), rate)
    [heard] = audible_intervals(late)
    assert (heard.start_s, heard.end_s) == pytest.approx((300, 304), abs=0.05)
    assert [each.start_s for each in stretches(late)] == pytest.approx([300, 302], abs=0.05)
