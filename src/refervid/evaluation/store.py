"""The folder of an evaluation: what was asked of whom, and what is done.

    run.json                          data set, split, preset and settings, written first
    masks/VIDEO/EXPRESSION/FRAME.png  predictions, a folder at a time
    masks/predictions.json            where several masks of a frame are scored: all of them, from the records
    items/VIDEO/EXPRESSION.json       the record of an item, written after its masks
    scores.json, items.csv            from what is on disk
    answers/                          for AVSBench: what was answered about the sounds, for others to replay

Every one of them appears whole or not at all, so a run may be killed at any byte. An item is done if its
record can be read and all its pictures are there. A run begins only where none of these files is there yet,
and run.json says so; in the folders of its items it touches its own pictures alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from refervid.config.differences import differences
from refervid.core.errors import ConfigurationChanged, OutputConflict, SettingsError
from refervid.core.files import flush_to_disk, for_each, inside, paths_below, write_text
from refervid.core.manifest import Mark, has_mark, mark_of
from refervid.core.outputs import ResultFolder, drop_empty, refuse_strangers, writing_to
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.contents import contents_of
from refervid.datasets.item import Item
from refervid.datasets.single_frames import SCORED_PREDICTIONS
from refervid.engines.recorded.files import AnswerSet, RecordedSettings, SoundAnswers, write_answers
from refervid.evaluation.answers import Answer
from refervid.evaluation.items_table import items_table
from refervid.evaluation.mirror import Mirror
from refervid.evaluation.record import object_in, read_object, read_record

_SHOWN = 10


class RunFolder:
    """Reads and writes the folder of one run; `plan` is everything that the results depend on.

    What is not whole yet lies in `unfinished`. With a `mirror` whatever is written is copied there too.
    """

    def __init__(
        self, path: Path, unfinished: Path, plan: Mapping[str, Any], mirror: Mirror | None = None
    ) -> None:
        self.path = path
        self.masks = path / "masks"
        self.unfinished = unfinished
        self._plan = dict(plan)
        self._mirror = mirror

    def start(self, resume: bool, dataset: Dataset, items: Sequence[Item]) -> None:
        """Write run.json, or check that it says the same.

        Raises `SettingsError` if there is a run already and `resume` was not asked for or run.json is
        damaged, `ConfigurationChanged` with every difference if that run was another one, and
        `OutputConflict` if a file of somebody else has a name that the run would give to one of `items`'.
        The same goes for the mirror.
        """
        file = self.path / "run.json"
        mirrored = None if self._mirror is None else self._mirror.read(file.name)
        if not resume and (file.exists() or mirrored is not None):
            place = self.path if file.exists() else "the mirror"
            raise SettingsError(f"{place} holds a run: continue it with --resume, or choose another folder")
        if self._mirror is not None:
            self._refuse_other_mirror(self._mirror, mirrored, dataset, items)
            if resume:
                self._mirror.fetch(self.path, self.unfinished)
        if not file.exists():
            self._refuse_strangers(dataset, items)
            with writing_to(self.path):
                self.masks.mkdir(exist_ok=True)
                self._write(file, self._plan_text())
            return
        before = read_object(file)
        if before is None:
            raise SettingsError(
                f"{file} cannot be read: delete it and use --resume; what was done under other settings is "
                "then done anew"
            )
        self._refuse_another(before, str(self.path))
        if before != self._plan:
            with writing_to(self.path):
                self._write(file, self._plan_text())

    def _plan_text(self) -> str:
        return json.dumps(self._plan, indent=2)

    def _refuse_another(self, before: Mapping[str, Any], place: str) -> None:
        now: Mapping[str, Any] = self._plan
        before = _with_late_weights(before, now)
        if before == now:
            return
        if before.get("preset") != now["preset"]:  # another one has other settings altogether
            own = ("settings", "contents", "dtype")
            before, now = ({k: v for k, v in plan.items() if k not in own} for plan in (before, now))
        changes = "; ".join(differences(before, now))
        raise ConfigurationChanged(f"{place} was started differently ({changes}): choose another folder")

    def _refuse_other_mirror(
        self, mirror: Mirror, plan: bytes | None, dataset: Dataset, items: Sequence[Item]
    ) -> None:
        """`plan` is its run.json: that of this run, or the beginning of it, if who copied it was killed."""
        if plan is None:
            taken = sorted(mirror.sizes().keys() & set(self._names(dataset, items)))
        elif (before := object_in(plan)) is not None:
            self._refuse_another(before, "the mirror")
            return
        else:
            taken = [] if self._plan_text().encode().startswith(plan) else ["run.json"]
        if taken:
            raise OutputConflict(f"the mirror holds {taken[0]}, which is of no run: choose another place")

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
        return {name: each.get("error", "?") for name, each in records if each and each["status"] == "failed"}

    def statuses(self, items: Sequence[Item]) -> dict[str, int]:
        """How many items have which status, by their records."""
        records = [self._read(item) for item in items]
        return dict(Counter(record["status"] for record in records if record))

    def refuse_changed(self, items: Sequence[Item]) -> None:
        """Raises `OutputConflict` for a picture of `items` that was changed since its record was written.

        Empty ones, as a power cut may leave them, are as good as none.
        """
        marks = self._recorded(items)
        for name, path in paths_below(self.path, marks):
            if path.exists() and path.stat().st_size and not has_mark(path, marks[name]):
                raise OutputConflict(
                    f"{path} was changed since this run wrote it, and is to be done anew: move it away"
                )

    def write(self, answer: Answer) -> None:
        """The pictures of an item, a folder at a time, then its record."""
        item, files = answer.item, dict[str, Mark]()
        own = (item.video.name, item.expression_id)
        contents = {} if answer.record["status"] == "failed" else {"contents": self._contents(answer)}
        # Of an answer that failed, what an earlier run left is not to be scored.
        former = {*self._recorded([item]), *(f"masks/{item.name}/{frame}.png" for frame in item.frames)}
        with writing_to(self.path):
            self._record(item).unlink(missing_ok=True)
            for names, pictures in answer.pictures.items():
                files |= self._place(pictures, names)
            for name in former - files.keys():
                path = inside(self.path, *name.split("/"))
                path.unlink(missing_ok=True)
                drop_empty([path.parent])
            for name in files:
                self._copy(self.path / name)
            more = [names for names in answer.pictures if names != own]
            record = {"hash": self.item_hash(item), "label_maps": more, "files": files, **contents}
            record |= answer.record
            self._write(self._record(item), json.dumps(record))

    def _place(self, pictures: Mapping[str, bytes], names: tuple[str, str]) -> dict[str, Mark]:
        """Put pictures into a folder of masks: all at once where it is new, else beside what it holds."""
        new, target = self.unfinished / "pictures", inside(self.masks, *names)
        new.mkdir()
        for name, content in pictures.items():
            (new / name).write_bytes(content)
        for_each(flush_to_disk, new.iterdir())
        files = {f"masks/{'/'.join(names)}/{name}": mark_of(new / name) for name in pictures}
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.rename(new, target)
            return files
        for name in pictures:
            os.replace(new / name, inside(target, name))
        new.rmdir()
        return files

    def _contents(self, answer: Answer) -> dict[str, str]:
        """Raises `ConfigurationChanged` if the answer was made from another video than lies here."""
        contents = contents_of(answer.item)
        if answer.video not in (None, contents["video"]):
            video = answer.item.video
            raise ConfigurationChanged(
                f"{video.name}: whoever answered read another video than {video.path} is here "
                f"({answer.video} -> {contents['video']}): give all machines the same data set"
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
        if not scored:
            return
        with writing_to(self.path):
            self._write(self.masks / SCORED_PREDICTIONS, json.dumps(scored))

    def write_answers(self, dataset: Dataset, items: Sequence[Item]) -> None:
        """Where the data set's answers have a published form: those that records hold, in that form."""
        if dataset.answers is None:
            return
        told = {item.video.name: (self._read(item) or {}).get("sound") for item in items}
        answers = {clip: _sound_answers(sound) for clip, sound in told.items() if sound is not None}
        made = write_answers(self.unfinished / "answers", cast(AnswerSet, dataset.answers), answers)
        for file in made:
            target = inside(self.path, *file.relative_to(self.unfinished).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, target)
            self._copy(target)

    def write_scores(self, dataset: Dataset, scores: Scores, extra: Mapping[str, Any]) -> dict[str, Any]:
        """scores.json and items.csv; returns what scores.json holds."""
        content = scores_content(dataset, scores, extra)
        with writing_to(self.path):
            self._write(self.path / "items.csv", items_table(scores))
            self._write(self.path / "scores.json", json.dumps(content, indent=2))
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
        record = read_record(self._record(item))
        return record if record is not None and record["hash"] == self.item_hash(item) else None

    def _record(self, item: Item) -> Path:
        return inside(self.path / "items", item.video.name, f"{item.expression_id}.json")

    def _names(self, dataset: Dataset, items: Sequence[Item]) -> Iterator[str]:
        """All that the run may write, by name below its folder.

        Label maps of several sentences lie at masks/ANNOTATOR/VIDEO.
        """
        yield from (
            "run.json",
            "scores.json",
            "items.csv",
            "reproduction.json",
            f"masks/{SCORED_PREDICTIONS}",
            "submission.zip",
        )
        if dataset.answers is not None:
            answers = RecordedSettings(
                kind="recorded", answers=Path("answers"), set=cast(AnswerSet, dataset.answers)
            )
            yield from map(str, answers.files)
        annotators = [one.name for one in self.masks.glob("*/") if not one.is_symlink()]
        for item in items:
            yield f"items/{item.name}.json"
            for folder in (item.name, *(f"{name}/{item.video.name}" for name in annotators)):
                yield from (f"masks/{folder}/{frame}.png" for frame in item.frames)

    def _recorded(self, items: Sequence[Item]) -> dict[str, Mark]:
        """The pictures that the records of items list, of whatever plan."""
        records = [read_record(self._record(item)) for item in items]
        return {name: mark for record in records if record for name, mark in record["files"].items()}

    def _refuse_strangers(self, dataset: Dataset, items: Sequence[Item]) -> None:
        """Where there are records there is a run whose run.json was deleted: it may be gone on with."""
        if any(read_record(self._record(item)) for item in items):
            return
        names = set(self._names(dataset, items))
        try:
            refuse_strangers(self.path, names, {})
        except OutputConflict:
            if not (self.path / "run.json").exists():  # else another shard has begun just now
                raise

    def _write(self, file: Path, text: str) -> None:
        write_text(file, text, self.unfinished)
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


