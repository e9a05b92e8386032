"""What one process finds in a clip, another need not look for; what is damaged is found anew."""

from __future__ import annotations

import json
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from random import Random

import numpy as np
import pytest

from refervid.core.track import Track
from refervid.core.types import Pivot, no_hook
from refervid.engines.base import Runtime
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.lite.analysis import Analyses, clip_store
from refervid.engines.lite.analysis.clip_store import ClipStore
from refervid.engines.lite.objects import kept_inventory
from refervid.engines.lite.tracker import EmbeddedTracker, kept_tracks
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.media.folder import FolderClip
from refervid.media.part import PartClip
from tests.clips import write_pictures
from tests.engines.made_clips import GREY, RED, Thing, cloth, made_clip
from tests.faults.strangers import scatter, seen, untouched


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    return made_clip(tmp_path / "frames", [Thing(RED, lambda i: (40 + 4 * i, 60), (16, 16))], 4).clip


def analysed(cache: Path, clip: Clip) -> tuple[int, Analyses]:
    """In a process of its own, as far as the store can tell; how many frames had to be looked at?"""
    calls: list[int] = []
    analyses = Analyses(ClipStore(cache))
    analyses.of(clip, lambda stage, artefact, done, total: calls.append(done))
    return len(calls), analyses


def test_another_process_reads_what_the_first_one_gathered(tmp_path: Path, clip: Clip) -> None:
    looked, first = analysed(tmp_path / "cache", clip)
    same = FolderClip(clip.source)
    again, second = analysed(tmp_path / "cache", same)
    one, other = first.of(clip).scene, second.of(same).scene
    assert (looked, again) == (len(clip), 0)
    for index in range(len(clip)):
        assert np.array_equal(one.picture(index), other.picture(index))
        assert np.array_equal(one.forward(index), other.forward(index))
        assert np.array_equal(one.backward(index), other.backward(index))
        assert np.array_equal(one.camera(index), other.camera(index))
        assert one.cut(index) == other.cut(index)


@pytest.mark.parametrize("name", ["pictures", "forward", "backward", "shots.npz"])
@pytest.mark.parametrize("damage", ["cut short", "one bit", "gone", "of another clip"])
def test_what_is_damaged_is_gathered_anew(tmp_path: Path, clip: Clip, name: str, damage: str) -> None:
    analysed(tmp_path / "cache", clip)
    [file] = (tmp_path / "cache" / "clips").glob(f"*/scene/{name}")
    content = bytearray(file.read_bytes())
    if damage == "cut short":
        file.write_bytes(content[:-1])
    elif damage == "one bit":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "gone":
        file.unlink()
    else:
        shorter = PartClip(clip, every=2)
        analysed(tmp_path / "other", shorter)
        [foreign] = (tmp_path / "other" / "clips").glob(f"*/scene/{name}")
        shutil.copyfile(foreign, file)
    assert analysed(tmp_path / "cache", clip)[0] == len(clip)
    assert analysed(tmp_path / "cache", clip)[0] == 0


