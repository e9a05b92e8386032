"""Ray: the same results as on one machine, whatever dies."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from threading import Thread
from time import sleep

import pytest

from refervid.core.errors import BudgetExceeded, DeviceError, MissingExtra
from refervid.datasets.base import Dataset
from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.evaluation.runner import evaluate, on_cluster
from refervid.pipelines.base import Pipeline
from refervid.pipelines.cluster import RayCluster, import_ray
from refervid.pipelines.presets import load
from tests.cli.test_segment import refer
from tests.clips import disc_and_square, write_video
from tests.evaluation.colour_pipeline import ColourPipeline, priority


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of this machine alone, with room for two actors."""
    pytest.importorskip("ray", reason="install refervid[cluster] to run this test")
    with pytest.MonkeyPatch.context() as environment:
        for name in ("RAY_USAGE_STATS_ENABLED", "RAY_worker_niceness"):
            environment.setenv(name, "")
            environment.delenv(name)
        ray = import_ray()
        ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


def videos(root: Path, count: int = 4) -> Dataset:
    write_common_form(root, "", [two_shapes(f"video-{k}", count=3) for k in range(count)])
    return open_dataset("folder", root)


@pytest.mark.usefixtures("cluster")
def test_the_same_as_on_one_machine_and_what_dies_is_replaced(tmp_path: Path) -> None:
    data, pipeline = videos(tmp_path / "data"), ColourPipeline(tmp_path)
    here = evaluate(data, pipeline, tmp_path / "here")
    (tmp_path / "die-video-2").write_bytes(b"1")
    executor = on_cluster(RayCluster(partial(ColourPipeline, tmp_path)), pipeline)
    assert evaluate(data, pipeline, tmp_path / "there", executor=executor) == here
    assert (tmp_path / "die-video-2").read_bytes() == b""


@pytest.mark.usefixtures("cluster")
def test_a_video_that_kills_every_actor_fails_alone_and_is_tried_again(tmp_path: Path) -> None:
    data, pipeline = videos(tmp_path / "data", 2), ColourPipeline(tmp_path)
    (tmp_path / "die-video-1").write_bytes(b"12")
    executor = on_cluster(RayCluster(partial(ColourPipeline, tmp_path), actors=1, attempts=2), pipeline)
    scores = evaluate(data, pipeline, tmp_path / "out", executor=executor)
    assert set(scores["failed"]) == {"video-1/0", "video-1/1"}
    assert "died 2 times" in scores["failed"]["video-1/0"]
    scores = evaluate(data, pipeline, tmp_path / "out", resume=True)
    assert scores["failed"] == {}
    assert scores["J"] > 0.9


@pytest.mark.usefixtures("cluster")
def test_errors_that_concern_all_come_through(tmp_path: Path) -> None:
    data, pipeline = videos(tmp_path / "data", 2), ColourPipeline(tmp_path)
    executor = on_cluster(RayCluster(partial(ColourPipeline, tmp_path), actors=1), pipeline)
    (tmp_path / "budget").touch()
    with pytest.raises(BudgetExceeded, match="raise the budget"):
        evaluate(data, pipeline, tmp_path / "out", executor=executor)


@pytest.mark.usefixtures("cluster")
def test_actors_have_the_priority_of_who_started_them(tmp_path: Path) -> None:
    pipeline = ColourPipeline(tmp_path)
    cluster = RayCluster(partial(ColourPipeline, tmp_path), actors=1)
    assert list(cluster.outcomes(priority, ["work"], pipeline.plan())) == [(0, os.nice(0))]


@pytest.mark.usefixtures("cluster")
def test_actors_that_cannot_start_are_one_line_that_names_the_machine() -> None:
    with pytest.raises(DeviceError, match=r"start on \d+\.\d+\.\d+\.\d+: look there") as caught:
        list(RayCluster(Deadly(), actors=1, attempts=1).outcomes(priority, ["work"], {}))
    assert "\n" not in str(caught.value)


class Deadly:
    """Ends the process that it comes to."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (1,)

    def __call__(self) -> Pipeline:
        raise NotImplementedError


@pytest.mark.usefixtures("cluster")
def test_clips_of_segment_are_shared_out_and_written_as_here(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    for name in ("a", "b"):
        write_video(tmp_path / "clips" / f"{name}.mp4", disc_and_square(4))
    (tmp_path / "clips" / "broken.mp4").write_text("not a video")
    command = ("segment", tmp_path / "clips" / "*.mp4", "-t", "the red disc", "-p", "lite", "--device", "cpu")
    here = refer(*command, "-o", tmp_path / "here", "--json")
    there = refer(*command, "-o", tmp_path / "there", "--json", "--ray", "local", "--actors", "2")
    assert (here.exit_code, there.exit_code) == (3, 3)
    # Of another test's killed worker Ray may speak as late as here.
    told = [json.loads(each.stdout[each.stdout.index("{") :]) for each in (here, there)]
    assert told[0].keys() == told[1].keys() == {"a", "b", "broken"}
    for said in (here.stderr, there.stderr):
        assert said.count("the red disc: ") == 2
        assert "1 clip of 3 failed" in said
        assert "broken.mp4" in said.splitlines()[-1]
    masks = sorted(file.relative_to(tmp_path / "here") for file in (tmp_path / "here").rglob("masks/*/*.png"))
    assert len(masks) == 8
    for mask in masks:
        assert (tmp_path / "here" / mask).read_bytes() == (tmp_path / "there" / mask).read_bytes()


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_worker_processes_killed_at_random_moments(tmp_path: Path, kills: int) -> None:
    data = videos(tmp_path / "data", 3)
    pipeline = load("lite", device="cpu")
    here = evaluate(data, pipeline, tmp_path / "here")
    killer = Killer(kills)
    killer.start()
    executor = on_cluster(RayCluster(partial(load, "lite", device="cpu"), attempts=kills + 1), pipeline)
    round_number = 0
    while killer.is_alive() or not round_number:
        round_number += 1
        assert evaluate(data, pipeline, tmp_path / f"there-{round_number}", executor=executor) == here
    killer.join()
    assert killer.killed == kills


class Killer(Thread):
    """Kills processes of actors below this process, one every now and then."""

    def __init__(self, kills: int) -> None:
        super().__init__(daemon=True)
        self.killed = 0
        self._kills = kills
        self._random = Random(0)

    def run(self) -> None:
        while self.killed < self._kills:
            sleep(self._random.uniform(0.1, 2))
            workers = actor_processes()
            if workers:
                with suppress(ProcessLookupError):  # it may have ended since it was listed
                    os.kill(self._random.choice(workers), signal.SIGKILL)
                    self.killed += 1


def actor_processes() -> list[int]:
    parents, actors = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
            if (folder / "cmdline").read_bytes().startswith(b"ray::Worker"):
                actors.append(int(folder.name))
        except OSError:
            continue
        parents[int(folder.name)] = int(words[1])
    return [pid for pid in actors if _is_ours(pid, parents)]


def _is_ours(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == os.getpid():
            return True
    return False


def test_without_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    pipeline = ColourPipeline(tmp_path)
    executor = on_cluster(RayCluster(partial(ColourPipeline, tmp_path)), pipeline)
    with pytest.raises(MissingExtra, match=r"refervid\[cluster\]"):
        evaluate(videos(tmp_path / "data", 1), pipeline, tmp_path / "out", executor=executor)
