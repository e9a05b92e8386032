"""Faults 41 and 43: jumps in a time axis with sound, channels in antiphase, tracks to choose from."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from refervid.core.errors import MediaTooLarge
from refervid.core.track import Track
from refervid.media.audio import GAP_S, SoundSource, read_waveform
from refervid.media.container import MOST_STREAMS
from refervid.media.live import PIPE, LiveSource
from refervid.media.opening import open_clip
from refervid.media.overlay import write_overlay
from refervid.media.sound_track import SoundTrack
from tests.clips import frame_number, numbered_frames, tone, write_video, write_wav

RATE = 8000


def write_jump(path: Path, jump_s: float) -> Path:
    """Ten frames and as many tenths of a second of a tone; half of both come `jump_s` later."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for index, pixels in enumerate(numbered_frames(10)):
            time_ms = 100 * index + (round(1000 * jump_s) if index >= 5 else 0)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(video.encode(frame))
            samples = (tone(0.1, sample_rate=RATE) * 32767).astype(np.int16)[None]
            block = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            block.sample_rate, block.time_base = RATE, Fraction(1, RATE)
            block.pts = time_ms * RATE // 1000
            container.mux(sound.encode(block))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return path


def carried(path: Path, end_s: float) -> NDArray[np.float32]:
    """The sound as it is carried over into another movie."""
    clip = open_clip(path)
    track = SoundTrack.of(clip.sound, end_s)
    assert track is not None
    blocks = list(track.blocks())
    assert [at for at, _ in blocks] == np.cumsum([0, *(block.shape[1] for _, block in blocks)])[:-1].tolist()
    return np.concatenate([block for _, block in blocks], axis=1)


