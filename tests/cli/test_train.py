"""`refervid train soc` from the outside."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from refervid.cli import app
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
