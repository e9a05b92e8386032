"""`refervid segment`, `presets` and `doctor` as a user types them, with the embedded engines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import refervid
from refervid.cli.app import app
from refervid.cli.segmenting import STRONGER
from refervid.core.errors import SettingsError
from refervid.media.array import ArrayClip
from refervid.pipelines.presets import PRESETS
from tests.clips import cut, disc_and_square, tone, write_pictures, write_video

HEIGHT, WIDTH, FRAMES = 96, 144, 12


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
    write_video(path, frames, sound=tone(FRAMES / 25))
    return path


def test_everything_that_is_promised_lies_in_the_folder(video: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = refer("segment", video, "-t", "the red disc", "-o", out, "--preset", "lite", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads((out / "result.json").read_text())
    content = json.loads(result.stdout)
    [query] = content["queries"]
    assert (content["preset"], query["query"], query["status"]) == ("lite", "the red disc", "guess")
    assert {"finder", "chooser", "tracker"} <= set(content["engines"])
    assert len(query["areas"]) == len(query["boxes_xyxy"]) == len(content["video"]["times_s"]) == FRAMES
    assert query["pivots"]
    assert {decision["source"] for decision in query["decisions"]} == {"rules"}
    assert query["notes"]
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
    """Fault 18."""
    out = tmp_path / "out"
    result = refer(
        "segment", video, "-t", "the green triangle", "-t", "the pink disc", "-o", out, "--preset", "lite"
    )
    assert result.exit_code == 0, result.output
    content = json.loads((out / "result.json").read_text())
    assert content["status"] == "not_found"
    assert [query["status"] for query in content["queries"]] == ["not_found", "not_found"]
    assert all(area == 0 for query in content["queries"] for area in query["areas"])
    assert all(query["notes"] for query in content["queries"])


def test_a_guess_names_the_command_to_a_stronger_preset(video: Path, tmp_path: Path) -> None:
    result = refer("segment", video, "-t", "the unheard-of thing", "-o", tmp_path / "out", "-p", "lite")
    assert "guess" in result.stderr
    assert STRONGER in result.stderr
    command = STRONGER.split()
    assert refer(*command[1:3], "--help").exit_code == 0
    assert command[4] in PRESETS


def test_guesses_can_be_left_out(video: Path, tmp_path: Path) -> None:
    words = ["-t", "the unheard-of thing", "-o", tmp_path / "out", "--preset", "lite"]
    result = refer("segment", video, *words, "--guess", "no")
    assert result.exit_code == 0, result.output
    [query] = json.loads((tmp_path / "out" / "result.json").read_text())["queries"]
    assert (query["status"], any(query["areas"])) == ("not_found", False)
    assert query["confidence"] > 0.5  # the guess was none to rely on, so that it is left out is likely right
    assert "guess" in query["notes"][-1]
    assert json.loads((tmp_path / "out" / "result.json").read_text())["status"] == "not_found"


def test_silence_has_no_source(frames: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    write_video(path, frames, sound=np.zeros(16_000, np.float32))
    result = refer("segment", path, "--sound", "-o", tmp_path / "out", "--preset", "lite")
    assert result.exit_code == 0, result.output
    assert f"not found (100% sure), on 0 of {FRAMES} frames" in result.stderr
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


def test_a_guess_on_a_clip_that_breaks_off_is_one(tmp_path: Path) -> None:
    """Fault 3: such a clip makes no answer surer, nor is nothing found in half of it all there is to say."""
    path = cut(write_video(tmp_path / "cut.mkv", disc_and_square(40), gop=4))
    texts = ("-t", "the red disc", "-t", "the giraffe")
    told = {}
    for guess in ("yes", "no"):
        out = tmp_path / guess
        result = refer("segment", path, *texts, "-p", "lite", "-o", out, "--guess", guess)
        assert result.exit_code == 3, result.output
        told[guess] = [one["status"] for one in json.loads((out / "result.json").read_text())["queries"]]
    assert told == {"yes": ["guess", "not_found"], "no": ["not_found", "not_found"]}
    tracked = refer("track", path, "--box", "0:12,52,44,84", "-p", "lite", "-o", tmp_path / "tracked")
    assert (tracked.exit_code, "object: partial" in tracked.stderr) == (3, True)
    assert "ends early" in tracked.stderr


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["nothing.mp4", "-t", "x"], 1, "nothing.mp4"),
        (["CLIP"], 2, "--text"),
        (["CLIP", "-t", "x", "-t", " "], 2, "--text is empty"),
        (["CLIP", "-t", "x", "--preset", "best"], 2, "lite"),
        (["CLIP", "-t", "x", "--set", "tracker.kind=magic"], 2, "embedded"),
        (["CLIP", "-t", "x", "--set", "sections.frame_stop=3"], 2, "frame_stop"),
        (["CLIP", "-t", "x", "--set", "frame_step"], 2, "name=value"),
        (["CLIP", "-t", "x", "--format", "gif"], 2, "coco-rle"),
        (["CLIP", "-t", "x", "--device", "cuda:7"], 1, "--device"),
        (["CLIP", "-t", "x", "--device", "toaster"], 2, "toaster"),
        (["CLIP", "-t", "x", "--preset", "lite", "--set", "tracker.kind=sam2"], 1, "models pull"),
        (["CLIP", "-t", "x", "-p", "lite", "--set", "tracker.kind=sam2", "--resume"], 1, "models pull"),
        (["CLIP", "-t", "x", "-p", "soc", "--set", "weights=none.pth", "--resume"], 1, "none.pth"),
        (["CLIP", "-t", "x", "-p", "fast", "--set", "tracker.weights=my model/x"], 1, "my model/x (give"),
        (["CLIP", "-t", "x", "-p", "soc", "--set", "weights=~nobody-here/x"], 1, "at ~nobody-here/x: give"),
        (["CLIP", "-t", "x", "--set", "foo=1"], 2, "sections, text, sound"),
        (["CLIP", "-t", "x", "--set", "detector.foo=1"], 2, "kind, limit, overlap"),
        (["CLIP", "-t", "x", "--set", "sections.style=paper"], 2, "columns, frame_width"),
        (["CLIP", "-t", "x", "--max-pixels", "1000"], 1, "a ten-thousandth of the 1,000"),
        (["CLIP", "-t", "x", "--max-pixels", "-5"], 2, "--max-pixels"),
        (["CLIP", "-t", "x", "--fps", "10"], 2, "--fps"),
        (["CLIP", "-t", "x", "--audio", "nothing.wav"], 1, "nothing.wav does not exist: check"),
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
    assert not (tmp_path / "out").exists()


def test_a_name_that_no_folder_can_have_is_refused_before_the_work(video: Path, tmp_path: Path) -> None:
    named = tmp_path / "clip\udcff\udcfe.mp4"
    shutil.copy(video, named)
    words = ["segment", named, "-t", "the red disc", "--preset", "lite", "-o", tmp_path / "out"]
    refused = refer(*words, "--format", "davis-png")
    assert refused.exit_code == 1
    assert "which no file name here may hold: rename it" in refused.stderr
    assert not (tmp_path / "out").exists()
    assert refer(*words, "--format", "npz").exit_code == 0


@pytest.mark.parametrize("command", ["segment", "demo"])
@pytest.mark.parametrize("out", ["file", "file/below", "masks"])
def test_a_folder_that_cannot_be_written_is_found_before_the_work(
    command: str, out: str, video: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "masks").write_text("mine")
    words = [command, *([video, "-t", "the red disc"] if command == "segment" else [])]
    result = refer(*words, "-o", tmp_path / out, "--preset", "lite")
    assert result.exit_code == 2, result.output
    assert f"{tmp_path / out}" in result.stderr
    assert "--out" in result.stderr
    assert "Looking for things" not in result.stderr
    assert "Drawing the demo clip" not in result.stderr


def test_progress_off_a_terminal(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFERVID_CACHE", str(tmp_path / "cache"))  # where nothing was tracked before
    result = refer("segment", video, "-t", "the red disc", "-o", tmp_path / "out", "--preset", "lite")
    lines = result.stderr.splitlines()
    # One more for every few seconds.
    tracked = [line for line in lines if line.startswith("Tracking through the clip:")]
    assert tracked[-1] == f"Tracking through the clip: {FRAMES} of {FRAMES}"
    assert lines.index("Judging which are meant: 1 of 1") < lines.index(
        f"Drawing the overlay: {FRAMES} of {FRAMES}"
    )


def test_the_rate_of_pictures(frames: np.ndarray, tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "frames", frames[:6])
    words = ("segment", pictures, "-t", "the red disc", "-o", tmp_path / "out", "--preset", "lite")
    assert "(--fps)" in refer(*words).stderr
    result = refer(*words, "--fps", 10, "--json")
    assert json.loads(result.stdout)["video"]["times_s"] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert "0.6 s" in result.stderr
    assert "assumed" not in result.stderr
    assert refer(*words, "--fps", "nan").exit_code == 2


def test_a_note_is_said_once(video: Path, tmp_path: Path) -> None:
    result = refer("segment", video, "-t", "../../x", "-o", tmp_path / "out", "--preset", "lite")
    assert result.stderr.count("what 'x' looks like is not known") == 1


def test_an_estimate_as_json(video: Path, tmp_path: Path) -> None:
    words = ("segment", video, "-t", "x", "-o", tmp_path / "out", "--estimate", "--json", "--preset")
    assert json.loads(refer(*words, "lite").stdout) is None
    assert json.loads(refer(*words, "paper").stdout)["asked"] > 0
    assert not (tmp_path / "out").exists()


def test_presets_and_doctor() -> None:
    listed = json.loads(refer("presets", "--json").stdout)
    assert {"lite", "fast", "local", "paper"} <= {row["name"] for row in listed["presets"]}
    assert [line.split()[0] for line in refer("presets").stdout.splitlines()[1:]] == [
        row["name"] for row in listed["presets"]
    ]
    facts = json.loads(refer("doctor", "--json").stdout)
    assert facts["missing"]["lite"] == []
    assert facts["video_encoders"]["libx264"]
    assert set(facts["extras"]) == {"ui", "cluster", "datasets", "train"}
    told = refer("doctor").stdout
    for fact in (facts["cache"], "encoder libx264", "extra train", f"means {facts['auto']}"):
        assert fact in told
    for name, lacks in facts["missing"].items():
        can_pull = any("refervid models pull" in lack for lack in lacks)
        assert (f"`refervid models pull --preset {name}`" in told) == can_pull


@pytest.mark.parametrize("preset", ["lite", "local", "paper", "soc"])
def test_the_settings_of_a_preset_are_what_set_takes(preset: str) -> None:
    lines = refer("presets", preset).stdout.splitlines()
    assert len(lines) > 5
    start = "soc" if preset == "soc" else "lite"
    assert refer("presets", start, *(f"--set={line}" for line in lines)).stdout.splitlines() == lines


def test_the_settings_that_set_changes() -> None:
    told = refer("presets", "lite", "--set", "tracker.kind=sam2", "--set", "sections.frame_step=5").stdout
    assert {"tracker.kind=sam2", "sections.frame_step=5", "text.candidates=12"} <= set(told.splitlines())
    assert "tracker.weights=" in told
    assert refer("presets", "nothing").exit_code == refer("presets", "--set", "a=1").exit_code == 2


def test_help_needs_nothing_heavy_and_scores_no_network() -> None:
    code = "import sys; {}; print(*{{name.split('.')[0] for name in sys.modules}})"
    code = code.format("import refervid.cli") + "\n" + code.format("import refervid.evaluation.runner")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for_help, for_scores = (set(line.split()) for line in done.stdout.splitlines())
    assert not {"torch", "transformers", "av", "cv2", "numpy", "scipy"} & for_help
    assert not {"torch", "transformers"} & for_scores


def test_auto_looks_no_further_than_the_first_thing_that_a_preset_lacks(tmp_path: Path) -> None:
    code = (
        "import sys; from refervid.pipelines.presets import best_preset; "
        "print(best_preset(), 'refervid.engines.sam2.engine' in sys.modules)"
    )
    nothing_here = {**os.environ, "HF_HOME": str(tmp_path), "REFERVID_WEIGHTS": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=nothing_here)
    assert done.stdout == "lite False\n", done.stderr


def test_python_a_single_text_gives_a_result_and_a_list_a_list(frames: np.ndarray, tmp_path: Path) -> None:
    clip = ArrayClip(frames)
    pipeline = refervid.load("lite", device="cpu")
    calls: list[tuple[str, int, int]] = []
    result = pipeline(clip, text="the red disc", hook=lambda s, a, n, t: calls.append((s, n, t)))
    assert isinstance(result, refervid.Result)
    assert result.status == "guess"
    assert result.masks.shape == (FRAMES, HEIGHT, WIDTH)
    assert result.masks.dtype == bool
    assert result.boxes_xyxy.shape == (FRAMES, 4)
    assert len(result.times_s) == FRAMES
    assert {"inventory", "eliminate", "track"} <= {stage for stage, _, _ in calls}
    assert all(0 <= done <= total for _, done, total in calls)
    listed = pipeline(clip, text=["the red disc", "the blue square"])
    assert isinstance(listed, list)
    np.testing.assert_array_equal(listed[0].masks, result.masks)
    assert (result.save(tmp_path / "out") / "result.json").exists()
    with pytest.raises(SettingsError, match="text"):
        pipeline(clip)
