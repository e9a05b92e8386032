"""What is done stays done, what failed is tried again, and scores come from what is on disk."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from refervid.core.errors import (
    BudgetExceeded,
    ConfigurationChanged,
    DatasetError,
    MissingWeights,
    SettingsError,
)
from refervid.core.types import Hook, Reference, no_hook
from refervid.datasets.base import Dataset
from refervid.datasets.registry import dataset_class, open_dataset
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.evaluation.runner import Shard, evaluate, first_items
from refervid.media.clip import Clip
from refervid.report.result import Result
from tests.evaluation.colour_pipeline import ColourPipeline
from tests.evaluation.runs import records, three_videos, times


def sample(name: str, root: Path, split: str | None = None) -> Dataset:
    dataset_class(name).make_sample(root)
    return open_dataset(name, root, split)


def test_scores_are_those_of_the_masks(tmp_path: Path) -> None:
    data = three_videos(tmp_path / "data")
    said: list[tuple[int, int]] = []
    scores = evaluate(
        data,
        ColourPipeline(tmp_path),
        tmp_path / "out",
        hook=lambda stage, artefact, completed, total: said.append((completed, total)),
    )
    assert scores["J"] > 0.9
    assert scores["complete"] is True
    assert scores["items"] == 6
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == scores
    assert data.score(tmp_path / "out" / "masks").metrics["J"] == scores["J"]
    assert said == [(0, 6), (2, 6), (4, 6), (6, 6)]
    assert set(records(tmp_path / "out")) == {item.name for item in data.items()}


def test_resuming_does_only_what_is_missing_and_scores_anew(tmp_path: Path) -> None:
    data, out = three_videos(tmp_path / "data"), tmp_path / "out"
    pipeline = ColourPipeline(tmp_path)
    scores = evaluate(data, pipeline, out)
    before = times(out)
    (out / "items" / "b" / "1.json").unlink()
    for path in (out / "masks" / "c" / "0").iterdir():
        path.unlink()
    (out / "masks" / "c" / "0").rmdir()
    (out / "scores.json").unlink()
    said: list[tuple[int, int]] = []
    again = evaluate(
        data,
        pipeline,
        out,
        resume=True,
        hook=lambda stage, artefact, completed, total: said.append((completed, total)),
    )
    assert again == scores
    assert said == [(4, 6), (5, 6), (6, 6)]
    after = times(out)
    assert {path.relative_to(out).as_posix() for path in after if after[path] != before[path]} == {
        "items/b/1.json",
        "items/c/0.json",
    }


def test_a_run_is_not_mixed_with_another_one(tmp_path: Path) -> None:
    data, out = three_videos(tmp_path / "data"), tmp_path / "out"
    evaluate(data, ColourPipeline(tmp_path), out)
    with pytest.raises(SettingsError, match="--resume"):
        evaluate(data, ColourPipeline(tmp_path), out)
    with pytest.raises(ConfigurationChanged, match=r"settings\.shade: 60 -> 90"):
        evaluate(data, ColourPipeline(tmp_path, shade=90), out, resume=True)
    with pytest.raises(ConfigurationChanged, match="limit: None -> 2"):
        evaluate(data, ColourPipeline(tmp_path), out, resume=True, limit=2)


def test_a_changed_question_is_asked_anew(tmp_path: Path) -> None:
    data, out = three_videos(tmp_path / "data"), tmp_path / "out"
    evaluate(data, ColourPipeline(tmp_path), out)
    before = times(out)
    path = tmp_path / "data" / "meta_expressions" / "meta_expressions.json"
    content = json.loads(path.read_text())
    content["videos"]["b"]["expressions"]["0"]["exp"] = "what is red"
    path.write_text(json.dumps(content))
    evaluate(open_dataset("folder", tmp_path / "data"), ColourPipeline(tmp_path), out, resume=True)
    changed = [path for path, time in times(out).items() if time != before[path]]
    assert [path.relative_to(out).as_posix() for path in changed] == ["items/b/0.json"]


@pytest.mark.parametrize(("order", "message"), [("server", "503"), ("mistake", "list index out of range")])
def test_failed_items_are_listed_and_tried_again(tmp_path: Path, order: str, message: str) -> None:
    data, out = three_videos(tmp_path / "data"), tmp_path / "out"
    (tmp_path / order).touch()
    scores = evaluate(data, ColourPipeline(tmp_path), out)
    assert set(scores["failed"]) == {"a/1", "b/1", "c/1"}  # the other sentence on each video is answered
    assert all(message in text for text in scores["failed"].values())
    assert 0.4 < scores["J"] < 0.6
    assert any("3 of 6" in note for note in scores["notes"])
    (tmp_path / order).unlink()
    whole = evaluate(data, ColourPipeline(tmp_path), out, resume=True)
    assert whole["failed"] == {}
    assert whole["J"] > 0.9


def test_what_would_meet_every_item_ends_the_run(tmp_path: Path) -> None:
    data, out = three_videos(tmp_path / "data"), tmp_path / "out"
    (tmp_path / "budget").touch()
    with pytest.raises(BudgetExceeded):
        evaluate(data, ColourPipeline(tmp_path), out)
    assert records(out) == {}
    (tmp_path / "budget").unlink()
    assert evaluate(data, ColourPipeline(tmp_path), out, resume=True)["J"] > 0.9


def test_a_video_that_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    data, out = three_videos(tmp_path / "data"), tmp_path / "out"
    (tmp_path / "data" / "JPEGImages" / "b" / "00000.jpg").write_bytes(b"no picture")
    scores = evaluate(data, ColourPipeline(tmp_path), out)
    assert set(scores["failed"]) == {"b/0", "b/1"}
    assert "00000.jpg" in scores["failed"]["b/0"]


def test_shards_together_give_the_scores_of_one_run(tmp_path: Path) -> None:
    data, out = three_videos(tmp_path / "data"), tmp_path / "out"
    whole = evaluate(data, ColourPipeline(tmp_path), tmp_path / "whole")
    count = 4
    parts = [evaluate(data, ColourPipeline(tmp_path), out, shard=Shard(k + 1, count)) for k in range(count)]
    assert parts[-1] == whole
    pending = [part.get("pending", 0) for part in parts]
    assert pending == sorted(pending, reverse=True)
    assert pending[0] > 0
    assert len(records(out)) == 6


def test_shards_have_equal_shares_of_videos_of_any_length(tmp_path: Path) -> None:
    lengths = [9, 1, 2, 7, 3, 1, 5, 4, 6, 2]
    write_common_form(tmp_path, "", [two_shapes(f"v{k}", count=count) for k, count in enumerate(lengths)])
    items = open_dataset("folder", tmp_path).items()
    parts = [Shard(number, 3).part(items) for number in (1, 2, 3)]
    assert sorted(item.name for part in parts for item in part) == sorted(item.name for item in items)
    videos = [{item.video.name for item in part} for part in parts]
    assert not videos[0] & videos[1] | videos[1] & videos[2] | videos[0] & videos[2]
    assert [sum(len(item.frames) for item in part) for part in parts] == [28, 26, 26]


@pytest.mark.parametrize("text", ["", "2", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2"])
def test_shards_that_make_no_sense(text: str) -> None:
    with pytest.raises(SettingsError, match="write it as i/n"):
        Shard.parse(text)


def test_a_limited_run_scores_its_items(tmp_path: Path) -> None:
    scores = evaluate(three_videos(tmp_path / "data"), ColourPipeline(tmp_path), tmp_path / "out", limit=3)
    assert scores["items"] == 3
    assert set(records(tmp_path / "out")) == {"a/0", "a/1", "b/0"}


def test_a_limit_takes_whole_videos_of_ref_davis17(tmp_path: Path) -> None:
    clip = two_shapes("first", count=3)
    sentences = tuple(each for each in clip.sentences for _ in range(4))
    clips = [replace(clip, name=name, sentences=sentences) for name in ("first", "second", "third")]
    write_common_form(tmp_path / "data", "valid", clips)
    data = open_dataset("ref-davis17", tmp_path / "data")
    for limit, videos in ((1, 1), (8, 1), (9, 2), (99, 3)):
        assert first_items(data, limit) == data.items()[: 8 * videos]
    scores = evaluate(data, ColourPipeline(tmp_path, logits=True), tmp_path / "out", limit=9)
    assert scores["J"] > 0.9
    assert set(records(tmp_path / "out")) == {item.name for item in data.items()[:16]}


@pytest.mark.parametrize(
    ("name", "split", "prefix"),
    [("ref-youtube-vos", "valid", "Annotations/1a1b2c3d4e/0/"), ("mevis", "valid", "valid_01/0/")],
)
def test_private_truth_gives_a_submission(tmp_path: Path, name: str, split: str, prefix: str) -> None:
    data = sample(name, tmp_path / "data", split)
    scores = evaluate(data, ColourPipeline(tmp_path), tmp_path / "out")
    assert scores["complete"] is True
    assert "J" not in scores
    assert any("no scores" in note for note in scores["notes"])
    assert scores["submission"] == str(tmp_path / "out" / "submission.zip")
    with zipfile.ZipFile(tmp_path / "out" / "submission.zip") as archive:
        assert any(member.startswith(prefix) for member in archive.namelist())
        assert len(archive.namelist()) == sum(len(item.frames) for item in data.items())


def test_a_submission_beside_scores_and_where_there_is_no_server(tmp_path: Path) -> None:
    data = sample("mevis", tmp_path / "mevis")
    target = tmp_path / "to-send.zip"
    scores = evaluate(data, ColourPipeline(tmp_path), tmp_path / "out", submission=target, limit=2)
    assert scores["J"] > 0.9
    assert any("2 of 3 items" in note for note in scores["notes"])
    assert zipfile.is_zipfile(target)
    with pytest.raises(DatasetError, match="no server"):
        evaluate(
            three_videos(tmp_path / "data"), ColourPipeline(tmp_path), tmp_path / "none", submission=target
        )
    assert not (tmp_path / "none").exists()


def test_objects_of_a_sound_become_classes(tmp_path: Path) -> None:
    data = sample("avss", tmp_path / "data")
    scores = evaluate(data, ColourPipeline(tmp_path), tmp_path / "out")
    assert scores["classes"]["helicopter"]["IoU"] > 0.9
    other = evaluate(data, ColourPipeline(tmp_path, sounding="kettle"), tmp_path / "other")
    assert other["classes"]["helicopter"]["IoU"] == 0
    [record, *_] = records(tmp_path / "other").values()
    assert any("kettle" in note for note in record["notes"])


def test_ref_davis17_merges_by_logits_where_there_are_any(tmp_path: Path) -> None:
    data, out = sample("ref-davis17", tmp_path / "data"), tmp_path / "out"
    scores = evaluate(data, ColourPipeline(tmp_path, logits=True), out)
    assert scores["J"] > 0.9
    labels = np.array(Image.open(out / "masks" / "anno_3" / "shapes-valid" / "00000.png"))
    assert set(np.unique(labels)) == {0, 1, 2}
    (out / "items" / "shapes-valid" / "5.json").unlink()  # a part of a video cannot be merged again ...
    assert evaluate(data, ColourPipeline(tmp_path, logits=True), out, resume=True) == scores  # nor need be
    (out / "masks" / "anno_2" / "shapes-valid" / "00001.png").unlink()
    assert evaluate(data, ColourPipeline(tmp_path, logits=True), out, resume=True) == scores
    assert (out / "masks" / "anno_2" / "shapes-valid" / "00001.png").is_file()


@dataclass
class LoadingPipeline(ColourPipeline):
    """Needs a file of weights in its folder; to hear it would need another one."""

    def run(self, clip: Clip, references: Sequence[Reference], hook: Hook = no_hook) -> list[Result]:
        if not (self.orders / "weights").exists():
            raise MissingWeights("the weights are not on this machine")
        return super().run(clip, references, hook)

    def plan(self) -> dict[str, Any]:
        files = {name: self.orders / name for name in ("weights", "ears")}
        contents = {name: file.read_text() if file.exists() else None for name, file in files.items()}
        return {**super().plan(), "contents": contents}


def test_a_run_that_lacked_its_weights_goes_on_when_they_are_there(tmp_path: Path) -> None:
    data, out = three_videos(tmp_path / "data"), tmp_path / "out"
    with pytest.raises(MissingWeights):
        evaluate(data, LoadingPipeline(tmp_path), out)
    (tmp_path / "weights").write_text("first")
    assert evaluate(data, LoadingPipeline(tmp_path), out, resume=True)["complete"]
    assert json.loads((out / "run.json").read_text())["contents"] == {"weights": "first", "ears": None}
    (tmp_path / "weights").write_text("second")
    with pytest.raises(ConfigurationChanged, match="first"):
        evaluate(data, LoadingPipeline(tmp_path), out, resume=True)
    (tmp_path / "weights").unlink()
    with pytest.raises(ConfigurationChanged, match="first"):
        evaluate(data, LoadingPipeline(tmp_path), out, resume=True)
