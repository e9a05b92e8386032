"""Faults 16, 17 and 29 in evaluations: locks, changed settings, full disks, names that lead outside."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from refervid.core.errors import DatasetError, OutputFailed, OutputLocked, SettingsError, UnsafeName
from refervid.core.outputs import output_lock
from refervid.core.types import Hook, Reference, no_hook
from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.evaluation.runner import Shard, evaluate
from refervid.media.clip import Clip
from refervid.report.result import Result
from tests.evaluation.colour_pipeline import ColourPipeline

REPOSITORY = Path(__file__).parents[2]
KILLED = REPOSITORY / "tests" / "evaluation" / "killed.py"

FULL_DISK = """
import json, resource, sys
from pathlib import Path
from refervid.core.errors import OutputFailed
from refervid.datasets.registry import open_dataset
from refervid.evaluation.runner import evaluate
from tests.evaluation.colour_pipeline import ColourPipeline
root, place = Path(sys.argv[1]), Path(sys.argv[2])
for limit in sys.argv[3:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), -1))
    try:
        evaluate(open_dataset("folder", root), ColourPipeline(root), place / limit, resume=True)
        print("done")
    except OutputFailed:
        print("OutputFailed")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_common_form(tmp_path / "data", "", [two_shapes(name, count=3) for name in ("a", "b", "c")])
    return tmp_path / "data"


@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_kill_and_resume_give_the_scores_of_an_undisturbed_run(
    root: Path, tmp_path: Path, kills: int
) -> None:
    command = [sys.executable, str(KILLED), str(root), str(tmp_path), str(kills)]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert report["kills"] == kills
    assert report["faults"] == []
    assert all(scores == report["undisturbed"] for scores in report["disturbed"])


def test_two_processes_on_one_folder(root: Path, tmp_path: Path) -> None:
    data, out = open_dataset("folder", root), tmp_path / "out"
    with output_lock(out), pytest.raises(OutputLocked, match="is writing to"):
        evaluate(data, ColourPipeline(root), out)
    assert evaluate(data, ColourPipeline(root), out)["J"] > 0.9


@pytest.mark.parametrize(
    ("running", "other"),
    [
        (Shard(1, 2), Shard()),
        (Shard(), Shard(1, 2)),
        (Shard(1, 2), Shard(1, 2)),
        (Shard(1, 2), Shard(1, 3)),
        (Shard(2, 12), Shard(2, 2)),
    ],
)
def test_shards_share_a_folder_with_none_but_their_like(
    root: Path, tmp_path: Path, running: Shard, other: Shard
) -> None:
    data, out = open_dataset("folder", root), tmp_path / "out"
    with running.lock(out), pytest.raises(OutputLocked, match="is writing to"):
        evaluate(data, ColourPipeline(root), out, shard=other)
    assert not (out / "run.json").exists()


def test_other_shards_and_a_whole_run_go_on_where_shards_ended(root: Path, tmp_path: Path) -> None:
    data, out = open_dataset("folder", root), tmp_path / "out"
    whole = evaluate(data, ColourPipeline(root), tmp_path / "whole")
    with Shard(2, 3).lock(out):
        assert evaluate(data, ColourPipeline(root), out, shard=Shard(3, 3))["pending"] == 4
    assert evaluate(data, ColourPipeline(root), out, shard=Shard(2, 5))["pending"] == 2
    done = {path: path.stat().st_mtime_ns for path in out.glob("items/*/*.json")}
    assert evaluate(data, ColourPipeline(root), out, resume=True) == whole
    assert all(path.stat().st_mtime_ns == time for path, time in done.items())


def test_a_full_disk_leaves_nothing_half(root: Path, tmp_path: Path) -> None:
    """Files larger than so many bytes cannot be written, as if the disk were full at that byte."""
    limits = ("100", "250", "800", "3000")
    command = [sys.executable, "-c", FULL_DISK, str(root), str(tmp_path), *limits]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout
    assert len(said.splitlines()) == len(limits)
    assert {*said.splitlines()} <= {"OutputFailed", "done"}
    whole = evaluate(open_dataset("folder", root), ColourPipeline(root), tmp_path / "whole")
    for out in (tmp_path / limit for limit in limits):
        for record in out.glob("items/*/*.json"):
            json.loads(record.read_text())
        for folder in out.glob("masks/*/[!.]*"):
            assert len(list(folder.iterdir())) == 3
        assert not list(out.rglob(".*.part*"))
        assert evaluate(open_dataset("folder", root), ColourPipeline(root), out, resume=True) == whole


