"""Every row of both papers' tables, run by its command on made-up data in the true layout.

Weights are tiny ones, in the published files' formats and under their names.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from refervid.cli.app import app
from refervid.datasets.base import Dataset
from refervid.datasets.registry import dataset_class, open_dataset
from refervid.engines.hub.checkpoints import CHECKPOINTS
from refervid.engines.recorded.files import SoundAnswers, write_answers
from refervid.evaluation.presets import for_dataset
from refervid.evaluation.reproduction.rows import DIFFERENCES, Row, rows
from refervid.pipelines.presets import missing_for
from refervid.training.recipe import recipe_names
from tests.chat_server import serving
from tests.engines.sam2 import tiny
from tests.engines.sound import languagebind_folder
from tests.engines.tiny_detectors import grounding_dino_folder
from tests.models.soc.tiny_published import roberta_folder, soc_file
from tests.pipelines.questions import replying

DOCS = Path(__file__).parents[2] / "docs" / "reproduce.md"
SMALL = ["detector.short_side=96", "detector.long_side=160", "detector.box_threshold=0"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What REFERVID_WEIGHTS names on the machine of someone who has it all."""
    folder = tmp_path_factory.mktemp("weights")
    names = ("grounding-dino-base", "sam2-hiera-large", "LanguageBind_Audio_FT", "LanguageBind_Image")
    for name in (*names, "roberta-base"):
        (folder / name).mkdir()
    grounding_dino_folder(folder / names[0])
    tiny.sam2_model().save_pretrained(folder / names[1])
    languagebind_folder(folder / names[2])
    languagebind_folder(folder / names[3], "LanguageBindImage")
    roberta_folder(folder / "roberta-base")
    first = soc_file(folder / "soc.tar")
    for name in {row.weights for row in rows().values() if row.weights}:
        shutil.copy(first, folder / name)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name in {row.dataset for row in rows().values()}:
        dataset_class(name).make_sample(folder / name)
    return folder


