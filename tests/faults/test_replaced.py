"""Fault 36: weights, data, prompts or answers replaced under the same name between a run and its resume."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image

import refervid
from refervid.core.errors import ConfigurationChanged
from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.engines.base import loaded_by
from refervid.engines.llm import wording
from refervid.engines.registry import ENGINES, Role, engine_class
from refervid.evaluation.answers import VideoWork, answer_video
from refervid.evaluation.runner import Shard, evaluate
from refervid.models.soc.checkpoint import load, save
from refervid.models.soc.shipped import shipped_path
from refervid.pipelines.cluster import Worker
from refervid.training.trainer import train
from tests.evaluation.colour_pipeline import ColourPipeline
from tests.training.tiny import tiny_recipe


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_common_form(tmp_path / "data", "", [two_shapes(name, count=3) for name in ("a", "b")])
    return tmp_path / "data"


def _half_done(root: Path, out: Path) -> None:
    """A run of which one item is still to be done."""
    evaluate(open_dataset("folder", root), ColourPipeline(root), out)
    (out / "items" / "b" / "1.json").unlink()


def _paint(path: Path) -> None:
    """Another picture of the same size."""
    with Image.open(path) as picture:
        picture.load()
    picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(path)


def test_weights_replaced_under_their_name_are_refused(tmp_path: Path, root: Path) -> None:
    weights, out = tmp_path / "w.safetensors", tmp_path / "out"
    shutil.copy(shipped_path(), weights)
    data, settings = open_dataset("folder", root), [f"weights={weights}"]
    evaluate(data, refervid.load("soc", device="cpu", settings=settings), out, limit=1)
    network = load(weights)
    next(network.parameters()).data *= 1.01
    save(network, weights)
    with pytest.raises(ConfigurationChanged, match=rf"contents\.{weights}: '\w+' -> '\w+'"):
        evaluate(data, refervid.load("soc", device="cpu", settings=settings), out, limit=1, resume=True)


def test_the_shipped_weights_and_those_of_a_tracker_are_in_the_plan(tmp_path: Path) -> None:
    (tmp_path / "sam2.pt").write_bytes(b"one")
    settings = [f"tracker={json.dumps({'kind': 'sam2', 'weights': str(tmp_path / 'sam2.pt')})}"]
    before = refervid.load("soc", device="cpu", settings=settings).plan()["contents"]
    assert before["soc-nano"]
    (tmp_path / "sam2.pt").write_bytes(b"two")
    after = refervid.load("soc", device="cpu", settings=settings).plan()["contents"]
    assert {name for name in before if before[name] != after[name]} == {str(tmp_path / "sam2.pt")}


@pytest.mark.parametrize(
    ("role", "kind"), [(role, kind) for role in get_args(Role) for kind in sorted(ENGINES[role])]
)
def test_every_engine_tells_what_it_loads(role: Role, kind: str) -> None:
    """A setting that ends with "weights" or "yamnet", or is a path that results depend on, is digested."""
    settings = engine_class(role, kind).Settings(kind=kind)
    for name, field in type(settings).model_fields.items():
        if name.endswith(("weights", "yamnet", "interval_file")) and not field.exclude:
            value = getattr(settings, name)
            values = value if isinstance(value, tuple) else [] if value is None else [value]
            assert set(map(str, values)) <= set(loaded_by(settings)), name


def test_a_file_that_intervals_are_read_from_is_in_the_plan(tmp_path: Path) -> None:
    (tmp_path / "intervals.json").write_text("{}")
    change = f"tagger={json.dumps({'kind': 'beats', 'interval_file': str(tmp_path / 'intervals.json')})}"
    contents = refervid.load("lite", device="cpu", settings=[change]).plan()["contents"]
    assert contents[str(tmp_path / "intervals.json")]


@pytest.mark.parametrize(
    ("place", "told"),
    [("JPEGImages/a/00001.jpg", "video"), ("Annotations/a/00001.png", "annotations")],
)
@pytest.mark.parametrize("shard", [Shard(), Shard(1, 1)])
def test_data_replaced_under_their_name_are_refused(
    tmp_path: Path, root: Path, place: str, told: str, shard: Shard
) -> None:
    out = tmp_path / "out"
    _half_done(root, out)
    _paint(root / place)
    with pytest.raises(ConfigurationChanged, match=rf"a/0 {told}: '\w+' -> '\w+'"):
        evaluate(open_dataset("folder", root), ColourPipeline(root), out, resume=True, shard=shard)


def test_shards_refuse_them_too(tmp_path: Path, root: Path) -> None:
    out, data = tmp_path / "out", open_dataset("folder", root)
    shards = [Shard(number, 2) for number in (1, 2)]
    for shard in shards:
        evaluate(data, ColourPipeline(root), out, shard=shard)
    _paint(root / "JPEGImages" / "a" / "00000.jpg")
    for shard in shards:
        with pytest.raises(ConfigurationChanged, match="a/0 video"):
            evaluate(open_dataset("folder", root), ColourPipeline(root), out, shard=shard)


def test_new_times_and_new_videos_are_no_replacement(tmp_path: Path, root: Path) -> None:
    out = tmp_path / "out"
    _half_done(root, out)
    for file in root.rglob("*.jpg"):
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content)
    write_common_form(root, "", [two_shapes(name, count=3) for name in ("a", "b", "c")])
    scores = evaluate(open_dataset("folder", root), ColourPipeline(root), out, resume=True)
    assert scores["complete"]
    assert scores["items"] == 6


def test_a_worker_with_other_weights_refuses(root: Path) -> None:
    pipeline = ColourPipeline(root)
    items = tuple(open_dataset("folder", root).items()[:2])
    work, plan = VideoWork(items, True), pipeline.plan()
    other = {**plan, "contents": {"w.safetensors": "0123"}}
    with pytest.raises(ConfigurationChanged, match=r"would answer differently.*contents"):
        Worker(lambda: pipeline, answer_video, other).work(work)
    assert len(Worker(lambda: pipeline, answer_video, plan).work(work)) == 2


def test_answers_of_a_worker_with_other_pictures_are_refused(tmp_path: Path, root: Path) -> None:
    """As on another machine, where other pictures lie under the same names."""
    data, elsewhere = open_dataset("folder", root), tmp_path / "elsewhere"
    shutil.copytree(root, elsewhere)

    def executor(pictures: Callable[[Path], None]) -> None:
        for file in elsewhere.rglob("*.jpg"):
            pictures(file)
        there = {item.name: item for item in open_dataset("folder", elsewhere).items()}

        def answers(works):  # type: ignore[no-untyped-def]
            for work in works:
                moved = replace(work, items=tuple(there[item.name] for item in work.items))
                by_name = {item.name: item for item in work.items}
                yield [
                    replace(answer, item=by_name[answer.item.name])
                    for answer in answer_video(moved, ColourPipeline(root))
                ]

        evaluate(data, ColourPipeline(root), tmp_path / pictures.__name__, executor=answers)

    executor(lambda file: None)
    with pytest.raises(ConfigurationChanged, match="a: whoever answered read another video"):
        executor(_paint)


def test_prompts_are_in_the_plan(tmp_path: Path) -> None:
    shutil.copytree(Path(wording.__file__).parent / "prompts", tmp_path / "prompts")

    def prompts() -> str:
        settings = [f"chooser.prompts={tmp_path / 'prompts'}"]
        plan = refervid.load("local", device="cpu", settings=settings).plan()
        return str(plan["settings"]["chooser"]["prompts_digest"])

    before = prompts()
    file = next((tmp_path / "prompts").glob("frame-*.txt"))
    file.write_text(file.read_text("utf-8") + " please", "utf-8")
    assert prompts() != before


def test_training_does_not_go_on_with_other_pictures(tmp_path: Path, root: Path) -> None:
    data = [{"kind": "folder", "root": str(root), "frames": 2}]
    recipe = tiny_recipe(data=data, validation=None, schedule={"epochs": 1})
    train(recipe, tmp_path / "out")
    train(recipe, tmp_path / "out", resume=True)
    _paint(root / "JPEGImages" / "a" / "00000.jpg")
    with pytest.raises(ConfigurationChanged, match=f"what lies in {root} was replaced"):
        train(recipe, tmp_path / "out", resume=True)
