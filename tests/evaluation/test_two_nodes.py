"""A cluster of two nodes: one dies with its actors in the middle of the work, or its disk is full."""

from __future__ import annotations

import resource
import signal
import socket
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

import refervid
from refervid.core.errors import StorageFailed
from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.evaluation.runner import evaluate, on_cluster
from refervid.pipelines.base import Pipeline
from refervid.pipelines.cluster import RayCluster
from tests.evaluation.colour_pipeline import ColourPipeline


@pytest.mark.slow
def test_a_node_that_dies_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    utilities = pytest.importorskip("ray.cluster_utils", reason="install refervid[cluster] to run this test")
    write_common_form(tmp_path / "data", "", [two_shapes(f"video-{k}", count=3) for k in range(30)])
    data, pipeline = open_dataset("folder", tmp_path / "data"), ColourPipeline(tmp_path)
    here = evaluate(data, pipeline, tmp_path / "here")
    cluster = utilities.Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    node = cluster.add_node(num_cpus=2)
    lost = Thread(target=cluster.remove_node, args=(node,), kwargs={"allow_graceful": False})

    def lose_node(stage: str, artefact: object, completed: int, total: int) -> None:
        if completed >= 10 and not lost.ident:
            lost.start()

    executor = on_cluster(RayCluster(partial(ColourPipeline, tmp_path), cluster.address), pipeline)
    try:
        assert evaluate(data, pipeline, tmp_path / "there", executor=executor, hook=lose_node) == here
        lost.join()
    finally:
        cluster.shutdown()


def on_a_full_disk(full: Path) -> Pipeline:
    """What an actor loads, which can write no more than a kilobyte to a file if `full` is there."""
    if full.exists():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**10, resource.RLIM_INFINITY))
    return refervid.load("lite", device="cpu")


@pytest.mark.slow
def test_the_full_disk_of_another_node_is_named_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    utilities = pytest.importorskip("ray.cluster_utils", reason="install refervid[cluster] to run this test")
    write_common_form(tmp_path / "data", "", [two_shapes("video", count=3)])
    data, pipeline = open_dataset("folder", tmp_path / "data"), refervid.load("lite", device="cpu")
    scratch, out, full = tmp_path / "scratch", tmp_path / "out", tmp_path / "full"
    scratch.mkdir()
    full.touch()
    cluster = utilities.Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    cluster.add_node(num_cpus=2, env_vars={"TMPDIR": str(scratch)})
    executor = on_cluster(RayCluster(partial(on_a_full_disk, full), cluster.address), pipeline)
    try:
        with pytest.raises(StorageFailed) as caught:
            evaluate(data, pipeline, out, executor=executor)
        full.unlink()
        assert evaluate(data, pipeline, out, resume=True, executor=executor)["complete"]
    finally:
        cluster.shutdown()
    message = str(caught.value)
    assert message.startswith(f"on {socket.gethostname()}: cannot write to {scratch} (")
    assert "TMPDIR" in message
    assert "\n" not in message
