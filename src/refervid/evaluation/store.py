"""The folder of an evaluation: what was asked of whom, and what is done.

    run.json                          data set, split, preset and settings, written first
    masks/VIDEO/EXPRESSION/FRAME.png  predictions, a folder at a time
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
from refervid.evaluation.answers import Answer
from refervid.evaluation.mirror import Mirror
from refervid.files import atomic_dir, inside, remove_leftovers, write_text


class RunFolder:
    """Reads and writes the folder of one run; `plan` is everything that the results depend on.

    With a `mirror` whatever is written is copied there too.
    """

    def __init__(self, path: Path, plan: Mapping[str, Any], mirror: Mirror | None = None) -> None:
        self.path = path
        self.masks = path / "masks"
        self._plan = dict(plan)
        self._mirror = mirror

    def start(self, resume: bool) -> None:
        """Write run.json, or check that it says the same.

        Raises `SettingsError` if there is a run already and `resume` was not asked for, and
        `ConfigurationChanged` with every difference if that run was another one.
        """
        self.masks.mkdir(exist_ok=True)
        file = self.path / "run.json"
        if not resume and (file.exists() or (self._mirror is not None and self._mirror.holds(file.name))):
            raise SettingsError(
                f"{self.path} or its mirror holds a run: continue it with --resume, or choose another folder"
            )
        if resume and self._mirror is not None:
            self._mirror.fetch(self.path)
        if not file.exists():
            self._write(file, json.dumps(self._plan, indent=2))
            return
        before = json.loads(file.read_text("utf-8"))
        if before != self._plan:
            changes = "; ".join(differences(before, self._plan))
            raise ConfigurationChanged(
                f"{self.path} was started differently ({changes}): choose another folder"
            )

    def done(self, item: Item) -> bool:
        """Whether the item's record is there, belongs to this plan, and tells of success."""
        record = self._read(item)
        return (
            record is not None
            and record["status"] != "failed"
            and inside(self.masks, item.video.name, item.expression_id).is_dir()
        )

    def failures(self, items: Sequence[Item]) -> dict[str, str]:
        """Name and message of every item whose record tells of failure."""
        records = [(item.name, self._read(item)) for item in items]
        return {name: each["error"] for name, each in records if each and each["status"] == "failed"}

    def tidy(self, video: str) -> None:
        """Remove what a killed process left half written of one video."""
        for kind in ("masks", "items"):
            remove_leftovers(inside(self.path / kind, video))

    def write(self, answer: Answer) -> None:
        """The pictures of an item, a folder at a time, then its record."""
        for names, pictures in answer.pictures.items():
            target = inside(self.masks, *names)
            with atomic_dir(target) as folder:
                for name, content in pictures.items():
                    (folder / name).write_bytes(content)
            self._copy(target)
        record = {"hash": self.item_hash(answer.item), **answer.record}
        self._write(self._record(answer.item), json.dumps(record))

    def write_scores(self, dataset: Dataset, scores: Scores, extra: Mapping[str, Any]) -> dict[str, Any]:
        """scores.json and items.csv; returns what scores.json holds."""
        content = write_scores(self.path, dataset, scores, extra)
        for name in ("items.csv", "scores.json"):
            self._copy(self.path / name)
        return content

    def item_hash(self, item: Item) -> str:
        """Identifies the question together with everything that the answer depends on."""
        question = [
            self._plan,
            item.name,
            getattr(item.reference, "text", None),
            item.frames,
            item.indices,
            [picture.name for picture in item.video.pictures],
        ]
        return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()

    def _read(self, item: Item) -> dict[str, Any] | None:
        """The item's record, if there is one and it belongs to this plan."""
        file = self._record(item)
        if not file.exists():
            return None
        record: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return record if record["hash"] == self.item_hash(item) else None

    def _record(self, item: Item) -> Path:
        return inside(self.path / "items", item.video.name, f"{item.expression_id}.json")

    def _write(self, file: Path, text: str) -> None:
        write_text(file, text)
        self._copy(file)

    def _copy(self, path: Path) -> None:
        if self._mirror is not None:
            self._mirror.put(path, path.relative_to(self.path).as_posix())


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
