"""The folder of an evaluation: what was asked of whom, and what is done.

    run.json                          data set, split, preset and settings, written first
    masks/VIDEO/EXPRESSION/FRAME.png  predictions, 0 or 255, a folder at a time
    items/VIDEO/EXPRESSION.json       the record of an item, written last: an item is done if this is there
    scores.json, items.csv            from what is on disk

Every one of them appears whole or not at all, so a run may be killed at any byte.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from refervid.datasets.base import Dataset, Scores
from refervid.datasets.item import Item
from refervid.errors import ConfigurationChanged, SettingsError
from refervid.files import atomic_dir, inside, write_text
from refervid.media.pictures import write_mask
from refervid.report.result import Result


class RunFolder:
    """Reads and writes the folder of one run; `plan` is everything that the results depend on."""

    def __init__(self, path: Path, plan: Mapping[str, Any]) -> None:
        self.path = path
        self.masks = path / "masks"
        self._plan = dict(plan)

    def start(self, resume: bool) -> None:
        """Write run.json, or check that it says the same.

        Raises `SettingsError` if there is a run already and `resume` was not asked for, and
        `ConfigurationChanged` with every difference if that run was another one.
        """
        file = self.path / "run.json"
        if not file.exists():
            write_text(file, json.dumps(self._plan, indent=2))
            return
        if not resume:
            raise SettingsError(
                f"{self.path} holds a run: continue it with --resume, or choose another folder"
            )
        before = json.loads(file.read_text("utf-8"))
        if before != self._plan:
            changes = "; ".join(differences(before, self._plan))
            raise ConfigurationChanged(
                f"{self.path} was started differently ({changes}): choose another folder"
            )

    def done(self, item: Item) -> bool:
        """Whether the item's record is there, belongs to this plan, and tells of success."""
        file = self._record(item)
        if not file.exists():
            return False
        record = json.loads(file.read_text("utf-8"))
        return bool(record["hash"] == self.item_hash(item) and record["status"] != "failed")

    def item_hash(self, item: Item) -> str:
        """Identifies the question together with everything that the answer depends on."""
        question = [self._plan, item.name, getattr(item.reference, "text", None), item.frames]
        return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()

    def write(self, item: Item, result: Result) -> None:
        """The masks of the item's frames, then its record."""
        target = inside(self.masks, item.video.name, item.expression_id)
        with atomic_dir(target) as folder:
            for name, index in zip(item.frames, item.indices, strict=True):
                write_mask(folder / f"{name}.png", result.track[index])
        self._write_record(item, {"status": result.status, **result.summary()})

    def write_failure(self, item: Item, error: str) -> None:
        self._write_record(item, {"status": "failed", "error": error})

    def failures(self, items: Sequence[Item]) -> dict[str, str]:
        """Name and message of every item whose record tells of failure."""
        failed = {}
        for item in items:
            file = self._record(item)
            if file.exists():
                record = json.loads(file.read_text("utf-8"))
                if record["status"] == "failed":
                    failed[item.name] = record["error"]
        return failed

    def _write_record(self, item: Item, record: Mapping[str, Any]) -> None:
        write_text(self._record(item), json.dumps({"hash": self.item_hash(item), **record}))

    def _record(self, item: Item) -> Path:
        return inside(self.path / "items", item.video.name, f"{item.expression_id}.json")


def write_scores(
    folder: Path, dataset: Dataset, scores: Scores, extra: Mapping[str, Any] = {}
) -> dict[str, Any]:
    """scores.json and items.csv; returns what scores.json holds."""
    content = {
        **scores.metrics,
        "dataset": dataset.name,
        "split": dataset.split,
        "items": len(scores.items),
        "notes": list(scores.notes),
        **extra,
    }
    table = io.StringIO()
    if scores.items:
        writer = csv.DictWriter(table, fieldnames=list(scores.items[0]))
        writer.writeheader()
        writer.writerows(scores.items)
    write_text(folder / "items.csv", table.getvalue())
    write_text(folder / "scores.json", json.dumps(content, indent=2))
    return content


def differences(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> list[str]:
    """Every leaf that differs, as "name: old -> new"."""
    found = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{path}{key}.")
        elif old != new:
            found.append(f"{path}{key}: {old!r} -> {new!r}")
    return found
