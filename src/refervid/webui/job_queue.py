"""One worker for all visitors: jobs wait in line, tell how far they are, and can be cancelled."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import Any, Literal

from refervid.core.errors import RefervidError, SettingsError
from refervid.core.types import Hook

log = logging.getLogger(__name__)

Work = Callable[[Hook], Any]
State = Literal["waiting", "running", "done", "failed", "cancelled"]


class Cancelled(Exception):
    """Raised inside a job that nobody wants any more."""


class Job:
    """`stages` maps each stage begun to (completed, total), in order.

    In the end `value` is what the work returned, or `error` is why it failed. `refusal` is what was said to
    whoever asked for more meanwhile.
    """

    def __init__(self, work: Work, first: Work | None, between: Callable[[], None]) -> None:
        self.state: State = "waiting"
        self.stages: dict[str, tuple[int, int]] = {}
        self.value: Any = None
        self.error: Exception | None = None
        self.refusal = ""
        self._work, self._first, self._between = work, first, between
        self._beginning = Lock()
        self._unwanted = Event()
        self._future: Future[None] = Future()

    @property
    def finished(self) -> bool:
        return self._future.done()

    def cancel(self) -> None:
        """Stop at the next report of progress; a waiting job has finished at once."""
        self._unwanted.set()
        if self._leave_the_line("cancelled"):
            self._future.set_result(None)

    def wait(self, timeout_s: float | None = None) -> bool:
        """True once the job has finished, however it did."""
        return bool(wait([self._future], timeout_s).done)

    def when_finished(self, call: Callable[[], None]) -> None:
        """`call` at the end, or at once if that is past."""
        self._future.add_done_callback(lambda _: call())

    def run_first(self) -> None:
        """What is done ahead of the work, unless that was before; it may fail, the work will say why."""
        first, self._first = self._first, None
        if first is None or self._unwanted.is_set():
            return
        try:
            first(self._stop_if_unwanted)
        except (Cancelled, RefervidError):
            pass
        except Exception:
            log.exception("what is done ahead of a job of the page failed")

    def run(self) -> None:
        if not self._leave_the_line("running"):
            return
        try:
            self.value = self._work(self._hook)
            self.state = "done"
        except Cancelled:
            self.state = "cancelled"
        except Exception as error:
            if not isinstance(error, RefervidError):
                log.exception("a job of the page failed")
            self.error = error
            self.state = "failed"
        self._future.set_result(None)

    def _leave_the_line(self, state: State) -> bool:
        """False if the job has left it already."""
        with self._beginning:
            waiting = self.state == "waiting"
            if waiting:
                self.state = state
        return waiting

    def _hook(self, stage: str, artefact: object, completed: int, total: int) -> None:
        self._stop_if_unwanted()
        self.stages[stage] = completed, total
        self._between()

    def _stop_if_unwanted(self, *_: object) -> None:
        if self._unwanted.is_set():
            raise Cancelled


class JobQueue:
    """Runs jobs one after the other, in the order in which they came."""

    def __init__(self, most_waiting: int) -> None:
        self._most_waiting = most_waiting
        self._line: list[Job] = []
        self._closed = False
        self._lock = Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="refervid-jobs")

    def submit(self, work: Work, first: Work | None = None) -> Job:
        """A moment's work that comes `first`, since somebody waits for it, does not wait in line: whatever is
        under way rests for it at its next report of progress.

        Raises `SettingsError` if the line is too long, or closed.
        """
        job = Job(work, first, self._between)
        with self._lock:
            if self._closed:
                raise SettingsError("the page is being closed")
            self._line = [one for one in self._line if not one.finished]
            if len(self._line) > self._most_waiting:
                raise SettingsError(f"{len(self._line)} jobs are waiting already: try again in a while")
            self._line.append(job)
            self._worker.submit(job.run)
        return job

    def _between(self) -> None:
        with self._lock:
            line = list(self._line)
        for job in line:
            job.run_first()

    def ahead_of(self, job: Job) -> int:
        """How many unfinished jobs come before it."""
        with self._lock:
            before = self._line[: self._line.index(job)] if job in self._line else []
            return sum(not one.finished for one in before)

    def close(self) -> None:
        """Cancel everything and wait for the worker."""
        with self._lock:
            self._closed = True
        for job in self._line:  # whoever waits for one may ask for another
            job.cancel()
        self._worker.shutdown(wait=True)
