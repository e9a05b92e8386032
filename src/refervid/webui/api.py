"""The same operations for programs: named endpoints of the page's HTTP interface."""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr

from refervid.core.errors import RefervidError, SettingsError
from refervid.core.types import Hook
from refervid.media.clip import Clip
from refervid.pipelines.presets import PRESETS, lacks_of
from refervid.report.record import result_content
from refervid.webui.job_queue import Work
from refervid.webui.marks import read_choice, read_mark
from refervid.webui.pictures import file_address
from refervid.webui.sessions import Sessions, Visitor
from refervid.webui.words import plain_words

TICK_S = 0.1


class Api:
    """Every method is an endpoint under its own name; a client has a session of its own.

    What fails is raised as `gr.Error` with words for a person.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def connect(self) -> None:
        """Offer the endpoints on the page that is being built."""
        for endpoint in (
            self.presets,
            self.open_clip,
            self.open_demo,
            self.ask,
            self.correct,
            self.point,
            self.take_candidate,
            self.undo,
            self.overlay,
            self.export,
            self.recipe,
            self.cancel,
        ):
            gr.api(endpoint, api_name=endpoint.__name__, concurrency_limit=None)

    def presets(self) -> dict[str, Any]:
        """What can run here: for every preset what it is, and what it lacks (nothing: it runs)."""
        return {
            name: {
                "about": one.about,
                "missing": [plain_words(RefervidError(x)) for x in lacks_of(name).messages],
            }
            for name, one in PRESETS.items()
        }

    async def open_clip(self, file: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Take an uploaded video as the clip; gives its name, frames, size, times and notes."""
        visitor = self._visitor(request)
        session = visitor.session
        upload, given = (file.get("path"), file.get("orig_name")) if isinstance(file, dict) else (None, None)
        try:
            with self._sessions.uploads.taken(upload, session.folder) as path:
                name = str(given or path.name)
                return _clip_facts(await self._done(visitor, lambda _: session.open(path, name)))
        except RefervidError as error:
            raise _told(error) from error

    async def open_demo(self, request: gr.Request) -> dict[str, Any]:
        """Take the demo's clip."""
        visitor = self._visitor(request)
        clip: Clip = await self._done(visitor, visitor.session.open_demo)
        return _clip_facts(clip)

    async def ask(
        self,
        texts: list[str],
        request: gr.Request,
        sound: bool = False,
        preset: str = "auto",
    ) -> dict[str, Any]:
        """Find what the sentences say, and what makes the sound; the answers are as in result.json."""
        visitor = self._visitor(request)
        ask, words, [name] = visitor.session.ask, _strings("texts", texts), _strings("preset", [preset])
        return await self._answers(visitor, lambda hook: ask(words, bool(sound), name, hook))

    async def correct(self, mark: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Track one answer anew: `{"query": 0, "frame": 12, "points": [[x, y]], "labels": [true]}`, or with
        `"box": [x0, y0, x1, y1]` in place of points; `"afresh": true` forgets the former pivots."""
        visitor = self._visitor(request)

        def work(hook: Hook) -> None:
            given = read_mark(mark)
            visitor.session.correct(given.query, given.pivot(), afresh=given.afresh, hook=hook)

        return await self._answers(visitor, work)

    async def take_candidate(
        self, query: int, decision: int, candidate: int, request: gr.Request
    ) -> dict[str, Any]:
        """Take another candidate (from 1) of a decision (from 0) as the start of an answer (from 0)."""
        visitor = self._visitor(request)

        def work(hook: Hook) -> None:
            choice = read_choice({"query": query, "decision": decision, "candidate": candidate})
            visitor.session.take_candidate(choice.query, choice.decision, choice.candidate, hook)

        return await self._answers(visitor, work)

    async def point(self, mark: dict[str, Any], request: gr.Request, preset: str = "auto") -> dict[str, Any]:
        """Track what a mark shows, without a sentence, beside the answers that there are; a mark is as for
        `correct`, and which `query` it names plays no part."""
        visitor, [name] = self._visitor(request), _strings("preset", [preset])

        def work(hook: Hook) -> None:
            visitor.session.point(read_mark(mark).pivot(), name, hook)

        return await self._answers(visitor, work)

    async def undo(self, request: gr.Request) -> dict[str, Any]:
        """Take the last correction back."""
        visitor = self._visitor(request)
        return await self._answers(visitor, visitor.session.undo)

    def overlay(self, request: gr.Request) -> str:
        """Address of the film with the answers drawn on it, below the page's own address."""
        session = self._visitor(request).session
        try:
            session.present_answers()
        except RefervidError as error:
            raise _told(error) from error
        return file_address(session, session.overlay) if session.overlay else ""

    async def export(self, request: gr.Request, formats: list[str] | None = None) -> str:
        """Pack everything, and `formats` besides, into a zip; gives its address below the page's own."""
        visitor = self._visitor(request)
        wanted = _strings("formats", formats or [])
        path = await self._done(visitor, lambda hook: visitor.session.export(wanted, hook))
        return file_address(visitor.session, path)

    def recipe(self, request: gr.Request, formats: list[str] | None = None) -> dict[str, str]:
        """The command line and the Python that do the same."""
        session, wanted = self._visitor(request).session, _strings("formats", formats or [])
        try:
            return {"shell": session.shell(wanted), "python": session.python(wanted)}
        except RefervidError as error:
            raise _told(error) from error

    def cancel(self, request: gr.Request) -> bool:
        """Stop what is under way for this client; false if nothing is."""
        job = self._visitor(request).job
        if job is None or job.finished:
            return False
        job.cancel()
        return True

    def _visitor(self, request: gr.Request) -> Visitor:
        return self._sessions.of(str(request.session_hash))

    async def _answers(self, visitor: Visitor, work: Work) -> dict[str, Any]:
        await self._done(visitor, work)
        return dict(result_content(visitor.session.present_answers().results))

    async def _done(self, visitor: Visitor, work: Work) -> Any:
        try:
            job = self._sessions.start(visitor, work)
        except RefervidError as error:
            raise _told(error) from error
        while not job.finished:
            await asyncio.sleep(TICK_S)
        if job.error is not None:
            raise _told(job.error) from job.error
        if job.state == "cancelled":
            raise gr.Error("Cancelled.", print_exception=False)
        return job.value


def _strings(name: str, given: object) -> list[str]:
    """What comes from outside may be anything."""
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise _told(SettingsError(f"{name}: give text, as a string or a list of strings"))
    return given


def _told(error: Exception) -> gr.Error:
    return gr.Error(plain_words(error), print_exception=False)


def _clip_facts(clip: Clip) -> dict[str, Any]:
    return {
        "name": clip.name,
        "frames": len(clip),
        "width": clip.width,
        "height": clip.height,
        "times_s": [round(float(time), 6) for time in clip.times_s],
        "has_audio": clip.has_audio,
        "notes": list(clip.notes),
    }
