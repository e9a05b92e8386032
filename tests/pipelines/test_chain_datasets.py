"""Data sets that ask more of the chain than masks, evaluated on small real models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import refervid
from refervid.cli.app import app
from refervid.datasets.avsbench import AvsbenchS4
from refervid.datasets.avsbench_classes import CLASSES
from refervid.datasets.avsbench_semantic import Avss
from refervid.datasets.base import Dataset
from refervid.datasets.pictures import read_ids
from refervid.datasets.ref_davis17 import RefDavis17, annotator_videos
from refervid.engines.sam2.pixels import at_video_size
from refervid.evaluation.presets import for_dataset
from refervid.evaluation.runner import evaluate
from refervid.media.pictures import id_map
from refervid.pipelines.base import Pipeline
from tests.chat_server import serving
from tests.pipelines.counting import counting
from tests.pipelines.parts import Parts
from tests.pipelines.questions import kind_of, replying, text_of


def load(preset: str, data: Dataset, parts: Parts, url: str, *changes: str) -> Pipeline:
    settings = [*for_dataset(data, preset), *parts.settings(preset, url), *changes]
    return refervid.load(preset, device="cpu", settings=settings)


@pytest.mark.parametrize("preset", ["paper", "local"])
def test_avss_paints_the_class_of_each_object(preset: str, parts: Parts, tmp_path: Path) -> None:
    Avss.make_sample(tmp_path / "data")
    data = Avss(tmp_path / "data")
    [mapped] = parts.namer().rename(["chopper"], CLASSES[1:]).values()
    assert mapped in CLASSES
    with serving(replying(objects={"chopper": 2})) as (server, url):
        pipeline = load(preset, data, parts, url, f"namer.weights={parts.languagebind_image}")
        with counting() as runs:
            scores = evaluate(data, pipeline, tmp_path / "out")
    assert scores["complete"]
    assert not scores["failed"]
    assert set(scores["classes"]) == {"background", "helicopter", mapped}
    questions = [text_of(body) for body in server.requests if kind_of(body) == "objects"]
    assert all("accordion, airplane, axe" in question for question in questions)
    painted = set()
    for item in data.items():
        for frame in item.frames:
            painted |= set(np.unique(read_ids(item.prediction(tmp_path / "out" / "masks", frame))))
        record = json.loads((tmp_path / "out" / "items" / item.video.name / "sound.json").read_text())
        assert f"'chopper' counts as {mapped!r}" in record["notes"]
    assert painted == {0, CLASSES.index(mapped)}
    assert runs["LanguageBind texts"] == 70 + 1  # classes and name, once for all clips


def test_s4_has_one_object_that_sounds_throughout(parts: Parts, tmp_path: Path) -> None:
    AvsbenchS4.make_sample(tmp_path / "data")
    data = AvsbenchS4(tmp_path / "data")
    with serving(replying(objects={"helicopter": 2, "man": 3})) as (server, url):
        pipeline = load("paper", data, parts, url, f"tagger.weights=[{parts.beats[1]}]")
        [item] = data.items()
        [result] = pipeline.run(item.video.open(), [item.reference])
    assert [each.name for each in result.objects] == ["helicopter"]
    assert result.areas.all()
    first, second = server.requests
    assert "Name one object." in text_of(first)
    assert "helicopter" in text_of(second)
    assert {body["model"] for body in server.requests} == {"gpt-6.1-sol"}
    assert all("detail" not in body["messages"][0]["content"][1]["image_url"] for body in server.requests)


SETS: dict[str, dict[str, Any]] = {
    "avsbench-s4": {"max_objects": 1, "number_radius": 15, "box_model": None, "box_detail": None},
    "avsbench-ms3": {"max_objects": None, "number_radius": 15, "box_model": None, "box_detail": None},
    "avsbench-v2": {"max_objects": None, "number_radius": 40, "box_model": None, "box_detail": None},
    "avss": {
        "max_objects": None,
        "number_radius": 40,
        "box_model": None,
        "box_detail": "high",
    },
}
"""AL-Ref-SAM 2's `avs` scripts: where they differ from set to set."""


