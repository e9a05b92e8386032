"""Sound as mono float32 at the rate asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refervid.core.errors import MediaTooLarge
from refervid.media import audio
from refervid.media.audio import SoundSource, read_waveform
from refervid.media.opening import open_clip
from tests.clips import numbered_frames, tone, write_video, write_wav


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_resampling_keeps_pitch_level_and_length(tmp_path: Path, rate: int) -> None:
    path = write_wav(tmp_path / "a.wav", tone(2, 440, 48_000), 48_000)
    waveform, notes = read_waveform(path, rate)
    assert notes == []
    assert len(waveform.samples) == pytest.approx(2 * rate, abs=2)
    assert waveform.samples.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(waveform.samples))
    assert np.argmax(spectrum) / waveform.duration_s == pytest.approx(440, abs=1)
    assert waveform.samples.std() == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


def test_channels_are_mixed(tmp_path: Path) -> None:
    left = tone(1)
    path = write_wav(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], 1))
    waveform, _ = read_waveform(path)
    np.testing.assert_allclose(waveform.samples, left / 2, atol=1e-3)


def test_an_outside_sound_replaces_the_clips_own(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", numbered_frames(5), sound=tone(0.2))
    outside = write_wav(tmp_path / "b.wav", tone(3))
    waveform = open_clip(video, audio=outside).waveform()
    assert waveform.duration_s == 3


@pytest.mark.parametrize(("from_s", "heard_s"), [(0.0, 1.0), (0.5, 0.5), (-0.5, 1.5)])
def test_the_first_sample_is_of_the_time_asked_for(tmp_path: Path, from_s: float, heard_s: float) -> None:
    click = np.zeros(32_000, np.float32)
    click[16_000:16_400] = 0.9
    waveform, _ = read_waveform(write_wav(tmp_path / "a.wav", click), from_s=from_s)
    assert np.flatnonzero(waveform.samples > 0.3)[0] / 16_000 == pytest.approx(heard_s, abs=1e-3)
    assert waveform.duration_s == pytest.approx(2 - from_s)


def test_sound_that_ended_before_is_silence(tmp_path: Path) -> None:
    waveform, _ = read_waveform(write_wav(tmp_path / "a.wav", tone(1)), from_s=5)
    assert waveform.duration_s == 0


def test_the_original_sound_can_be_carried_over(tmp_path: Path) -> None:
    stereo = np.stack([tone(1, 440, 48_000), tone(1, 880, 48_000)])
    path = write_video(tmp_path / "a.mkv", numbered_frames(25), sound=stereo, sample_rate=48_000)
    frames = list(SoundSource(path).frames())
    assert {(frame.sample_rate, frame.layout.name) for frame in frames} == {(48_000, "stereo")}
    assert sum(frame.samples for frame in frames) == pytest.approx(48_000, abs=3000)


def test_sound_longer_than_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_wav(tmp_path / "a.wav", tone(3))
    monkeypatch.setattr(audio, "MAX_SECONDS", 4.0)
    with pytest.raises(MediaTooLarge, match="later than 4 s"):
        read_waveform(path, from_s=-2)
    monkeypatch.setattr(audio, "MAX_SECONDS", 2.0)
    with pytest.raises(MediaTooLarge, match="longer than 2 s"):
        read_waveform(path)
