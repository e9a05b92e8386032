"""Forms with one map for all sentences: too many are refused before the work, what cannot show is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from refervid.cli.app import app
from refervid.core.errors import SettingsError
from refervid.core.track import Track
from refervid.core.types import TextReference
from refervid.media.array import ArrayClip
from refervid.report.hidden import say_hidden
from refervid.report.result import Result
from refervid.report.save import check_formats, save_results
from tests.clips import numbered_frames, write_video

CLIP = ArrayClip(numbered_frames(2, 16, 24))


def _result(name: str, columns: slice) -> Result:
    track = Track(2, 16, 24)
    mask = np.zeros((16, 24), bool)
    mask[:, columns] = True
    track[0] = mask
    return Result(CLIP, TextReference(name), name, "ok", track, "lite")


def test_more_sentences_than_a_map_holds_are_refused() -> None:
    check_formats(["davis-png", "npz"], CLIP, 255)
    check_formats(["npz"], CLIP, 256)
    for kind in ("davis-png", "youtube-vos"):
        with pytest.raises(SettingsError, match="255 at most"):
            check_formats([kind], CLIP, 256)


def test_the_command_refuses_them_before_the_work(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", numbered_frames(2))
    asked = [word for number in range(260) for word in ("-t", f"thing {number}")]
    options = ["-p", "lite", "--format", "davis-png", "-o", str(tmp_path / "out")]
    outcome = CliRunner().invoke(app, ["segment", str(video), *asked, *options])
    assert outcome.exit_code == 2
    assert "255 at most" in outcome.stderr
    assert not (tmp_path / "out").exists()


def test_a_sentence_under_another_is_said_for_maps_alone() -> None:
    first, beside, under = _result("a", slice(0, 8)), _result("b", slice(6, 20)), _result("c", slice(0, 8))
    told = say_hidden([first, beside, under], ["davis-png", "npz"])
    assert [bool(result.notes) for result in told] == [False, False, True]
    assert "davis-png: on 1 frame most of it lies under an earlier sentence" in told[2].notes[0]
    assert not any(result.notes for result in say_hidden([first, under], ["npz"]))


def test_it_is_said_in_the_saved_result(tmp_path: Path) -> None:
    save_results([_result("a", slice(0, 8)), _result("c", slice(0, 8))], tmp_path, formats=["youtube-vos"])
    queries = json.loads((tmp_path / "result.json").read_text())["queries"]
    assert "youtube-vos" in queries[1]["notes"][0]
