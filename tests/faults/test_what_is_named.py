"""What a person names and is no clip: the message says what it is. Folders with more than pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import refervid
from refervid.core.errors import MediaNotFound, SettingsError, UnreadableMedia
from refervid.media.array import ArrayClip
from refervid.media.opening import open_clip
from tests.clips import frame_number, numbered_frames, write_pictures, write_video, write_wav


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("https://example.org/a.mp4", r"https://example\.org/a\.mp4 is an address on the web.*download"),
        (Path("http://example.org/a.mp4"), r"http://example\.org/a\.mp4 is an address on the web"),
        ("rtsp://camera/1", r"rtsp://camera/1 is a live stream.*record"),
        ("file:///tmp/a.mp4", r"give its path, /tmp/a\.mp4"),
        ("gopher://host/a", r"gopher://host/a is an address"),
        (np.zeros((4, 8, 9, 5, 3), np.uint8), r"an array of shape \(4, 8, 9, 5, 3\)"),
        (b"a.mp4", "a value of type bytes"),
        (None, "a value of type NoneType"),
        (0, "a value of type int"),
        ("", "'' is no path"),
        ("a\0.mp4", "is no path"),
    ],
)
def test_what_is_no_path_is_told(source: object, told: str) -> None:
    with pytest.raises(UnreadableMedia, match=told) as caught:
        open_clip(source)  # type: ignore[arg-type]
    assert "does not exist" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sound_may_not_be_an_address_either(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", numbered_frames(2))
    with pytest.raises(UnreadableMedia, match="an address on the web"):
        open_clip(video, audio="https://example.org/a.wav")


def test_a_folder_named_like_an_address_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "http:" / "frames", numbered_frames(2))
    assert len(open_clip("http://frames")) == 2


@pytest.mark.parametrize("text", [5, ["a", 5], {"a": 1}, b"a"])
def test_text_that_is_none_is_told(tmp_path: Path, text: object) -> None:
    video = write_video(tmp_path / "a.mp4", numbered_frames(2))
    with pytest.raises(SettingsError, match="no sentence"):
        refervid.segment(video, text=text, preset="lite")  # type: ignore[call-overload]


@pytest.mark.parametrize("fps", [1e-12, 0, -5, 1e9])
def test_a_rate_that_no_clip_has_is_refused(tmp_path: Path, fps: float) -> None:
    frames = numbered_frames(2)
    folder = write_pictures(tmp_path / "frames", frames)
    with pytest.raises(SettingsError, match=r"is no rate: give one from 0\.001 to 1000"):
        open_clip(folder, fps=fps)
    with pytest.raises(SettingsError, match="is no rate"):
        ArrayClip(frames, fps=fps)


def test_what_file_managers_leave_in_a_folder_is_no_frame(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "frames", numbered_frames(3))
    (folder / "._0.png").write_bytes(b"\0\5\26\7")
    (folder / ".1.png").write_bytes((folder / "1.png").read_bytes())
    (folder / "Thumbs.db").write_bytes(b"x")
    clip = open_clip(folder)
    assert [frame_number(frame) for _, frame in clip.frames()] == [0, 1, 2]
    assert not any("left out" in note for note in clip.notes)


def test_files_that_only_are_called_pictures_are_left_out_and_named(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "frames", numbered_frames(3))
    (folder / "3.png").touch()
    (folder / "note.jpg").write_text("not a picture")
    clip = open_clip(folder)
    assert len(clip) == 3
    assert "no pictures, so left out: 3.png, note.jpg" in clip.notes


def test_videos_beside_a_picture_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "clips", numbered_frames(1))
    for name in ("b.mp4", "a.MOV"):
        write_video(folder / name, numbered_frames(2))
    clip = open_clip(folder)
    assert len(clip) == 1
    assert clip.notes == [
        "the clip is the folder's pictures, without its 2 videos: a.MOV, b.mp4 (of a video give its own path)"
    ]


def test_a_folder_of_files_that_only_are_called_pictures_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "note.jpg").write_text("not a picture")
    with pytest.raises(UnreadableMedia, match="none of its"):
        open_clip(tmp_path)


def test_a_pipe_called_a_picture_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(MediaNotFound, match="pipe or device"):
        open_clip(tmp_path / "pipe.png")
    folder = write_pictures(tmp_path / "frames", numbered_frames(2))
    os.mkfifo(folder / "2.png")
    assert len(open_clip(folder)) == 2


def test_fault_43_an_animated_png_says_that_one_picture_is_used(tmp_path: Path) -> None:
    first, *others = [Image.fromarray(frame) for frame in numbered_frames(3, first=5)]
    first.save(tmp_path / "a.png", save_all=True, append_images=others)
    clip = open_clip(tmp_path / "a.png", audio=write_wav(tmp_path / "a.wav", np.zeros(800, np.int16)))
    assert len(clip) == 1
    assert frame_number(clip.frame(0)) == 5
    assert any("animated PNG" in note for note in clip.notes)
