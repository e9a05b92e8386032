"""Frames of a video file come back by number: as a stream, at random and backwards."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from refervid.media.opening import open_clip
from tests.clips import frame_number, numbered_frames, repeat_video, tone, write_video

CONTENTS = {
    "b_frames.mp4": {},
    "matroska.mkv": {},
    "transport_stream.ts": {},
    "no_stamps.avi": {},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg2.mpg": {"codec": "mpeg2video"},
    "hidden_frames.webm": {"codec": "libvpx", "codec_options": {"auto-alt-ref": "1", "cpu-used": "8"}},
    "open_groups.mp4": {"codec_options": {"x264-params": "open-gop=1"}},
    "open_groups.ts": {"codec_options": {"x264-params": "open-gop=1"}},
    "only_one_key_frame.ts": {"codec_options": {"x264-params": "intra-refresh=1"}},
    "only_key_frames.mp4": {"gop": 1},
    "lossless.mkv": {"codec": "ffv1"},
}


@pytest.mark.parametrize("name", CONTENTS)
def test_each_frame_is_found_in_any_order(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, numbered_frames(40), **CONTENTS[name])
    clip = open_clip(path)
    numbers = list(range(40))
    assert {index: frame_number(frame) for index, frame in clip.frames()} == dict(enumerate(numbers))
    assert [frame_number(clip.frame(index)) for index in reversed(numbers)] == numbers[::-1]
    shuffled = np.random.default_rng(0).permutation(40)
    assert [frame_number(open_clip(path).frame(index)) for index in shuffled[:4]] == list(shuffled[:4])
    assert [frame_number(clip.frame(index)) for index in shuffled] == list(shuffled)
    np.testing.assert_allclose(clip.times_s, np.arange(40) / 25, atol=0.002)
    assert clip.complete


def test_chosen_frames_come_once_each_in_order(tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", numbered_frames(40)))
    found = [(index, frame_number(frame)) for index, frame in clip.frames([39, 3, 20, 3])]
    assert found == [(3, 3), (20, 20), (39, 39)]


def test_streams_and_random_access_do_not_disturb_each_other(tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", numbered_frames(20)))
    for (index, frame), (twin, other) in zip(clip.frames(), clip.frames(), strict=True):
        assert index == twin == frame_number(frame) == frame_number(other)
        assert frame_number(clip.frame(19 - index)) == 19 - index


def test_a_frame_may_be_drawn_on_without_spoiling_the_clip(tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", numbered_frames(3)))
    clip.frame(2)[:] = 0
    assert frame_number(clip.frame(2)) == 2


@pytest.mark.parametrize("index", [-1, 3])
def test_a_frame_outside_the_clip_is_an_index_error(tmp_path: Path, index: int) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", numbered_frames(3)))
    with pytest.raises(IndexError, match="of a clip of 3 frames"):
        clip.frame(index)


@pytest.mark.parametrize(
    ("aspect", "shown"), [(Fraction(4, 3), (96, 171)), (Fraction(1, 2), (192, 128)), (Fraction(1), (96, 128))]
)
def test_pixels_that_are_not_square_are_made_square(
    tmp_path: Path, aspect: Fraction, shown: tuple[int, int]
) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", numbered_frames(5), pixel_aspect=aspect))
    assert clip.frame(4).shape == (*shown, 3)
    assert frame_number(clip.frame(4)) == 4
    assert any("not square" in note for note in clip.notes) == (aspect != 1)


@pytest.mark.parametrize("first", [5, 12, 13])
def test_a_clip_trimmed_by_its_header_starts_where_the_cut_is(tmp_path: Path, first: int) -> None:
    whole = write_video(tmp_path / "whole.mp4", numbered_frames(40))
    trimmed = tmp_path / "trimmed.mp4"
    with av.open(str(whole)) as source, av.open(str(trimmed), "w") as target:
        copied = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                # Stamps below zero become an edit list, as when a phone trims a video without encoding it.
                packet.pts -= round(first / 25 / packet.time_base)
                packet.dts -= round(first / 25 / packet.time_base)
                packet.stream = copied
                target.mux(packet)
    clip = open_clip(trimmed)
    assert [frame_number(frame) for _, frame in clip.frames()] == list(range(first, 40))
    assert [frame_number(clip.frame(index)) for index in (20, 3, 0, 14)] == [
        first + n for n in (20, 3, 0, 14)
    ]
    assert clip.complete


def test_colours_survive(tmp_path: Path) -> None:
    colours = np.array([[200, 40, 40], [40, 180, 60], [50, 60, 210], [230, 220, 60]], np.uint8)
    frames = [np.tile(colour, (64, 64, 1)) for colour in colours]
    clip = open_clip(write_video(tmp_path / "a.mp4", frames))
    for index, frame in clip.frames():
        np.testing.assert_allclose(frame.mean(axis=(0, 1)), colours[index], atol=6)


def test_a_video_with_sound_knows_where_the_sound_starts(tmp_path: Path) -> None:
    times_s = [1 + index / 25 for index in range(30)]
    clip = open_clip(write_video(tmp_path / "a.mkv", numbered_frames(30), times_s=times_s, sound=tone(2.0)))
    waveform = clip.waveform()
    assert clip.times_s[0] == 0
    assert waveform.sample_rate == 16_000
    assert waveform.duration_s == pytest.approx(
        2 - 1, abs=0.15
    )  # the second before the first picture is left out


def test_a_long_clip_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    short = write_video(tmp_path / "short.mp4", numbered_frames(250))
    long = repeat_video(short, tmp_path / "long.mp4", 20)
    count = (
        "import resource, sys; from refervid.media.opening import open_clip; clip = open_clip(sys.argv[1]);"
        "frames = sum(1 for _ in clip.frames()); clip.frame(len(clip) // 2);"
        "print(frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    (few, small), (many, large) = (
        map(int, subprocess.check_output([sys.executable, "-c", count, str(path)]).split())
        for path in (short, long)
    )
    assert (few, many) == (250, 5_000)
    assert large - small < 8 * 1024


def test_threads_may_read_one_clip_together(tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "clip.mp4", numbered_frames(60)))
    asked = [(37 * step) % 60 for step in range(240)]
    with ThreadPoolExecutor(4) as pool:
        assert [frame_number(frame) for frame in pool.map(clip.frame, asked)] == asked
