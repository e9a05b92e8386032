"""`refervid track` as a user types it: boxes, points and masks, and what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import refervid
from refervid.cli.app import app
from refervid.cli.marks import read_marks
from refervid.core.errors import SettingsError
from tests.clips import disc_and_square, write_pictures
from tests.engines.made_clips import iou

HEIGHT, WIDTH, FRAMES = 96, 144, 10


def refer(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red disc that moves to the right over a textured ground, and a blue square that stands still."""
    return write_pictures(tmp_path_factory.mktemp("clip") / "frames", list(disc_and_square(FRAMES)))


def disc(index: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(mask, (28 + 3 * index, 68), 15, 255, -1)
    return mask


def written(out: Path, name: str) -> list[np.ndarray]:
    return [cv2.imread(str(file), 0) > 0 for file in sorted((out / "masks" / name).glob("*.png"))]


def test_each_kind_of_mark_starts_a_track_of_its_own_name(folder: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "first.png"), disc(0))
    out = tmp_path / "out"
    marks = ["--mask", f"ball=0:{tmp_path / 'first.png'}", "--box", "9:38,51,72,85", "--point", "dot=5:43,68"]
    result = refer("track", folder, *marks, "-o", out, "--preset", "lite", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content == json.loads((out / "result.json").read_text())
    kinds = {query["query"]: (query["kind"], query["status"]) for query in content["queries"]}
    assert kinds == dict.fromkeys(("object", "dot", "ball"), ("mark", "ok"))
    assert list(content["engines"]) == ["tracker"]
    for name in kinds:
        masks = written(out, name)
        assert len(masks) == FRAMES
        assert np.mean([iou(mask, disc(i) > 0) for i, mask in enumerate(masks)]) > 0.6
    assert np.array_equal(written(out, "ball")[0], disc(0) > 0)
    assert (out / "report.html").is_file()
    assert (out / "overlay.mp4").is_file()


def test_from_python_it_gives_the_same_masks(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert refer("track", folder, "--box", "0:13,53,44,84", "-o", out, "-p", "lite").exit_code == 0
    box = refervid.Pivot(0, box_xyxy=np.float32([13, 53, 44, 84]))
    [result] = refervid.track(folder, {"object": [box]}, preset="lite")
    assert result.reference == refervid.MarkReference("object")
    assert np.array_equal(result.masks, written(out, "object"))


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (refervid.Pivot(0.5, box_xyxy=np.float32([13, 53, 44, 84])), "frame_index=0.5"),  # type: ignore[arg-type]
        (refervid.Pivot(0, box_xyxy=[13, 53, 44, 84]), r"box_xyxy=\[13, 53"),  # type: ignore[arg-type]
        (refervid.Pivot(0, box_xyxy=np.float32([13, 53, 44])), r"shape \(4,\)"),
        (refervid.Pivot(0, box_xyxy=np.float32([13, np.nan, 44, 84])), "no array of numbers"),
        (refervid.Pivot(0, points_xy=np.float32([28, 68])), r"shape \(2, 2\)"),
        (
            refervid.Pivot(0, points_xy=np.float32([[28, 68]]), point_labels=np.array([True, False])),
            r"point_labels=.* shape \(1,\)",
        ),
    ],
)
def test_a_mark_of_another_form_is_named(folder: Path, mark: refervid.Pivot, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        refervid.track(folder, {"disc": [mark]}, preset="lite")


def test_marks_are_read_as_typed() -> None:
    marks = read_marks(["a dog=3:1,2,3.5,4"], ["7:1,2", "7:3,4,-", "b=7:5,6"], [])
    assert list(marks) == ["a dog", "object", "b"]
    [box], [points], _ = marks.values()
    assert box.frame_index == 3
    assert box.box_xyxy is not None
    assert box.box_xyxy.tolist() == [1, 2, 3.5, 4]
    assert points.points_xy is not None
    assert points.points_xy.tolist() == [[1, 2], [3, 4]]
    assert points.point_labels is not None
    assert points.point_labels.tolist() == [True, False]


@pytest.mark.parametrize(
    "text",
    ["", "5", "1:", "x:1,2,3,4", "-1:1,2,3,4", "1:1,2,3", "1:4,2,3,5", "1:1,2,3,1e9", f"{10**9}:1,2,3,4"],
)
def test_what_is_no_box_is_named_with_the_right_form(text: str) -> None:
    with pytest.raises(SettingsError, match="box"):
        read_marks([text], [], [])


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ([], "point at something"),
        (["--box", "99:1,2,30,40"], "frames 0 to 9"),
        (["--box", f"0:{WIDTH + 1},2,{WIDTH + 9},40"], f"{WIDTH}x{HEIGHT} pixels"),
        (["--point", "0:1"], "--point 0:120,90"),
        (["--point", "0:43,68", "--point", f"0:43,{HEIGHT + 1}"], f"{WIDTH}x{HEIGHT} pixels"),
        (["--mask", "0:nowhere.png"], "nowhere.png"),
        (["--mask", "0:~nobody-here/mask.png"], "~nobody-here/mask.png"),
    ],
)
def test_a_wrong_mark_is_one_line_and_leaves_nothing(
    folder: Path, tmp_path: Path, marks: list[str], said: str
) -> None:
    result = refer("track", folder, *marks, "-o", tmp_path / "out", "-p", "lite")
    assert result.exit_code in (1, 2)
    assert said in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()
