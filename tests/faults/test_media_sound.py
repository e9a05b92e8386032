"""Fault 12: sound of any rate and channel count, too short, silent, not finite, clipped, damaged."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from refervid.core.errors import MediaNotFound, UnreadableMedia
from refervid.media.audio import read_waveform
from refervid.media.opening import open_clip
from tests.clips import cut, numbered_frames, tone, write_video, write_wav


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 96_000])
def test_any_sample_rate_becomes_the_one_asked_for(tmp_path: Path, rate: int) -> None:
    path = write_wav(tmp_path / "a.wav", (tone(1, 440, rate) * 32767).astype(np.int16), rate)
    waveform, _ = read_waveform(path, 16_000)
    assert len(waveform.samples) == pytest.approx(16_000, abs=16)
    assert waveform.samples.std() == pytest.approx(0.354, rel=0.05)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 16])
def test_any_number_of_channels_is_mixed_to_one(tmp_path: Path, channels: int) -> None:
    path = write_wav(tmp_path / "a.wav", np.stack([tone(0.5)] * channels, 1))
    waveform, _ = read_waveform(path)
    assert waveform.samples.shape == (8_000,)
    assert np.abs(waveform.samples).max() > 0.2


def test_surround_sound_in_a_video_is_mixed_to_one(tmp_path: Path) -> None:
    sound = np.stack([tone(1, 440, 48_000)] * 6)
    path = write_video(tmp_path / "a.mp4", numbered_frames(25), sound=sound, sample_rate=48_000)
    waveform = open_clip(path).waveform()
    assert waveform.duration_s == pytest.approx(1, abs=0.1)
    assert waveform.samples.std() > 0.1


@pytest.mark.parametrize("samples", [1, 10, 100])
def test_sound_shorter_than_a_window_is_read_as_it_is(tmp_path: Path, samples: int) -> None:
    waveform, _ = read_waveform(write_wav(tmp_path / "a.wav", np.full(samples, 0.5, np.float32)), 16_000)
    assert len(waveform.samples) == samples


def test_a_digitally_silent_track_is_silence_not_an_error(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(25), sound=np.zeros(16_000, np.float32))
    clip = open_clip(path)
    assert clip.has_audio
    assert not clip.waveform().samples.any()
    assert clip.notes == []


def test_samples_that_are_not_finite_become_silence_with_a_note(tmp_path: Path) -> None:
    sound = tone(1)
    sound[100:110], sound[200], sound[300] = np.nan, np.inf, -np.inf
    wav = write_wav(tmp_path / "a.wav", sound)
    waveform, notes = read_waveform(wav)
    assert np.isfinite(waveform.samples).all()
    assert len(notes) == 1
    assert "12 sound samples were not finite" in notes[0]
    clip = open_clip(write_video(tmp_path / "a.mp4", numbered_frames(3)), audio=wav)
    clip.waveform()
    clip.waveform()
    assert clip.notes == notes


def test_samples_that_are_not_finite_do_not_spread_when_resampled(tmp_path: Path) -> None:
    sound = tone(1, 440, 44_100)
    sound[1000] = np.nan
    waveform, _ = read_waveform(write_wav(tmp_path / "a.wav", sound, 44_100), 16_000)
    assert np.isfinite(waveform.samples).all()
    assert (waveform.samples[1000:] != 0).mean() > 0.99


def test_sound_beyond_full_scale_is_clipped_with_a_note(tmp_path: Path) -> None:
    waveform, notes = read_waveform(write_wav(tmp_path / "a.wav", 4 * tone(1)))
    assert np.abs(waveform.samples).max() == 1
    assert any("beyond full scale" in note for note in notes)


def test_sound_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    waveform, _ = read_waveform(cut(write_wav(tmp_path / "a.wav", tone(3)), 1 / 2))
    assert 1 < waveform.duration_s < 2


def test_sound_that_is_missing_or_no_sound_at_all(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", numbered_frames(3))
    with pytest.raises(MediaNotFound):
        open_clip(video, audio=tmp_path / "nowhere.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(UnreadableMedia):
        open_clip(video, audio=tmp_path / "text.wav")


def test_a_gap_in_the_sound_is_filled_with_silence(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mkv", numbered_frames(75), sound=tone(3))
    path = tmp_path / "gap.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        copies = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            silent = (
                packet.stream.type == "audio"
                and packet.pts is not None
                and 1 < packet.pts * packet.time_base < 2
            )
            if packet.size and not silent:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    waveform = open_clip(path).waveform()
    assert waveform.duration_s == pytest.approx(3, abs=0.15)
    second = waveform.samples[int(1.2 * 16_000) : int(1.8 * 16_000)]
    assert np.abs(second).max() < 0.01
    assert waveform.samples[int(2.3 * 16_000) : int(2.8 * 16_000)].std() == pytest.approx(0.354, rel=0.1)
