"""Videos answered by Ray actors, on this machine or on many.

Every actor holds its own engines and one device. It is given one video at a time, so that nothing
piles up anywhere, and sends the finished pictures back; only the process that called writes them.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from types import ModuleType
from typing import Any

from refervid.config.differences import differences
from refervid.core.errors import ConfigurationChanged, DeviceError, MissingExtra, StorageFailed
from refervid.core.files import storing_in
from refervid.evaluation.answers import Answer, VideoWork, answer_video
from refervid.pipelines.base import Pipeline

log = logging.getLogger(__name__)

CPUS_PER_ACTOR = 2
"""Where there are no GPUs: more threads hardly speed up one video."""
_REACH_S = 10.0
_LOG_BYTES = 2**20
"""What Ray's own processes need at the least for their logs; without it they hang at the start."""


@dataclass(frozen=True)
class RayCluster:
    """An executor on a Ray cluster; `load` builds the pipeline on every actor, from files it finds there.

    `address` is that of a cluster, "auto" for the one this machine belongs to, or "local" for this machine
    alone; it does not matter where the caller has joined a cluster already. Without `actors` there is one
    per GPU, or, without GPUs or `use_gpus`, one per `CPUS_PER_ACTOR` CPUs.
    A video whose actor died is tried again on a new one, `attempts` times in all; then its items have failed.
    """

    load: Callable[[], Pipeline]
    address: str = "auto"
    actors: int | None = None
    use_gpus: bool = True
    attempts: int = 3

    def __call__(self, works: Sequence[VideoWork]) -> Iterator[list[Answer]]:
        """Answers in the order in which videos are done.

        Raises `MissingExtra` without Ray, `DeviceError` where the cluster cannot be reached or no actor
        starts, `StorageFailed` where a machine has no room for its files, and what `answer_video` raises.
        """
        ray = _import_ray()
        joined = ray.is_initialized()
        if not joined:
            self._join(ray)
        try:
            gpus, count = self._size(ray.cluster_resources())
            crew = _Crew(ray, self.load, gpus, min(count, len(works)), self.attempts)
            yield from crew.answers(works)
        finally:
            if not joined:
                ray.shutdown()

    def _join(self, ray: ModuleType) -> None:
        options = {"include_dashboard": False} if self.address == "local" else {}
        if self.address == "local":
            _need_room()
        try:
            _reach(self.address)
            ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR, **options)
        except Exception as error:  # Ray raises bare ones too
            raise DeviceError(
                f"no Ray cluster at {self.address!r} ({error}): start it with `ray start`"
            ) from error

    def _size(self, resources: dict[str, float]) -> tuple[bool, int]:
        """Whether actors take a GPU each, and how many actors there are."""
        gpus = int(resources.get("GPU", 0)) if self.use_gpus else 0
        return gpus > 0, self.actors or gpus or max(int(resources.get("CPU", 1)) // CPUS_PER_ACTOR, 1)


class Worker:
    """What an actor is: a pipeline that lives as long as it does."""

    def __init__(self, load: Callable[[], Pipeline]) -> None:
        self._load = load
        self._pipeline: Pipeline | None = None

    def ready(self) -> int:
        """The id of the process, once it runs."""
        return os.getpid()

    def answer(self, work: VideoWork) -> list[Answer]:
        """Raises `ConfigurationChanged` where other files lie here than where the run was started, and
        `StorageFailed` where this machine's disk is full.
        """
        try:
            return answer_video(work, self._same_pipeline(work))
        except StorageFailed as error:
            raise StorageFailed(f"on {socket.gethostname()}: {error}") from error

    def _same_pipeline(self, work: VideoWork) -> Pipeline:
        if self._pipeline is None:
            pipeline = self._load()
            changes = differences(work.plan, pipeline.plan())
            if changes:
                raise ConfigurationChanged(
                    f"{socket.gethostname()} would answer differently ({'; '.join(changes)}): "
                    "give all machines the same files"
                )
            self._pipeline = pipeline
        return self._pipeline


@dataclass
class _Task:
    """What an actor is doing: starting, or a video."""

    actor: Any
    work: VideoWork | None


@dataclass
class _Crew:
    """The actors and what they are doing; there are never more videos under way than actors."""

    ray: ModuleType
    load: Callable[[], Pipeline]
    gpus: bool
    count: int
    attempts: int
    _tasks: dict[Any, _Task] = field(default_factory=dict)
    _idle: list[Any] = field(default_factory=list)
    _deaths: dict[str, int] = field(default_factory=dict)
    _stillborn: int = 0

    def answers(self, works: Sequence[VideoWork]) -> Iterator[list[Answer]]:
        queue = deque(works)
        left = len(queue)
        for _ in range(self.count):
            self._hire()
        while left:
            while queue and self._idle:
                work = queue.popleft()
                self._send(self._idle.pop(), work)
            [done], _ = self.ray.wait(list(self._tasks), num_returns=1)
            task = self._tasks.pop(done)
            answers = self._outcome(done, task, queue)
            if answers is not None:
                left -= 1
                if queue:  # it works on while the caller writes
                    self._send(self._idle.pop(), queue.popleft())
                yield answers

    def _outcome(self, done: Any, task: _Task, queue: deque[VideoWork]) -> list[Answer] | None:
        """The answers of a video, if that is what the task came to; a dead actor is replaced."""
        try:
            answers: Any = self.ray.get(done)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self.ray.exceptions.RayError as error:
            self._hire()
            return self._lost(task.work, error, queue)
        self._idle.append(task.actor)
        if task.work is None:
            return None
        by_name = {item.name: item for item in task.work.items}
        return [replace(answer, item=by_name[answer.item.name]) for answer in answers]

    def _lost(self, work: VideoWork | None, error: Exception, queue: deque[VideoWork]) -> list[Answer] | None:
        """Try the video of a dead actor again, or give it up."""
        if work is None:
            self._stillborn += 1
            if self._stillborn >= self.attempts * self.count:
                raise DeviceError(f"Ray actors die as soon as they start: {error}") from error
            return None
        video = work.items[0].video.name
        self._deaths[video] = self._deaths.get(video, 0) + 1
        log.warning("%s: its actor died (%d of %d attempts)", video, self._deaths[video], self.attempts)
        if self._deaths[video] < self.attempts:
            queue.append(work)
            return None
        message = f"its actor died {self.attempts} times, the last time so: {str(error).splitlines()[0]}"
        return [Answer.failure(item, message) for item in work.items]

    def _hire(self) -> None:
        """A new actor; it gets work once it runs, so that none waits for a machine that is gone."""
        resources = {"num_gpus": 1} if self.gpus else {"num_cpus": min(CPUS_PER_ACTOR, os.cpu_count() or 1)}
        actor = self.ray.remote(**resources)(Worker).remote(self.load)
        self._tasks[actor.ready.remote()] = _Task(actor, None)

    def _send(self, actor: Any, work: VideoWork) -> None:
        # The truth stays here: it is of no use there, and may be large.
        question = replace(work, items=tuple(replace(item, truth=None) for item in work.items))
        self._tasks[actor.answer.remote(question)] = _Task(actor, work)


def _need_room() -> None:
    with storing_in(Path(gettempdir()), "TMPDIR"), TemporaryFile() as file:
        file.write(bytes(_LOG_BYTES))
        file.flush()


def _reach(address: str) -> None:
    """Raises `OSError` if nobody listens there; Ray itself would try for minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _REACH_S).close()


def _import_ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere unasked
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("`--ray` needs Ray: pip install 'refervid[cluster]'") from error
    return ray  # type: ignore[no-any-return]
