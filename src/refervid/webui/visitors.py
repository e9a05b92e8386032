"""All visitors of the page, kept apart."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import numpy as np

from refervid.core.errors import SettingsError
from refervid.core.types import Hook, TextReference
from refervid.media.array import ArrayClip
from refervid.pipelines.base import Pipeline
from refervid.pipelines.presets import best_preset, load
from refervid.webui.clip_work import ClipWork
from refervid.webui.desk import Desk
from refervid.webui.job_queue import Job, JobQueue, Work
from refervid.webui.limits import Limits
from refervid.webui.uploads import Uploads

TRIAL = ArrayClip(np.pad(np.full((2, 32, 32, 3), 255, np.uint8), ((0, 0), (16, 16), (16, 16), (0, 0))))
"""A white square on black: to find and to track it takes all networks."""


@dataclass(eq=False)
class Visitor:
    """A desk with the open pages that show it, and the jobs that work for it, if any: what was asked for, the
    film of the answers, and a look at the clip ahead of a question."""

    desk: Desk
    pages: set[str]
    job: Job | None = None
    film: Job | None = None
    ahead: Job | None = None
    seen_s: float = field(default_factory=time.monotonic)

    @property
    def working(self) -> bool:
        return self.job is not None and not self.job.finished

    def check_idle(self) -> None:
        """Raises `SettingsError` while a job is under way."""
        if self.job is not None and not self.job.finished:
            self.job.refusal = "The last request is still being worked on: wait for it, or cancel it"
            raise SettingsError(self.job.refusal)


class Visitors:
    """Visitors by page, with one line of jobs for all of them; everything lies below `folder`.

    A page is one loading of the page in a browser, or one client.
    """

    def __init__(self, folder: Path, limits: Limits, *, device: str, allow_remote: bool) -> None:
        self.limits = limits
        self.jobs = JobQueue(limits.waiting)
        self.uploads = Uploads(folder, limits)
        self.folder = folder
        self._device = device
        self._allow_remote = allow_remote
        self._visitors: dict[str, Visitor] = {}
        self._tokens: dict[str, str] = {}
        self._pipelines: dict[str, Pipeline] = {}
        self._lock = Lock()

    def warm_up(self) -> None:
        """Have the embedded engines ready, all networks read, before anyone waits for them."""
        if best_preset() == "lite":
            trial = [TextReference("the white square")]
            self.jobs.submit(lambda hook: self.pipeline("lite").run(TRIAL, trial, hook))

    def of(self, page: str) -> Visitor:
        """The visitor at this page, new or known."""
        self.sweep()
        with self._lock:
            if page not in self._tokens:
                folder = self.folder / f"visitor-{len(self._visitors)}-{time.monotonic_ns()}"
                desk = Desk(folder, self.limits, self.pipeline)
                self._visitors[desk.token] = Visitor(desk, {page})
                self._tokens[page] = desk.token
            visitor = self._visitors[self._tokens[page]]
            visitor.seen_s = time.monotonic()
            return visitor

    @property
    def all(self) -> list[Visitor]:
        with self._lock:
            return list(self._visitors.values())

    def return_to(self, page: str, token: str) -> Visitor | None:
        """The page was loaded anew and shows the desk that `token` names, unless that is over."""
        with self._lock:
            visitor = self._visitors.get(token)
            if visitor is None or page in self._tokens:
                return None
            visitor.pages.add(page)
            visitor.seen_s = time.monotonic()
            self._tokens[page] = token
            return visitor

    def with_token(self, token: str) -> Desk | None:
        """The desk that an address names."""
        with self._lock:
            visitor = self._visitors.get(token)
            if visitor is None:
                return None
            visitor.seen_s = time.monotonic()
            return visitor.desk

    def start(self, visitor: Visitor, work: Work, first: Work | None = None) -> Job:
        """Put work on the visitor's desk in line; the film of the answers is drawn after it. As
        `JobQueue.submit` has it, something comes `first`.

        Raises `SettingsError` if one is under way already.
        """
        visitor.check_idle()
        if visitor.desk.work is not None:
            visitor.desk.work.glimpse = None
        if visitor.film is not None:
            visitor.film.cancel()
        visitor.job = self.jobs.submit(work, first)
        visitor.job.when_finished(lambda: self.draw_film(visitor))
        return visitor.job

    def draw_film(self, visitor: Visitor) -> None:
        """Have the film drawn if there is none, after everything else in line."""
        work = visitor.desk.work
        with self._lock:
            is_here = visitor.desk.token in self._visitors
        if is_here and work is not None and work.answers is not None and work.film is None:
            # Where the line is full, the film waits for the next change.
            with suppress(SettingsError):
                visitor.film = self.jobs.submit(work.draw_film)

    def turn(self, visitor: Visitor, turn: Callable[[Desk], None]) -> None:
        """Turn to another clip: what goes on beside comes to rest first. Raises `SettingsError`."""
        visitor.check_idle()
        for job in (visitor.film, visitor.ahead):
            if job is not None:
                job.cancel()
                job.wait()
        turn(visitor.desk)
        self.draw_film(visitor)

    def look_ahead(self, visitor: Visitor, work: ClipWork) -> None:
        """Use the time until the first question about a new clip, if the embedded engines will answer it."""
        if best_preset() == "lite":
            # Where the line is full, the first question takes longer.
            with suppress(SettingsError):
                visitor.ahead = self.jobs.submit(work.look_ahead)

    def stop_looking_ahead(self, visitor: Visitor) -> None:
        """Another clip is coming."""
        if visitor.ahead is not None:
            visitor.ahead.cancel()

    def waiting(self, visitor: Visitor) -> int:
        """How many jobs of others come before the visitor's."""
        if visitor.job is None:
            return 0
        own = sum(job is not None and not job.finished for job in (visitor.ahead, visitor.film))
        return max(self.jobs.ahead_of(visitor.job) - own, 0)

    def leave(self, page: str) -> None:
        """The page was closed. It may be on its way back: the desk waits `return_s` for it."""
        with self._lock:
            visitor = self._visitors.get(self._tokens.pop(page, ""))
            if visitor is not None:
                visitor.pages.discard(page)
                visitor.seen_s = time.monotonic()

    def sweep(self, now_s: float | None = None) -> None:
        """End visitors who left, or went without a word, and delete uploads that nobody opens.

        `now_s` is a time of the monotonic clock.
        """
        now_s = time.monotonic() if now_s is None else now_s
        with self._lock:
            gone = [visitor for visitor in self._visitors.values() if self._is_gone(visitor, now_s)]
            for visitor in gone:
                self._forget(visitor)
        for visitor in gone:
            _end(visitor)
        self.uploads.sweep(now_s)

    def close(self) -> None:
        """Nobody is served any more."""
        self.jobs.close()
        with self._lock:
            visitors = list(self._visitors.values())
            for visitor in visitors:
                self._forget(visitor)
        for visitor in visitors:
            _end(visitor)

    def pipeline(self, preset: str) -> Pipeline:
        """A preset's pipeline, built once. Only the jobs call this, so that none is built twice."""
        name = best_preset() if preset == "auto" else preset
        if name not in self._pipelines:
            self._pipelines[name] = load(
                name, device=self._device, allow_remote=self._allow_remote, remember=False
            )
        return self._pipelines[name]

    def hear(self, recording: Path, hook: Hook) -> str:
        """What is spoken; presets that hear all do it alike. Raises as `Pipeline.transcribe`."""
        hook("listen", None, 0, 1)
        return self.pipeline("lite").transcribe(recording)

    def _is_gone(self, visitor: Visitor, now_s: float) -> bool:
        silent_s = now_s - visitor.seen_s
        if not visitor.pages:
            return silent_s > self.limits.return_s
        return not visitor.working and silent_s > self.limits.idle_s

    def _forget(self, visitor: Visitor) -> None:
        del self._visitors[visitor.desk.token]
        for page in visitor.pages:
            self._tokens.pop(page, None)


def _end(visitor: Visitor) -> None:
    """Stop the work, and delete the files when it rests."""
    jobs = [job for job in (visitor.ahead, visitor.job, visitor.film) if job is not None]
    for job in jobs:
        job.cancel()

    def close_at_rest() -> None:
        if all(job.finished for job in jobs):
            visitor.desk.close()

    for job in jobs:
        job.when_finished(close_at_rest)
    close_at_rest()