@pytest.fixture(autouse=True)
def machine(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("REFERVID_WEIGHTS", str(weights))
    monkeypatch.setenv("REFERVID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def made_up_answers(data: Dataset, folder: Path) -> Path:
    name: Any = data.answers
    answers = {
        item.video.name: SoundAnswers({"helicopter": 2}, {"helicopter": 1}, ((0, len(item.frames)),))
        for item in data.items()
    }
    write_answers(folder, name, answers)
    return folder


def reproduce(*words: object) -> Result:
    return CliRunner().invoke(app, ["reproduce", *map(str, words)])


@pytest.mark.parametrize("row", rows().values(), ids=lambda row: row.name)
def test_every_row_runs(row: Row, data: Path, tmp_path: Path) -> None:
    root, out = data / row.dataset, tmp_path / "out"
    words: list[object] = [row.name, "--root", root, "-o", out, "--limit", 1, "--device", "cpu", "--json"]
    with serving(replying(box=1)) as (_, url):
        if row.answers:
            answers = made_up_answers(open_dataset(row.dataset, root, row.split), tmp_path / "avs")
            words += ["--answers", answers]
        if row.preset == "soc":
            changes = ["short=32", "long=64"]
        else:
            changes = list(SMALL)
            if not row.answers and "chooser.kind=best-box" not in row.settings:
                changes.append(f"chooser.base_url={url}")
        for change in changes:
            words += ["--set", change]
        dry = reproduce(*words, "--dry-run")
        assert dry.exit_code == 0, dry.stdout
        assert json.loads(dry.stdout) == {"row": row.name, "missing": []}
        assert not out.exists()
        result = reproduce(*words)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report == json.loads((out / "reproduction.json").read_text())
    private = "server" in row.differs
    assert {one["metric"]: one["published"] for one in report["metrics"]} == row.published
    assert all((one["here"] is None) == private for one in report["metrics"])
    assert (out / "submission.zip").is_file() == private
    assert "dtype" in json.loads((out / "run.json").read_text())


def test_a_row_stops_at_its_budget_and_goes_on(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words: list[object] = ["al-ref-sam2-ref-davis17", "--root", data / "ref-davis17", "-o", out, "--json"]
    sections = ["sections.frame_step=1", "sections.frames_per_section=2"]
    prices = ["chooser.prices.input=10", "chooser.prices.output=30", "chooser.concurrency=1"]
    with serving(replying(frame=1, box=1)) as (server, url):
        for change in (*SMALL, *sections, *prices, f"chooser.base_url={url}"):
            words += ["--set", change]
        stopped = reproduce(*words, "--max-cost", 0.025)
        assert stopped.exit_code == 3, stopped.stderr
        assert f"{len(server.requests)} question" in stopped.stderr
        assert "raise --max-cost to go on, with --resume" in stopped.stderr
        report = json.loads((out / "reproduction.json").read_text())
        assert report == json.loads(stopped.stdout)
        assert "--resume" in report["stopped"]
        assert 0 < report["spending"]["usd"] <= 0.025
        done = reproduce(*words, "--max-cost", 5, "--resume")
    assert done.exit_code == 0, done.stderr
    assert "stopped" not in json.loads(done.stdout)


def test_one_object_that_sounds_throughout_needs_neither_intervals_nor_a_binder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFERVID_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    lacks = missing_for("paper", for_dataset(open_dataset("avsbench-s4", data / "avsbench-s4"), "paper"))
    assert any("AS2M_finetuned" in lack for lack in lacks)
    assert not any("yamnet" in lack or "LanguageBind" in lack for lack in lacks)


def test_what_is_missing_is_told(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFERVID_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    soc = reproduce("soc-a2d-tiny", "--root", data / "a2d-sentences", "--dry-run")
    assert soc.exit_code == 1
    assert "soc-a2d-tiny.tar" in soc.stdout
    sound = reproduce("al-ref-sam2-avss", "--root", data / "avss", "-o", tmp_path / "out")
    assert sound.exit_code == 1
    assert "give --answers" in sound.stdout
    assert not (tmp_path / "out").exists()
    paper = reproduce("al-ref-sam2-mevis", "--root", data / "mevis", "--dry-run", "--json")
    missing = json.loads(paper.stdout)["missing"]
    assert any("grounding-dino-base" in lack for lack in missing)
    assert any("OPENAI_API_KEY" in lack for lack in missing)
    nowhere = reproduce("al-ref-sam2-mevis", "--root", tmp_path / "nowhere", "--dry-run")
    assert "is no folder" in nowhere.stdout
    unknown = reproduce("soc-mevis", "--root", tmp_path, "--dry-run")
    assert unknown.exit_code == 2
    assert "refervid reproduce list" in unknown.stderr
    assert reproduce("soc-a2d-tiny").exit_code == 2


def test_list() -> None:
    listed = json.loads(reproduce("list", "--json").stdout)
    assert [row["name"] for row in listed] == list(rows())
    assert "soc-jhmdb-base" in reproduce("list").stdout


def test_rows_name_what_there_is() -> None:
    for row in rows().values():
        assert row.split in dataset_class(row.dataset).splits
        assert set(row.differs) <= set(DIFFERENCES)
        assert row.recipe is None or row.recipe in recipe_names()
        assert row.weights is None or row.weights in CHECKPOINTS
        assert all(0 < value < 1 for value in row.published.values())


def test_the_guide_has_these_tables() -> None:
    assert _tables() in DOCS.read_text("utf-8")


def _tables() -> str:
    """All rows, as the guide has them."""
    parts = []
    for paper in dict.fromkeys(row.paper for row in rows().values()):
        lines = [
            f"### {paper}",
            "",
            "| row | what | published | by | differs | estimate |",
            "|---|---|---|---|---|---|",
        ]
        for row in rows().values():
            if row.paper == paper:
                numbers = ", ".join(f"{name} {100 * value:.1f}" for name, value in row.published.items())
                differs = ", ".join(row.differs)
                cells = [f"`{row.name}`", row.about, numbers or "-", row.source, differs]
                lines.append(f"| {' | '.join(cells)} | {row.hours:g} h: {row.hours_by} |")
        lines += ["", "```"]
        lines += [row.command() for row in rows().values() if row.paper == paper]
        parts.append("\n".join([*lines, "```"]))
    notes = [f"- **{name}**: {words}" for name, words in DIFFERENCES.items()]
    return "\n\n".join([*parts, "### What differs", "\n".join(notes)]) + "\n"
