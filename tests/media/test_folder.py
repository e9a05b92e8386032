"""A folder of pictures, or one picture, is a clip."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from refervid.core.digests import digests_in
from refervid.core.errors import MediaNotFound
from refervid.media.clip import clip_digest
from refervid.media.folder import FolderClip
from refervid.media.opening import open_clip
from tests.clips import frame_number, numbered_frames, write_pictures, write_wav


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


def test_digits_that_are_no_numbers_do_not_count(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "frames", numbered_frames(3))
    for number, name in enumerate(("2.png", "²a.png", "10³.png")):
        (folder / f"{number}.png").rename(folder / f"new {name}")
    order = [frame_number(frame) for _, frame in open_clip(folder).frames()]
    assert order == [0, 2, 1]


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


def test_a_photo_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    # EXIF with the single tag 0x0112, orientation 6: to be turned a quarter clockwise
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "0.jpg").write_bytes(jpeg[:2] + segment + jpeg[2:])
    frame = open_clip(tmp_path).frame(0)
    assert frame.shape == (32, 16, 3)
    assert frame[:16].mean() > 200 > 50 > frame[16:].mean()


@pytest.mark.parametrize(("path", "name"), [("video.v2", "video.v2"), ("video.v2/0.png", "0"), (".", "here")])
def test_a_clip_is_named_after_its_file_or_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, name: str
) -> None:
    write_pictures(tmp_path / "here" / "video.v2", numbered_frames(1))
    write_pictures(tmp_path / "here", numbered_frames(1))
    monkeypatch.chdir(tmp_path / "here")
    assert open_clip(path).name == name


def test_symbolic_links_are_read(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "frames", numbered_frames(1))
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "7.png").symlink_to(folder / "0.png")
    assert len(open_clip(tmp_path / "links")) == 1


def test_a_clip_whose_pictures_are_gone_has_no_digest(tmp_path: Path) -> None:
    clip = FolderClip(write_pictures(tmp_path / "clip", numbered_frames(2)))
    before = clip_digest(clip, digests_in(tmp_path))
    assert clip_digest(FolderClip(clip.source, fps=5), digests_in(tmp_path)) != before
    clip.files[1].unlink()
    with pytest.raises(MediaNotFound, match="put it back"):
        clip_digest(clip, digests_in(tmp_path))
