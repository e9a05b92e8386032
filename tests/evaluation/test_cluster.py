"""Ray: the same results as on one machine, whatever dies."""

from __future__ import annotations

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

from refervid.core.errors import BudgetExceeded, MissingExtra
from refervid.datasets.base import Dataset
from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.evaluation.cluster import RayCluster
from refervid.evaluation.runner import evaluate
from refervid.pipelines.presets import load
from tests.evaluation.colour_pipeline import ColourPipeline


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of this machine alone, with room for two actors."""
    ray = pytest.importorskip("ray", reason="install refervid[cluster] to run this test")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
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
    executor = RayCluster(partial(ColourPipeline, tmp_path))
    assert evaluate(data, pipeline, tmp_path / "there", executor=executor) == here
    assert (tmp_path / "die-video-2").read_bytes() == b""


@pytest.mark.usefixtures("cluster")
def test_a_video_that_kills_every_actor_fails_alone_and_is_tried_again(tmp_path: Path) -> None:
    data, pipeline = videos(tmp_path / "data", 2), ColourPipeline(tmp_path)
    (tmp_path / "die-video-1").write_bytes(b"12")
    executor = RayCluster(partial(ColourPipeline, tmp_path), actors=1, attempts=2)
    scores = evaluate(data, pipeline, tmp_path / "out", executor=executor)
    assert set(scores["failed"]) == {"video-1/0", "video-1/1"}
    assert "died 2 times" in scores["failed"]["video-1/0"]
    scores = evaluate(data, pipeline, tmp_path / "out", resume=True)
    assert scores["failed"] == {}
    assert scores["J"] > 0.9


@pytest.mark.usefixtures("cluster")
def test_errors_that_concern_all_come_through(tmp_path: Path) -> None:
    data, executor = videos(tmp_path / "data", 2), RayCluster(partial(ColourPipeline, tmp_path), actors=1)
    (tmp_path / "budget").touch()
    with pytest.raises(BudgetExceeded, match="raise the budget"):
        evaluate(data, ColourPipeline(tmp_path), tmp_path / "out", executor=executor)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_worker_processes_killed_at_random_moments(tmp_path: Path, kills: int) -> None:
    data = videos(tmp_path / "data", 3)
    pipeline = load("lite", device="cpu")
    here = evaluate(data, pipeline, tmp_path / "here")
    killer = Killer(kills)
    killer.start()
    executor = RayCluster(partial(load, "lite", device="cpu"), attempts=kills + 1)
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
    executor = RayCluster(partial(ColourPipeline, tmp_path))
    with pytest.raises(MissingExtra, match=r"refervid\[cluster\]"):
        evaluate(videos(tmp_path / "data", 1), ColourPipeline(tmp_path), tmp_path / "out", executor=executor)
