"""The same operations for programs: named endpoints of the page's HTTP interface."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from refervid.core.errors import RefervidError, SettingsError
from refervid.core.types import Hook
from refervid.pipelines.presets import PRESETS, lacks_of
from refervid.report.record import result_content
from refervid.webui.clip_work import ClipWork
from refervid.webui.desk import Desk
from refervid.webui.job_queue import Work
from refervid.webui.marks import CandidateChoice, Mark, Subject, read
from refervid.webui.pictures import file_address
from refervid.webui.visitors import Visitor, Visitors
from refervid.webui.words import about_preset, lack_words, plain_words

TICK_S = 0.1

ENDPOINTS = (
    "presets", "open_clip", "open_demo", "clips", "choose_clip", "close_clip", "hear", "ask", "mark",
    "take_candidate", "delete", "rename", "go_on", "undo", "redo", "overlay", "export", "recipe", "cancel",
)  # fmt: skip


class Api:
    """The methods in `ENDPOINTS` are endpoints under their own names; a client is a visitor of its own.

    What fails is raised as `gr.Error` with words for a person.
    """

    def __init__(self, visitors: Visitors) -> None:
        self._visitors = visitors

    def connect(self) -> None:
        """Offer the endpoints on the page that is being built."""
        for name in ENDPOINTS:
            gr.api(getattr(self, name), api_name=name, concurrency_limit=None)

    def presets(self) -> dict[str, Any]:
        """What can run here: for every preset what it is, and what it lacks (nothing: it runs)."""
        return {
            name: {
                "about": about_preset(name),
                "missing": [lack_words(lack) for lack in lacks_of(name).messages],
            }
            for name in PRESETS
        }

    async def open_clip(self, file: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put an uploaded video beside the other clips: its number, name, frames, size, times and notes."""
        visitor = self._visitor(request)
        with self._taken(visitor, file) as (path, name):
            return _clip_facts(await self._done(visitor, lambda _: visitor.desk.open(path, name)))

    async def hear(self, file: dict[str, Any], request: gr.Request) -> str:
        """What is spoken in an uploaded recording, to be read, corrected and asked."""
        visitor = self._visitor(request)
        with self._taken(visitor, file) as (path, _):
            return str(await self._done(visitor, lambda hook: self._visitors.hear(path, hook)))

    async def open_demo(self, request: gr.Request) -> dict[str, Any]:
        """Put the demo's clip beside the others."""
        visitor = self._visitor(request)
        return _clip_facts(await self._done(visitor, visitor.desk.open_demo))

    def clips(self, request: gr.Request) -> dict[str, Any]:
        """What is open, and the number of the clip that everything else is about."""
        desk = self._visitor(request).desk
        chosen = desk.work and desk.work.number
        return {"clips": [_clip_facts(work) for work in desk.works.values()], "chosen": chosen}

    def choose_clip(self, number: int, request: gr.Request) -> dict[str, Any]:
        """Turn to another clip."""
        return self._turned(request, lambda desk: desk.choose(number))

    def close_clip(self, number: int, request: gr.Request) -> dict[str, Any]:
        """Forget a clip, and what was done on it."""
        return self._turned(request, lambda desk: desk.close_clip(number))

    async def ask(
        self,
        texts: list[str],
        request: gr.Request,
        sound: bool = False,
        preset: str = "auto",
    ) -> dict[str, Any]:
        """Find what the sentences say, and what makes the sound, beside the answers that there are; all of
        them come as in result.json."""
        words, [name] = _strings("texts", texts), _strings("preset", [preset])
        return await self._answers(request, lambda work, hook: work.ask(words, bool(sound), name, hook))

    async def mark(self, mark: dict[str, Any], request: gr.Request, preset: str = "auto") -> dict[str, Any]:
        """Track one answer anew: `{"query": 0, "frame": 12, "points": [[x, y]], "labels": [true]}`, or in
        place of points `"box": [x0, y0, x1, y1]`, or `"mask": [...]`, COCO's uncompressed run lengths;
        `"afresh": true` forgets the former pivots. Without a `"query"` it is something new, and stands beside
        the answers that there are."""
        [name] = _strings("preset", [preset])
        return await self._answers(request, lambda work, hook: work.mark(read(Mark, mark), name, hook))

    async def take_candidate(
        self, query: int, decision: int, candidate: int, request: gr.Request, preset: str = "auto"
    ) -> dict[str, Any]:
        """Take another candidate (from 1) of a decision (from 0) as the start of an answer (from 0)."""
        [name] = _strings("preset", [preset])

        def take(work: ClipWork, hook: Hook) -> None:
            choice = read(CandidateChoice, {"query": query, "decision": decision, "candidate": candidate})
            work.take_candidate(choice.query, choice.decision, choice.candidate, name, hook)

        return await self._answers(request, take)

    async def delete(self, query: int, request: gr.Request) -> dict[str, Any]:
        """An answer (from 0) goes."""
        return await self._answers(
            request, lambda work, _: work.delete(read(Subject, {"query": query}).query)
        )

    async def rename(self, query: int, name: str, request: gr.Request) -> dict[str, Any]:
        """Call what was pointed at (an answer, from 0) by another name."""

        def call(work: ClipWork, _: Hook) -> None:
            given = read(Subject, {"query": query, "name": name})
            work.rename(given.query, given.name)

        return await self._answers(request, call)

    async def go_on(self, request: gr.Request, preset: str = "auto") -> dict[str, Any]:
        """Do the frames that are left of work that was cancelled."""
        [name] = _strings("preset", [preset])
        return await self._answers(request, lambda work, hook: work.go_on(name, hook))

    async def undo(self, request: gr.Request) -> dict[str, Any]:
        """Take the last edit back."""
        return await self._answers(request, lambda work, _: work.undo())

    async def redo(self, request: gr.Request) -> dict[str, Any]:
        """Make the edit again that was taken back last."""
        return await self._answers(request, lambda work, _: work.redo())

    async def overlay(self, request: gr.Request) -> str:
        """Address of the overlay, the clip with the answers drawn on it, below the page's own address."""
        visitor = self._visitor(request)

        def draw(hook: Hook) -> str:
            work = visitor.desk.present_work()
            work.present_answers()
            work.draw_film(hook)
            return "" if work.film is None else file_address(visitor.desk, work, work.film)

        return str(await self._done(visitor, draw))

    async def export(self, request: gr.Request, formats: list[str] | None = None) -> str:
        """Pack everything, and `formats` besides, into a zip; gives its address below the page's own."""
        visitor, wanted = self._visitor(request), _strings("formats", formats or [])

        def pack(hook: Hook) -> str:
            work = visitor.desk.present_work()
            return file_address(visitor.desk, work, work.export(wanted, hook))

        return str(await self._done(visitor, pack))

    def recipe(self, request: gr.Request, formats: list[str] | None = None) -> dict[str, str]:
        """The command line and the Python that do the same."""
        wanted = _strings("formats", formats or [])
        try:
            work = self._visitor(request).desk.present_work()
            return {"shell": work.shell(wanted), "python": work.python(wanted)}
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
        return self._visitors.of(str(request.session_hash))

    @contextmanager
    def _taken(self, visitor: Visitor, file: object) -> Iterator[tuple[Path, str]]:
        """The file that was uploaded, with the name that it had."""
        described = file if isinstance(file, dict) else {}
        try:
            with self._visitors.uploads.taken(described.get("path"), visitor.desk.folder) as path:
                yield path, str(described.get("orig_name") or path.name)
        except RefervidError as error:
            raise _told(error) from error

    def _turned(self, request: gr.Request, turn: Callable[[Desk], None]) -> dict[str, Any]:
        try:
            self._visitors.turn(self._visitor(request), turn)
        except RefervidError as error:
            raise _told(error) from error
        return self.clips(request)

    async def _answers(self, request: gr.Request, edit: Callable[[ClipWork, Hook], None]) -> dict[str, Any]:
        visitor = self._visitor(request)

        def work(hook: Hook) -> dict[str, Any]:
            on = visitor.desk.present_work()
            edit(on, hook)
            return dict(result_content(on.answers.results)) if on.answers else {"queries": []}

        return dict(await self._done(visitor, work))

    async def _done(self, visitor: Visitor, work: Work) -> Any:
        try:
            job = self._visitors.start(visitor, work)
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


def _clip_facts(work: ClipWork) -> dict[str, Any]:
    clip = work.clip
    return {
        "number": work.number,
        "name": clip.name,
        "frames": len(clip),
        "width": clip.width,
        "height": clip.height,
        "times_s": [round(float(time), 6) for time in clip.times_s],
        "has_audio": clip.has_audio,
        "notes": list(clip.notes),
    }
