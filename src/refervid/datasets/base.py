"""What every data set can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from refervid.datasets.item import Item
from refervid.errors import DatasetError


@dataclass(frozen=True)
class Scores:
    """`metrics` as `scores.json` holds them, `items` as the rows of `items.csv`, `notes` for a person."""

    metrics: dict[str, Any]
    items: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)


class Dataset(ABC):
    """The items of one split, in the order of videos and expressions.

    Opening reads the lists and finds every file; it raises `DatasetError` with all that is missing or
    wrong. `splits` names those that exist, the default first.
    """

    name: ClassVar[str]
    splits: ClassVar[tuple[str, ...]]

    def __init__(self, root: str | Path, split: str | None = None) -> None:
        self.root = Path(root)
        self.split = split or self.splits[0]
        if self.split not in self.splits:
            raise DatasetError(f"{self.name} has no split {self.split!r}; choose {' or '.join(self.splits)}")
        if not self.root.is_dir():
            raise DatasetError(f"{self.root}: is no folder; give the folder of {self.name} with `--root`")
        self._items = self._read()

    def items(self) -> list[Item]:
        return list(self._items)

    @abstractmethod
    def _read(self) -> list[Item]:
        """The items of `self.split` below `self.root`."""

    @abstractmethod
    def check(self) -> None:
        """Look into every annotation too; raises `DatasetError` with all faults."""

    @abstractmethod
    def score(self, predictions: Path, items: Sequence[Item] | None = None, workers: int = 1) -> Scores:
        """Scores of masks at `predictions/VIDEO/EXPRESSION/FRAME.png`, by default of all items.

        What is missing counts as empty and is noted. Raises `DatasetError` where there is no public
        truth, and with all masks that cannot be read or are of the wrong size.
        """

    def submit(self, predictions: Path, target: Path) -> None:
        """Write the zip that the data set's server takes; raises `DatasetError` if there is none."""
        raise DatasetError(f"{self.name} has no server that takes results; use `refervid score`")

    @classmethod
    @abstractmethod
    def make_sample(cls, folder: Path) -> None:
        """Write a tiny made-up data set in the true layout, with files as the real ones hold them."""
