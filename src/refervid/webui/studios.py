"""All visitors of the page, kept apart."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from refervid.core.errors import SettingsError
from refervid.pipelines.base import Pipeline
from refervid.pipelines.presets import best_preset, load
from refervid.webui.limits import Limits
from refervid.webui.studio import Studio
from refervid.webui.workshop import Job, Work, Workshop


@dataclass
class Visitor:
    """A studio with the job that works for it, if any, and one that looks at the clip ahead of a question."""

    studio: Studio
    job: Job | None = None
    ahead: Job | None = None
    seen_s: float = field(default_factory=time.monotonic)


class Studios:
    """Studios by session, with one workshop for all of them; everything lies below `folder`."""

    def __init__(self, folder: Path, limits: Limits, *, device: str, allow_remote: bool) -> None:
        self.limits = limits
        self.workshop = Workshop(limits.waiting)
        self._folder = folder
        self._device = device
        self._allow_remote = allow_remote
        self._visitors: dict[str, Visitor] = {}
        self._pipelines: dict[str, Pipeline] = {}
        self._lock = Lock()

    def of(self, session: str) -> Visitor:
        """The visitor with this session, new or known."""
        with self._lock:
            self._sweep()
            if session not in self._visitors:
                folder = self._folder / f"studio-{len(self._visitors)}-{time.monotonic_ns()}"
                self._visitors[session] = Visitor(Studio(folder, self.limits, self.pipeline))
            visitor = self._visitors[session]
            visitor.seen_s = time.monotonic()
            return visitor

    def with_token(self, token: str) -> Studio | None:
        """The studio that an address names."""
        with self._lock:
            visitor = next((one for one in self._visitors.values() if one.studio.token == token), None)
            if visitor is None:
                return None
            visitor.seen_s = time.monotonic()
            return visitor.studio

    def start(self, visitor: Visitor, work: Work) -> Job:
        """Put work on the visitor's studio in line. Raises `SettingsError` if one is under way already."""
        if visitor.job is not None and not visitor.job.finished:
            raise SettingsError("The last request is still being worked on: wait for it, or cancel it")
        visitor.job = self.workshop.submit(work)
        return visitor.job

    def look_ahead(self, visitor: Visitor) -> None:
        """Use the time until the first question about a new clip, if the embedded engines will answer it."""
        if best_preset() == "lite":
            # Where the line is full, the first question takes longer.
            with suppress(SettingsError):
                visitor.ahead = self.workshop.submit(visitor.studio.look_ahead)

    def stop_looking_ahead(self, visitor: Visitor) -> None:
        """Another clip is coming."""
        if visitor.ahead is not None:
            visitor.ahead.cancel()

    def waiting(self, visitor: Visitor) -> int:
        """How many jobs of others come before the visitor's."""
        if visitor.job is None:
            return 0
        own = visitor.ahead is not None and not visitor.ahead.finished
        return max(self.workshop.ahead_of(visitor.job) - own, 0)

    def leave(self, session: str) -> None:
        """The visitor has gone: stop the work and delete the files."""
        with self._lock:
            visitor = self._visitors.pop(session, None)
        if visitor is not None:
            self._end(visitor)

    def close(self) -> None:
        """Nobody is served any more."""
        self.workshop.close()
        for session in list(self._visitors):
            self.leave(session)

    def pipeline(self, preset: str) -> Pipeline:
        """A preset's pipeline, built once. Only the workshop calls this, so that none is built twice."""
        if preset not in self._pipelines:
            self._pipelines[preset] = load(preset, device=self._device, allow_remote=self._allow_remote)
        return self._pipelines[preset]

    def _sweep(self) -> None:
        """End visitors who went without a word."""
        now = time.monotonic()
        for session, visitor in list(self._visitors.items()):
            working = visitor.job is not None and not visitor.job.finished
            if not working and now - visitor.seen_s > self.limits.idle_s:
                self._end(self._visitors.pop(session))

    def _end(self, visitor: Visitor) -> None:
        jobs = [job for job in (visitor.ahead, visitor.job) if job is not None]
        for job in jobs:
            job.cancel()

        def close_at_rest() -> None:
            if all(job.finished for job in jobs):
                visitor.studio.close()

        for job in jobs:
            job.when_finished(close_at_rest)
        close_at_rest()
