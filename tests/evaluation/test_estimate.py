"""What a run would ask of a language model, before it is started."""

from __future__ import annotations

from pathlib import Path

from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.evaluation.estimate import estimate
from refervid.pipelines.presets import load


def test_videos_that_cannot_be_read_are_left_to_the_run(tmp_path: Path) -> None:
    write_common_form(tmp_path, "", [two_shapes(name, count=3) for name in ("a", "b", "c")])
    items = open_dataset("folder", tmp_path).items()
    settings = ["chooser.kind=server", "chooser.base_url=http://127.0.0.1:9"]
    pipeline = load("lite", device="cpu", settings=settings)
    whole = estimate(items, pipeline)
    assert whole is not None
    assert whole.asked >= len(items)
    for name, expected in (("a", whole), ("b", whole), ("c", None)):
        (tmp_path / "JPEGImages" / name / "00000.jpg").write_bytes(b"no picture")
        assert estimate(items, pipeline) == expected  # those that are left stand for all
