"""Objects followed while frames arrive, and what is written of them."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from refervid.core.errors import OutputConflict, SettingsError
from refervid.core.rle import decode_mask
from refervid.core.types import Pivot
from refervid.engines.lite.tracker import EmbeddedTracker
from refervid.media.live import LivePicture
from refervid.pipelines.live import LiveFolder, follow, look_for
from refervid.pipelines.presets import load
from refervid.webui.mjpeg import FilmServer
from tests.cli.test_segment import disc
from tests.clips import disc_and_square
from tests.engines.made_clips import Made, iou, red_and_blue

FRAMES = 9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return red_and_blue(tmp_path_factory.mktemp("live") / "frames", FRAMES)


@pytest.fixture(scope="module")
def tracker() -> EmbeddedTracker:
    return EmbeddedTracker()


def arriving(made: Made) -> Iterator[LivePicture]:
    for index, frame in made.clip.frames():
        yield LivePicture(frame, index / 25, time.monotonic(), dropped=2 if index == 5 else 0)


def test_marks_on_the_first_frame_are_followed(made: Made, tracker: EmbeddedTracker) -> None:
    objects = {"red": [Pivot(0, mask=made.masks[0][0])], "blue": [Pivot(0, mask=made.masks[1][0])]}
    seen = list(follow(tracker, arriving(made), objects))
    assert [followed.index for followed in seen] == list(range(FRAMES))
    for name, truth in zip(("red", "blue"), made.masks, strict=True):
        assert min(iou(followed.masks[name], truth[followed.index]) for followed in seen) > 0.8
        assert min(followed.presence[name] for followed in seen) > 0.3
    assert all(followed.latency_s > 0 for followed in seen)


def test_a_stream_can_be_corrected_and_objects_dropped(made: Made, tracker: EmbeddedTracker) -> None:
    live = tracker.live(made.clip.height, made.clip.width)
    red, blue = made.masks
    assert live.push(made.clip.frame(0)).masks == {}
    live.push(made.clip.frame(1), {7: [Pivot(1, mask=red[1] | blue[1])], 3: [Pivot(1, mask=blue[1])]})
    middles = np.stack([np.argwhere(own[2]).mean(axis=0)[::-1] for own in made.masks]).astype(np.float32)
    points = Pivot(2, points_xy=middles, point_labels=np.array([True, False]))
    assert iou(live.push(made.clip.frame(2), {7: [points]}).masks[7], red[2]) > 0.7
    live.drop(3)
    assert {*live.push(made.clip.frame(3)).masks} == {7}
    gone = live.push(made.clip.frame(4), {7: [Pivot(4, mask=np.zeros_like(red[4]))]})
    assert not gone.masks[7].any()
    assert gone.presence[7] == 0
    with pytest.raises(SettingsError, match="the frame that arrives is 5"):
        live.push(made.clip.frame(5), {7: [Pivot(4, mask=red[4])]})
    with pytest.raises(SettingsError, match="this stream has"):
        live.push(made.clip.frame(5)[:-1])


def test_the_look_of_a_dropped_object_is_forgotten(made: Made, tracker: EmbeddedTracker) -> None:
    live = tracker.live(made.clip.height, made.clip.width)
    live.push(made.clip.frame(0), {3: [Pivot(0, mask=made.masks[0][0])]})
    live.push(made.clip.frame(1))
    assert live._scene.picture(0).any()
    live.drop(3)
    live.push(made.clip.frame(2))
    with pytest.raises(KeyError):
        live._scene.picture(0)


def test_points_begin_an_object_anew_under_the_number_of_a_dropped_one(
    made: Made, tracker: EmbeddedTracker
) -> None:
    red, blue = made.masks
    live = tracker.live(made.clip.height, made.clip.width)
    for index in range(0, 4, 2):
        live.push(made.clip.frame(index), {3: [Pivot(index, mask=red[index])]})
        live.drop(3)
        middle = np.argwhere(blue[index + 1]).mean(axis=0)[None, ::-1].astype(np.float32)
        points = Pivot(index + 1, points_xy=middle, point_labels=np.array([True]))
        found = live.push(made.clip.frame(index + 1), {3: [points]}).masks[3]
        assert iou(found, blue[index + 1]) > 0.5
        assert not (found & red[index + 1] & ~blue[index + 1]).any()
    assert [*live._pivots] == [3]


def test_who_draws_on_an_answer_does_not_change_what_is_followed(
    made: Made, tracker: EmbeddedTracker
) -> None:
    red = made.masks[0]
    middle = np.argwhere(red[1]).mean(axis=0)[None, ::-1].astype(np.float32)
    points = Pivot(1, points_xy=middle, point_labels=np.array([True]))
    found = []
    for drawn_on in (False, True):
        live = tracker.live(made.clip.height, made.clip.width)
        given = red[0].copy()
        answer = live.push(made.clip.frame(0), {3: [Pivot(0, mask=given)]})
        if drawn_on:
            answer.masks[3][:] = True
            answer.masks.clear()
        assert np.array_equal(given, red[0])
        found.append(live.push(made.clip.frame(1), {3: [points]}).masks[3])
    assert np.array_equal(*found)


def test_a_long_look_takes_no_more_memory_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = disc_and_square(12)
    pictures = (LivePicture(frame, 3 + index / 25, 0.0, 0) for index, frame in enumerate(frames))
    monkeypatch.setattr("refervid.pipelines.live._LOOK_PIXELS", 8 * 96 * 144 + 5)
    look = look_for(load("lite", device="cpu"), ["the red disc"], pictures, 1e9)
    assert np.array_equal(look.picture.frame, frames[7])
    assert iou(look.objects["the red disc"][0].mask, disc(7)) > 0.8
    assert "only the first 0.3 s" in look.notes[0]
    assert np.array_equal(next(pictures).frame, frames[8])  # nothing of the source is lost


def test_a_line_for_every_frame_and_figures_in_the_end(
    made: Made, tracker: EmbeddedTracker, tmp_path: Path
) -> None:
    objects = {"red": [Pivot(0, mask=made.masks[0][0])]}
    with LiveFolder(tmp_path, "a camera") as folder:
        for followed in follow(tracker, arriving(made), objects):
            folder.write(followed)
            lines = (tmp_path / "masks.jsonl").read_text().splitlines()
            assert len(lines) == followed.index + 1  # as it goes
    last = json.loads(lines[-1])
    assert (last["frame"], last["time_s"]) == (FRAMES - 1, (FRAMES - 1) / 25)
    mask = decode_mask(last["objects"]["red"]["counts"].encode(), *last["objects"]["red"]["size"])
    assert iou(mask, made.masks[0][-1]) > 0.8
    figures = json.loads((tmp_path / "live.json").read_text())
    assert (figures["source"], figures["frames"], figures["dropped"]) == ("a camera", FRAMES, 2)
    assert 0 < figures["latency_s"]["median"] <= figures["latency_s"]["of_95_percent"]
    with pytest.raises(OutputConflict, match="is there already"):
        LiveFolder(tmp_path, "a camera")


def test_marks_that_no_first_frame_has_are_refused(made: Made, tracker: EmbeddedTracker) -> None:
    away = np.array([500, 500, 600, 600], np.float32)
    for pivot, why in (
        (Pivot(0, box_xyxy=away), "outside the frame"),
        (Pivot(0, points_xy=away[None, :2], point_labels=np.array([True])), "outside the frame"),
        (Pivot(2, mask=made.masks[0][2]), "mark the first one"),
    ):
        with pytest.raises(SettingsError, match=why):
            next(follow(tracker, arriving(made), {"red": [pivot]}))


def test_what_fails_before_the_first_frame_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        with pytest.raises(SettingsError, match="refused"), LiveFolder(out, "a camera"):
            raise SettingsError("refused")
        assert not out.exists()


def test_the_film_is_shown_to_this_machine_alone() -> None:
    with FilmServer() as film:
        assert b"/film" in urllib.request.urlopen(film.address).read()
        film.show(lambda: np.full((8, 8, 3), 200, np.uint8))
        with urllib.request.urlopen(f"{film.address}/film") as answer:
            assert answer.readline() == b"--picture\r\n"
            assert answer.readline() == b"Content-Type: image/jpeg\r\n"
            answer.readline()
            answer.readline()
            assert answer.read(2) == b"\xff\xd8"
        stranger = urllib.request.Request(film.address, headers={"Host": "evil.invalid"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(stranger)
