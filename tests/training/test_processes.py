"""Processes join only as torchrun starts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from refervid.core.errors import SettingsError
from refervid.training.trainer import train
from tests.training.tiny import tiny_recipe


def test_processes_that_torchrun_did_not_start_are_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(SettingsError, match=r"LOCAL_RANK.* not set: start the processes with torchrun"):
        train(tiny_recipe(), tmp_path / "run")