@pytest.mark.parametrize("package", ["numpy", "scipy", "torch", "av"])
def test_what_another_version_of_a_package_found_is_found_anew(
    tmp_path: Path, clip: Clip, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    assert analysed(cache, clip)[0] == len(clip)
    monkeypatch.setattr(clip_store, "version", lambda name: "0" if name == package else version(name))
    clip_store._code.cache_clear()
    assert analysed(cache, clip)[0] == len(clip)
    assert analysed(cache, clip)[0] == 0


def test_other_frames_and_other_contents_are_other_clips(tmp_path: Path, clip: Clip) -> None:
    cache = tmp_path / "cache"
    analysed(cache, clip)
    assert analysed(cache, PartClip(clip, every=2))[0] == 2
    assert analysed(cache, FolderClip(clip.source, fps=7))[0] == len(clip)
    write_pictures(clip.source, [cloth((clip.height, clip.width), GREY, 30, seed) for seed in range(4)])
    assert analysed(cache, FolderClip(clip.source))[0] == len(clip)


def test_clips_in_memory_are_not_kept(tmp_path: Path) -> None:
    memory = ArrayClip(np.zeros((2, 20, 20, 3), np.uint8))
    assert [analysed(tmp_path, memory)[0] for _ in range(2)] == [2, 2]


def test_engines_keep_nothing_unless_that_is_wanted(tmp_path: Path, clip: Clip) -> None:
    Analyses.shared(Runtime("cpu", "auto", False, tmp_path / "cache")).of(clip)
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(os.name != "posix", reason="owners and rights are those of POSIX")
def test_a_folder_that_others_can_write_is_not_trusted(tmp_path: Path, clip: Clip) -> None:
    analysed(tmp_path / "cache", clip)
    (tmp_path / "cache" / "clips").chmod(0o777)
    assert analysed(tmp_path / "cache", clip)[0] == len(clip)


def test_what_was_asked_about_longest_ago_goes_first(
    tmp_path: Path, clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_store, "LARGEST_SHARE", 1)
    analysed(tmp_path / "cache", clip)
    [folder] = (tmp_path / "cache" / "clips").iterdir()
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    monkeypatch.setattr(clip_store, "MOST_BYTES", round(1.5 * size))
    os.utime(folder, (0, 0))
    scatter(tmp_path / "cache" / "clips", Random(1), ("holiday", "0123456789abcdef0"))
    (tmp_path / "cache" / "clips" / "abcdef0123456789").symlink_to(tmp_path / "cache" / "clips" / "holiday")
    before = seen(tmp_path)
    strangers = {path: before[path] for path in before if not Path(path).is_relative_to(folder)}
    analysed(tmp_path / "cache", FolderClip(clip.source, fps=7))
    assert not folder.exists()
    assert sum(path.name == "scene" for path in (tmp_path / "cache" / "clips").glob("*/*")) == 1
    del strangers[str(tmp_path / "cache" / "digests.sqlite")]
    assert untouched(strangers, tmp_path)


def inventory() -> Inventory:
    boxes = np.array([[1, 2, 30, 40], [2, 2, 31, 40]], np.float32)
    seen = np.array([0, 3], np.int64)
    shares = np.full(22, 1 / 22, np.float32)
    track = ObjectTrack(1, seen, boxes, np.array([0.5, 0.75], np.float32), {"dog": 0.75}, shares)
    return Inventory((track,), (0, 3))


def test_an_inventory_comes_back_as_it_was() -> None:
    [track] = kept_inventory.from_bytes(kept_inventory.to_bytes(inventory()), 4).tracks
    [before] = inventory().tracks
    assert track.names == before.names
    for part in ("frame_indices", "boxes_xyxy", "scores", "colours"):
        assert np.array_equal(getattr(track, part), getattr(before, part))
        assert getattr(track, part).dtype == getattr(before, part).dtype


@pytest.mark.parametrize(
    "change",
    [
        {"frames": [3, 0]},
        {"frames": [0, 4]},
        {"frames": [0]},
        {"frames": []},
        {"boxes": [[1, 2, 3], [1, 2, 3]]},
        {"boxes": [[1, 2, 3, float("nan")], [1, 2, 3, 4]]},
        {"scores": [2, 0.5]},
        {"names": {"dog": -1}},
        {"colours": [0.5]},
        {"secret": 1},
    ],
)
def test_another_inventory_is_refused(change: dict[str, object]) -> None:
    content = json.loads(kept_inventory.to_bytes(inventory()))
    content["tracks"][0] |= change
    with pytest.raises(ValueError, match=r".+"):
        kept_inventory.from_bytes(json.dumps(content).encode(), 4)
    with pytest.raises(ValueError, match=r".+"):
        kept_inventory.from_bytes(b"\xff not json", 4)


@pytest.mark.parametrize("part", ["masks", "presence"])
def test_tracks_of_a_clip_with_another_number_of_frames_are_refused(part: str) -> None:
    clip = ArrayClip(np.zeros((3, 8, 8, 3), np.uint8))
    content = json.loads(kept_tracks.to_bytes([Track(3, 8, 8)]))
    assert len(kept_tracks.from_bytes(json.dumps(content).encode(), clip, 1)) == 1
    del content["tracks"][0][part][1:]
    with pytest.raises(ValueError, match="another clip"):
        kept_tracks.from_bytes(json.dumps(content).encode(), clip, 1)


def test_tracks_are_kept_for_the_same_pivots(tmp_path: Path, clip: Clip) -> None:
    calls: list[str] = []

    def track(box: list[float]) -> np.ndarray:
        tracker = EmbeddedTracker(analyses=Analyses(ClipStore(tmp_path / "cache")))
        pivots = [[Pivot(1, box_xyxy=np.array(box, np.float32))]]
        [found] = tracker.track(clip, pivots, lambda stage, *more: calls.append(stage))
        return found.stack()

    first = track([36, 44, 52, 76])
    assert "track" in calls
    calls.clear()
    assert np.array_equal(track([36, 44, 52, 76]), first)
    assert calls == []
    [file] = (tmp_path / "cache" / "clips").glob("*/tracks-*.json")
    content = json.loads(file.read_text())
    content["tracks"][0]["masks"][2] = content["tracks"][0]["masks"][2][:-1]
    file.write_text(json.dumps(content))
    assert np.array_equal(track([36, 44, 52, 76]), first)
    assert "track" in calls
    calls.clear()
    track([30, 44, 52, 76])
    assert "track" in calls


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, clip: Clip) -> None:
    (tmp_path / "cache").write_text("a file, no folder")
    assert analysed(tmp_path / "cache", clip)[0] == len(clip)
    assert EmbeddedTracker(analyses=Analyses(ClipStore(tmp_path / "cache"))).track(clip, [], no_hook) == []