def test_fault_41_a_jump_of_a_day_is_not_filled_with_silence(tmp_path: Path) -> None:
    clip = open_clip(write_jump(tmp_path / "a.mkv", 90_000))
    assert clip.times_s[-1] == pytest.approx(90_000.9, abs=0.01)
    assert any("the frames' times jump by 90000 s" in note for note in clip.notes)
    waveform = clip.waveform()
    assert waveform.duration_s == pytest.approx(1, abs=0.05)
    assert any("the sound's times jump by 90000 s" in note for note in clip.notes)
    sound = carried(tmp_path / "a.mkv", float(clip.times_s[-1]))
    assert sound.shape[1] == pytest.approx(RATE, abs=RATE / 20)
    assert np.abs(sound[0, RATE // 2 :]).max() > 0.3


def test_fault_41_an_overlay_does_not_wait_for_a_day(tmp_path: Path) -> None:
    clip = open_clip(write_jump(tmp_path / "a.mkv", 90_000))
    write_overlay(tmp_path / "overlay.mp4", clip, [Track(len(clip), clip.height, clip.width)], ["it"])
    shown = open_clip(tmp_path / "overlay.mp4")
    np.testing.assert_allclose(shown.times_s, np.arange(10) / 10, atol=0.01)
    assert shown.waveform().duration_s == pytest.approx(1, abs=0.1)


def test_a_pause_within_reason_is_silence_of_its_length(tmp_path: Path) -> None:
    clip = open_clip(write_jump(tmp_path / "a.mkv", 20))
    assert not any("jump" in note for note in clip.notes)
    assert clip.waveform().duration_s == pytest.approx(21, abs=0.05)
    sound = carried(tmp_path / "a.mkv", float(clip.times_s[-1]) + 0.1)
    assert sound.shape[1] == pytest.approx(21 * RATE, abs=RATE / 20)
    assert not sound[0, RATE : 20 * RATE].any()


def test_fault_41_many_pauses_are_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refervid.media.sound_track.MAX_SECONDS", 15.0)
    assert GAP_S[1] > 20
    sound = carried(write_jump(tmp_path / "a.mkv", 20), 100)
    assert sound.shape[1] == pytest.approx(RATE / 2, abs=RATE / 20)


@pytest.mark.parametrize("count", [2, 4])
def test_fault_43_channels_in_antiphase_are_heard(tmp_path: Path, count: int) -> None:
    sound = tone(1)
    opposed = np.stack([0.5 * sound, -sound] * (count // 2), 1)
    opposed[:, 0] = -opposed[:, 1:].sum(axis=1)
    waveform, notes = read_waveform(write_wav(tmp_path / "a.wav", np.clip(opposed, -1, 1)))
    assert waveform.samples.std() > 0.2
    assert any("cancel each other: channel" in note for note in notes)


@pytest.mark.parametrize("kind", ["equal", "unrelated", "one of sixteen"])
def test_channels_that_do_not_cancel_are_averaged(tmp_path: Path, kind: str) -> None:
    random = np.random.default_rng(0)
    channels = {
        "equal": np.stack([tone(1)] * 2, 1),
        "unrelated": random.uniform(-0.5, 0.5, (16_000, 16)).astype(np.float32),
        "one of sixteen": np.pad(tone(1)[:, None], ((0, 0), (0, 15))),
    }[kind]
    waveform, notes = read_waveform(write_wav(tmp_path / "a.wav", channels))
    assert notes == []
    np.testing.assert_allclose(waveform.samples, channels.mean(axis=1), atol=1e-5)


def write_sounds(path: Path, sounds: list[NDArray[np.float32]]) -> Path:
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=16_000, layout="mono") for _ in sounds]
        for stream, samples in zip(streams, sounds, strict=True):
            scaled = (samples * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(scaled, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, 0, Fraction(1, 16_000)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def test_fault_43_sound_in_the_second_track_is_chosen(tmp_path: Path) -> None:
    silence = np.zeros(16_000, np.float32)
    path = write_sounds(tmp_path / "a.mkv", [silence, tone(1)])
    waveform, _ = read_waveform(path)
    assert waveform.samples.std() > 0.2
    [carried_over] = [np.concatenate([f.to_ndarray() for f in SoundSource(path).frames()], axis=1)]
    assert np.ptp(carried_over) > 10_000


def test_of_many_tracks_the_first_that_sounds_is_found_in_one_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = np.zeros(16_000, np.float32)
    path = write_sounds(tmp_path / "a.mkv", [*[silence] * 40, tone(1)])
    opened = []
    monkeypatch.setattr(
        av, "open", lambda *given, real=av.open, **how: opened.append(1) or real(*given, **how)
    )
    waveform, _ = read_waveform(path)
    assert waveform.samples.std() > 0.2
    assert len(opened) < 4


@pytest.mark.parametrize("name", ["a.mkv", "a.mov"])
def test_more_tracks_than_any_file_needs_are_too_many(tmp_path: Path, name: str) -> None:
    sounds = [tone(0.1)] * MOST_STREAMS
    assert read_waveform(write_sounds(tmp_path / name, sounds))[0].duration_s == pytest.approx(0.1)
    with pytest.raises(MediaTooLarge, match=f"more than {MOST_STREAMS} tracks"):
        open_clip(write_sounds(tmp_path / name, [*sounds, tone(0.1)] * 2))


def test_the_first_track_is_kept_where_it_sounds_at_all(tmp_path: Path) -> None:
    late = np.concatenate([np.zeros(12_000, np.float32), tone(0.25, 440)])
    waveform, _ = read_waveform(write_sounds(tmp_path / "a.mkv", [late, tone(1, 880)]))
    assert not waveform.samples[:8_000].any()
    assert waveform.samples[13_000:].any()


def test_tracks_that_all_are_silent_are_silence(tmp_path: Path) -> None:
    silence = np.zeros(16_000, np.float32)
    waveform, _ = read_waveform(write_sounds(tmp_path / "a.mkv", [silence, silence]))
    assert waveform.duration_s == 1
    assert not waveform.samples.any()


def test_fault_43_a_cover_before_the_video_is_none(tmp_path: Path) -> None:
    """Not marked as a cover, as some programs leave it."""
    source = write_video(tmp_path / "source.mp4", numbered_frames(8))
    with av.open(str(tmp_path / "a.mkv"), "w") as target, av.open(str(source)) as video:
        cover = target.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        copy = target.add_stream_from_template(video.streams.video[0])
        target.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        target.mux(cover.encode(None))
        for packet in video.demux(video.streams.video[0]):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    clip = open_clip(tmp_path / "a.mkv")
    assert (len(clip), clip.width) == (8, 128)
    assert frame_number(clip.frame(7)) == 7
    with (tmp_path / "a.mkv").open("rb") as pipe, LiveSource(PIPE, late="wait", pipe=pipe) as live:
        assert [frame_number(picture.frame) for picture in live] == list(range(8))


@pytest.mark.parametrize("level", ["WARNING", "DEBUG"])
def test_a_damaged_file_does_not_hang_while_its_faults_are_logged(shared_dir: Path, level: str) -> None:
    path = shared_dir / "cases" / "clips" / "hevc_hang.mkv"
    code = (
        f"import av; av.logging.set_level(av.logging.{level}); import refervid; "
        f"clip = refervid.open_clip({str(path)!r}); print(sum(1 for _ in clip.frames()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert int(done.stdout) > 0
