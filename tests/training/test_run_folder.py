"""The folder of a run survives full disks, power cuts and odd numbers."""

from __future__ import annotations

import json
import math
import resource
import zipfile
from pathlib import Path

import pytest
import torch

from refervid.core.errors import BadCheckpoint, OutputFailed, SettingsError
from refervid.training.run_folder import RunFolder
from refervid.training.trainer import train
from tests.training.tiny import tiny_recipe


def test_a_full_disk_leaves_the_state_saved_before(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.save_state({"step": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(OutputFailed, match=r"state\.pt could not be written: free space"):
            folder.save_state({"step": 2, "weights": torch.zeros(300_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert folder.load_state() == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


def test_the_log_is_json_whatever_the_numbers(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.rewind(0)
    folder.log({"step": 0, "loss": 2.0, "gradient_norm": math.nan})
    folder.log({"step": 1, "loss": math.inf, "gradient_norm": 1.0})
    folder.draw()

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=refuse)["loss"] for line in lines] == [2.0, None]
    assert "None" not in (tmp_path / "curves.svg").read_text()


def test_a_line_of_the_log_that_was_damaged_is_left_out(tmp_path: Path) -> None:
    recipe = tiny_recipe(schedule={"epochs": 1})
    train(recipe, tmp_path)
    log = tmp_path / "log.jsonl"
    first, second, *others = log.read_bytes().splitlines(keepends=True)
    strange = b'7\n{"step": "0"}\n{"step": 0, "loss": "low"}\n' + b"[" * 10_000 + b"\n"
    log.write_bytes(b"".join([first, b"\0\xff" + second[2:], strange, *others]))
    train(recipe, tmp_path, resume=True)
    assert RunFolder(tmp_path).rows() == [json.loads(line) for line in (first, *others)]


def test_a_damaged_recipe_and_a_state_that_unpacks_without_end_are_told(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.save_state({"weights": torch.zeros(300_000)})
    with zipfile.ZipFile(tmp_path / "state.pt") as old, zipfile.ZipFile(tmp_path / "new", "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    (tmp_path / "new").rename(tmp_path / "state.pt")
    with pytest.raises(BadCheckpoint, match="unpacks to"):
        folder.load_state()
    for content in ("", "[]", "[" * 10_000):
        (tmp_path / "recipe.json").write_text(content)
        with pytest.raises(SettingsError, match=r"recipe\.json cannot be read"):
            train(tiny_recipe(), tmp_path, resume=True)
