"""The overlay keeps the clip's times, shape and sound, and shows the masks."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from refervid.core.track import Track
from refervid.media.array import ArrayClip
from refervid.media.audio import SoundSource
from refervid.media.clip import Clip
from refervid.media.lettering import text_alpha
from refervid.media.opening import open_clip
from refervid.media.overlay import draw_masks, write_overlay
from refervid.media.palette import query_colour
from tests.clips import frame_number, numbered_frames, tone, write_video, write_wav


def lower_half(clip: Clip, frames: range | None = None) -> Track:
    """A block in the lower half, clear of the bars that number the frames."""
    track = Track(len(clip), clip.height, clip.width)
    mask = np.zeros((clip.height, clip.width), bool)
    mask[clip.height * 2 // 3 :, 8 : clip.width // 2] = True
    for index in frames or range(len(clip)):
        track[index] = mask
    return track


def test_it_is_h264_with_the_index_in_front(tmp_path: Path) -> None:
    clip = ArrayClip(numbered_frames(5))
    write_overlay(tmp_path / "o.mp4", clip, [lower_half(clip)])
    data = (tmp_path / "o.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "o.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert not container.streams.audio


def test_variable_times_are_kept(tmp_path: Path) -> None:
    times_s = np.array([0, 0.04, 0.05, 0.5, 1.7, 1.701, 4.0])
    clip = ArrayClip(numbered_frames(7), times_s)
    write_overlay(tmp_path / "o.mp4", clip, [lower_half(clip)])
    copy = open_clip(tmp_path / "o.mp4")
    np.testing.assert_allclose(copy.times_s, times_s, atol=1e-4)
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert container.duration / av.time_base == pytest.approx(4.245, abs=0.01)
    assert [frame_number(frame) for _, frame in copy.frames()] == list(range(7))


def test_times_closer_than_the_time_base_still_follow_one_another(tmp_path: Path) -> None:
    clip = ArrayClip(numbered_frames(4), np.array([0, 1e-7, 2e-7, 0.1]))
    write_overlay(tmp_path / "o.mp4", clip, [])
    assert len(open_clip(tmp_path / "o.mp4")) == 4


def test_labels_of_things_in_one_place_do_not_hide_each_other() -> None:
    def plates(count: int) -> list[int]:
        frame = np.zeros((120, 160, 3), np.uint8)
        mask = np.zeros((120, 160), bool)
        mask[60:75, 60:100] = True
        draw_masks(frame, [mask] * count, ["the cup"] * count)
        drawn = frame.astype(int)
        wanted = [np.array(query_colour(number)) * 0.85 * 5 / 8 for number in range(count)]
        return [int((np.abs(drawn - colour).max(axis=2) < 8).sum()) for colour in wanted]

    [alone] = plates(1)
    assert alone > 100
    assert min(plates(3)) > 0.4 * alone  # some of a plate lies on the mask, which shines through


def test_masks_of_one_thing_do_not_hide_each_other() -> None:
    frame = np.zeros((480, 640, 3), np.uint8)
    mask = np.zeros((480, 640), bool)
    mask[160:320, 200:440] = True
    other = np.zeros((480, 640), bool)
    other[160:320, 500:600] = True
    draw_masks(frame, [mask, mask, mask | other])  # the last is of two things
    for number in range(3):
        in_its_colour = (np.abs(frame.astype(int) - query_colour(number)) < 8).all(axis=2)
        assert in_its_colour.sum() >= 800, number  # as long as the outline is


@pytest.mark.parametrize(("height", "width"), [(96, 129), (97, 128), (97, 129), (1, 1)])
def test_odd_sizes_grow_by_a_copied_edge(tmp_path: Path, height: int, width: int) -> None:
    frames = np.full((3, height, width, 3), 200, np.uint8)
    write_overlay(tmp_path / "o.mp4", ArrayClip(frames), [])
    copy = open_clip(tmp_path / "o.mp4").frame(0)
    assert copy.shape[:2] == (height + height % 2, width + width % 2)
    assert (np.abs(copy.astype(int) - 200) < 6).all()


def test_a_label_of_two_lines_is_written_on_one() -> None:
    masks = [np.pad(np.ones((20, 60), bool), ((60, 16), (34, 34)))]
    one, two = (np.full((96, 128, 3), 90, np.uint8) for _ in range(2))
    draw_masks(one, masks, ["the dog"])
    draw_masks(two, masks, ["the\ndog"])
    assert np.array_equal(one, two)


def test_one_frame_makes_a_movie(tmp_path: Path) -> None:
    clip = ArrayClip(numbered_frames(1))
    write_overlay(tmp_path / "o.mp4", clip, [lower_half(clip)], ["it"])
    assert len(open_clip(tmp_path / "o.mp4")) == 1


def test_colours_survive(tmp_path: Path) -> None:
    frames = np.zeros((3, 64, 64, 3), np.uint8)
    frames[:] = (200, 40, 90)
    write_overlay(tmp_path / "o.mp4", ArrayClip(frames), [])
    assert (np.abs(open_clip(tmp_path / "o.mp4").frame(1).astype(int) - (200, 40, 90)) < 6).all()


def test_masks_are_tinted_in_their_query_s_colour_and_nothing_else_is(tmp_path: Path) -> None:
    clip = ArrayClip(numbered_frames(6))
    write_overlay(tmp_path / "o.mp4", clip, [Track(6, 96, 128), lower_half(clip, range(3))])
    copy = open_clip(tmp_path / "o.mp4")
    expected = 0.6 * 128 + 0.4 * np.array(query_colour(1))
    inside = copy.frame(1)[75:85, 20:50].reshape(-1, 3).mean(0)
    assert np.abs(inside - expected).max() < 8
    assert np.abs(copy.frame(1)[60:90, 90:].astype(int) - 128).max() < 12
    assert np.abs(copy.frame(4)[75:85, 20:50].astype(int) - 128).max() < 12


def test_labels_stand_beside_masks_in_any_script() -> None:
    mask = np.zeros((240, 320), bool)
    mask[150:200, 100:200] = True
    for label in (
        "the cup",
        "le café",
        "蓝色的杯子",
        "a sentence that is far too long for the frame to hold",
    ):
        frame = np.full((240, 320, 3), 128, np.uint8)
        draw_masks(frame, [mask], [label])
        assert (frame[120:148, 60:240] != 128).any()
        assert (frame[:100] == 128).all()
    frame = np.full((240, 320, 3), 128, np.uint8)
    draw_masks(frame, [np.zeros((240, 320), bool)], ["nothing"])
    assert (frame == 128).all()


def plate(height: int, width: int, rows: slice, columns: slice, label: str) -> tuple[int, int, int, int]:
    """Where the label of a mask at these rows and columns lies: left, top, width and height."""
    mask = np.zeros((height, width), bool)
    mask[rows, columns] = True
    frame, bare = (np.full((height, width, 3), 128, np.uint8) for _ in range(2))
    draw_masks(frame, [mask], [label])
    draw_masks(bare, [mask])
    return cv2.boundingRect((frame != bare).any(axis=2).astype(np.uint8))


def test_a_label_stays_in_the_frame() -> None:
    *_, across, down = plate(96, 128, slice(50, 60), slice(60, 70), "the cup")
    start, end = slice(0, 4), slice(-4, None)
    for rows, columns in product((start, end), repeat=2):
        left, top, *size = plate(96, 128, rows, columns, "the cup")
        assert size == [across, down]
        assert left == (0 if columns is start else 128 - across)
        assert (top == 0) is (rows is start)
    assert plate(20, 24, slice(None), slice(None), "wider than the frame")[::2] == (0, 24)


def test_a_label_is_cut_to_what_fits_on_half_the_frame() -> None:
    mask = np.zeros((240, 640), bool)
    mask[150:200, 300:340] = True
    sentence = "the second cup from the left " * 100

    def plate_width(label: str) -> int:
        frame = np.full((240, 640, 3), 128, np.uint8)
        draw_masks(frame, [mask], [label])
        return int((frame[130:140] != 128).any(axis=(0, 2)).sum())

    rendered = text_alpha.cache_info().misses
    assert 280 < plate_width(sentence) <= 330
    assert plate_width(sentence) == plate_width(sentence[:200])
    assert plate_width("a cup") < 60
    # Drawing a label takes long: the cut is found in a few attempts, and only once for all frames.
    assert text_alpha.cache_info().misses - rendered < 20


def dominant_hertz(samples: np.ndarray, rate: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / len(samples))


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
def test_the_sound_goes_along(tmp_path: Path, rate: int) -> None:
    wav = write_wav(tmp_path / "a.wav", tone(2, 500, rate), rate)
    clip = ArrayClip(numbered_frames(50))
    clip.sound = SoundSource(wav)
    write_overlay(tmp_path / "o.mp4", clip, [])
    copy = open_clip(tmp_path / "o.mp4")
    waveform = copy.waveform()
    assert waveform.duration_s == pytest.approx(2, abs=0.15)
    assert dominant_hertz(waveform.samples[4000:20000], 16_000) == pytest.approx(500, abs=2)


@pytest.mark.parametrize(("channels", "layout"), [(1, "mono"), (2, "stereo"), (6, "stereo")])
def test_stereo_stays_and_more_channels_are_mixed_down(tmp_path: Path, channels: int, layout: str) -> None:
    sound = np.stack([tone(1, 440, 48_000)] * channels)
    source = write_video(tmp_path / "a.mp4", numbered_frames(25), sound=sound, sample_rate=48_000)
    write_overlay(tmp_path / "o.mp4", open_clip(source), [])
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert container.streams.audio[0].layout.name == layout


@pytest.mark.parametrize("shift_s", [-0.5, 0.0, 0.5])
def test_sound_stays_in_step_with_the_picture(tmp_path: Path, shift_s: float) -> None:
    """A click 1 s into the sound lands at 1 s minus the moment of the first picture."""
    click = np.zeros(32_000, np.float32)
    click[16_000:16_400] = 0.9
    clip = ArrayClip(numbered_frames(50))
    clip.sound = SoundSource(write_wav(tmp_path / "a.wav", click), clip_start_s=shift_s)
    write_overlay(tmp_path / "o.mp4", clip, [])
    waveform = open_clip(tmp_path / "o.mp4").waveform()
    found_s = np.flatnonzero(np.abs(waveform.samples) > 0.3)[0] / 16_000
    assert found_s == pytest.approx(1 - shift_s, abs=0.03)


def test_sound_is_cut_where_the_picture_ends(tmp_path: Path) -> None:
    clip = ArrayClip(numbered_frames(25))
    clip.sound = SoundSource(write_wav(tmp_path / "a.wav", tone(10)))
    write_overlay(tmp_path / "o.mp4", clip, [])
    assert open_clip(tmp_path / "o.mp4").waveform().duration_s == pytest.approx(1, abs=0.15)


def test_sound_that_is_not_finite_becomes_harmless(tmp_path: Path) -> None:
    sound = tone(1)
    sound[2000:2100], sound[5000], sound[6000] = np.nan, np.inf, -np.inf
    clip = ArrayClip(numbered_frames(25))
    clip.sound = SoundSource(write_wav(tmp_path / "a.wav", sound))
    write_overlay(tmp_path / "o.mp4", clip, [])
    assert np.isfinite(open_clip(tmp_path / "o.mp4").waveform().samples).all()


def test_a_failure_leaves_no_overlay(tmp_path: Path) -> None:
    clip = ArrayClip(numbered_frames(5))

    def stop(stage: str, artefact: object, completed: int, total: int) -> None:
        if completed == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_overlay(tmp_path / "o.mp4", clip, [], hook=stop)
    assert list(tmp_path.iterdir()) == []
