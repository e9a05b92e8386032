"""`refervid live` and `refervid download` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from refervid.cli.app import app
from refervid.cli.live import _overlay
from refervid.core.rle import decode_mask
from refervid.media.live import LivePicture
from refervid.pipelines.live import Followed
from refervid.webui.mjpeg import FilmServer
from tests.cli.test_segment import disc
from tests.clips import cut, disc_and_square, write_video
from tests.engines.made_clips import iou

FRAMES = 16


def test_a_pipe_is_followed_by_what_is_pointed_at_and_by_a_sentence(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.mkv", disc_and_square(FRAMES)).read_bytes()
    marks = ["--box", "disc=0:12,52,44,84"]
    words = ["live", "-", *marks, "-p", "lite", "-o", str(tmp_path / "marked"), "--serve", "0", "--json"]
    done = CliRunner().invoke(app, words, input=video)
    assert done.exit_code == 0, done.stderr
    assert "open http://127.0.0.1:" in done.stderr
    assert json.loads(done.stdout)["frames"] == FRAMES
    assert overlap(tmp_path / "marked", "disc", 0) > 0.7
    words = ["live", "-", "-t", "the red disc", "--look", "0.2", "-p", "lite", "-o", str(tmp_path / "said")]
    done = CliRunner().invoke(app, words, input=video)
    assert done.exit_code == 0, done.stderr
    assert "the red disc: guess" in done.stderr
    assert "\n  - " in done.stderr  # why it is a guess
    assert "0 dropped" in done.stderr  # a pipe waits
    assert overlap(tmp_path / "said", "the red disc", 5) > 0.7
    guesses = [
        json.loads((tmp_path / out / "live.json").read_text())["guesses"] for out in ("marked", "said")
    ]
    assert guesses == [[], ["the red disc"]]
    again = CliRunner().invoke(app, words, input=video)
    assert again.exit_code == 2
    assert "is there already" in again.stderr


def test_a_guess_looks_like_one_on_the_way() -> None:
    frame, mask = np.zeros((240, 320, 3), np.uint8), np.zeros((240, 320), bool)
    mask[100:150, 100:200] = True
    followed = Followed(0, LivePicture(frame, 0.0, 0.0, 0), {"the cup": mask}, {"the cup": 1.0}, 0.1)
    widths = [
        int(np.flatnonzero(shown[:95].any(axis=(0, 2))).size)
        for shown in (
            _overlay(followed, ()),
            _overlay(followed, {"the cup"}),
            _overlay(followed, {"the jug"}),
        )
    ]
    assert widths[0] == widths[2] < widths[1]  # the label, by a question mark


def test_what_is_noted_of_the_source_is_kept(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.ts", disc_and_square(3)).read_bytes()
    words = ["live", "-", "--box", "0:12,52,44,84", "-p", "lite"]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "out")], input=video * 2)
    assert done.exit_code == 0, done.stderr
    [note] = json.loads((tmp_path / "out" / "live.json").read_text())["notes"]
    assert "began anew" in note
    assert note in done.stderr


def test_a_pipe_that_is_cut_short_is_partial_and_keeps_what_came(tmp_path: Path) -> None:
    video = cut(write_video(tmp_path / "clip.mkv", disc_and_square(2 * FRAMES)), 0.5).read_bytes()
    words = ["live", "-", "--box", "0:12,52,44,84", "-p", "lite", "-o", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(app, words, input=video)
    assert done.exit_code == 3, done.stderr
    frames = json.loads(done.stdout)["frames"]
    assert 0 < frames < 2 * FRAMES
    assert len((tmp_path / "out" / "masks.jsonl").read_text().splitlines()) == frames
    [note] = json.loads((tmp_path / "out" / "live.json").read_text())["notes"]
    assert "broke off" in note
    assert note in done.stderr


def test_a_port_that_cannot_be_had_is_told_before_anything_is_written(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.mkv", disc_and_square(FRAMES)).read_bytes()
    words = ["live", "-", "--box", "0:12,52,44,84", "-p", "lite", "-o", str(tmp_path / "out"), "--serve"]
    with FilmServer() as film:
        taken = CliRunner().invoke(app, [*words, film.address.rpartition(":")[2]], input=video)
    assert (taken.exit_code, "or --serve 0" in taken.stderr) == (2, True)
    assert not (tmp_path / "out").exists()
    beyond = CliRunner().invoke(app, [*words, "70000"], input=video)
    assert (beyond.exit_code, "--serve" in beyond.stderr) == (2, True)


def overlap(out: Path, name: str, first: int) -> float:
    """With the true disc, from frame `first` of the clip on."""
    overlaps = []
    for number, line in enumerate((out / "masks.jsonl").read_text().splitlines(), first):
        found = json.loads(line)["objects"][name]
        overlaps.append(iou(decode_mask(found["counts"].encode(), *found["size"]), disc(number)))
    assert len(overlaps) == FRAMES - first
    return float(np.mean(overlaps))


def test_what_cannot_be_followed_or_fetched_is_told(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    nothing = CliRunner().invoke(app, ["live", "-", "-o", out])
    assert (nothing.exit_code, "say what to follow" in nothing.stderr) == (2, True)
    both = CliRunner().invoke(app, ["live", "-", "-t", "the cup", "--box", "cup=0:1,1,9,9", "-o", out])
    assert (both.exit_code, "give either" in both.stderr) == (2, True)
    words = ["live", "clip.mp4", "--box", "0:1,1,9,9", "-p", "lite", "-o", out]
    file = CliRunner().invoke(app, words)
    assert (file.exit_code, "no live source" in file.stderr) == (2, True)
    assert "a file is for `refervid segment`" in file.stderr
    empty = CliRunner().invoke(app, ["live", "-", "-t", " ", "-o", out])
    assert (empty.exit_code, "--text is empty" in empty.stderr) == (2, True)
    fetched = CliRunner().invoke(app, ["download", "http://127.0.0.1:1/x.mp4", "-o", str(tmp_path / "x.mp4")])
    assert (fetched.exit_code, "cannot be downloaded" in fetched.stderr) == (1, True)
    endless = CliRunner().invoke(app, ["download", "https://host.invalid/x", "-o", out, "--max-mb", "inf"])
    assert (endless.exit_code, "--max-mb" in endless.stderr) == (2, True)
    asked = CliRunner().invoke(app, ["segment", "https://host.invalid/x.mp4", "-t", "x", "-o", out])
    assert "refervid download" in asked.stderr
