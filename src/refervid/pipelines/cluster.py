"""Work done with pipelines by Ray actors, on this machine or on many.

Every actor holds its own engines and one device. It is given the work on one video at a time, so that
nothing piles up anywhere, and sends back what came of it.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from types import ModuleType
from typing import Any, Generic, TypeVar

from refervid.config.differences import differences
from refervid.core.errors import ConfigurationChanged, DeviceError, MissingExtra, StorageFailed
from refervid.core.files import storing_in
from refervid.pipelines.base import Pipeline

log = logging.getLogger(__name__)

CPUS_PER_ACTOR = 2
"""Where there are no GPUs: more threads hardly speed up one video."""
_REACH_S = 10.0
_LOG_BYTES = 2**20
"""What Ray's own processes need at the least for their logs; without it they hang at the start."""

Work = TypeVar("Work")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Lost:
    """Work that nothing came of, as every actor died on it; `reason` in words."""

    reason: str


@dataclass(frozen=True)
class RayCluster:
    """Actors of a Ray cluster; `load` builds the pipeline on every one of them, from files it finds there.

    `address` is that of a cluster, "auto" for the one this machine belongs to, or "local" for this machine
    alone; it does not matter where the caller has joined a cluster already. Without `actors` there is one
    per GPU, or, without GPUs or `use_gpus`, one per `CPUS_PER_ACTOR` CPUs.
    Work whose actor died is tried again on a new one, `attempts` times in all; then it is `Lost`.
    """

    load: Callable[[], Pipeline]
    address: str = "auto"
    actors: int | None = None
    use_gpus: bool = True
    attempts: int = 3

    def outcomes(
        self, do: Callable[[Work, Pipeline], Outcome], works: Sequence[Work], plan: Mapping[str, Any]
    ) -> Iterator[tuple[int, Outcome | Lost]]:
        """The number of each work with what `do` makes of it, in the order in which they are done.

        `plan` is the pipeline's here: other machines must come to the same.
        Raises `MissingExtra` without Ray, `DeviceError` where the cluster cannot be reached or no actor
        starts, `StorageFailed` where a machine has no room for its files, `ConfigurationChanged` where other
        files lie on an actor's machine than here, and what `do` raises.
        """
        ray = import_ray()
        joined = ray.is_initialized()
        if not joined:
            self._join(ray)
        try:
            gpus, count = self._size(ray.cluster_resources())
            crew = _Crew(ray, (self.load, do, plan), gpus, min(count, len(works)), self.attempts)
            yield from crew.outcomes(works)
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


class Worker(Generic[Work, Outcome]):
    """What an actor is: a pipeline that lives as long as it does."""

    def __init__(
        self, load: Callable[[], Pipeline], do: Callable[[Work, Pipeline], Outcome], plan: Mapping[str, Any]
    ) -> None:
        self._load, self._do, self._plan = load, do, plan
        self._pipeline: Pipeline | None = None

    def ready(self) -> int:
        """The id of the process, once it runs."""
        return os.getpid()

    def work(self, work: Work) -> Outcome:
        """Raises `ConfigurationChanged` where other files lie here than where the work comes from, and
        `StorageFailed` where this machine's disk is full.
        """
        try:
            return self._do(work, self._same_pipeline())
        except StorageFailed as error:
            raise StorageFailed(f"on {socket.gethostname()}: {error}") from error

    def _same_pipeline(self) -> Pipeline:
        if self._pipeline is None:
            pipeline = self._load()
            changes = differences(self._plan, pipeline.plan())
            if changes:
                raise ConfigurationChanged(
                    f"{socket.gethostname()} would answer differently ({'; '.join(changes)}): "
                    "give all machines the same files"
                )
            self._pipeline = pipeline
        return self._pipeline


@dataclass(frozen=True)
class _Task:
    """What an actor is doing: starting, or the work of a number."""

    actor: Any
    number: int | None


