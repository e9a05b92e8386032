"""What the environment says, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from refervid.config.environment import Environment


def test_an_empty_variable_names_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("REFERVID_CACHE", "")
    monkeypatch.setenv("REFERVID_WEIGHTS", "")
    assert Environment().cache == Path("/home/somebody/.cache/refervid")  # not the working folder
    assert Environment().weights is None
