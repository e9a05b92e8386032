"""The answers that AL-Ref-SAM 2 publishes for AVSBench, replayed through the whole chain on made-up clips.

What must come of them is worked out here from the published files alone, as the published scripts do.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from typer.testing import CliRunner

import refervid
from refervid.cli.app import app
from refervid.core.types import Interval
from refervid.datasets.avsbench_semantic import CLASSES
from refervid.datasets.base import Dataset
from refervid.datasets.pictures import read_ids
from refervid.datasets.registry import dataset_class, open_dataset
from refervid.datasets.samples import write_csv, write_masks, write_pictures
from refervid.engines.base import Tracker
from refervid.engines.languagebind import LanguageBindBinder
from refervid.engines.segments import cut
from refervid.evaluation.presets import for_dataset, replaying
from refervid.pipelines.pivot.pipeline import PivotPipeline
from tests.clips import write_wav
from tests.engines.by_colour import ByColour
from tests.engines.sam2 import tiny
from tests.engines.sound import joined, noise, tone
from tests.pipelines.parts import Parts

SETS = ("avsbench-s4", "avsbench-ms3", "avsbench-v2", "avss")
ALIASES = {"dog": "dog barking", "cat": "cat meow", "gun": "gun shot"}


class Published:
    """The published files of one set."""

    def __init__(self, folder: Path, name: str) -> None:
        results = folder / "gpt_results" / name
        stage_1 = json.loads((results / "cot_stage_1_outputs.json").read_text())
        self.objects: dict[str, dict[str, int]] = {
            clip: ast.literal_eval(text) for clip, text in stage_1.items()
        }
        self.boxes: dict[str, Any] = json.loads((results / "cot_stage_2_outputs.json").read_text())
        segments = folder / "audio_segment" / f"{name}_audio_segment.json"
        self.intervals: dict[str, Any] = json.loads(segments.read_text()) if segments.is_file() else {}

    def box(self, clip: str, label: str) -> int:
        """0 where none was asked for."""
        entry = self.boxes.get(clip, {})
        return int(entry.get(label, 0) if isinstance(entry, dict) else entry)

    def some(self, each: int) -> list[str]:
        """Clips of every kind: how many objects sound, where intervals end, and which boxes were chosen."""
        kinds: dict[Any, list[str]] = {}
        for clip, named in self.objects.items():
            end = self.intervals[clip][-1][1] if clip in self.intervals and len(named) > 1 else None
            kind = (len(named), end, *sorted(self.box(clip, label) for label in named))
            kinds.setdefault(kind, []).append(clip)
        return sorted(clip for clips in kinds.values() for clip in clips[:each])


def write_data(root: Path, name: str, clips: Sequence[str], published: Published | None = None) -> Dataset:
    """The data set in its true layout, with clips of those names: a bright square, a tone and then noise."""
    rows: list[tuple[str, ...]] = []
    for clip in clips:
        semantic = name in ("avsbench-v2", "avss")
        seconds = published.intervals[clip][-1][1] if published and semantic else 5
        label, count = ("v2", 10) if seconds > 5 else ("v1s", 5)
        frames, masks = list(tiny.frames(count)), np.ones((count, tiny.HEIGHT, tiny.WIDTH), bool)
        sound = np.float32(joined(tone(count / 2), noise(count / 2)).samples)
        if semantic:
            place = root / label / clip
            write_pictures(place / "frames", frames, [str(k) for k in range(count)])
            write_pictures(
                place / "labels_rgb", [0 * frame for frame in frames], map(str, range(count)), ".png"
            )
            write_wav(place / "audio.wav", sound)
            rows.append((clip, clip, "0", "0", "dog", "test", label))
            continue
        numbers = range(1, count + 1)
        data = root / f"{name.removeprefix('avsbench-')}_data"
        inner = Path("test", "dog_barking", clip) if name == "avsbench-s4" else Path("test", clip)
        shown = inner if name == "avsbench-s4" else Path(clip)
        between = "_" if name == "avsbench-s4" else ".mp4_"
        write_pictures(
            data / "visual_frames" / shown, frames, [f"{clip}{between}{k}" for k in numbers], ".png"
        )
        write_masks(data / "gt_masks" / inner, masks, [f"{clip}_{k}" for k in numbers])
        (data / "audio_wav" / inner.parent).mkdir(parents=True, exist_ok=True)
        write_wav(data / "audio_wav" / inner.parent / f"{clip}.wav", sound)
        rows.append((clip, "0", "dog_barking", "test"))
    head = ("vid", "uid", "s_min", "s_sec", "a_obj", "split", "label")
    if name in ("avsbench-v2", "avss"):
        write_csv(root / "metadata.csv", [head, *rows])
    else:
        write_csv(
            root / f"{name.removeprefix('avsbench-')}_meta_data.csv",
            [("name", "start", "category", "split"), *rows],
        )
    return open_dataset(name, root)


def settings(parts: Parts, data: Dataset, answers: Path) -> list[str]:
    own = [
        f"detector.weights={parts.detector}",
        "detector.short_side=96",
        "detector.long_side=160",
        "detector.box_threshold=0",
        f"tracker.weights={parts.sam2}",
        f"binder.weights={parts.languagebind}",
    ]
    if data.name == "avss":
        own.append(f"namer.weights={parts.languagebind_image}")
    return [*for_dataset(data, "paper"), *replaying(data, answers), *own]


def labels_by_second(
    labels: Sequence[str], intervals: Sequence[tuple[int, int]], seconds: int, similarity: Any, joiner: str
) -> list[list[str]]:
    """Published, first LanguageBind stage."""
    if len(labels) < 2:
        return [list(labels)] * seconds
    candidates = [list(some) for size in range(1, len(labels) + 1) for some in combinations(labels, size)]
    texts = [joiner.join(ALIASES.get(label, label) for label in some) for some in candidates]
    found: list[list[str]] = []
    for interval in intervals:
        best = candidates[int(np.argmax(similarity(texts, interval)))]
        found += [best] * (interval[1] - interval[0])
    return (found + [found[-1]] * seconds)[:seconds]


@pytest.mark.parametrize("name", SETS)
def test_decisions_are_those_of_the_published_scripts(
    name: str, parts: Parts, tmp_path: Path, shared_dir: Path
) -> None:
    folder = shared_dir / "parity" / "audio" / "published"
    published = Published(folder, cast(str, dataset_class(name).answers))
    clips = published.some(1)
    counts = replayed(name, clips, published, folder, parts, tmp_path, ByColour())
    assert counts["clips"] == len(clips)
    assert all(counts[f"box {number}"] for number in (1, 2, 3))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("avsbench-s4", {"clips": 740, "objects": 740, "answered": 280}),
        ("avsbench-ms3", {"clips": 64, "objects": 101, "answered": 46}),
        ("avsbench-v2", {"clips": 750, "objects": 993, "answered": 520}),
        ("avss", {"clips": 1554, "objects": 1931, "answered": 910}),
    ],
)
def test_all_published_answers(
    name: str, expected: dict[str, int], parts: Parts, tmp_path: Path, shared_dir: Path
) -> None:
    folder = shared_dir / "parity" / "audio" / "published"
    published = Published(folder, cast(str, dataset_class(name).answers))
    counts = replayed(name, sorted(published.objects), published, folder, parts, tmp_path)
    assert {key: counts[key] for key in expected} == expected


def replayed(
    name: str,
    clips: Sequence[str],
    published: Published,
    folder: Path,
    parts: Parts,
    tmp_path: Path,
    tracker: Tracker | None = None,
) -> Counter[str]:
    """Replays the clips, compares every decision, and counts what it compared."""
    short = cast(str, dataset_class(name).answers)
    data = write_data(tmp_path / "data", name, clips, published)
    pipeline = refervid.load("paper", device="cpu", settings=settings(parts, data, folder), tracker=tracker)
    assert isinstance(pipeline, PivotPipeline)
    counts: Counter[str] = Counter()
    for item in data.items():
        clip = item.video.open()
        [result] = pipeline.run(clip, [item.reference])
        named = published.objects[clip.name]
        frames = {label: k - 1 if 1 <= k <= len(clip) else 0 for label, k in named.items()}
        assert result.sound is not None
        assert result.sound["objects"] == frames
        assert [pivot.frame_index for pivot in result.pivots] == list(frames.values())
        [objects, *boxes] = result.decisions
        assert objects.source == "replay"
        assert f"entry {clip.name!r} of" in objects.reason
        assert f"{short}/cot_stage_1_outputs.json" in objects.reason
        for label, decision, pivot in zip(named, boxes, result.pivots, strict=True):
            number = published.box(clip.name, label)
            taken = number if 1 <= number <= len(decision.candidates) else 1
            assert (decision.answer, decision.source) == (taken, "replay" if number else "fallback")
            assert f"entry {clip.name!r}, {label!r} of" in decision.reason
            np.testing.assert_array_equal(pivot.box_xyxy, decision.candidates[taken - 1].box_xyxy)
            counts[f"box {taken}"] += 1
            counts["answered"] += number > 0
        waveform = clip.waveform()
        binder = cast(LanguageBindBinder, pipeline.engines.binder)

        def similarity(
            texts: Sequence[str], interval: tuple[int, int], wave: Any = waveform, by: Any = binder
        ) -> Any:
            return by.similarity(texts, [cut(wave, Interval(*interval))])[:, 0]

        intervals = [tuple(pair) for pair in published.intervals.get(clip.name, [[0, len(clip)]])]
        by_second = labels_by_second(
            list(named), intervals, len(clip), similarity, "; " if name == "avss" else ", "
        )
        tracks = {label: one.whole for label, one in zip(named, result.objects, strict=True)}
        for index, labels in enumerate(by_second):
            expected = np.zeros((clip.height, clip.width), bool)
            for label in labels:
                expected |= tracks[label][index]
            np.testing.assert_array_equal(result.track[index], expected)
        counts["objects"] += len(named)
        counts["clips"] += 1
    return counts


def test_a_run_needs_no_key_and_its_own_answers_can_be_replayed(
    parts: Parts, tmp_path: Path, shared_dir: Path
) -> None:
    """AVSS, which has everything: several objects, intervals, names outside the classes."""
    folder = shared_dir / "parity" / "audio" / "published"
    published = Published(folder, "avss")
    foreign = next(
        c for c, named in published.objects.items() if len(named) > 1 and set(named) - set(CLASSES)
    )
    clips = [foreign, next(clip for clip, named in published.objects.items() if not named)]
    data = write_data(tmp_path / "data", "avss", clips, published)
    first = run(data, folder, tmp_path / "first", parts)
    own = tmp_path / "first" / "answers"
    assert json.loads((own / "gpt_results/avss/cot_stage_1_outputs.json").read_text()) == {
        clip: str(published.objects[clip]) for clip in sorted(clips)
    }
    boxes = json.loads((own / "gpt_results/avss/cot_stage_2_outputs.json").read_text())
    for clip in clips:
        assert boxes[clip] | published.boxes.get(clip, {}) == boxes[clip]
    assert json.loads((own / "audio_segment/avss_audio_segment.json").read_text()) == {
        clip: published.intervals[clip] for clip in clips if published.objects[clip]
    } | {clip: published.intervals[clip] for clip in clips}
    second = run(data, own, tmp_path / "second", parts)
    assert masks(tmp_path / "second") == masks(tmp_path / "first")
    assert {**second, "notes": []} == {**first, "notes": []}
    [label] = sorted(set(published.objects[foreign]) - set(CLASSES))[:1]
    mapped = parts.namer().rename([label], CLASSES[1:])[label]
    record = json.loads((tmp_path / "first" / "items" / foreign / "sound.json").read_text())
    assert f"{label!r} counts as {mapped!r}" in record["notes"]
    painted = {
        int(i) for file in masks(tmp_path / "first") for i in np.unique(read_ids(tmp_path / "first" / file))
    }
    assert painted <= {
        0,
        *(CLASSES.index(name) for name in [mapped, *published.objects[foreign]] if name in CLASSES),
    }


def test_a_run_with_silent_clips_can_be_replayed(parts: Parts, tmp_path: Path) -> None:
    """Of one nothing was asked, of the other every moment is below what is heard."""
    data = write_data(tmp_path / "data", "avss", ["quiet", "silent"])
    for clip, loudest in (("quiet", 0.0012), ("silent", 0.0)):
        write_wav(data.root / "v1s" / clip / "audio.wav", np.float32(tone(5.0, level=loudest).samples))
    words = ["evaluate", "avss", "--root", str(data.root), "-o", str(tmp_path / "first"), "--preset", "lite"]
    assert CliRunner().invoke(app, words).exit_code == 0
    own = tmp_path / "first" / "answers"
    assert json.loads((own / "audio_segment/avss_audio_segment.json").read_text()) == {
        "quiet": [],
        "silent": [],
    }
    scores = run(data, own, tmp_path / "second", parts)
    assert scores["statuses"] == {"not_found": 2}


def run(data: Dataset, answers: Path, out: Path, parts: Parts) -> Mapping[str, Any]:
    words = [
        "evaluate",
        "avss",
        "--root",
        data.root,
        "-o",
        out,
        "--answers",
        answers,
        "--json",
        "--device",
        "cpu",
    ]
    for change in settings(parts, data, answers):
        words += ["--set", change]
    result = CliRunner().invoke(app, [str(word) for word in words], env={"OPENAI_API_KEY": ""})
    assert result.exit_code == 0, result.stderr
    return cast(Mapping[str, Any], json.loads(result.stdout))


def masks(folder: Path) -> dict[str, bytes]:
    files = sorted((folder / "masks").rglob("*.png"))
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_answers_that_are_none(parts: Parts, tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", "avsbench-ms3", ["clip"])
    results = tmp_path / "avs" / "gpt_results" / "ms3"
    words = ["evaluate", "avsbench-ms3", "--root", str(data.root), "--answers", str(tmp_path / "avs"), "-o"]
    missing = CliRunner().invoke(app, [*words, str(tmp_path / "none")])
    assert missing.exit_code == 1
    assert "recorded answers" in missing.stderr
    results.mkdir(parents=True)
    (tmp_path / "avs" / "audio_segment").mkdir()
    (tmp_path / "avs" / "audio_segment" / "ms3_audio_segment.json").write_text('{"clip": [[0, 5]]}')
    (results / "cot_stage_2_outputs.json").write_text('{"clip": {"dog": "1"}}')
    for number, entry in enumerate(("__import__('os')", "{'dog': '3'}", "{'dog': True}", "[1]", "{" * 300)):
        (results / "cot_stage_1_outputs.json").write_text(json.dumps({"clip": entry}))
        changes = [word for change in settings(parts, data, tmp_path / "avs") for word in ("--set", change)]
        result = CliRunner().invoke(app, [*words, str(tmp_path / str(number)), *changes])
        assert result.exit_code == 2, result.stderr
        assert "the entry of 'clip' is none" in result.stderr
    (results / "cot_stage_1_outputs.json").write_text('{"another": "{}"}')
    absent = CliRunner().invoke(app, [*words, str(tmp_path / "absent"), *changes])
    assert absent.exit_code == 3
    assert "no entry 'clip'" in absent.stderr
    other = CliRunner().invoke(
        app, ["evaluate", "mevis", "--root", str(mevis(tmp_path)), *words[4:], str(tmp_path / "m")]
    )
    assert other.exit_code == 2
    assert "no answers are published for mevis" in other.stderr


def mevis(folder: Path) -> Path:
    dataset_class("mevis").make_sample(folder / "mevis")
    return folder / "mevis"