@dataclass
class _Crew:
    """The actors and what they are doing; there are never more works under way than actors."""

    ray: ModuleType
    worker: tuple[Any, ...]
    """What a `Worker` is made from."""
    gpus: bool
    count: int
    attempts: int
    _tasks: dict[Any, _Task] = field(default_factory=dict)
    _idle: list[Any] = field(default_factory=list)
    _deaths: Counter[int] = field(default_factory=Counter)
    _stillborn: int = 0

    def outcomes(self, works: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        queue = deque(range(len(works)))
        left = len(queue)
        for _ in range(self.count):
            self._hire()
        while left:
            self._share_out(works, queue)
            [done], _ = self.ray.wait(list(self._tasks), num_returns=1)
            task = self._tasks.pop(done)
            outcome = self._outcome(done, task, queue)
            if outcome is not None:
                left -= 1
                self._share_out(works, queue)  # they work on while the caller writes
                yield outcome

    def _outcome(self, done: Any, task: _Task, queue: deque[int]) -> tuple[int, Any] | None:
        """What came of a work, if that is what the task was; a dead actor is replaced."""
        try:
            outcome: Any = self.ray.get(done)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self.ray.exceptions.RayError as error:
            self._hire()
            return self._lost(task.number, error, queue)
        self._idle.append(task.actor)
        return None if task.number is None else (task.number, outcome)

    def _lost(self, number: int | None, error: Exception, queue: deque[int]) -> tuple[int, Lost] | None:
        """Try the work of a dead actor again, or give it up."""
        if number is None:
            self._stillborn += 1
            if self._stillborn >= self.attempts * self.count:
                raise DeviceError(_cause_of_stillbirth(error)) from error
            return None
        self._deaths[number] += 1
        deaths = self._deaths[number]
        log.warning("an actor died on work %d (%d of %d attempts)", number + 1, deaths, self.attempts)
        if deaths < self.attempts:
            queue.append(number)
            return None
        reason = f"its actor died {self.attempts} times, the last time so: {str(error).splitlines()[0]}"
        return number, Lost(reason)

    def _hire(self) -> None:
        """A new actor; it gets work once it runs, so that none waits for a machine that is gone."""
        resources = {"num_gpus": 1} if self.gpus else {"num_cpus": min(CPUS_PER_ACTOR, os.cpu_count() or 1)}
        actor = self.ray.remote(**resources)(Worker).remote(*self.worker)
        self._tasks[actor.ready.remote()] = _Task(actor, None)

    def _share_out(self, works: Sequence[Any], queue: deque[int]) -> None:
        """Work for every actor that has none."""
        while queue and self._idle:
            actor, number = self._idle.pop(), queue.popleft()
            self._tasks[actor.work.remote(works[number])] = _Task(actor, number)


def _cause_of_stillbirth(error: Exception) -> str:
    """One line: Ray itself writes ten, and knows nothing of full disks."""
    machine = re.search(r"^\s*ip: (\S+)$", str(error), re.MULTILINE)
    where = f" on {machine[1]}" if machine else ""
    return (
        f"Ray actors die as soon as they start{where}: look there for a full disk below Ray's own folder "
        "(/tmp/ray, or what --temp-dir or RAY_TMPDIR names), for memory, and into that folder's "
        "session_latest/logs"
    )


def _need_room() -> None:
    folder = os.environ.get("RAY_TMPDIR") or gettempdir()
    with storing_in(Path(folder), "RAY_TMPDIR"), TemporaryFile(dir=folder) as file:
        file.write(bytes(_LOG_BYTES))
        file.flush()


def _reach(address: str) -> None:
    """Raises `OSError` if nobody listens there; Ray itself would try for minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _REACH_S).close()


def import_ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere unasked
    os.environ.setdefault("RAY_worker_niceness", "0")  # by default everybody else's work goes before ours
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("`--ray` needs Ray: pip install 'refervid[cluster]'") from error
    return ray  # type: ignore[no-any-return]
