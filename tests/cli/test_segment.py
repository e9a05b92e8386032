"""`refervid segment`, `presets` and `doctor` as a user types them, with the embedded engines."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import refervid
from refervid.cli.app import app
from refervid.errors import SettingsError
from refervid.media.array import ArrayClip
from tests.clips import cut, disc_and_square, tone, write_pictures, write_video

HEIGHT, WIDTH, FRAMES = 96, 144, 24


def refer(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="session")
def frames() -> np.ndarray:
    """A red disc that moves to the right over a textured ground, and a blue square that stands still."""
    return disc_and_square(FRAMES)


def disc(index: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(mask, (28 + 3 * index, 68), 15, 1, -1)
    return mask.astype(bool)


@pytest.fixture(scope="session")
def video(frames: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_video(path, frames, sound=tone(1.0))
    return path


def test_everything_that_is_promised_lies_in_the_folder(video: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = refer("segment", video, "-t", "the red disc", "-o", out, "--preset", "lite", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads((out / "result.json").read_text())
    content = json.loads(result.stdout)
    [query] = content["queries"]
    assert (content["preset"], query["query"], query["status"]) == ("lite", "the red disc", "ok")
    assert {"chooser", "detector", "tracker"} <= set(content["engines"])
    assert len(query["areas"]) == len(query["boxes_xyxy"]) == len(content["video"]["times_s"]) == FRAMES
    assert query["pivots"]
    assert {decision["source"] for decision in query["decisions"]} == {"rules"}
    assert any("disc" in note for note in query["notes"])
    masks = sorted((out / "masks" / "the-red-disc").iterdir())
    assert [path.name for path in masks] == [f"{n:05d}.png" for n in range(FRAMES)]
    overlaps = []
    for index, path in enumerate(masks):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (HEIGHT, WIDTH)
        assert set(np.unique(mask)) <= {0, 255}
        true = disc(index)
        overlaps.append((true & (mask > 0)).sum() / (true | (mask > 0)).sum())
    assert np.mean(overlaps) > 0.7
    with av.open(str(out / "overlay.mp4")) as movie:
        assert movie.streams.video[0].codec_context.name == "h264"
        assert movie.streams.audio[0].codec_context.name == "aac"
        assert sum(1 for _ in movie.decode(video=0)) == FRAMES
    assert "the red disc" in (out / "report.html").read_text()


def test_several_queries_and_formats(video: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["-t", "the red disc", "-t", "the blue square", "--format", "coco-rle", "--format", "npz"]
    result = refer("segment", video, *words, "-o", out, "--preset", "lite")
    assert result.exit_code == 0, result.output
    assert {path.name for path in (out / "masks").iterdir()} == {"the-red-disc", "the-blue-square"}
    assert len(json.loads((out / "coco_rle.json").read_text())["annotations"]) == 2


def test_what_holds_for_all_sentences_is_said_once(frames: np.ndarray, tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "frames", frames[:6])
    words = ["-t", "the red disc", "-t", "the blue square"]
    result = refer("segment", pictures, *words, "-o", tmp_path / "out", "--preset", "lite")
    assert result.exit_code == 0, result.output
    assert result.output.count("the pictures carry no times: 25 fps assumed") == 1


def test_a_sentence_that_fits_nothing(video: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = refer("segment", video, "-t", "the green triangle", "-t", "", "-o", out, "--preset", "lite")
    assert result.exit_code == 0, result.output
    content = json.loads((out / "result.json").read_text())
    assert content["status"] == "not_found"
    assert [query["status"] for query in content["queries"]] == ["not_found", "not_found"]
    assert all(area == 0 for query in content["queries"] for area in query["areas"])
    assert all(query["notes"] for query in content["queries"])


def test_silence_has_no_source(frames: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    write_video(path, frames, sound=np.zeros(16_000, np.float32))
    result = refer("segment", path, "--sound", "-o", tmp_path / "out", "--preset", "lite")
    assert result.exit_code == 0, result.output
    assert "not_found" in result.stderr
    assert "silent" in result.stderr


def test_no_sound_track_says_how_to_give_one(frames: np.ndarray, tmp_path: Path) -> None:
    result = refer("segment", write_pictures(tmp_path / "frames", frames), "--sound", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "--audio" in result.stderr
    assert not (tmp_path / "out" / "result.json").exists()


def test_a_clip_that_breaks_off_is_partial(frames: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "cut.mkv"
    write_video(path, np.concatenate([frames, frames[::-1]]), gop=4)
    cut(path)
    result = refer("segment", path, "-t", "the red disc", "-o", tmp_path / "out", "--preset", "lite")
    assert result.exit_code == 3, result.output
    assert "ends early" in result.stderr
    strict = refer("segment", path, "-t", "the red disc", "-o", tmp_path / "out2", "--strict")
    assert strict.exit_code == 1


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["nothing.mp4", "-t", "x"], 1, "nothing.mp4"),
        (["CLIP"], 2, "--text"),
        (["CLIP", "-t", "x", "--preset", "best"], 2, "lite"),
        (["CLIP", "-t", "x", "--set", "tracker.kind=magic"], 2, "flow"),
        (["CLIP", "-t", "x", "--set", "sections.frame_stop=3"], 2, "frame_stop"),
        (["CLIP", "-t", "x", "--set", "frame_step"], 2, "name=value"),
        (["CLIP", "-t", "x", "--format", "gif"], 2, "coco-rle"),
        (["CLIP", "-t", "x", "--device", "cuda:7"], 1, "--device"),
        (["CLIP", "-t", "x", "--device", "toaster"], 2, "toaster"),
        (["CLIP", "-t", "x", "--preset", "lite", "--set", "tracker.kind=sam2"], 1, "models pull"),
        (["CLIP", "-t", "x", "--max-pixels", "1000"], 1, "--max-pixels"),
    ],
)
def test_mistakes_get_one_clear_line(
    words: list[str], code: int, hint: str, video: Path, tmp_path: Path
) -> None:
    words = [str(video) if word == "CLIP" else word for word in words]
    result = refer("segment", *words, "-o", tmp_path / "out")
    assert result.exit_code == code, result.output
    assert hint in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "out" / "result.json").exists()


def test_presets_and_doctor() -> None:
    listed = json.loads(refer("presets", "--json").stdout)
    assert {"lite", "fast", "local", "paper"} <= {row["name"] for row in listed["presets"]}
    facts = json.loads(refer("doctor", "--json").stdout)
    assert facts["missing"]["lite"] == []
    assert facts["video_encoders"]["libx264"]
    assert refer("doctor").exit_code == refer("presets").exit_code == 0


def test_python_a_single_text_gives_a_result_and_a_list_a_list(frames: np.ndarray, tmp_path: Path) -> None:
    clip = ArrayClip(frames)
    pipeline = refervid.load("lite", device="cpu")
    calls: list[tuple[str, int, int]] = []
    result = pipeline(clip, text="the red disc", hook=lambda s, a, n, t: calls.append((s, n, t)))
    assert isinstance(result, refervid.Result)
    assert result.status == "ok"
    assert result.masks.shape == (FRAMES, HEIGHT, WIDTH)
    assert result.masks.dtype == bool
    assert result.boxes_xyxy.shape == (FRAMES, 4)
    assert len(result.times_s) == FRAMES
    assert {"choose frames", "propose", "choose boxes", "track"} <= {stage for stage, _, _ in calls}
    assert all(0 <= done <= total for _, done, total in calls)
    listed = pipeline(clip, text=["the red disc", "the blue square"])
    assert isinstance(listed, list)
    np.testing.assert_array_equal(listed[0].masks, result.masks)
    assert (result.save(tmp_path / "out") / "result.json").exists()
    with pytest.raises(SettingsError, match="text"):
        pipeline(clip)
