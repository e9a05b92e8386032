"""The folder of an evaluation: what was asked of whom, and what is done.

    run.json                          data set, split, preset and settings, written first
    masks/VIDEO/EXPRESSION/FRAME.png  predictions, a folder at a time
    masks/predictions.json            where several masks of a frame are scored: all of them, from the records
    items/VIDEO/EXPRESSION.json       the record of an item, written after its masks
    scores.json, items.csv            from what is on disk
    answers/                          for AVSBench: what was answered about the sounds, for others to replay

Every one of them appears whole or not at all, so a run may be killed at any byte. An item is done if its
record can be read and all its pictures are there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from refervid.core.errors import ConfigurationChanged, SettingsError
from refervid.core.files import atomic_dir, inside, remove_leftovers, write_text
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.item import Item
from refervid.datasets.single_frames import SCORED_PREDICTIONS
from refervid.engines.recorded.files import AnswerSet, SoundAnswers, write_answers
from refervid.evaluation.answers import Answer
from refervid.evaluation.contents import contents_of
from refervid.evaluation.mirror import Mirror

_SHOWN = 10


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

        Raises `SettingsError` if there is a run already and `resume` was not asked for or run.json is
        damaged, and `ConfigurationChanged` with every difference if that run was another one.
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
        before = _read_object(file)
        if before is None:
            raise SettingsError(
                f"{file} cannot be read: delete it and use --resume; what was done under other settings is "
                "then done anew"
            )
        if before != self._plan:
            now = self._plan
            if before.get("preset") != now["preset"]:  # another one has other settings altogether
                before, now = {**before, "settings": None}, {**now, "settings": None}
            changes = "; ".join(differences(before, now))
            raise ConfigurationChanged(
                f"{self.path} was started differently ({changes}): choose another folder"
            )

    def check_contents(self, items: Sequence[Item]) -> None:
        """Raises `ConfigurationChanged` where files of answered items were replaced since."""
        changes = []
        for item in items:
            record = self._read(item) or {}
            if "contents" in record:
                changes += differences(record["contents"], contents_of(item), f"{item.name} ")
        if changes:
            more = f"; and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
            raise ConfigurationChanged(
                f"{self.path} was made from other files of the data set "
                f"({'; '.join(changes[:_SHOWN])}{more}): put the former ones back, or choose another folder"
            )

    def complete_mirror(self, items: Sequence[Item]) -> None:
        """Copy what an earlier run could not: run.json, and the files of all that is done of `items`."""
        if self._mirror is None:
            return
        there = self._mirror.sizes()
        for file in [self.path / "run.json", *(file for item in items for file in self._kept(item))]:
            size = there.get(file.relative_to(self.path).as_posix())
            # Records were read before they got here; a picture that differs may be the one that is damaged.
            if size is None or (file.suffix == ".json" and size != file.stat().st_size):
                self._copy(file)

    def done(self, item: Item) -> bool:
        """Whether the item's record belongs to this plan and tells of success, and its pictures are there."""
        return bool(self._kept(item))

    def failures(self, items: Sequence[Item]) -> dict[str, str]:
        """Name and message of every item whose record tells of failure."""
        records = [(item.name, self._read(item)) for item in items]
        return {name: each["error"] for name, each in records if each and each["status"] == "failed"}

    def statuses(self, items: Sequence[Item]) -> dict[str, int]:
        """How many items have which status, by their records."""
        records = [self._read(item) for item in items]
        return dict(Counter(record["status"] for record in records if record))

    def tidy(self, video: str) -> None:
        """Remove what a killed process left half written of one video."""
        for kind in ("masks", "items"):
            remove_leftovers(inside(self.path / kind, video))

    def write(self, answer: Answer) -> None:
        """The pictures of an item, a folder at a time, then its record."""
        own = (answer.item.video.name, answer.item.expression_id)
        before = inside(self.masks, *own)
        if not answer.pictures and before.is_dir():  # it failed: what an earlier run left is not to be scored
            shutil.rmtree(before)
        for names, pictures in answer.pictures.items():
            target = inside(self.masks, *names)
            with atomic_dir(target) as folder:
                for name, content in pictures.items():
                    (folder / name).write_bytes(content)
            self._copy(target)
        more = [names for names in answer.pictures if names != own]
        record = {"hash": self.item_hash(answer.item), "label_maps": more, **answer.record}
        if answer.record["status"] != "failed":
            record["contents"] = self._contents(answer)
        self._write(self._record(answer.item), json.dumps(record))

    def _contents(self, answer: Answer) -> dict[str, str]:
        """Raises `ConfigurationChanged` if the answer was made from another video than lies here."""
        contents = contents_of(answer.item)
        if answer.video not in (None, contents["video"]):
            video = answer.item.video
            raise ConfigurationChanged(
                f"{video.name}: whoever answered read another video than {video.path} is here "
                f" ({answer.video} -> {contents['video']}): give all machines the same data set"
            )
        return contents

    def write_predictions(self, items: Sequence[Item]) -> None:
        """The scored masks that records hold, of all items in one file, where the data set's scores look."""
        records = [(item, self._read(item) or {}) for item in items]
        scored = [
            {"image_id": f"{item.name}/{frame}", **mask}
            for item, record in records
            for frame, masks in record.get("predictions", {}).items()
            for mask in masks
        ]
        if scored:
            self._write(self.masks / SCORED_PREDICTIONS, json.dumps(scored))

    def write_answers(self, dataset: Dataset, items: Sequence[Item]) -> None:
        """Where the data set's answers have a published form: those that records hold, in that form."""
        if dataset.answers is None:
            return
        told = {item.video.name: (self._read(item) or {}).get("sound") for item in items}
        answers = {clip: _sound_answers(sound) for clip, sound in told.items() if sound is not None}
        for file in write_answers(self.path / "answers", cast(AnswerSet, dataset.answers), answers):
            self._copy(file)

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

    def _kept(self, item: Item) -> list[Path]:
        """The files of an item that is done, the record last; none of one that is not."""
        record = self._read(item)
        if record is None or record["status"] == "failed":
            return []
        names = [(item.video.name, item.expression_id), *record.get("label_maps", ())]
        folders = [inside(self.masks, *each) for each in names]
        if not all(_holds(folder, item.frames) for folder in folders):
            return []
        return [*(folder / f"{frame}.png" for folder in folders for frame in item.frames), self._record(item)]

    def _read(self, item: Item) -> dict[str, Any] | None:
        """The item's record, if it can be read and belongs to this plan."""
        record = _read_object(self._record(item))
        return record if record is not None and record.get("hash") == self.item_hash(item) else None

    def _record(self, item: Item) -> Path:
        return inside(self.path / "items", item.video.name, f"{item.expression_id}.json")

    def _write(self, file: Path, text: str) -> None:
        write_text(file, text)
        self._copy(file)

    def _copy(self, path: Path) -> None:
        if self._mirror is not None:
            self._mirror.put(path, path.relative_to(self.path).as_posix())


def _sound_answers(sound: Mapping[str, Any]) -> SoundAnswers:
    """Frames are numbered from 1 there."""
    return SoundAnswers(
        {name: index + 1 for name, index in sound["objects"].items()},
        sound["boxes"],
        tuple((start, end) for start, end in sound["intervals"]),
    )


def _read_object(file: Path) -> dict[str, Any] | None:
    """The JSON object that a file holds; None if there is none."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _holds(folder: Path, frames: Sequence[str]) -> bool:
    """Whether there is a picture of every frame, and none of them empty, as a power cut may leave it."""
    try:
        with os.scandir(folder) as files:
            filled = {file.name for file in files if file.stat().st_size}
    except OSError:
        return False
    return filled.issuperset(f"{frame}.png" for frame in frames)


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
