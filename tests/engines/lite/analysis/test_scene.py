"""The scene's flow and camera against clips whose motion is known."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from refervid.engines.lite.analysis import Analyses, Scene
from refervid.engines.lite.analysis.blob import Blob
from refervid.engines.lite.analysis.flow import camera_flow, camera_motion, pack_flow, unpack_flow
from refervid.engines.lite.analysis.scene import LEAST_SIDE
from refervid.media.array import ArrayClip
from refervid.media.folder import FolderClip
from tests.clips import write_pictures
from tests.engines.made_clips import GREY, HEIGHT, RED, WIDTH, Made, Thing, cloth, made_clip

PAN = 3


@pytest.fixture(scope="module")
def panned(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The camera pans by `PAN` pixels a frame; a red thing stays where it is in the picture."""
    thing = Thing(RED, lambda i: (100, 70), (22, 22))
    return made_clip(tmp_path_factory.mktemp("pan") / "frames", [thing], 8, pan=PAN)


def test_the_camera_is_told_from_the_object(panned: Made) -> None:
    scene = Scene(panned.clip)
    mask = panned.masks[0][3]
    inner = slice(None), slice(20, WIDTH - 20)
    assert scene.size == (HEIGHT, WIDTH)
    assert abs(abs(scene.camera(3)[0, 2]) - PAN) < 0.3
    own = np.linalg.norm(scene.forward(3) - camera_flow(scene.camera(3), *scene.size), axis=-1)
    assert np.median(own[mask]) > 0.8 * PAN
    assert np.median(own[inner][~mask[inner]]) < 0.3


def test_a_patterned_thing_before_a_smooth_ground_is_not_the_scene() -> None:
    """The ground is seen at sparse marks only; most vectors with texture are the thing's, which moves."""
    ys, xs = np.mgrid[4:240:8, 4:240:8]
    thing = (xs > 80) & (xs < 200) & (ys > 80) & (ys < 200)
    marks = (xs % 24 == 4) & (ys % 24 == 4)
    texture = np.zeros((240, 240), np.float32)
    texture[ys[thing | marks], xs[thing | marks]] = 1
    assert thing.sum() > 2 * (marks & ~thing).sum()
    start = np.stack([xs, ys], -1).reshape(-1, 2).astype(np.float32)
    end = start + np.where(thing.reshape(-1, 1), (12, 0), (0, 0)).astype(np.float32)
    assert np.allclose(camera_motion(start, end, texture), np.eye(3), atol=0.01)


def test_flow_leads_there_and_back(panned: Made) -> None:
    scene = Scene(panned.clip)
    centre = 20, 60
    assert np.allclose(scene.forward(3)[centre], -scene.backward(4)[centre], atol=0.4)
    assert not scene.forward(len(scene) - 1).any()
    assert not scene.backward(0).any()
    assert scene.half_forward(3).shape == (HEIGHT // 2, WIDTH // 2, 2)


def test_cuts_end_shots(tmp_path: Path) -> None:
    one, other = (cloth((HEIGHT, WIDTH), GREY, 30, seed) for seed in (1, 2))
    write_pictures(tmp_path / "frames", [one] * 4 + [other] * 4)
    scene = Scene(FolderClip(tmp_path / "frames"))
    assert [scene.cut(index) for index in range(8)] == [index in (3, 7) for index in range(8)]
    assert np.array_equal(scene.camera(3), np.eye(3))


def test_one_frame_is_a_scene(tmp_path: Path) -> None:
    write_pictures(tmp_path / "frames", [cloth((19, 23), GREY, 30, 1)])
    scene = Scene(FolderClip(tmp_path / "frames"))
    assert len(scene) == 1
    assert scene.small(0).shape == (19, 23, 3)
    assert scene.cut(0)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 9), (3, 2000), (200, 1)])
def test_frames_too_small_for_the_flow_are_enlarged(height: int, width: int) -> None:
    frames = np.stack([cloth((height, width), GREY, 30, seed) for seed in (1, 1, 2)])
    scene = Scene(ArrayClip(frames))
    assert min(scene.size) == LEAST_SIDE
    assert scene.size[0] / scene.scale_xy[1] == pytest.approx(height)
    assert not scene.forward(0).any()
    assert np.isfinite(scene.forward(1)).all()


def test_a_scene_lives_as_long_as_its_clip(tmp_path: Path) -> None:
    write_pictures(tmp_path / "frames", [cloth((40, 60), GREY, 30, 1)] * 2)
    clip = FolderClip(tmp_path / "frames")
    calls: list[int] = []
    analyses = Analyses()
    scene = analyses.of(clip, lambda stage, artefact, done, total: calls.append(done)).scene
    assert analyses.of(clip).scene is scene
    assert calls == [1, 2]
    del scene, clip
    gc.collect()
    assert not [
        thing for thing in gc.get_objects() if isinstance(thing, Scene) and thing.clip_size == (40, 60)
    ]


def test_packed_flow_loses_little() -> None:
    ys, xs = np.mgrid[0:51, 0:83].astype(np.float32)
    flow = np.stack([0.1 * xs - 3, 0.05 * ys], -1)
    assert np.abs(unpack_flow(pack_flow(flow), 51, 83) - flow)[1:-2, 1:-2].max() < 0.15


def test_camera_flow_of_a_shift() -> None:
    flow = camera_flow(np.array([[1, 0, 2.5], [0, 1, -1], [0, 0, 1.0]]), 4, 5)
    assert np.allclose(flow, (2.5, -1))


def test_spool_reads_back_in_any_order() -> None:
    spool = Blob()
    for data in (b"one", b"", b"three"):
        spool.append(data)
    assert [spool[number] for number in (2, 0, 1)] == [b"three", b"one", b""]
    assert len(spool) == 3
