"""Training learns, stops and goes on, and does the same on two processes as on one."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import multiprocessing

from refervid.core.errors import (
    BadCheckpoint,
    ConfigurationChanged,
    DatasetError,
    MediaError,
    OutputFailed,
    SettingsError,
    TrainingDiverged,
)
from refervid.datasets.folder import Folder
from refervid.datasets.registry import dataset_class
from refervid.models.soc import SocConfig, load
from refervid.training.recipe import Recipe, Schedule
from refervid.training.run_folder import RunFolder
from refervid.training.trainer import rate_factor, train
from tests.training.tiny import SCENE, tiny_recipe


class Killed(BaseException):
    """Ends a run as abruptly as an exception can."""


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_the_loss_falls_on_own_clips(tmp_path: Path) -> None:
    Folder.make_sample(tmp_path / "own")
    data = [{"kind": "folder", "root": str(tmp_path / "own"), "frames": 3}]
    recipe = tiny_recipe(data=data, batch=1, schedule={"epochs": 6}, mirror=False)
    train(recipe, tmp_path / "run")
    losses = [row["loss"] for row in rows(tmp_path / "run") if "loss" in row]
    assert np.mean(losses[-4:]) < 0.7 * np.mean(losses[:4])
    assert load(tmp_path / "run" / "last.safetensors").config.size == (32, 64)


def test_tensorboard_shows_the_log(tmp_path: Path) -> None:
    events = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs refervid[train]"
    )
    train(tiny_recipe(schedule={"epochs": 1}), tmp_path)
    board = events.EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    logged = {event.step: event.value for event in board.Scalars("loss")}
    assert logged == pytest.approx({row["step"]: row["loss"] for row in rows(tmp_path) if "loss" in row})


def test_tensorboard_shows_a_resumed_step_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs refervid[train]"
    )
    # Its files are read in the order of the seconds in their names.
    later = SimpleNamespace(time=count(1_800_000_000).__next__)
    monkeypatch.setattr("tensorboard.summary.writer.event_file_writer.time", later)
    for rewound in (0, 2):
        folder = RunFolder(tmp_path)
        folder.rewind(rewound)
        for step in range(rewound, 4):
            folder.log({"step": step, "loss": float(10 * rewound + step)})
        folder.draw()
    board = events.EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert [(event.step, event.value) for event in board.Scalars("loss")] == [
        (0, 0),
        (1, 1),
        (2, 22),
        (3, 23),
    ]


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = tiny_recipe(save_every=1)
    train(recipe, tmp_path / "whole")
    victim = random.randint(1, 3)

    def kill(stage: str, row: object, step: int, steps: int) -> None:
        if step == victim:
            raise Killed

    with pytest.raises(Killed):
        train(recipe, tmp_path / "killed", hook=kill)
    train(recipe, tmp_path / "killed", resume=True)
    whole, killed = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "killed"))
    for name, weight in whole.items():
        torch.testing.assert_close(weight, killed[name], rtol=0, atol=0)
    times = ("steps_per_second",)
    assert [_without(row, times) for row in rows(tmp_path / "whole")] == [
        _without(row, times) for row in rows(tmp_path / "killed")
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_asked_to_stop_keeps_the_step_under_way(tmp_path: Path, number: int) -> None:
    recipe = tiny_recipe()

    def stop(stage: str, row: object, step: int, steps: int) -> None:
        if step == 3:
            signal.raise_signal(number)

    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path, hook=stop)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == 3
    assert not (tmp_path / "last.safetensors").exists()
    assert "loss" in (tmp_path / "curves.svg").read_text()
    train(recipe, tmp_path, resume=True)
    losses = [row["loss"] for row in rows(tmp_path) if "loss" in row]
    assert len(losses) == 4
    of_epochs = [row["loss_of_epoch"] for row in rows(tmp_path) if "loss_of_epoch" in row]
    assert of_epochs == pytest.approx([np.mean(losses[:2]), np.mean(losses[2:])])


@pytest.mark.slow
def test_a_run_killed_by_the_system_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = tiny_recipe(schedule={"epochs": 4}, save_every=1)
    train(recipe, tmp_path / "whole")
    config = tmp_path / "recipe.yaml"
    config.write_text(recipe.model_dump_json())  # JSON is YAML
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "refervid", "train", "soc", "--config", str(config), "-o", str(out)]
    process = subprocess.Popen([*command, "--device", "cpu"], env=os.environ | {"OMP_NUM_THREADS": "1"})
    while not (out / "log.jsonl").exists() or len((out / "log.jsonl").read_text().splitlines()) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    train(recipe, out, resume=True)
    whole, killed = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(weight, killed[name]) for name, weight in whole.items())


def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    recipe = tiny_recipe(schedule={"epochs": 1})
    train(recipe, tmp_path / "one")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    other = multiprocessing.get_context("spawn").Process(
        target=_join, args=(1, port, recipe, tmp_path / "two")
    )
    other.start()
    with patch.dict(os.environ):
        _join(0, port, recipe, tmp_path / "two")
    other.join()
    assert other.exitcode == 0
    one, two = rows(tmp_path / "one"), rows(tmp_path / "two")
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        for name in a:
            if name.startswith("loss") or name == "gradient_norm":
                assert b[name] == pytest.approx(a[name], rel=1e-3, abs=1e-4), name


def _join(rank: int, port: int, recipe: Recipe, out: Path) -> None:
    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    train(recipe, out)


def test_another_recipe_or_a_forgotten_resume_is_refused(tmp_path: Path) -> None:
    recipe = tiny_recipe(schedule={"epochs": 1})
    train(recipe, tmp_path)
    with pytest.raises(SettingsError, match="--resume"):
        train(recipe, tmp_path)
    with pytest.raises(ConfigurationChanged, match=r"rates\.main: 0\.0005 -> 0\.1"):
        train(tiny_recipe(schedule={"epochs": 1}, rates={"main": 0.1}), tmp_path, resume=True)
    train(tiny_recipe(schedule={"epochs": 1}, log_every=5), tmp_path, resume=True)


def test_a_run_that_could_not_start_holds_no_folder(tmp_path: Path) -> None:
    nowhere = {"kind": "folder", "root": str(tmp_path / "nowhere")}
    with pytest.raises(DatasetError):
        train(tiny_recipe(data=[nowhere]), tmp_path / "run")
    train(tiny_recipe(schedule={"epochs": 1}), tmp_path / "run")
    assert (tmp_path / "run" / "last.safetensors").is_file()


def test_a_run_that_saved_nothing_binds_nobody(tmp_path: Path) -> None:
    Folder.make_sample(tmp_path / "own")
    picture = min((tmp_path / "own" / "JPEGImages").rglob("*.jpg"))
    whole = picture.read_bytes()
    own = tiny_recipe(data=[{"kind": "folder", "root": str(tmp_path / "own")}], schedule={"epochs": 1})
    for resume in (False, True):
        picture.write_bytes(whole[:200])
        with pytest.raises(MediaError, match=picture.name):
            train(own, tmp_path / f"run-{resume}")
        picture.write_bytes(whole)
        corrected = own.model_copy(update={"seed": 3})
        train(corrected, tmp_path / f"run-{resume}", resume=resume)
        assert json.loads((tmp_path / f"run-{resume}" / "recipe.json").read_text())["seed"] == 3


# TensorBoard, where it is installed, writes in a thread of its own, which then fails on its own.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_folder_that_is_removed_in_the_middle_is_said(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(OutputFailed, match=r"out \(the folder was removed\)"):
        # Moved in one step: whoever deletes file by file meets the thread that writes TensorBoard's.
        train(tiny_recipe(), out, hook=lambda *_: out.exists() and out.rename(tmp_path / "gone"))


def test_divergence_names_step_and_clips_and_keeps_the_saved_state(tmp_path: Path) -> None:
    """Fault 15."""
    rates = {"main": 1e18, "backbone": 1e18, "text": 1e18}
    with pytest.raises(TrainingDiverged, match=r"step \d.*the clips were train-0-"):
        train(tiny_recipe(rates=rates, schedule={"epochs": 5}, save_every=1), tmp_path)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["step"] >= 1


def test_more_or_fewer_processes_do_not_go_on(tmp_path: Path) -> None:
    recipe = tiny_recipe(schedule={"epochs": 1})
    train(recipe, tmp_path)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["processes"] == 1
    torch.save(state | {"processes": 2}, tmp_path / "state.pt")
    with pytest.raises(ConfigurationChanged, match=r"WORLD_SIZE=2.*not 1: start as many processes"):
        train(recipe, tmp_path, resume=True)


def test_a_state_that_cannot_be_gone_on_from_is_named(tmp_path: Path) -> None:
    recipe = tiny_recipe()
    train(recipe, tmp_path)
    whole = torch.load(tmp_path / "state.pt", weights_only=True)
    torch.save({name: value for name, value in whole.items() if name != "scaler"}, tmp_path / "state.pt")
    with pytest.raises(BadCheckpoint, match=r"state\.pt is of another version.*best\.safetensors"):
        train(recipe, tmp_path, resume=True)
    (tmp_path / "state.pt").write_bytes(b"cut")
    with pytest.raises(BadCheckpoint, match=r"state\.pt is damaged"):
        train(recipe, tmp_path, resume=True)


def test_validation_keeps_the_best(tmp_path: Path) -> None:
    validation = {"kind": "synthetic", "scene": SCENE, "clips": 2}
    train(tiny_recipe(validation=validation), tmp_path)
    scores = [row for row in rows(tmp_path) if "J&F" in row]
    assert [row["step"] for row in scores] == [1, 3]
    assert all(0 <= row["J&F"] <= 1 for row in scores)
    assert load(tmp_path / "best.safetensors").config.queries == SocConfig.nano().queries
    assert (tmp_path / "curves.svg").read_text().startswith("<svg")


@pytest.mark.parametrize("kind", ["a2d-sentences", "refcoco"])
def test_validation_on_single_frames(kind: str, tmp_path: Path) -> None:
    dataset_class(kind).make_sample(tmp_path / "data")
    data = {"kind": kind, "root": str(tmp_path / "data")}
    train(tiny_recipe(data=[data], validation=data | {"limit": 1}), tmp_path / "run")
    scores = [row for row in rows(tmp_path / "run") if "loss" not in row]
    assert all(0 <= row[name] <= 1 for row in scores for name in ("mAP", "P@0.5", "mean IoU"))
    assert "mAP" in (tmp_path / "run" / "curves.svg").read_text()
    assert (tmp_path / "run" / "best.safetensors").exists()


def test_the_loss_of_an_epoch_is_the_mean_of_its_steps(tmp_path: Path) -> None:
    train(tiny_recipe(), tmp_path / "run")
    epochs = _epochs(tmp_path / "run")
    assert [row["step"] for row in epochs] == [1, 3]
    for row in epochs:
        own = [
            step["loss"]
            for step in rows(tmp_path / "run")
            if "loss" in step and step["epoch"] == row["epoch"]
        ]
        assert row["loss_of_epoch"] == pytest.approx(np.mean(own))


def _epochs(folder: Path) -> list[dict[str, Any]]:
    return [row for row in rows(folder) if "loss" not in row]


def test_without_an_exam_the_epoch_with_the_lowest_loss_is_the_best(tmp_path: Path) -> None:
    # One step an epoch: the first has its loss before any change, and the rate ruins all others.
    ruin = {"main": 0.2, "backbone": 0.2, "text": 0.2}
    recipe = tiny_recipe(batch=4, rates=ruin, schedule={"epochs": 3})
    train(recipe, tmp_path / "run")
    epochs = _epochs(tmp_path / "run")
    best = min(epochs, key=lambda row: row["loss_of_epoch"])["epoch"]
    assert best == 0
    train(recipe.model_copy(update={"schedule": Schedule(epochs=best + 1)}), tmp_path / "short")
    kept, last = load_file(tmp_path / "run" / "best.safetensors"), tmp_path / "short" / "last.safetensors"
    assert all(torch.equal(weight, kept[name]) for name, weight in load_file(last).items())


def test_ablations_and_savings_train(tmp_path: Path) -> None:
    network = {"size": "nano", "voc": False}
    train(
        tiny_recipe(
            network=network,
            losses={"con": 0.0},
            checkpointing=True,
            precision="bfloat16",
            schedule={"epochs": 1},
        ),
        tmp_path,
    )
    assert load(tmp_path / "last.safetensors").voc is None


def test_a_network_that_contradicts_its_weights_is_refused(tmp_path: Path) -> None:
    train(tiny_recipe(schedule={"epochs": 1}), tmp_path / "before")
    network = {"weights": str(tmp_path / "before" / "last.safetensors"), "new_classes": False}
    with pytest.raises(SettingsError, match="holds no network of size video-swin-t"):
        train(tiny_recipe(network=network | {"size": "video-swin-t"}), tmp_path / "after")
    with pytest.raises(SettingsError, match=r"contradicts network\.voc: set it to true"):
        train(tiny_recipe(network=network | {"voc": False}), tmp_path / "after")
    train(tiny_recipe(network=network | {"size": "nano"}, schedule={"epochs": 1}), tmp_path / "after")


def test_parts_without_a_rate_keep_their_weights(tmp_path: Path) -> None:
    train(tiny_recipe(schedule={"epochs": 1}), tmp_path / "before")
    network = {"weights": str(tmp_path / "before" / "last.safetensors"), "new_classes": False}
    rates = {"main": 1e-3, "backbone": None, "text": None}
    train(tiny_recipe(network=network, rates=rates), tmp_path / "after")
    before, after = (load_file(tmp_path / run / "last.safetensors") for run in ("before", "after"))
    kept = {name.split(".")[0] for name, value in after.items() if torch.equal(value, before[name])}
    changed = {name.split(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}
    assert {"backbone", "text_encoder"} <= kept - changed
    assert {"voc", "transformer", "class_embed"} <= changed
    with pytest.raises(SettingsError, match="nothing is left to train"):
        train(tiny_recipe(rates=rates | {"main": None}), tmp_path / "nothing")


def test_rates() -> None:
    drops = Schedule(epochs=30, drops=(15, 20), gamma=0.1)
    assert [rate_factor(drops, 10 * epoch, 10) for epoch in (0, 14, 15, 20)] == pytest.approx(
        [1, 1, 0.1, 0.01]
    )
    cosine = Schedule(epochs=10, cosine=True, warm_up=4)
    assert rate_factor(cosine, 0, 10) == pytest.approx(0.25)
    assert rate_factor(cosine, 50, 10) == pytest.approx(0.505)


def _without(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
