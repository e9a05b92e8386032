"""What a clip can be made of: files by path or open, arrays, pictures of all kinds, parts of any of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import refervid
from refervid.core.errors import EmptyClip, MediaTooLarge, SettingsError, StorageFailed, UnreadableMedia
from refervid.media.audio import SoundSource
from refervid.media.opening import open_clip
from refervid.media.part import PartClip
from tests.clips import frame_number, numbered_frames, write_pictures, write_video, write_wav

FRAMES = numbered_frames(8)


def numbers(clip: refervid.Clip) -> list[int]:
    return [frame_number(frame) for _, frame in clip.frames()]


def test_an_array_is_a_clip_with_the_rate_that_is_given() -> None:
    clip = open_clip(FRAMES, fps=4)
    assert numbers(clip) == list(range(8))
    assert clip.times_s[-1] == pytest.approx(7 / 4)


def test_one_picture_in_memory_is_a_clip_of_one_frame() -> None:
    for picture in (FRAMES[3], Image.fromarray(FRAMES[3])):
        assert numbers(open_clip(picture)) == [3]


def test_pictures_of_all_kinds_one_after_the_other(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path, FRAMES)
    alpha = np.dstack([FRAMES[3], np.full(FRAMES[3].shape[:2], 7, np.uint8)])
    mixed = [FRAMES[0], Image.fromarray(FRAMES[1]), folder / "2.png", alpha, str(folder / "4.png")]
    clip = open_clip(mixed)
    assert numbers(clip) == [0, 1, 2, 3, 4]
    assert any("25 fps assumed" in note for note in clip.notes)


def test_a_generator_is_read_once_and_can_be_seen_again() -> None:
    def pictures() -> Iterator[np.ndarray]:
        yield from FRAMES

    clip = open_clip(pictures(), fps=10)
    assert numbers(clip) == numbers(clip) == list(range(8))


def test_a_generator_without_end_meets_the_limit() -> None:
    def pictures() -> Iterator[np.ndarray]:
        while True:
            yield FRAMES[0]

    size = FRAMES[0].shape[0] * FRAMES[0].shape[1]
    with pytest.raises(MediaTooLarge):
        open_clip(pictures(), max_pixels=size * 10_000)


def test_pictures_of_other_sizes_are_scaled_and_it_is_said() -> None:
    clip = open_clip([FRAMES[0], FRAMES[1][::2, ::2]])
    assert clip.frame(1).shape == FRAMES[0].shape
    assert any("other sizes" in note for note in clip.notes)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([FRAMES[0], 5], "a value of type int is no picture"),
        ([FRAMES[0].astype(float)], "type float64 is no picture"),
        (FRAMES.astype(np.float32), "give .T, H, W, 3. uint8"),
        (np.zeros((3, 4, 5, 6, 3), np.uint8), "is no picture"),
        (io.StringIO("text"), "mode 'rb'"),
        ({"a": 1}, "a value of type dict is no path"),
    ],
)
def test_what_holds_no_pictures_is_told(source: object, words: str) -> None:
    with pytest.raises(UnreadableMedia, match=words):
        open_clip(source)  # type: ignore[arg-type]


def test_a_damaged_picture_is_told() -> None:
    for kind in ("jpeg", "png"):
        whole = io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(whole, kind)
        torn = Image.open(io.BytesIO(whole.getvalue()[:2000]))
        with pytest.raises(UnreadableMedia, match="is damaged"):
            open_clip([torn])


def test_no_pictures_are_no_clip() -> None:
    with pytest.raises(EmptyClip):
        open_clip([])
    with pytest.raises(EmptyClip):
        open_clip(FRAMES[:0])


def test_an_open_file_is_read_from_where_it_stands(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", FRAMES)
    with path.open("rb") as file:
        clip = open_clip(file)
    assert clip.name == "a"
    assert numbers(clip) == numbers(open_clip(io.BytesIO(path.read_bytes()))) == list(range(8))


def test_a_folder_for_temporary_files_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageFailed, match="TMPDIR"):
        open_clip(io.BytesIO(b"a video"))


def test_a_part_keeps_names_and_times_of_the_whole(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", FRAMES)
    whole = open_clip(path)
    part = open_clip(path, start_s=float(whole.times_s[2]), end_s=float(whole.times_s[7]), every=2)
    assert numbers(part) == [2, 4, 6]
    assert [part.frame_name(i) for i in range(3)] == ["00002", "00004", "00006"]
    assert part.start_s + part.times_s == pytest.approx(whole.times_s[[2, 4, 6]])
    assert frame_number(part.frame(1)) == 4
    lasts = f"{len(FRAMES) / 25:.2f}"
    with pytest.raises(SettingsError, match=f"has no frame from 50 s: it lasts {lasts} s"):
        open_clip(path, start_s=50)
    with pytest.raises(SettingsError, match=r"ends at 0\.1 s, and must end after its start, 0\.2 s"):
        open_clip(path, start_s=0.2, end_s=0.1)


def test_a_part_of_a_clip_that_breaks_off_is_complete_where_it_ends_before(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", FRAMES)
    whole = open_clip(path)
    whole.complete = False
    for every in (1, 2):
        assert not PartClip(whole, every=every).complete
        assert not PartClip(whole, end_s=99, every=every).complete
        assert PartClip(whole, end_s=float(whole.times_s[6]), every=every).complete is True


def test_a_part_has_its_own_sound(tmp_path: Path) -> None:
    second = np.ones(16_000, np.int16)
    sound = write_wav(tmp_path / "a.wav", np.concatenate([second * 0, second * 9000, second * 0]))
    frames = np.repeat(FRAMES[:1], 30, axis=0)
    part = open_clip(frames, fps=10, audio=sound, start_s=1, end_s=2)
    assert isinstance(part.sound, SoundSource)
    heard = part.waveform()
    assert heard.duration_s == pytest.approx(1, abs=0.02)
    assert np.abs(heard.samples[800:-800]).min() > 0.2


def test_an_array_goes_through_a_preset_and_is_saved(tmp_path: Path) -> None:
    frames = np.full((12, 96, 160, 3), 100, np.uint8)
    for i in range(12):
        frames[i, 40:60, 10 + 6 * i : 30 + 6 * i] = (220, 30, 30)
    for clip in (frames, list(frames)):
        result = refervid.segment(clip, text="the red thing", preset="lite")
        assert result.masks.shape == (12, 96, 160)
        assert result.masks[5, 45:55, 45:55].all()
    assert (result.save(tmp_path / "out") / "overlay.mp4").stat().st_size