def test_a_folder_that_is_removed_in_the_middle_is_said(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    class Remover(ColourPipeline):
        def run(self, clip: Clip, references: Sequence[Reference], hook: Hook = no_hook) -> list[Result]:
            shutil.rmtree(out)
            return super().run(clip, references, hook)

    with pytest.raises(OutputFailed, match=r"out \(the folder was removed\)"):
        evaluate(open_dataset("folder", root), Remover(root), out)
    assert not out.exists()


def test_bad_data_ends_before_anything_is_written(root: Path, tmp_path: Path) -> None:
    path = root / "meta_expressions" / "meta_expressions.json"
    content = json.loads(path.read_text())
    content["videos"]["../up"] = content["videos"]["a"]
    content["videos"]["b"]["expressions"]["../../x"] = {"exp": "it", "obj_id": "1"}
    path.write_text(json.dumps(content))
    (root / "JPEGImages" / "c" / "00001.jpg").unlink()
    (root / "Annotations" / "stranger").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DatasetError) as caught:
        open_dataset("folder", root)
    for words in ("'../up'", "'../../x'", "00001.jpg missing", "stranger"):
        assert words in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_links_in_the_output_lead_nowhere(root: Path, tmp_path: Path) -> None:
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    (out / "masks").mkdir(parents=True)
    (out / "masks" / "a").symlink_to(outside)
    with pytest.raises(UnsafeName, match="symbolic link"):
        evaluate(open_dataset("folder", root), ColourPipeline(root), out)
    assert not list(outside.iterdir())


def test_damaged_predictions_are_named_at_scoring(root: Path, tmp_path: Path) -> None:
    data, out = open_dataset("folder", root), tmp_path / "out"
    whole = evaluate(data, ColourPipeline(root), out)
    damaged = [out / "masks" / "a" / "0" / "00001.png", out / "masks" / "b" / "1" / "00002.png"]
    for path in damaged:
        path.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="2 predictions cannot be used") as caught:
        evaluate(data, ColourPipeline(root), out, resume=True)
    assert all(str(path) in str(caught.value) for path in damaged)
    assert "delete it, and --resume makes it anew" in str(caught.value)
    for path in damaged:
        path.unlink()
    assert evaluate(data, ColourPipeline(root), out, resume=True) == whole


@pytest.mark.parametrize("content", [None, b""], ids=["lost", "empty"])
def test_lost_and_empty_masks_are_made_anew(root: Path, tmp_path: Path, content: bytes | None) -> None:
    data, out = open_dataset("folder", root), tmp_path / "out"
    whole = evaluate(data, ColourPipeline(root), out)
    for path in [*(out / "masks" / "a" / "1").iterdir(), out / "masks" / "b" / "0" / "00002.png"]:
        path.unlink()
        if content is not None:
            path.write_bytes(content)
    (root / "server").touch()  # and as long as that fails they count as empty, like all that failed
    scores = evaluate(data, ColourPipeline(root), out, resume=True)
    assert set(scores["failed"]) == {"a/1"}
    assert scores["J"] < whole["J"]
    (root / "server").unlink()
    assert evaluate(data, ColourPipeline(root), out, resume=True) == whole


@pytest.mark.parametrize("content", [b"", b'{"hash": "ab', b"[]", b"{}", b"\xff"])
def test_a_record_that_cannot_be_read_is_made_anew(root: Path, tmp_path: Path, content: bytes) -> None:
    data, out = open_dataset("folder", root), tmp_path / "out"
    whole = evaluate(data, ColourPipeline(root), out)
    (out / "items" / "b" / "0.json").write_bytes(content)
    assert evaluate(data, ColourPipeline(root), out, resume=True) == whole
    assert json.loads((out / "items" / "b" / "0.json").read_text())["status"] == "ok"


@pytest.mark.parametrize(
    "change",
    [
        {"status": None},
        {"status": "failed", "error": ""},
        {"status": "failed"},
        {"files": 5},
        {"files": {"masks/b/0/00000.png": 5}},
        {"files": {"../mine.txt": {}}},
        {"label_maps": [["..", "x", 1]]},
        {"contents": []},
        {"predictions": {"00000": 5}},
        {"sound": {}},
    ],
    ids=str,
)
def test_a_record_that_was_edited_is_made_anew(root: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    data, out = open_dataset("folder", root), tmp_path / "out"
    whole = evaluate(data, ColourPipeline(root), out)
    (tmp_path / "mine.txt").write_text("mine")
    record = out / "items" / "b" / "0.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), **change}))
    assert evaluate(data, ColourPipeline(root), out, resume=True) == whole
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b'{"dataset": "fol', b"[]", b"\xff", b"[" * 10_000])
def test_a_damaged_run_json_is_named_and_can_be_deleted(root: Path, tmp_path: Path, content: bytes) -> None:
    data, out = open_dataset("folder", root), tmp_path / "out"
    whole = evaluate(data, ColourPipeline(root), out)
    done = {path: path.stat().st_mtime_ns for path in out.glob("items/*/*.json")}
    (out / "run.json").write_bytes(content)
    with pytest.raises(SettingsError, match=r"run\.json cannot be read: delete it and use --resume"):
        evaluate(data, ColourPipeline(root), out, resume=True)
    (out / "run.json").unlink()
    assert evaluate(data, ColourPipeline(root), out, resume=True) == whole
    assert done == {path: path.stat().st_mtime_ns for path in done}
