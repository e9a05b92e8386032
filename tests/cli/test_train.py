"""`refervid train soc` from the outside."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from refervid.cli import app
from refervid.datasets.folder import Folder
from refervid.models.soc import load
from refervid.training.recipe import read_recipe
from tests.training.tiny import tiny_recipe


def test_train_writes_a_network(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(tiny_recipe(schedule={"epochs": 1}).model_dump_json())  # JSON is YAML
    out = tmp_path / "out"
    arguments = ["train", "soc", "--config", str(recipe), "-o", str(out), "--device", "cpu"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert load(out / "last.safetensors").config.width == 128
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 2
    changed = CliRunner().invoke(app, [*arguments, "--resume", "--set", "rates.main=0.1"])
    assert changed.exit_code == 2


def test_the_first_step_is_shown_with_the_time_left(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(tiny_recipe(schedule={"epochs": 1}, log_every=100).model_dump_json())
    words = ["train", "soc", "--config", str(recipe), "-o", str(tmp_path / "out"), "--device", "cpu"]
    done = CliRunner().invoke(app, words)
    first = next(line for line in done.stderr.splitlines() if line.startswith("step "))
    assert first.startswith("step 1/")
    assert re.search(r"about \d+ s left$", first)


def test_recipes_are_listed_and_printed(tmp_path: Path) -> None:
    names = CliRunner().invoke(app, ["train", "recipes"]).stdout.split()
    assert "folder-nano" in names
    for name in names:
        printed = CliRunner().invoke(app, ["train", "recipes", name]).stdout
        (tmp_path / "mine.yaml").write_text(printed)
        assert read_recipe(str(tmp_path / "mine.yaml")) == read_recipe(name)
    assert CliRunner().invoke(app, ["train", "recipes", "nothing"]).exit_code == 2


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ("data.0.root=DATA", "data.0.root=FOLDER"),
        ("data.1.root=DATA", "'1' is no entry"),
        ("data.first.root=DATA", "'first' is no entry"),
        ("data.0.route=DATA", "choose among kind, root, frames"),
        ("seed.root=DATA", "nothing there can be called 'root'"),
        ("rats.main=1", "choose among network, data"),
    ],
)
def test_settings_of_a_recipe_that_cannot_be(change: str, hint: str, tmp_path: Path) -> None:
    words = ["train", "soc", "--config", "folder-nano", "-o", str(tmp_path / "out"), "--set", "seed=1"]
    done = CliRunner().invoke(app, [*words, "--set", change.replace("DATA", str(tmp_path / "nowhere"))])
    assert done.exit_code in (1, 2)
    assert hint in done.stderr


def test_unknown_recipe_is_a_usage_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["train", "soc", "--config", "nothing", "-o", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_picture_that_a_worker_cannot_read_ends_the_run_with_one_line(tmp_path: Path) -> None:
    Folder.make_sample(tmp_path / "own")
    for picture in (tmp_path / "own" / "JPEGImages").rglob("*.jpg"):
        picture.write_bytes(picture.read_bytes()[:200])
    recipe = tmp_path / "recipe.yaml"
    data = [{"kind": "folder", "root": str(tmp_path / "own")}]
    recipe.write_text(tiny_recipe(data=data, workers=1).model_dump_json())
    command = [sys.executable, "-m", "refervid", "train", "soc", "--config", str(recipe)]
    # The limit is for a run that never ends.
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "out"), "--device", "cpu"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "error: UnreadableMedia" in done.stderr
    assert "Traceback" not in done.stderr
