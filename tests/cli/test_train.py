"""`refervid train soc` from the outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from refervid.cli import app
from refervid.datasets.folder import Folder
from refervid.models.soc import load
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
