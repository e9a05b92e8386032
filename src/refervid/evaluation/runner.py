"""A data set through a pipeline, video by video, so that all expressions of a clip share its features."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from heapq import heapreplace
from itertools import groupby
from pathlib import Path
from typing import Any

from refervid.core.errors import DatasetError, OutputConflict, SettingsError
from refervid.core.files import atomic_file, inside
from refervid.core.outputs import LOCK, output_lock, refuse_inputs, shared_output_lock, writing_to
from refervid.core.types import Hook, no_hook
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.item import Item
from refervid.datasets.registry import dataset_class
from refervid.datasets.scoring import row_of
from refervid.evaluation.answers import Answer, VideoWork, answer_video
from refervid.evaluation.mirror import Mirror
from refervid.evaluation.store import RunFolder
from refervid.pipelines.base import Pipeline
from refervid.pipelines.cluster import Lost, RayCluster

Executor = Callable[[Sequence[VideoWork]], Iterator[list[Answer]]]
"""Answers video by video, in any order."""


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

    def part(self, items: Sequence[Item]) -> list[Item]:
        """Its share of `items`, whole videos. The longest by frames to answer come first, each to the shard
        that has least, so that all end at about the same time."""
        lengths: Counter[str] = Counter()
        for item in items:
            lengths[item.video.name] += len(item.frames)
        loads = [(0, number) for number in range(1, self.count + 1)]
        mine = set()
        for video in sorted(lengths, key=lambda name: (-lengths[name], name)):
            load, number = loads[0]
            heapreplace(loads, (load + lengths[video], number))
            if number == self.number:
                mine.add(video)
        return [item for item in items if item.video.name in mine]

    @contextmanager
    def lock(self, out: Path) -> Iterator[Path]:
        """A whole run has `out` to itself, shards share it with those of the same count.

        Gives a folder for what is not whole yet. Raises as `output_lock`.
        """
        count = f"-of-{self.count}"
        with ExitStack() as locks:
            if self.count == 1:
                unfinished = locks.enter_context(output_lock(out))
            else:
                locks.enter_context(shared_output_lock(out))
                unfinished = locks.enter_context(output_lock(inside(out, "shards", f"{self.number}{count}")))
            for other in (lock.parent for lock in inside(out, "shards").glob(f"*-of-*/{LOCK}")):
                if self.count == 1:
                    with output_lock(other):
                        pass  # what a killed shard left is gone
                elif not other.name.endswith(count):
                    with shared_output_lock(other):
                        pass  # nobody is at work there
            yield unfinished


def first_items(dataset: Dataset, limit: int | None) -> list[Item]:
    """The first `limit` items, or all; whole videos where their sentences are scored together."""
    items = dataset.items()
    if limit and dataset.together:
        while limit < len(items) and items[limit].video.name == items[limit - 1].video.name:
            limit += 1
    return items[:limit]


def evaluate(
    dataset: Dataset,
    pipeline: Pipeline,
    out: Path,
    *,
    limit: int | None = None,
    resume: bool = False,
    shard: Shard = Shard(),
    workers: int = 1,
    executor: Executor | None = None,
    mirror: Mirror | None = None,
    submission: Path | None = None,
    hook: Hook = no_hook,
) -> dict[str, Any]:
    """Run `pipeline` on the items that are not done yet, then score what is on disk.

    `limit` is that of `first_items`. Failed items are recorded, do not stop the run, and are tried again
    with `resume`. Work is done here unless an `executor` takes it elsewhere; only this process
    writes to `out`. `submission` names the zip for the data set's server; where the truth is private it
    is written in any case, as `out/submission.zip`, and there are no scores.
    The hook gets ("items", answers of one video, items completed, items to do).

    Returns what scores.json holds; `failed` maps the names of failed items to messages. A shard is
    scored only once all other shards are done too; until then `complete` is False.
    Raises `SettingsError` or `ConfigurationChanged` as `RunFolder.start`, `OutputLocked`, `OutputConflict`
    where results or their mirror would lie in an input or in each other, `MirrorFailed`, `DatasetError` for a
    submission that has no server and for damaged masks or truth, and those errors that every further item
    would meet too.
    """
    if submission is not None:
        dataset.need_server()
    items = first_items(dataset, limit)
    refuse_inputs(out, ["run.json", "masks/any", "items/any", "answers/any", "shards/any"], [dataset.root])
    if mirror is not None:
        mirror.check(out, dataset.root)
    if submission is not None and os.path.lexists(submission):
        raise OutputConflict(f"{submission} is there already: choose another name for the submission")
    plan = {"dataset": dataset.name, "split": dataset.split, "limit": limit, **pipeline.plan()}
    with shard.lock(out) as unfinished:
        folder = RunFolder(out, unfinished, plan, mirror)
        folder.start(resume or shard.count > 1, dataset, items)
        folder.check_contents(items)
        mine = shard.part(items)
        folder.complete_mirror(mine)
        works = list(undone(mine, folder))
        total = len(mine)
        completed = total - sum(len(work.items) for work in works)
        hook("items", [], completed, total)
        for answers in (executor or on_this_machine(pipeline))(works):
            for answer in answers:
                folder.write(answer)
            completed += len(answers)
            hook("items", answers, completed, total)
        failed = folder.failures(items)
        pending = sum(not folder.done(item) for item in items) - len(failed)
        if pending:
            return {"complete": False, "pending": pending, "failed": failed}
        try:
            return _finish(dataset, items, folder, failed, workers, submission)
        except DatasetError as error:
            raise DatasetError(
                f"{error}\n  what is damaged below {folder.masks}: delete it, and --resume makes it anew"
            ) from error


def on_this_machine(pipeline: Pipeline) -> Executor:
    """One video after the other in this process."""
    return lambda works: (answer_video(work, pipeline) for work in works)


def on_cluster(cluster: RayCluster, pipeline: Pipeline) -> Executor:
    """Videos go to the actors of a Ray cluster, whose pipelines must be as `pipeline`; a video that is lost
    has failed. Raises as `RayCluster.outcomes`."""

    def answers(works: Sequence[VideoWork]) -> Iterator[list[Answer]]:
        # The truth stays here: it is of no use there, and may be large.
        sent = [
            replace(work, items=tuple(replace(item, truth=None) for item in work.items)) for work in works
        ]
        for number, outcome in cluster.outcomes(answer_video, sent, pipeline.plan()):
            items = works[number].items
            if isinstance(outcome, Lost):
                yield [Answer.failure(item, outcome.reason) for item in items]
            else:
                by_name = {item.name: item for item in items}
                yield [replace(answer, item=by_name[answer.item.name]) for answer in outcome]

    return answers


def undone(items: Sequence[Item], folder: RunFolder) -> Iterator[VideoWork]:
    """Video by video what is not done yet.

    A video whose sentences are scored together is done as a whole or not at all. Raises as
    `RunFolder.refuse_changed`.
    """
    for _, group in groupby(items, key=lambda item: item.video.name):
        asked = list(group)
        left = tuple(item for item in asked if not folder.done(item))
        if left and dataset_class(asked[0].dataset).together:
            left = tuple(asked)
        if left:
            folder.refuse_changed(left)
            yield VideoWork(left, len(left) == len(asked))


def _finish(
    dataset: Dataset,
    items: Sequence[Item],
    folder: RunFolder,
    failed: dict[str, str],
    workers: int,
    submission: Path | None,
) -> dict[str, Any]:
    extra: dict[str, Any] = {"complete": True, "failed": failed, "statuses": folder.statuses(items)}
    place = None
    folder.write_predictions(items)
    folder.write_answers(dataset, items)
    if any(item.truth is None for item in items):
        rows = [row_of(item, {}, 0) for item in items]
        note = "no scores: the true masks of this split are not in the data set's folder"
        scores = Scores({}, rows, [*dataset.notes, note])
        if dataset.has_server and submission is None:
            submission, place = folder.path / "submission.zip", folder.unfinished
    else:
        scores = dataset.score(folder.masks, items, workers)
    if submission is not None:
        with writing_to(submission.parent), atomic_file(submission, place) as part:
            dataset.submit(folder.masks, part)
        extra["submission"] = str(submission)
        if len(items) < len(dataset.items()):
            scores.notes.append(f"the submission holds only {len(items)} of {len(dataset.items())} items")
    return folder.write_scores(dataset, scores, extra)
