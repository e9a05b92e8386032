"""What tests of damaged data sets share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refervid.core.errors import DatasetError
from refervid.datasets.registry import dataset_class, open_dataset


def sample(name: str, folder: Path) -> Path:
    dataset_class(name).make_sample(folder)
    return folder


def edit(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def faults(name: str, root: Path, split: str | None = None) -> list[str]:
    """The lines of the error that opening or checking gives."""
    with pytest.raises(DatasetError) as caught:
        open_dataset(name, root, split).check()
    return [line.strip() for line in str(caught.value).splitlines()]


def one_line(lines: list[str], *words: str) -> None:
    """Exactly one line holds all the words."""
    assert len([line for line in lines if all(word in line for word in words)]) == 1, lines
