"""Copies of runs elsewhere: whole, resumed from, and never in the way of other files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fsspec import register_implementation
from fsspec.implementations.memory import MemoryFileSystem

from refervid.core.errors import DatasetError, MirrorFailed, OutputConflict, RefervidError, SettingsError
from refervid.evaluation.mirror import Mirror
from refervid.evaluation.runner import evaluate
from tests.evaluation.colour_pipeline import ColourPipeline
from tests.evaluation.runs import records, three_videos, times


def test_a_mirror_holds_all_that_resuming_needs(tmp_path: Path) -> None:
    data, place = three_videos(tmp_path / "data"), f"memory://{tmp_path.name}/run"
    (tmp_path / "server").touch()
    first = evaluate(data, ColourPipeline(tmp_path), tmp_path / "here", mirror=Mirror(place))
    assert len(first["failed"]) == 3
    (tmp_path / "server").unlink()
    there = tmp_path / "there"
    with pytest.raises(SettingsError, match="the mirror holds a run"):
        evaluate(data, ColourPipeline(tmp_path), there, mirror=Mirror(place))
    scores = evaluate(data, ColourPipeline(tmp_path), there, resume=True, mirror=Mirror(place))
    assert scores["failed"] == {}
    assert scores["J"] > 0.9
    kept = records(there)["a/0"]["timings_s"], records(tmp_path / "here")["a/0"]["timings_s"]
    assert kept[0] == kept[1]


class FailingStorage(MemoryFileSystem):
    """Refuses files whose names end with `refused`."""

    protocol = "failing"
    cachable = False
    refused = "nothing"

    def pipe_file(self, path: str, value: bytes, *mode: str, **options: Any) -> None:
        if path.endswith(self.refused):
            raise KeyError("NoSuchBucket")  # clients have errors of every kind
        super().pipe_file(path, value, *mode, **options)


@pytest.mark.parametrize("refused", ["run.json", "masks/b/0/00001.png", "items/a/1.json", "scores.json"])
def test_resuming_copies_what_a_failed_mirror_lacks(
    tmp_path: Path, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_implementation("failing", FailingStorage, clobber=True)
    data, out, mirror = (
        three_videos(tmp_path / "data"),
        tmp_path / "out",
        Mirror(f"failing://{tmp_path.name}"),
    )
    monkeypatch.setattr(FailingStorage, "refused", refused)
    with pytest.raises(MirrorFailed, match=r"NoSuchBucket.*--resume"):
        evaluate(data, ColourPipeline(tmp_path), out, mirror=mirror)
    monkeypatch.undo()
    evaluate(data, ColourPipeline(tmp_path), out, resume=True, mirror=mirror)
    here = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.suffix != ".lock"}
    assert mirror.sizes() == {name: path.stat().st_size for name, path in here.items() if path.is_file()}


def test_what_was_copied_by_half_does_not_spoil_a_run_elsewhere(tmp_path: Path) -> None:
    data, place = three_videos(tmp_path / "data"), tmp_path / "mirror"
    mirror = Mirror(place.as_uri())
    whole = evaluate(data, ColourPipeline(tmp_path), tmp_path / "here", mirror=mirror)
    for name in ("run.json", "items/a/0.json"):
        (place / name).write_bytes((place / name).read_bytes()[:20])
    assert evaluate(data, ColourPipeline(tmp_path), tmp_path / "there", resume=True, mirror=mirror) == whole
    assert (place / "run.json").read_bytes() == (tmp_path / "there" / "run.json").read_bytes()
    kept = records(tmp_path / "there")["a/1"]["timings_s"], records(tmp_path / "here")["a/1"]["timings_s"]
    assert kept[0] == kept[1]


def test_a_damaged_mask_does_not_replace_its_good_copy(tmp_path: Path) -> None:
    data, out, mirror = three_videos(tmp_path / "data"), tmp_path / "out", Mirror((tmp_path / "m").as_uri())
    whole = evaluate(data, ColourPipeline(tmp_path), out, mirror=mirror)
    mask = out / "masks" / "a" / "0" / "00000.png"
    mask.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="delete it"):
        evaluate(data, ColourPipeline(tmp_path), out, resume=True, mirror=mirror)
    mask.unlink()
    before = times(out)
    assert evaluate(data, ColourPipeline(tmp_path), out, resume=True, mirror=mirror) == whole
    assert times(out) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", b"mine"),
        ("run.json", b'{"dataset": "mine"}'),
        ("scores.json", b"{}"),
        ("masks/a/0/00000.png", b"mine"),
    ],
)
@pytest.mark.parametrize("resume", [False, True])
def test_a_mirror_with_files_of_somebody_else_is_refused(
    tmp_path: Path, name: str, content: bytes, resume: bool
) -> None:
    data, out, place = three_videos(tmp_path / "data"), tmp_path / "out", tmp_path / "mirror"
    if resume:
        evaluate(data, ColourPipeline(tmp_path), out)
    (place / name).parent.mkdir(parents=True)
    (place / name).write_bytes(content)
    before = times(out)
    with pytest.raises(RefervidError, match=r"the mirror (holds|was started)|holds a run"):
        evaluate(data, ColourPipeline(tmp_path), out, resume=resume, mirror=Mirror(place.as_uri()))
    assert (place / name).read_bytes() == content
    assert [path for path in place.rglob("*") if path.is_file()] == [place / name]
    assert times(out) == before


def test_a_mirror_lies_neither_in_the_run_nor_in_the_data(tmp_path: Path) -> None:
    """Fault 34."""
    data, out = three_videos(tmp_path / "data"), tmp_path / "out"
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for place in (out, out / "mirror", tmp_path, tmp_path / "data", tmp_path / "link" / "mirror"):
        with pytest.raises(OutputConflict, match="--mirror"):
            evaluate(data, ColourPipeline(tmp_path), out, mirror=Mirror(place.as_uri()))
    assert not out.exists()


def test_places_that_no_mirror_can_be_at() -> None:
    with pytest.raises(SettingsError, match="scheme://"):
        Mirror("nowhere://bucket/run")