@pytest.mark.parametrize("name", SETS)
def test_published_settings_of_the_sound_sets(name: str, tmp_path: Path) -> None:
    from refervid.datasets.registry import datasets, open_dataset

    datasets()[name].make_sample(tmp_path / "data")
    data = open_dataset(name, tmp_path / "data")
    settings = refervid.load("paper", device="cpu", settings=for_dataset(data, "paper")).plan()["settings"]
    sound, chooser, small = settings["sound"], settings["chooser"], name in ("avsbench-s4", "avsbench-ms3")
    assert {
        "max_objects": sound["max_objects"],
        "number_radius": sound["style"]["number_radius"],
        "box_model": chooser["box_model"],
        "box_detail": chooser["box_detail"],
    } == SETS[name]
    assert sound["vocabulary"] == list(CLASSES[1:])
    assert sound["style"]["number_offset"] == (20 if small else 50)
    assert sound["style"]["label_radius"] == (8 if small else 30)
    assert sound["style"]["number_text"] == pytest.approx((20 if small else 15) * 100 / 72)
    assert settings["binder"]["joiner"] == ("; " if name == "avss" else ", ")
    namer = settings["namer"]
    assert (namer and namer["weights"]) == ("LanguageBind/LanguageBind_Image" if name == "avss" else None)
    as2m = "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt"
    as20k = "BEATs_iter3_plus_AS20K_finetuned_on_AS2M_cpt2.pt"
    assert settings["tagger"]["weights"] == ([as2m] if name == "avsbench-s4" else [as20k, as2m])


def test_a_preset_without_sound_is_refused_for_a_set_of_sounds(tmp_path: Path) -> None:
    Avss.make_sample(tmp_path / "data")
    words = ["evaluate", "avss", "--root", tmp_path / "data", "-o", tmp_path / "out", "-p", "soc"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 2
    assert "avss asks what makes the sound, and preset 'soc' answers sentences only" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture
def davis(tmp_path: Path) -> RefDavis17:
    RefDavis17.make_sample(tmp_path / "data")
    return RefDavis17(tmp_path / "data")


def test_ref_davis17_merges_by_logits(davis: RefDavis17, parts: Parts, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving(replying()) as (_, url):
        pipeline = load("paper", davis, parts, url, "sections.frame_step=2")
        scores = evaluate(davis, pipeline, out)
        items = davis.items()
        results = pipeline.run(items[0].video.open(), [item.reference for item in items])
    assert scores["complete"]
    assert not scores["failed"]
    by_masks = []
    tracks = {item.name: result.track for item, result in zip(items, results, strict=True)}
    for unit in annotator_videos(items):
        own = [tracks[item.name] for item in unit.items]
        for index, frame in enumerate(unit.items[0].frames):
            planes = torch.stack([torch.from_numpy(track.logits[index]).float() for track in own])  # type: ignore[index]
            full = at_video_size(planes, own[0].height, own[0].width)
            background = torch.full_like(full[:1], -1.0)
            expected = torch.cat([background, full]).argmax(dim=0).numpy()
            found = read_ids(out / "masks" / unit.path / f"{frame}.png")
            assert (found != expected).mean() < 0.002  # two libraries' bilinear filters
            by_masks.append((found == id_map((track[index] for track in own), *found.shape)).all())
    assert not all(by_masks)  # below 0 and above -1 belongs to an object too


def test_ref_davis17_is_resumed_by_whole_videos(davis: RefDavis17, parts: Parts, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving(replying()) as (server, url):
        pipeline = load("paper", davis, parts, url, "sections.frame_step=2")
        whole = evaluate(davis, pipeline, out)
        maps = {path: path.read_bytes() for path in out.glob("masks/anno_*/*/*.png")}
        asked = len(server.requests)
        [video] = {item.video.name for item in davis.items()}
        (out / "items" / video / "5.json").unlink()
        shutil.rmtree(out / "masks" / "anno_1")
        again = evaluate(davis, pipeline, out, resume=True)
        assert len(server.requests) == asked
    assert {path: path.read_bytes() for path in out.glob("masks/anno_*/*/*.png")} == maps
    assert len(maps) == 4 * 8
    assert again["J&F"] == whole["J&F"]
