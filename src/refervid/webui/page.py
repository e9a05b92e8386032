"""The page: what its buttons do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr

from refervid.core.errors import RefervidError, SettingsError
from refervid.core.types import Hook, SoundReference, TextReference
from refervid.webui import html
from refervid.webui.clip_work import ClipWork
from refervid.webui.desk import Desk
from refervid.webui.job_queue import Job, Work
from refervid.webui.layout import Layout
from refervid.webui.marks import CandidateChoice, Mark, Subject, read
from refervid.webui.pictures import file_address
from refervid.webui.viewing import viewer_state
from refervid.webui.visitors import Visitor, Visitors

TICK_S = 0.15
"""How often a waiting page looks how far its job is."""

DEMO_SENTENCE = "the red striped ball"

Updates = dict[Any, Any]
UNCHANGED: Updates = gr.skip()


class Page(Layout):
    """Handlers give back updates by component. What takes long goes through the jobs."""

    def __init__(self, visitors: Visitors) -> None:
        super().__init__(visitors.limits)
        self._visitors = visitors
        self._explained: WeakKeyDictionary[ClipWork, html.Explained] = WeakKeyDictionary()
        with self.blocks:
            self._connect()

    def _connect(self) -> None:
        shown = [
            self.clips, self.sentences, self.sound, self.preset, self.status, self.go, self.cancel, self.demo,
            self.summary, self.player, self.viewer, self.reasons, self.pack, self.package, self.shell,
            self.python,
        ]  # fmt: skip
        options: dict[str, Any] = {
            "outputs": shown,
            "show_progress": "hidden",
            "api_visibility": "private",
            "concurrency_limit": None,
        }
        # Gradio's stream of events closes when a queued handler ends, and a question that is put at that
        # very moment is never answered; handlers that take no time answer on their own request.
        at_once = {**options, "queue": False}
        question = [self.sentences, self.sound, self.preset]
        self.uploader.uploaded(self._uploaded, None, **options)
        self.uploader.refused(self._refused, None, **at_once)
        self.speech.spoken(self._spoken, [self.sentences], **options)
        self.speech.refused(self._refused, None, **at_once)
        self.clips.chosen(self._choose, None, **at_once)
        self.clips.closed(self._close, None, **at_once)
        self.demo.click(self._take_demo, [self.sentences], **options)
        self.go.click(self._ask, question, **options)
        self.sentences.submit(self._ask, question, **options)
        self.cancel.click(self._cancel, None, **at_once)
        self.viewer.edit(self._edit, [self.preset], **options)
        self.viewer.film(self._film, None, trigger_mode="multiple", **at_once)
        self.reasons.candidate(self._candidate, [self.preset], **options)
        self.pack.click(self._pack, [self.formats], **options)
        self.formats.change(self._recipe, [self.formats], **at_once)
        self.viewer.resume(self._resume, None, **options)
        self.blocks.load(self._arrive, [self.former], js=html.page_file("former.js"), **at_once)
        self.blocks.unload(self._leave)

    def _visitor(self, request: gr.Request) -> Visitor:
        return self._visitors.of(str(request.session_hash))

    def _arrive(self, former: str | None, request: gr.Request) -> Updates:
        """The page was loaded. In a tab that has a desk already, all is there again."""
        visitor = self._visitors.return_to(str(request.session_hash), str(former))
        if visitor is None or visitor.desk.work is None:
            return UNCHANGED
        return self._all_shown(visitor) | self._asked(visitor.desk.work)

    async def _resume(self, request: gr.Request) -> AsyncIterator[Updates]:
        """Where there was a job under way, the page goes on with it."""
        visitor = self._visitor(request)
        if visitor.job is not None:
            async for updates in self._follow(visitor, visitor.job):
                yield updates

    async def _uploaded(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)
        desk, name = visitor.desk, str(event.name)

        def opened(path: Path) -> AsyncIterator[Updates]:
            return self._open(visitor, lambda _: desk.open(path, name))

        async for updates in self._taken(visitor, event, opened):
            yield updates

    async def _spoken(
        self, event: gr.EventData, sentences: str, request: gr.Request
    ) -> AsyncIterator[Updates]:
        """What was said is written below what was typed, to be read and corrected."""
        visitor = self._visitor(request)

        def show(heard: str) -> Updates:
            lines = [*filter(str.strip, sentences.splitlines()), heard]
            said = html.said_card("That is what was heard: correct it, or find it.")
            return {self.sentences: "\n".join(lines), self.status: said}

        def heard(path: Path) -> AsyncIterator[Updates]:
            recording = path.rename(path.with_name("your recording"))
            return self._work(visitor, lambda hook: self._visitors.hear(recording, hook), show)

        async for updates in self._taken(visitor, event, heard):
            yield updates

    async def _taken(
        self, visitor: Visitor, event: gr.EventData, use: Callable[[Path], AsyncIterator[Updates]]
    ) -> AsyncIterator[Updates]:
        """Use the file that was uploaded."""
        try:
            with self._visitors.uploads.taken(event.upload, visitor.desk.folder) as path:
                async for updates in use(path):
                    yield updates
        except RefervidError as error:
            yield {self.status: html.error_card(error)}

    def _refused(self, event: gr.EventData) -> Updates:
        most = self._visitors.limits.upload_mb
        words = event.words or "The upload did not go through: try it again"
        if event.bytes:
            words = f"The file has {event.bytes / 1e6:.0f} MB, and {most:g} MB are allowed: save it smaller"
        return {self.status: html.error_card(words)}

    async def _take_demo(self, sentences: str, request: gr.Request) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)
        if not sentences.strip():  # now: what is typed while the clip comes stays
            yield {self.sentences: DEMO_SENTENCE}
        async for updates in self._open(visitor, visitor.desk.open_demo):
            yield updates

    def _choose(self, event: gr.EventData, request: gr.Request) -> Updates:
        return self._turn(request, lambda desk: desk.choose(event.clip))

    def _close(self, event: gr.EventData, request: gr.Request) -> Updates:
        return self._turn(request, lambda desk: desk.close_clip(event.clip))

    async def _ask(
        self, sentences: str, sound: bool, preset: str, request: gr.Request
    ) -> AsyncIterator[Updates]:
        visitor, texts = self._visitor(request), sentences.splitlines()

        def work(on: ClipWork, hook: Hook) -> None:
            on.ask(texts, sound, preset, hook)

        def first_look(hook: Hook) -> None:
            visitor.desk.present_work().first_look(texts, preset, hook)

        async for updates in self._answer(visitor, work, first_look):
            yield updates

    async def _edit(self, event: gr.EventData, preset: str, request: gr.Request) -> AsyncIterator[Updates]:
        """What the viewer's buttons and keys do; its `deed` names it."""

        def work(on: ClipWork, hook: Hook) -> None:
            match event.deed:
                case "mark":
                    on.mark(read(Mark, event.mark), preset, hook)
                case "delete":
                    on.delete(read(Subject, event.subject).query)
                case "rename":
                    subject = read(Subject, event.subject)
                    on.rename(subject.query, subject.name)
                case "go_on":
                    on.go_on(preset, hook)
                case "undo":
                    on.undo()
                case "redo":
                    on.redo()
                case deed:
                    raise SettingsError(f"{deed!r:.40} is nothing that the page can do")

        async for updates in self._answer(self._visitor(request), work):
            yield updates

    async def _candidate(
        self, event: gr.EventData, preset: str, request: gr.Request
    ) -> AsyncIterator[Updates]:
        def work(on: ClipWork, hook: Hook) -> None:
            choice = read(CandidateChoice, event.choice)
            on.take_candidate(choice.query, choice.decision, choice.candidate, preset, hook)

        async for updates in self._answer(self._visitor(request), work):
            yield updates

    async def _film(self, request: gr.Request) -> Updates:
        """The film, once it is drawn; nothing if another change comes before."""
        visitor = self._visitor(request)
        job = visitor.film
        while job is not None and not job.finished:
            await asyncio.sleep(TICK_S)
        if job is None or job is not visitor.film or visitor.working:
            return UNCHANGED
        failed = {} if job.error is None else {self.status: html.error_card(job.error)}
        return {self.player: html.player(visitor.desk, busy=False), **failed}

    async def _pack(self, formats: list[str], request: gr.Request) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)
        desk = visitor.desk

        def export(hook: Hook) -> tuple[ClipWork, Path]:
            work = desk.present_work()
            return work, work.export(formats, hook)

        def show(packed: tuple[ClipWork, Path]) -> Updates:
            return {self.package: html.download(file_address(desk, *packed), packed[1])}

        async for updates in self._work(visitor, export, show):
            yield updates

    def _recipe(self, formats: list[str], request: gr.Request) -> Updates:
        work = self._visitor(request).desk.work
        if work is None or work.answers is None:
            return UNCHANGED
        return {self.shell: work.shell(formats), self.python: work.python(formats)}

    def _cancel(self, request: gr.Request) -> Updates:
        visitor = self._visitor(request)
        if visitor.job is not None:
            visitor.job.cancel()
        return {self.cancel: gr.update(interactive=False)}

    def _leave(self, request: gr.Request) -> None:
        self._visitors.leave(str(request.session_hash))

    def _turn(self, request: gr.Request, turn: Callable[[Desk], None]) -> Updates:
        """Look at another clip, unless one is being worked on."""
        visitor = self._visitor(request)
        try:
            self._visitors.turn(visitor, turn)
        except RefervidError as error:
            return self._refusal(visitor, error)
        return self._all_shown(visitor) | {self.status: ""}

    async def _open(self, visitor: Visitor, work: Work) -> AsyncIterator[Updates]:
        """Do work that ends with another clip, and show it."""

        def show(work: ClipWork) -> Updates:
            self._visitors.look_ahead(visitor, work)
            return {**self._all_shown(visitor), self.status: ""}

        self._visitors.stop_looking_ahead(visitor)
        async for updates in self._work(visitor, work, show):
            yield updates

    async def _answer(
        self, visitor: Visitor, work: Callable[[ClipWork, Hook], None], first: Work | None = None
    ) -> AsyncIterator[Updates]:
        """Do work that ends with other answers, and show them; what was stopped may have given some too. See
        `Visitors.start` for what comes first."""

        def work_and_explain(hook: Hook) -> None:
            on = visitor.desk.present_work()
            before = on.answers
            try:
                work(on, hook)
            finally:
                if on.answers is not None and on.answers is not before:
                    self._explained[on] = html.explain(on.answers.results)

        async for updates in self._work(visitor, work_and_explain, first=first):
            yield updates

    async def _work(
        self,
        visitor: Visitor,
        work: Work,
        show: Callable[[Any], Updates] | None = None,
        first: Work | None = None,
    ) -> AsyncIterator[Updates]:
        """Put work in line and show how it goes; see `Visitors.start` and `_follow`."""
        try:
            job = self._visitors.start(visitor, work, first)
        except RefervidError as error:
            state = viewer_state(visitor.desk, busy=visitor.working)
            yield {self.viewer: state, **self._refusal(visitor, error)}
            return
        async for updates in self._follow(visitor, job, show):
            yield updates

    async def _follow(
        self, visitor: Visitor, job: Job, show: Callable[[Any], Updates] | None = None
    ) -> AsyncIterator[Updates]:
        """Show how a job goes, with a glimpse of the masks that it makes.

        The last updates, which set the buttons free again, hold all that there is now, or what `show` makes
        of the work's value if the work was done.
        """
        start, desk = time.monotonic(), visitor.desk
        glimpse, card = None, ""
        yield {self.go: gr.update(interactive=False), self.cancel: gr.update(visible=True, interactive=True)}
        while not job.finished:
            updates: Updates = {}
            news = html.progress_card(job, self._visitors.waiting(visitor))
            if news != card:
                card = news
                updates[self.status] = card
            if desk.work is not None and desk.work.glimpse not in (None, glimpse):
                glimpse = desk.work.glimpse
                updates[self.player] = html.player(desk, busy=True)
            if updates:
                yield updates
            await asyncio.sleep(TICK_S)
        last: Updates = {}
        if show is None:
            last = self._all_shown(visitor)
        elif job.state == "done":
            last = show(job.value)
        yield {
            self.go: gr.update(interactive=True),
            self.cancel: gr.update(visible=False),
            self.status: self._ending(job, time.monotonic() - start),
            **last,
        }

    def _refusal(self, visitor: Visitor, error: RefervidError) -> Updates:
        """While a job is under way, the card that tells how far it is tells the refusal too."""
        return {} if visitor.working else {self.status: html.error_card(error)}

    def _all_shown(self, visitor: Visitor) -> Updates:
        """The clips, and what there is on the one that is looked at."""
        desk = visitor.desk
        work = desk.work
        explained = None if work is None or work.answers is None else self._explained.get(work)
        recipes = (work.shell(), work.python()) if work is not None and explained else ("", "")
        return {
            self.clips: html.clips_card(desk),
            self.demo: gr.update(visible=not desk.works),
            self.player: html.player(desk, busy=visitor.working),
            self.viewer: viewer_state(desk, busy=visitor.working),
            self.summary: explained.summary if explained else "",
            self.reasons: explained.reasons if explained else html.nothing(html.NO_REASONS),
            self.pack: gr.update(interactive=explained is not None),
            self.package: "",
            self.shell: recipes[0],
            self.python: recipes[1],
        }

    def _asked(self, work: ClipWork) -> Updates:
        """The question as it was put."""
        results = work.answers.results if work.answers else ()
        if not results:
            return {}
        return {
            self.sentences: "\n".join(
                one.query for one in results if isinstance(one.reference, TextReference)
            ),
            self.sound: any(isinstance(one.reference, SoundReference) for one in results),
            self.preset: results[0].preset,
        }

    def _ending(self, job: Job, seconds: float) -> str:
        if job.error is not None:
            return html.error_card(job.error)
        return html.said_card("Cancelled." if job.state == "cancelled" else f"Done in {seconds:.1f} s.")
