"""A data set through a pipeline, video by video, so that all expressions of a clip share its features."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from refervid.datasets.base import Dataset
from refervid.datasets.item import Item
from refervid.errors import (
    ChooserUnavailable,
    DeviceError,
    MissingWeights,
    RefervidError,
    RemoteNotAllowed,
    SettingsError,
)
from refervid.evaluation.store import RunFolder, write_scores
from refervid.files import output_lock
from refervid.pipelines.base import Pipeline
from refervid.types import Hook, no_hook

log = logging.getLogger(__name__)

FATAL = (ChooserUnavailable, DeviceError, MissingWeights, RemoteNotAllowed, SettingsError)
"""Errors that would meet every further item too."""


@dataclass(frozen=True)
class Shard:
    """Part `number` (from 1) of `count` parts of the videos."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From "2/8". Raises `SettingsError`."""
        number, slash, count = text.partition("/")
        if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise SettingsError(f"shard {text!r}: write it as i/n with 1 <= i <= n, for example 2/8")
        return cls(int(number), int(count))

    def holds(self, video: str) -> bool:
        """By a hash of the name, so that it does not depend on which videos there are."""
        number = int.from_bytes(hashlib.sha256(video.encode()).digest()[:8], "big")
        return number % self.count == self.number - 1


def evaluate(
    dataset: Dataset,
    pipeline: Pipeline,
    out: Path,
    *,
    limit: int | None = None,
    resume: bool = False,
    shard: Shard = Shard(),
    workers: int = 1,
    hook: Hook = no_hook,
) -> dict[str, Any]:
    """Run `pipeline` on the items that are not done yet, then score what is on disk.

    `limit` takes the first items only. Failed items are recorded, do not stop the run, and are tried
    again with `resume`. Returns what scores.json holds; `failed` maps the names of failed items to
    messages. A shard is scored only once all other shards are done too; until then `complete` is False.
    Raises `SettingsError` or `ConfigurationChanged` as `RunFolder.start`, `OutputLocked`, and those
    errors that every further item would meet too.
    """
    items = dataset.items()[:limit]
    folder = RunFolder(
        out, {"dataset": dataset.name, "split": dataset.split, "limit": limit, **pipeline.plan()}
    )
    lock = out if shard.count == 1 else out / "shards" / f"{shard.number}-of-{shard.count}"
    with output_lock(lock):
        folder.start(resume or shard.count > 1)
        todo = [item for item in items if shard.holds(item.video.name) and not folder.done(item)]
        hook("items", None, 0, len(todo))
        completed = 0
        for group in by_video(todo):
            run_group(group, pipeline, folder)
            completed += len(group)
            hook("items", group[0].video.name, completed, len(todo))
        failed = folder.failures(items)
        pending = sum(not folder.done(item) for item in items) - len(failed)
        if pending:
            return {"complete": False, "pending": pending, "failed": failed}
        scores = dataset.score(folder.masks, items, workers)
        return write_scores(out, dataset, scores, {"complete": True, "failed": failed})


def by_video(items: Sequence[Item]) -> Iterator[list[Item]]:
    for _, group in groupby(items, key=lambda item: item.video.name):
        yield list(group)


def run_group(items: Sequence[Item], pipeline: Pipeline, folder: RunFolder) -> None:
    """All items of one video; whatever fails is recorded with every item that it concerns."""
    try:
        clip = items[0].video.open()
        results = pipeline.run(clip, [item.reference for item in items])
    except FATAL:
        raise
    except RefervidError as error:
        if len(items) > 1:  # one bad expression must not take the others along
            for item in items:
                run_group([item], pipeline, folder)
            return
        log.warning("%s failed: %s", items[0].name, error)
        folder.write_failure(items[0], f"{type(error).__name__}: {error}")
        return
    for item, result in zip(items, results, strict=True):
        if result.status == "failed":
            folder.write_failure(item, "; ".join(result.notes))
        else:
            folder.write(item, result)