def _with_late_weights(before: Mapping[str, Any], now: Mapping[str, Any]) -> Mapping[str, Any]:
    """Missing weights have answered nothing: what is here of them now is no difference. All others have."""
    known = before.get("contents")
    if not isinstance(known, dict) or None not in known.values():
        return before
    loaded = {name: digest for name, digest in known.items() if digest is not None}
    return {**before, "contents": {**now.get("contents", {}), **loaded}}


def _holds(folder: Path, frames: Sequence[str]) -> bool:
    """Whether there is a picture of every frame, and none of them empty, as a power cut may leave it."""
    try:
        with os.scandir(folder) as files:
            filled = {file.name for file in files if file.stat(follow_symlinks=False).st_size}
    except OSError:
        return False
    return filled.issuperset(f"{frame}.png" for frame in frames)


def scores_content(dataset: Dataset, scores: Scores, extra: Mapping[str, Any] = {}) -> dict[str, Any]:
    """What scores.json holds."""
    return {
        **scores.metrics,
        "dataset": dataset.name,
        "split": dataset.split,
        "items": len(scores.items),
        "notes": list(scores.notes),
        **extra,
    }


def save_scores(target: ResultFolder, dataset: Dataset, scores: Scores) -> dict[str, Any]:
    """scores.json and items.csv of masks from anywhere; returns what the former holds besides its files."""
    content = scores_content(dataset, scores)
    with writing_to(target.path):
        write_text(target.new / "items.csv", items_table(scores))
    target.finish(content)
    return content
