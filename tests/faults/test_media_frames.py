"""Faults 3, 4, 7 to 11: files that end early, are damaged, or whose frames are not what one expects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from refervid.core.errors import MediaError, MediaTooLarge, TruncatedMedia
from refervid.media.limits import FRAME_SHARE
from refervid.media.opening import open_clip
from tests.clips import (
    cut,
    damage,
    frame_number,
    numbered_frames,
    set_display_matrix,
    write_pictures,
    write_video,
)


def test_a_matroska_file_that_ends_early_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mkv", numbered_frames(100), codec_options={"preset": "ultrafast"})
    clip = open_clip(cut(whole))
    assert 30 < len(clip) < 90
    assert not clip.complete
    assert any(f"decoded {len(clip) / 25:.1f} s of 4.0 s" in note for note in clip.notes), clip.notes
    assert [frame_number(frame) for _, frame in clip.frames()] == list(range(len(clip)))


def test_a_file_that_ends_early_is_an_error_if_that_is_asked_for(tmp_path: Path) -> None:
    path = cut(write_video(tmp_path / "a.mkv", numbered_frames(100)))
    with pytest.raises(TruncatedMedia, match=r"decoded .* s of 4\.0 s"):
        open_clip(path, strict=True)


def test_an_mp4_with_its_index_in_front_that_ends_early_is_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_video(path, numbered_frames(100), container_options={"movflags": "faststart"})
    clip = open_clip(cut(path))
    assert not clip.complete
    assert [frame_number(frame) for _, frame in clip.frames()] == list(range(len(clip)))
    assert any("of 4.0 s" in note for note in clip.notes)


def test_a_whole_file_is_complete(tmp_path: Path) -> None:
    for suffix in ("mkv", "mp4", "ts", "avi"):
        assert open_clip(write_video(tmp_path / f"a.{suffix}", numbered_frames(30)), strict=True).complete


def test_damaged_packets_keep_the_number_and_times_of_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(30))
    times_s = open_clip(path).times_s
    clip = open_clip(damage(path))
    np.testing.assert_array_equal(clip.times_s, times_s)
    assert sum(1 for _ in clip.frames()) == 30


def test_the_frame_before_stands_in_for_one_that_cannot_be_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mov", numbered_frames(40), codec="mpeg4", gop=1, b_frames=0)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    clip = open_clip(path)
    numbers = [frame_number(frame) for _, frame in clip.frames()]
    held = [index for index, number in enumerate(numbers) if number != index]
    assert held
    assert {numbers[index] for index in held} == {held[0] - 1}
    assert [frame_number(clip.frame(index)) for index in reversed(range(40))] == numbers[::-1]
    np.testing.assert_allclose(clip.times_s, np.arange(40) / 25)
    assert sum("could not be decoded" in note for note in clip.notes) == 1


def test_variable_frame_rate_keeps_the_files_own_times(tmp_path: Path) -> None:
    times_s = np.cumsum([0, 0.04, 0.5, 0.01, 0.033, 1.2, 0.25, 0.007])
    for suffix in ("mp4", "mkv"):
        clip = open_clip(write_video(tmp_path / f"a.{suffix}", numbered_frames(8), times_s=list(times_s)))
        np.testing.assert_allclose(clip.times_s, times_s, atol=0.001)
        assert [frame_number(clip.frame(index)) for index in range(8)] == list(range(8))


TURNS: dict[str, tuple[tuple[tuple[int, int], tuple[int, int]], Callable[[np.ndarray], np.ndarray]]] = {
    "not at all": (((1, 0), (0, 1)), lambda frame: frame),
    "a quarter clockwise": (((0, 1), (-1, 0)), lambda frame: np.rot90(frame, -1)),
    "half": (((-1, 0), (0, -1)), lambda frame: np.rot90(frame, 2)),
    "a quarter back": (((0, -1), (1, 0)), lambda frame: np.rot90(frame, 1)),
    "mirrored left to right": (((-1, 0), (0, 1)), np.fliplr),
    "mirrored top to bottom": (((1, 0), (0, -1)), np.flipud),
    "transposed": (((0, 1), (1, 0)), lambda frame: frame.transpose(1, 0, 2)),
}


@pytest.mark.parametrize("name", TURNS)
def test_rotation_and_mirroring_that_the_file_asks_for_are_applied(tmp_path: Path, name: str) -> None:
    turn, expected = TURNS[name]
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:32, :48], pixels[:32, 48:], pixels[32:, :48] = 250, 170, 90
    path = write_video(tmp_path / "a.mp4", [pixels] * 3)
    clip = open_clip(set_display_matrix(path, turn))
    shown = clip.frame(1)
    assert (clip.height, clip.width) == shown.shape[:2] == expected(pixels).shape[:2]
    assert np.abs(shown.astype(int) - expected(pixels)).mean() < 6
    assert any("turned or mirrored" in note for note in clip.notes) == (name != "not at all")


def test_a_clip_that_does_not_start_at_zero_starts_at_zero(tmp_path: Path) -> None:
    times_s = [7 + index / 10 for index in range(30)]
    clip = open_clip(write_video(tmp_path / "a.mkv", numbered_frames(30), times_s=times_s))
    np.testing.assert_allclose(clip.times_s, np.arange(30) / 10, atol=0.002)
    assert clip.complete
    assert [frame_number(clip.frame(index)) for index in (29, 15, 0)] == [29, 15, 0]


def test_missing_times_are_made_up_from_the_frame_rate(tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "a.avi", numbered_frames(30), b_frames=3))
    np.testing.assert_allclose(clip.times_s, np.arange(30) / 25, atol=0.002)
    assert any("25 fps assumed" in note for note in clip.notes)


def test_repeated_times_become_strictly_increasing(tmp_path: Path) -> None:
    # 2500 frames a second in a format that counts milliseconds
    clip = open_clip(write_video(tmp_path / "a.mkv", numbered_frames(50), fps=2500, b_frames=0))
    assert len(clip) == 50
    assert (np.diff(clip.times_s) > 0).all()
    np.testing.assert_allclose(clip.times_s, np.arange(50) / 2500, atol=0.002)
    assert [frame_number(clip.frame(index)) for index in (49, 7, 30)] == [49, 7, 30]
    assert any("same time stamp" in note for note in clip.notes)


def test_times_that_run_backwards_become_strictly_increasing(tmp_path: Path) -> None:
    first = write_video(tmp_path / "1.ts", numbered_frames(20))
    second = write_video(tmp_path / "2.ts", numbered_frames(20, first=20))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    clip = open_clip(joined)
    assert (np.diff(clip.times_s) > 0).all()
    assert [frame_number(frame) for _, frame in clip.frames()] == list(range(len(clip)))


def test_b_frames_come_in_the_order_of_display(tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", numbered_frames(30), b_frames=8))
    assert [frame_number(frame) for _, frame in clip.frames()] == list(range(30))


def test_a_change_of_size_in_the_middle_is_scaled_to_the_first_with_one_note(tmp_path: Path) -> None:
    first = write_video(tmp_path / "1.ts", numbered_frames(20))
    later = [1 + index / 25 for index in range(20)]
    second = write_video(tmp_path / "2.ts", numbered_frames(20, 192, 256, first=20), times_s=later)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    clip = open_clip(joined)
    frames = [frame for _, frame in clip.frames()]
    assert {frame.shape for frame in frames} == {(96, 128, 3)}
    assert [frame_number(frame) for frame in frames] == list(range(40))
    assert sum("picture size changes" in note for note in clip.notes) == 1


def test_a_picture_of_another_size_in_a_folder_is_scaled_to_the_first(tmp_path: Path) -> None:
    frames = [*numbered_frames(2), *numbered_frames(2, 48, 64, first=2)]
    clip = open_clip(write_pictures(tmp_path / "frames", frames))
    assert [frame_number(frame) for _, frame in clip.frames()] == [0, 1, 2, 3]
    assert {frame.shape for _, frame in clip.frames()} == {(96, 128, 3)}
    assert sum("other sizes" in note for note in clip.notes) == 1


@pytest.mark.parametrize(
    ("pix_fmt", "note"), [("gray", "grey"), ("bgra", "transparency"), ("yuv420p10le", "10-bit")]
)
def test_grey_transparent_and_10_bit_video_becomes_rgb_with_one_note(
    tmp_path: Path, pix_fmt: str, note: str
) -> None:
    clip = open_clip(write_video(tmp_path / "a.mkv", numbered_frames(6), codec="ffv1", pix_fmt=pix_fmt))
    frames = [frame for _, frame in clip.frames()]
    assert [frame_number(frame) for frame in frames] == list(range(6))
    assert {(frame.dtype.name, frame.shape) for frame in frames} == {("uint8", (96, 128, 3))}
    assert [note in found for found in clip.notes] == [True]


def test_odd_sizes_keep_every_pixel(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 37, 51, 3), dtype=np.uint8)
    clip = open_clip(write_video(tmp_path / "a.mkv", frames, codec="ffv1", pix_fmt="bgr0"))
    np.testing.assert_array_equal(clip.frame(3), frames[3])


def test_a_clip_of_too_many_pixels_is_refused_naming_the_option(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(30))
    with pytest.raises(MediaTooLarge, match="--max-pixels"):
        open_clip(path, max_pixels=20 * 128 * 96)
    frames_allowed = 96 * 128 * FRAME_SHARE
    assert len(open_clip(path, max_pixels=frames_allowed)) == 30


def test_too_many_frames_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "frames", numbered_frames(3, 8, 16))
    for index in range(3, FRAME_SHARE + 1):
        (folder / f"{index}.png").symlink_to(folder / "0.png")
    with pytest.raises(MediaTooLarge, match="at least 10,001 frames"):
        open_clip(folder, max_pixels=8 * 16 * FRAME_SHARE)


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_header(tmp_path: Path) -> None:
    size = (30_000).to_bytes(4, "big")
    bomb = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + b"IHDR" + size + size + b"\x08\x02\x00\x00\x00"
    (tmp_path / "0.png").write_bytes(bomb)
    with pytest.raises(MediaTooLarge, match="30000x30000"):
        open_clip(tmp_path)
    jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + (60_000).to_bytes(2, "big") * 2 + bytes(12)
    (tmp_path / "0.png").write_bytes(jpeg)
    with pytest.raises(MediaTooLarge, match="60000x60000"):
        open_clip(tmp_path)


def test_a_video_that_grows_beyond_the_limit_is_cut_there(tmp_path: Path) -> None:
    first = write_video(tmp_path / "1.ts", numbered_frames(40))
    later = [2 + index / 25 for index in range(40)]
    second = write_video(tmp_path / "2.ts", numbered_frames(40, 480, 640), times_s=later)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    clip = open_clip(joined, max_pixels=200 * 200 * FRAME_SHARE)
    assert 36 <= len(clip) <= 40
    assert not clip.complete


def test_a_header_that_promises_absurd_sizes_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", numbered_frames(5), codec="ffv1", pix_fmt="bgr0")
    data = bytearray(path.read_bytes())
    at = data.index(b"strf") + 8 + 4
    data[at : at + 8] = (60_000).to_bytes(4, "little") * 2
    path.write_bytes(data)
    with pytest.raises(MediaError):
        open_clip(path)
