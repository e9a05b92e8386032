"""A name with a wrong letter is answered by the one that was meant, whatever it is a name of."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from refervid.cli.app import app
from refervid.core.arguments import did_you_mean
from tests.clips import disc_and_square, write_pictures


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("segment CLIP -t dog -p lit", "lite"),
        ("models pull --preset fst", "fast"),
        ("segment CLIP -t dog -p lite --set tracker.kind=sam22", "sam2"),
        ("segment CLIP -t dog -p lite --set trackr.kind=sam2", "tracker"),
        ("segment CLIP -t dog -p lite -o OUT --format coco_rle", "coco-rle"),
        ("datasets make-sample mevi OUT", "mevis"),
        ("reproduce soc-a2d-tinny", "soc-a2d-tiny"),
        ("train recipes folder_nano", "folder-nano"),
    ],
)
def test_what_was_meant_is_named(command: str, meant: str, tmp_path: Path) -> None:
    places = {"CLIP": str(tmp_path / "clip"), "OUT": str(tmp_path / "out")}
    write_pictures(tmp_path / "clip", disc_and_square(2))
    done = CliRunner().invoke(app, [places.get(word, word) for word in command.split()])
    assert done.exit_code == 2
    assert f"(did you mean {meant!r}?)" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_like_none_gets_no_wrong_hint() -> None:
    assert did_you_mean("nothing", ["lite", "fast"]) == ""
    assert did_you_mean("steps", ["network", "rates", "seed"]) == ""
