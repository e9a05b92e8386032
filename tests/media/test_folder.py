"""A folder of pictures, or one picture, is a clip."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from clips import frame_number, numbered_frames, write_pictures, write_wav
from refervid.media.clip import open_clip
from refervid.media.folder import FolderClip


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_pictures_are_ordered_by_their_numbers(tmp_path: Path, suffix: str) -> None:
    write_pictures(tmp_path / "frames", numbered_frames(12), suffix)
    (tmp_path / "frames" / "notes.txt").write_text("not a picture")
    clip = open_clip(tmp_path / "frames")
    assert [frame_number(frame) for _, frame in clip.frames()] == list(range(12))
    assert clip.name == "frames"
    assert frame_number(clip.frame(10)) == 10
    assert clip.times_s[-1] == 11 / 25
    assert any("25 fps" in note for note in clip.notes)


def test_times_follow_the_frame_rate_asked_for(tmp_path: Path) -> None:
    clip = FolderClip(write_pictures(tmp_path / "frames", numbered_frames(3)), fps=2)
    np.testing.assert_allclose(clip.times_s, [0, 0.5, 1])


def test_one_picture_with_a_sound_file_is_a_clip_with_sound(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "frames", numbered_frames(1))
    sound = write_wav(tmp_path / "a.wav", np.zeros(16_000, np.int16))
    clip = open_clip(folder / "0.png", audio=sound)
    assert (len(clip), clip.name, clip.notes) == (1, "0", [])
    assert clip.waveform().duration_s == 1


def test_colours_are_rgb_and_exact_in_png(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 31, 33, 3), dtype=np.uint8)
    clip = open_clip(write_pictures(tmp_path / "frames", frames))
    np.testing.assert_array_equal(clip.frame(1), frames[1])


@pytest.mark.parametrize("kind", ["grey", "alpha", "16 bits"])
def test_other_pixel_formats_become_rgb(tmp_path: Path, kind: str) -> None:
    pixels = {
        "grey": np.full((8, 9), 200, np.uint8),
        "alpha": np.full((8, 9, 4), 200, np.uint8),
        "16 bits": np.full((8, 9, 3), 200 * 257, np.uint16),
    }[kind]
    cv2.imwrite(str(tmp_path / "0.png"), pixels)
    frame = open_clip(tmp_path).frame(0)
    assert frame.shape == (8, 9, 3)
    assert (frame == 200).all()


def test_symbolic_links_are_read(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "frames", numbered_frames(1))
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "7.png").symlink_to(folder / "0.png")
    assert len(open_clip(tmp_path / "links")) == 1
