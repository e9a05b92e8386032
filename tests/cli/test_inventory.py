"""`refervid inventory` on clips of known content."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

import refervid
from refervid.cli import app
from refervid.core.types import no_hook
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.media.array import ArrayClip
from refervid.media.opening import open_clip
from refervid.report.inventory import summary, words_of, write_page
from tests.clips import cut, disc_and_square, write_pictures, write_video


def made() -> tuple[ArrayClip, Inventory]:
    """A thing, red above and blue below, that goes from the left to the right."""
    colours = np.zeros(22, np.float32)
    colours[[3, 11 + 7]] = 0.5
    boxes = np.array([[0, 10, 20, 40], [70, 10, 90, 40]], np.float32)
    thing = ObjectTrack(
        1, np.array([0, 9]), boxes, np.array([0.5, 0.9], np.float32), {"dog": 0.9, "<b>": 0.2}, colours
    )
    frames = np.random.default_rng(0).integers(0, 255, (10, 60, 90, 3), np.uint8)
    return ArrayClip(frames, fps=5), Inventory((thing,), (0, 9), ("a <note>",))


def test_a_track_in_words_and_numbers() -> None:
    clip, inventory = made()
    [row] = summary(clip, inventory)["tracks"]
    json.dumps(row)
    assert row["seen_s"] == [0.0, 1.8]
    assert words_of(row) == {
        "what": "dog 90%, <b> 20%",
        "colours": "red over blue",
        "when": "0 s to 1.8 s",
        "where": "right",
        "goes": "right",
    }


def test_the_page_shows_every_track_and_escapes_what_it_says(tmp_path: Path) -> None:
    clip, inventory = made()
    write_page(tmp_path / "page.html", clip, inventory)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("data:image/jpeg") == 1
    assert "&lt;b&gt;" in page
    assert "<note>" not in page
    assert "<script" not in page


def test_an_empty_clip_is_said_to_be_one(tmp_path: Path) -> None:
    picture = write_pictures(tmp_path / "grey", [np.full((24, 32, 3), 128, np.uint8)])
    result = CliRunner().invoke(app, ["inventory", str(picture), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "nothing was found" in result.stderr
    page = (tmp_path / "out" / "inventory.html").read_text("utf-8")
    assert "nothing was found" in page
    assert "1 frame, 32 × 24 · 0 tracks" in page


def test_a_clip_that_breaks_off_is_told_everywhere(tmp_path: Path) -> None:
    """Fault 3."""
    clip = cut(write_video(tmp_path / "clip.mkv", disc_and_square(40), gop=4))
    words = ["inventory", str(clip), "--json", "-o", str(tmp_path / "out")]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 3, told.output
    for text in (told.stdout, told.stderr, (tmp_path / "out" / "inventory.json").read_text("utf-8")):
        assert "the file ends early" in text
    strict = CliRunner().invoke(app, [*words, "--strict"])
    assert (strict.exit_code, "TruncatedMedia" in strict.stderr) == (1, True)


def test_the_limit_can_be_set_where_its_message_says_so(tmp_path: Path) -> None:
    picture = write_pictures(tmp_path / "grey", [np.full((24, 32, 3), 128, np.uint8)])
    small = CliRunner().invoke(app, ["inventory", str(picture), "--max-pixels", "1000"])
    assert (small.exit_code, "inventory and live) to 7680000" in small.stderr) == (1, True)
    assert CliRunner().invoke(app, ["inventory", str(picture), "--max-pixels", "7680000"]).exit_code == 0


def test_on_a_real_picture(shared_dir: Path, tmp_path: Path) -> None:
    picture = shared_dir / "data" / "media" / "dog_image.jpg"
    result = CliRunner().invoke(app, ["inventory", str(picture), "--json", "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert "dog" in {next(iter(track["names"])) for track in content["tracks"]}
    assert (tmp_path / "out" / "inventory.html").stat().st_size > 1000
    found = refervid.inventory(open_clip(picture), hook=no_hook)
    assert len(found.tracks) == len(content["tracks"])
